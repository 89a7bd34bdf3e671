//! The members of the directory, page by page, while the first of them are already looked at.

use std::collections::HashSet;

use super::queue::Queue;
use super::{Gate, Rules, Sweep, lines};
use crate::client::{Error, Member, MemberStatus, PAGE_SIZE};
use crate::members;
use crate::report::CallError;
use crate::telemetry::chain;

/// Who became a member so lately may not have its access role yet (inferred).
const NEW_FOR: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

const OPERATION: &str = "ListAccounts";

/// What the pages were.
enum Pages {
    /// All of one list.
    Whole,
    /// The number of members changed from one to the next.
    Shifted,
}

impl Sweep<'_> {
    /// Offers every member once and closes the queue; tells what kept it from doing so.
    pub(super) async fn list(&self, rules: &Rules<'_>, queue: &Queue) -> Vec<CallError> {
        let mut errors = Vec::new();
        // Pages shift when a member leaves, and another slips through: then the list is read once more.
        for _ in 0..2 {
            match self.pages(rules, queue, &mut errors).await {
                Ok(Pages::Shifted) => {}
                Ok(Pages::Whole) => break,
                Err(error) => {
                    errors.push(error);
                    break;
                }
            }
        }
        queue.close();
        errors
    }

    async fn pages(&self, rules: &Rules<'_>, queue: &Queue, errors: &mut Vec<CallError>) -> Result<Pages, CallError> {
        let mut totals = HashSet::new();
        for number in 1.. {
            if self.is_late() {
                return Err(too_late(queue));
            }
            let page = self.guard.session.list_accounts(number).await.map_err(|error| not_listed(&error))?;
            queue.expect(page.total);
            totals.insert(page.total);
            let is_last = page.members.is_empty() || number.saturating_mul(PAGE_SIZE) >= page.total;
            for member in page.members {
                errors.extend(offer(rules, queue, member).err().filter(|error| !errors.contains(error)));
            }
            if is_last {
                break;
            }
        }
        Ok(if totals.len() > 1 { Pages::Shifted } else { Pages::Whole })
    }
}

fn offer(rules: &Rules<'_>, queue: &Queue, member: Member) -> Result<(), CallError> {
    let account = member.account.map_err(|bad| CallError::of_reply(OPERATION, bad.to_string()))?;
    let mut look = rules.look(&account);
    look.is_new = member.joined.is_some_and(|joined| rules.now.duration_since(joined) < NEW_FOR);
    let gate = match member.status {
        MemberStatus::Absent(status) => Gate::closed(lines::absent(&look, &status)),
        MemberStatus::Active => Gate::of(&look),
    };
    queue.offer(look, gate);
    Ok(())
}

fn not_listed(error: &Error) -> CallError {
    let advice = members::advice(error).map(|advice| format!("; {advice}")).unwrap_or_default();
    let message = format!("the members could not be listed, or not all of them: {}{advice}", chain(error));
    CallError::from(error).saying(message)
}

fn too_late(queue: &Queue) -> CallError {
    let (known, total) = (queue.known(), queue.total());
    let message = format!("too little time was left to list all members: {known} of {total} are known");
    CallError::of_reply(OPERATION, message)
}
