//! The policies that roles hold: what each is, and what all of a role's allow.

use super::account::Account;
use super::catalogue;
use super::record::{CustomPolicy, PolicyType, RoleRecord};
use crate::clock::iso;
use crate::policy::Document;

/// A policy of either type, as replies tell it.
pub(crate) struct Policy {
    pub(crate) version: &'static str,
    pub(crate) description: String,
    pub(crate) document: String,
    pub(crate) created: String,
    pub(crate) updated: String,
}

impl Policy {
    fn system(name: &str) -> Option<Self> {
        let (version, document) = (catalogue::version(name)?, catalogue::document(name)?);
        let (created, updated) = ("2016-09-12T13:34:45Z".to_owned(), "2026-01-08T13:03:50Z".to_owned());
        Some(Self { version, description: String::new(), document, created, updated })
    }

    fn custom(policy: &CustomPolicy) -> Self {
        let CustomPolicy { description, document, date, .. } = policy.clone();
        Self { version: "v1", description, document, created: iso(date), updated: iso(date) }
    }
}

impl Account {
    pub(crate) fn policy(&self, policy_type: PolicyType, name: &str) -> Option<Policy> {
        match policy_type {
            PolicyType::System => Policy::system(name),
            PolicyType::Custom => self.policies.get(name).map(Policy::custom),
        }
    }

    /// What a role's policies allow; a policy that is gone allows nothing.
    pub(crate) fn allowed_to(&self, role: &RoleRecord) -> Vec<Document> {
        let found = role.policies.iter().filter_map(|attached| self.policy(attached.policy_type, &attached.name));
        found.filter_map(|policy| Document::parse(&policy.document)).collect()
    }
}
