//! One account: its roles and custom policies.

use std::collections::BTreeMap;

use super::record::{CustomPolicy, Limits, RoleRecord};
use super::role::Role;

/// An account as the server knows it. Roles are kept under their name in lower case.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Account {
    pub(crate) roles: BTreeMap<String, RoleRecord>,
    pub(crate) policies: BTreeMap<String, CustomPolicy>,
    pub(crate) limits: Limits,
    pub(crate) suspended: bool,
}

impl Account {
    pub(crate) fn role(&self, name: &str) -> Option<&RoleRecord> {
        self.roles.get(&name.to_lowercase())
    }

    pub(crate) fn role_mut(&mut self, name: &str) -> Option<&mut RoleRecord> {
        self.roles.get_mut(&name.to_lowercase())
    }

    pub(crate) fn put(&mut self, role: RoleRecord) {
        self.roles.insert(role.name.to_lowercase(), role);
    }
}

/// What a test puts into an account; see [`World::account`](crate::World::account).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct AccountSeed {
    pub(crate) roles: Vec<Role>,
    pub(crate) policies: Vec<(String, String)>,
    pub(crate) limits: Option<Limits>,
    pub(crate) suspended: bool,
}

impl AccountSeed {
    /// Adds a role.
    pub fn role(mut self, role: Role) -> Self {
        self.roles.push(role);
        self
    }

    /// Adds a custom policy that allows to read a bucket.
    pub fn custom_policy(self, name: &str) -> Self {
        self.custom_policy_with(
            name,
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:GetObject","Resource":"*"}]}"#,
        )
    }

    /// Adds a custom policy with a document.
    pub fn custom_policy_with(mut self, name: &str, document: &str) -> Self {
        self.policies.push((name.to_owned(), document.to_owned()));
        self
    }

    /// An account that was suspended, for unpaid bills or by a member's deletion: its keys and its roles answer
    /// `Inactive` (403) to every call and to `AssumeRole`. The code is documented for RAM, its use here is inferred.
    pub fn suspended(mut self) -> Self {
        self.suspended = true;
        self
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.roles.is_empty() && self.policies.is_empty() && self.limits.is_none() && !self.suspended
    }

    /// How many roles the account may have; 1000 by default.
    pub fn role_limit(mut self, roles: usize) -> Self {
        self.limits.get_or_insert_default().roles = roles;
        self
    }

    /// How many system and custom policies a role may have; 20 and 10 by default.
    pub fn policy_limits(mut self, system: usize, custom: usize) -> Self {
        let limits = self.limits.get_or_insert_default();
        (limits.system_policies, limits.custom_policies) = (system, custom);
        self
    }
}
