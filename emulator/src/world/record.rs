//! Roles and policies as the server keeps them.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

/// Whose policy it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PolicyType {
    /// Alibaba Cloud's.
    System,
    /// The account's.
    Custom,
}

impl PolicyType {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text {
            "System" => Some(Self::System),
            "Custom" => Some(Self::Custom),
            _ => None,
        }
    }
}

impl fmt::Display for PolicyType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A policy attached to a role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// `System` or `Custom`.
    pub policy_type: PolicyType,
    /// `PolicyName`.
    pub name: String,
    /// `AttachDate`.
    pub date: Timestamp,
}

impl Attachment {
    pub(crate) fn new(policy_type: PolicyType, name: &str, date: Timestamp) -> Self {
        Self { policy_type, name: name.to_owned(), date }
    }

    pub(crate) fn is(&self, policy_type: PolicyType, name: &str) -> bool {
        self.policy_type == policy_type && self.name == name
    }
}

/// A role, as the emulator holds it at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleRecord {
    /// `RoleId`; a recreated role has another one.
    pub role_id: String,
    /// `RoleName`.
    pub name: String,
    /// `AssumeRolePolicyDocument`, as it was sent.
    pub trust: String,
    /// `Description`.
    pub description: String,
    /// `MaxSessionDuration`, seconds.
    pub max_session_duration: u32,
    /// `CreateDate`.
    pub create_date: Timestamp,
    /// `UpdateDate`.
    pub update_date: Timestamp,
    /// `AllowConsoleLogin`, if anybody ever said.
    pub console_login: Option<bool>,
    /// `IsServiceLinkedRole`.
    pub service_linked: bool,
    /// Tags by key.
    pub tags: BTreeMap<String, String>,
    /// In the order of attachment.
    pub policies: Vec<Attachment>,
}

impl RoleRecord {
    pub(crate) fn attach(&mut self, attachment: Attachment) {
        if !self.has_policy(attachment.policy_type, &attachment.name) {
            self.policies.push(attachment);
        }
    }

    /// Whether a policy is attached.
    #[must_use]
    pub fn has_policy(&self, policy_type: PolicyType, name: &str) -> bool {
        self.policies.iter().any(|attached| attached.is(policy_type, name))
    }

    /// The names of the attached policies, in the order of attachment.
    #[must_use]
    pub fn policy_names(&self) -> Vec<&str> {
        self.policies.iter().map(|attached| attached.name.as_str()).collect()
    }
}

/// A custom policy; only its default version exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CustomPolicy {
    pub(crate) name: String,
    pub(crate) description: String,
    pub(crate) document: String,
    pub(crate) date: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
}

impl CustomPolicy {
    pub(crate) fn new(name: &str, document: &str, date: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            description: String::new(),
            document: document.to_owned(),
            date,
            tags: BTreeMap::new(),
        }
    }

    pub(crate) fn sample(name: &str, date: Timestamp) -> Self {
        Self::new(
            name,
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:GetObject","Resource":"*"}]}"#,
            date,
        )
    }
}

/// How much an account may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) roles: usize,
    pub(crate) system_policies: usize,
    pub(crate) custom_policies: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { roles: 1000, system_policies: 20, custom_policies: 10 }
    }
}
