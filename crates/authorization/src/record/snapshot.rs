//! A role as it is on record, and what it takes to bring it back.

use crate::role::{Role, Tags};
use crate::target::PolicyRef;
use serde::{Deserialize, Serialize};

use super::{can_be_held, is_id};

/// A role, and what it takes to bring it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Snapshot {
    pub(super) role_id: String,
    pub(super) trust_policy: String,
    description: String,
    max_session_duration: Option<u32>,
    allow_console_login: Option<bool>,
    pub(super) policies: Vec<PolicyRef>,
    /// Null where they were not read.
    tags: Option<Tags>,
}

impl Snapshot {
    /// What there is to remember of a role.
    #[must_use]
    pub fn of(role: &Role, tags: Option<&Tags>) -> Self {
        Self {
            role_id: role.id.clone(),
            trust_policy: role.trust.clone(),
            description: role.description.clone(),
            max_session_duration: role.max_session_duration,
            allow_console_login: role.console_login,
            policies: role.policies.iter().cloned().collect(),
            tags: tags.cloned(),
        }
    }

    /// The role that was found. The guard writes no trust policy from here.
    #[must_use]
    pub fn role(&self) -> Role {
        Role {
            id: self.role_id.clone(),
            trust: self.trust_policy.clone(),
            description: self.description.clone(),
            max_session_duration: self.max_session_duration,
            console_login: self.allow_console_login,
            service_linked: false,
            policies: self.policies.iter().cloned().collect(),
        }
    }

    /// The role no longer has this policy, and not because of the guard: it is not to come back.
    pub fn forget(&mut self, policy: &PolicyRef) {
        self.policies.retain(|held| held != policy);
    }

    /// The role had this policy too.
    pub fn remember(&mut self, policy: &PolicyRef) {
        if !self.policies.contains(policy) {
            self.policies.push(policy.clone());
        }
    }

    /// Its tags, where they were read.
    #[must_use]
    pub fn tags(&self) -> Option<&Tags> {
        self.tags.as_ref()
    }

    /// Documented limits (source: the vendor's RAM API reference), with room for quotas that were raised.
    pub(super) fn impossible(&self) -> Option<&'static str> {
        let long = |text: &str, limit| text.chars().count() > limit;
        let tags = self.tags.iter().flatten();
        let checks = [
            (!is_id(&self.role_id), "this role id"),
            (long(&self.description, 1024), "this description"),
            (self.max_session_duration.is_some_and(|time| !(3600..=43200).contains(&time)), "this session duration"),
            (!can_be_held(&self.policies), "these policies"),
            (tags.clone().any(|(key, value)| key.is_empty() || long(key, 128) || long(value, 256)), "these tags"),
        ];
        checks.into_iter().find(|(wrong, _)| *wrong).map(|(_, what)| what)
    }
}
