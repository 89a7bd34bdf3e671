//! A role: as it was read, and as it is written.

mod view;

use std::collections::{BTreeMap, BTreeSet};

pub use view::{PolicyName, RoleView, document_last};

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
    #[must_use]
    pub fn present(&self) -> Option<&Role> {
        match self {
            Self::Missing => None,
            Self::Present(role) => Some(role),
        }
    }
}

impl Role {
    /// What of the role is not as it was, policies left aside. A reply that leaves a field out says nothing about it.
    #[must_use]
    pub fn difference(&self, before: &Self) -> Option<&'static str> {
        let differs = [
            (before.id != self.id, "another role id"),
            (!policy::same_document(&before.trust, &self.trust), "another trust policy"),
            (!self.has_settings_of(before), "another description, session duration or console flag"),
        ];
        differs.into_iter().find(|(differs, _)| *differs).map(|(_, what)| what)
    }

    /// Whether description, session duration and console flag are those of another look.
    #[must_use]
    pub fn has_settings_of(&self, before: &Self) -> bool {
        self.description == before.description && self.has_flags(before.max_session_duration, before.console_login)
    }

    /// Whether it is what was asked for. The cloud may trim a description.
    #[must_use]
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
