//! A role: as it was read, as it is written, and as it is shown.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::policy;
use crate::target::PolicyRef;

/// What was just read of the role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ObservedRole {
    /// There is no such role.
    Missing,
    /// There is one.
    Present(Role),
}

/// Tags by key.
pub type Tags = BTreeMap<String, String>;

/// A role that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    /// Changes when a role is recreated.
    pub id: String,
    /// The trust policy, as the cloud answered it.
    pub trust: String,
    /// Its description; empty where it has none.
    pub description: String,
    /// Seconds.
    pub max_session_duration: Option<u32>,
    /// Whether a person may switch to it in the console; absent where the cloud does not say.
    pub console_login: Option<bool>,
    /// Whether it belongs to a service and cannot be deleted by hand.
    pub service_linked: bool,
    /// The attached policies.
    pub policies: BTreeSet<PolicyRef>,
}

impl ObservedRole {
    /// The role, if it exists.
    pub fn present(&self) -> Option<&Role> {
        match self {
            Self::Missing => None,
            Self::Present(role) => Some(role),
        }
    }
}

impl Role {
    /// What of the role is not as it was, policies left aside. A reply that leaves a field out says nothing about it.
    pub fn difference(&self, before: &Self) -> Option<&'static str> {
        let differs = [
            (before.id != self.id, "another role id"),
            (!policy::same_document(&before.trust, &self.trust), "another trust policy"),
            (!self.has_settings_of(before), "another description, session duration or console flag"),
        ];
        differs.into_iter().find(|(differs, _)| *differs).map(|(_, what)| what)
    }

    /// Whether description, session duration and console flag are those of another look.
    pub fn has_settings_of(&self, before: &Self) -> bool {
        self.description == before.description && self.has_flags(before.max_session_duration, before.console_login)
    }

    /// Whether it is what was asked for. The cloud may trim a description.
    pub fn is_made_of(&self, new: &NewRole) -> bool {
        policy::same_document(&self.trust, &new.trust)
            && self.description.trim() == new.description.trim()
            && self.has_flags(new.max_session_duration, new.allow_console_login)
    }

    fn has_flags(&self, duration: Option<u32>, console_login: Option<bool>) -> bool {
        fn agree<T: PartialEq + Copy>(one: Option<T>, other: Option<T>) -> bool {
            one.is_none() || other.is_none() || one == other
        }
        agree(self.max_session_duration, duration) && agree(self.console_login, console_login)
    }
}

/// The parameters of `CreateRole`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRole {
    /// The trust policy.
    pub trust: String,
    /// At most 1024 characters.
    pub description: String,
    /// Seconds, 3600 to 43200.
    pub max_session_duration: Option<u32>,
    /// Sent only where the role had one.
    pub allow_console_login: Option<bool>,
}

/// The parameters of `UpdateRole`; what is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChange {
    /// The trust policy.
    pub trust: String,
}

/// A role as the report and the log show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleView {
    /// Changes when a role is recreated.
    pub role_id: String,
    /// The trust policy; text where it is not JSON.
    #[serde(default)]
    pub trust_policy: Value,
    /// The attached policies.
    #[serde(default)]
    pub policies: Vec<PolicyName>,
    /// Empty where it has none.
    #[serde(default)]
    pub description: String,
    /// Seconds.
    pub max_session_duration: Option<u32>,
    /// Whether a person may switch to it in the console.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allow_console_login: Option<bool>,
    /// Null where they were not read.
    pub tags: Option<Tags>,
}

/// An attached policy in the report.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicyName {
    /// `System` or `Custom`.
    pub policy_type: Cow<'static, str>,
    /// Its name.
    pub policy_name: String,
}

impl fmt::Display for PolicyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.policy_type, self.policy_name)
    }
}

impl From<&PolicyRef> for PolicyName {
    fn from(policy: &PolicyRef) -> Self {
        Self { policy_type: policy.kind.as_str().into(), policy_name: policy.name.clone() }
    }
}

impl RoleView {
    /// The role as the report and the journal show it. Tags are null where they were not read.
    pub fn of(role: Option<&Role>, tags: Option<&Tags>) -> Option<Box<Self>> {
        let role = role?;
        Some(Box::new(Self {
            role_id: role.id.clone(),
            trust_policy: policy::for_report(&role.trust),
            policies: role.policies.iter().map(PolicyName::from).collect(),
            description: role.description.clone(),
            max_session_duration: role.max_session_duration,
            allow_console_login: role.console_login,
            tags: tags.cloned(),
        }))
    }
}

/// Moves the trust policy of a role to its end: it may be longer than all the rest.
pub fn document_last(role: &mut Value) {
    if let Value::Object(fields) = role
        && let Some(document) = fields.shift_remove("trustPolicy")
    {
        fields.insert("trustPolicy".to_owned(), document);
    }
}
