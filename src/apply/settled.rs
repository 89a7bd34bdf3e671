//! Whether the cloud is in the state that a step leads to.

use crate::client::{Error, Session};
use crate::plan::Step;
use crate::policy;
use crate::target::ROLE_NAME;

/// Looks.
pub(super) async fn is(session: &Session, step: &Step) -> Result<bool, Error> {
    match step {
        Step::Detach(policy) => Ok(!session.list_policies_for_role(ROLE_NAME).await?.contains(policy)),
        Step::Attach(policy) => Ok(session.list_policies_for_role(ROLE_NAME).await?.contains(policy)),
        Step::Delete { role_id } => Ok(role_id_now(session).await?.as_ref() != Some(role_id)),
        Step::Create { replaces, .. } => {
            let now = role_id_now(session).await?;
            Ok(now.is_some() && now != *replaces)
        }
        Step::UpdateTrust { to, .. } => {
            Ok(policy::same_document(&session.get_role(ROLE_NAME).await?.assume_role_policy_document, &to.trust))
        }
        Step::Tag(tags) => {
            let now = session.list_role_tags(ROLE_NAME).await?;
            Ok(tags.iter().all(|(key, value)| now.get(key) == Some(value)))
        }
        Step::LeaveTag(_) => Ok(true),
    }
}

/// Whether a creation failed because the role that it was to replace was not deleted after all.
pub(super) async fn still_there(session: &Session, step: &Step) -> bool {
    match step {
        Step::Create { replaces: replaces @ Some(_), .. } => {
            role_id_now(session).await.is_ok_and(|now| now == *replaces)
        }
        _ => false,
    }
}

/// Whether a look shows that there is no role.
pub(super) async fn is_missing(session: &Session) -> bool {
    role_id_now(session).await.is_ok_and(|now| now.is_none())
}

async fn role_id_now(session: &Session) -> Result<Option<String>, Error> {
    match session.get_role(ROLE_NAME).await {
        Ok(role) => Ok(Some(role.role_id)),
        Err(error) if error.is_role_missing() => Ok(None),
        Err(error) => Err(error),
    }
}
