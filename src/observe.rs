//! Reads the cloud into an [`ObservedRole`]: the only reader of roles.

use std::collections::{BTreeMap, BTreeSet};

use crate::client::{Error, Kind, NewRole, RoleFacts, Session};
use crate::policy;
use crate::target::{PolicyRef, ROLE_NAME};

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

    fn new(facts: RoleFacts, policies: Vec<PolicyRef>) -> Self {
        Self {
            id: facts.role_id,
            trust: facts.assume_role_policy_document,
            description: facts.description,
            max_session_duration: facts.max_session_duration,
            console_login: facts.allow_console_login,
            service_linked: facts.is_service_linked_role,
            policies: policies.into_iter().collect(),
        }
    }
}

/// The cloud could not be read.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// A call did not succeed.
    #[error(transparent)]
    Call(#[from] Error),
    /// One read finds the role and the other does not: it is changing, or a reply is stale.
    #[error("`GetRole` and `ListPoliciesForRole` disagree on whether the role exists")]
    Disagree,
}

impl LookError {
    /// Whether the next look may succeed, without anybody doing anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Call(error) => error.kind.may_pass(),
            Self::Disagree => true,
        }
    }

    /// Whether there was no time left to look.
    pub(crate) fn is_out_of_time(&self) -> bool {
        matches!(self, Self::Call(error) if error.kind == Kind::NoTime)
    }
}

/// How often two reads that disagree are repeated.
const LOOKS: usize = 4;

/// Looks at the role: two reads, made at the same time.
///
/// # Errors
/// When a read fails, or the two keep disagreeing.
pub async fn role(session: &Session) -> Result<ObservedRole, LookError> {
    let mut pauses = session.pauses(LOOKS - 1);
    loop {
        match look(session).await {
            Err(LookError::Disagree) => match pauses.next() {
                Some(pause) if session.pause(pause).await => {}
                _ => return Err(LookError::Disagree),
            },
            seen => return seen,
        }
    }
}

async fn look(session: &Session) -> Result<ObservedRole, LookError> {
    let (role, policies) = tokio::join!(session.get_role(ROLE_NAME), session.list_policies_for_role(ROLE_NAME));
    match (found(role)?, found(policies)?) {
        (None, None) => Ok(ObservedRole::Missing),
        (Some(facts), Some(policies)) => Ok(ObservedRole::Present(Role::new(facts, policies))),
        (None, Some(_)) | (Some(_), None) => Err(LookError::Disagree),
    }
}

/// The tags of the role; `None` where there is no such role.
///
/// # Errors
/// Any [`Error`] that is no answer.
pub async fn tags(session: &Session) -> Result<Option<Tags>, Error> {
    found(session.list_role_tags(ROLE_NAME).await)
}

/// The role and its tags, all read at the same time.
///
/// # Errors
/// When a read fails, or the two reads of the role keep disagreeing.
pub async fn whole(session: &Session) -> Result<(ObservedRole, Option<Tags>), LookError> {
    let (role, tags) = tokio::join!(role(session), tags(session));
    Ok((role?, tags?))
}

/// "There is no such role" is an answer here, not an error.
fn found<T>(reply: Result<T, Error>) -> Result<Option<T>, Error> {
    match reply {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_role_missing() => Ok(None),
        Err(error) => Err(error),
    }
}
