//! A role as it is shown.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Role, Tags};
use crate::policy;
use crate::target::PolicyRef;

/// A role as the report and the log show it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RoleView {
    /// Changes when a role is recreated.
    pub role_id: String,
    /// The trust policy; text where it is no JSON.
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

impl std::fmt::Display for PolicyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
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
    #[must_use]
    pub fn of(role: Option<&Role>, tags: Option<&Tags>) -> Option<Box<Self>> {
        let role = role?;
        let policies = role.policies.iter();
        Some(Box::new(Self {
            role_id: role.id.clone(),
            trust_policy: policy::for_report(&role.trust),
            policies: policies.map(PolicyName::from).collect(),
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
