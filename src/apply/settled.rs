//! Whether the cloud is in the state that a step leads to.

use aliyun::Error;
use authorization::plan::Step;
use authorization::policy;

use super::{Item, Run};
use crate::case::Case;
use crate::observe;

/// Looks.
pub(super) async fn is(case: Case<'_>, step: &Step) -> Result<bool, Error> {
    match step {
        Step::Detach(policy) => Ok(!case.session.list_policies_for_role(case.role()).await?.contains(policy)),
        Step::Attach(policy) => Ok(case.session.list_policies_for_role(case.role()).await?.contains(policy)),
        Step::Delete { role_id } => Ok(role_id_now(case).await?.as_ref() != Some(role_id)),
        Step::Create { replaces, .. } => {
            let now = role_id_now(case).await?;
            Ok(now.is_some() && now != *replaces)
        }
        Step::UpdateTrust { to, .. } => {
            Ok(policy::same_document(&case.session.get_role(case.role()).await?.assume_role_policy_document, &to.trust))
        }
        Step::Tag(tags) => {
            let now = observe::tags(case).await?.unwrap_or_default();
            Ok(tags.iter().all(|(key, value)| now.get(key) == Some(value)))
        }
        Step::LeaveTag(_) => Ok(true),
    }
}

impl Run<'_, '_> {
    /// Whether the creation failed because the role that it was to replace was not deleted after all.
    pub(super) async fn is_still_there(&self) -> bool {
        let replaces = self.items.iter().find_map(|Item { step, .. }| match step {
            Step::Create { replaces, .. } => replaces.as_ref(),
            _ => None,
        });
        match replaces {
            Some(old) => role_id_now(self.case).await.is_ok_and(|now| now.as_ref() == Some(old)),
            None => false,
        }
    }
}

pub(super) async fn role_id_now(case: Case<'_>) -> Result<Option<String>, Error> {
    match case.session.get_role(case.role()).await {
        Ok(role) => Ok(Some(role.role_id)),
        Err(error) if error.is_role_missing() => Ok(None),
        Err(error) => Err(error),
    }
}
