//! Reads the cloud into an [`ObservedRole`]: the only reader of roles.

use aliyun::{Error, Kind, RoleFacts};
use authorization::role::{ObservedRole, Role, Tags};
use authorization::target::PolicyRef;

use crate::case::Case;

/// The cloud could not be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LookError {
    /// A call did not succeed.
    #[error(transparent)]
    Call(#[from] Error),
    /// One read finds the role and the other does not: it is changing, or a reply is stale.
    #[error("`GetRole` and `ListPoliciesForRole` disagree on whether the role exists")]
    Disagree,
}

impl LookError {
    /// Whether the next look may succeed, without anybody doing anything.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Call(error) => error.kind.may_pass(),
            Self::Disagree => true,
        }
    }

    /// Whether there was no time left to look.
    pub(crate) fn is_out_of_time(&self) -> bool {
        matches!(self, Self::Call(error) if error.kind == Kind::DeadlineExceeded)
    }
}

/// How often two reads that disagree are repeated.
const LOOKS: usize = 4;

/// Looks at the role: two reads, made at the same time, and repeated while they disagree.
pub(crate) async fn role(case: Case<'_>) -> Result<ObservedRole, LookError> {
    let mut pauses = case.session.pauses(LOOKS - 1);
    loop {
        match look(case).await {
            Err(LookError::Disagree) if case.session.pause(pauses.next()).await => {}
            seen => return seen,
        }
    }
}

async fn look(case: Case<'_>) -> Result<ObservedRole, LookError> {
    let (role, policies) = tokio::join!(facts(case), case.session.list_policies_for_role(case.role()));
    match (role?, found(policies)?) {
        (None, None) => Ok(ObservedRole::Missing),
        (Some(facts), Some(policies)) => Ok(ObservedRole::Present(present(facts, policies))),
        (None, Some(_)) | (Some(_), None) => Err(LookError::Disagree),
    }
}

pub(crate) fn present(facts: RoleFacts, policies: Vec<PolicyRef>) -> Role {
    Role {
        id: facts.role_id,
        trust: facts.assume_role_policy_document,
        description: facts.description,
        max_session_duration: facts.max_session_duration,
        console_login: facts.allow_console_login,
        service_linked: facts.is_service_linked_role,
        policies: policies.into_iter().collect(),
    }
}

/// The role alone, without its policies; `None` where there is no such role.
pub(crate) async fn facts(case: Case<'_>) -> Result<Option<RoleFacts>, Error> {
    found(case.session.get_role(case.role()).await)
}

/// The tags of the role; `None` where there is no such role.
pub(crate) async fn tags(case: Case<'_>) -> Result<Option<Tags>, Error> {
    found(case.session.list_role_tags(case.role()).await)
}

/// The role and its tags, all read at the same time.
pub(crate) async fn whole(case: Case<'_>) -> Result<(ObservedRole, Option<Tags>), LookError> {
    let (role, tags) = tokio::join!(role(case), tags(case));
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
