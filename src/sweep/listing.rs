//! The members of the directory are put into the queue page by page, while the first of them are already looked at.

use std::collections::HashSet;

use aliyun::{Member, MemberStatus};
use authorization::target::AccountId;

use super::pages::{OPERATION, Pages};
use super::queue::WorkQueue;
use super::{Admission, Rules, Sweep};
use crate::members::{Folders, Standing};
use crate::outcome::{Ending, Skipped};
use crate::report::CallError;

/// Who became a member so lately may not have its access role yet (inferred).
pub(super) const NEW_FOR: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// What the list was.
#[derive(Debug)]
pub(super) struct Listed {
    /// What kept it from being whole.
    pub(super) errors: Vec<CallError>,
    /// Every account on it.
    known: HashSet<String>,
}

impl Listed {
    /// Whether an account is no member, as far as that is known: of a list with gaps nothing can be said.
    pub(super) fn lacks(&self, account: &AccountId) -> bool {
        self.errors.is_empty() && !self.known.contains(account.as_str())
    }
}

impl Sweep<'_> {
    /// Offers every member once and closes the queue; tells what kept it from doing so.
    pub(super) async fn list(&self, rules: &Rules<'_>, queue: &WorkQueue, folders: &Folders<'_>) -> Listed {
        let (mut pages, mut errors) = (Pages::of(&self.guard.session, &self.guard.stop), Vec::new());
        while let Some(page) = pages.next_or(&mut errors).await {
            if !folders.are_some() {
                queue.expect(pages.total());
            }
            for member in page {
                let offered = self.offer(rules, queue, folders, member).await;
                errors.extend(offered.err().filter(|error| !errors.contains(error)));
            }
        }
        queue.close();
        Listed { errors, known: pages.into_known() }
    }

    /// An account outside the folders is not in this run.
    async fn offer(
        &self,
        rules: &Rules<'_>,
        queue: &WorkQueue,
        folders: &Folders<'_>,
        member: Member,
    ) -> Result<(), CallError> {
        let account = member.account.map_err(|bad| CallError::of_reply(OPERATION, bad.to_string()))?;
        let mut candidate = rules.candidate(&account);
        candidate.is_new = member.joined.is_some_and(|joined| rules.now.duration_since(joined) < NEW_FOR);
        let admission = match (member.status, folders.standing(&member.location).await) {
            (MemberStatus::Absent(status), Ok(Standing::Inside) | Err(_)) => {
                Some(Admission::closed(candidate.ended(Ending::Skipped(Skipped::NotActive(status)))))
            }
            (_, standing) => Admission::by_folder(&candidate, standing),
        };
        if let Some(admission) = admission {
            queue.offer(candidate, admission);
        }
        Ok(())
    }
}
