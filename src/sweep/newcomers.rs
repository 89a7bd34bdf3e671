//! Members that joined lately, for a record of a new member that does not say which.

use authorization::target::AccountId;
use jiff::{SignedDuration, Timestamp};

use super::listing::NEW_FOR;
use super::pages::{OPERATION, Pages};
use super::{Rules, Selection, Sweep};
use crate::event::ACCOUNTS_LIMIT;
use crate::report::CallError;

/// A record may come late, and the platform repeats a run for some hours.
const LATELY: SignedDuration = SignedDuration::from_hours(24);

/// A member that joined lately, and when; the directory may not say when, and then it may have been lately.
type Newcomer = (Option<Timestamp>, AccountId);

impl Sweep<'_> {
    /// Adds every member that joined lately, if a record asks for them; tells what kept it from doing so.
    pub(super) async fn with_newcomers(
        &self,
        mut selection: Selection,
        rules: &Rules<'_>,
    ) -> (Selection, Vec<CallError>) {
        let records = std::mem::take(&mut selection.newcomers);
        let Some(first) = records.first() else { return (selection, Vec::new()) };
        let (mut joined, errors) = self.joined_lately(rules.now).await;
        joined.sort_unstable_by(|one, other| other.cmp(one));
        let mut too_many = 0;
        for (at, account) in &joined {
            let is_known = selection.candidates.iter().any(|known| known.account == *account);
            if !is_known && selection.candidates.len() >= ACCOUNTS_LIMIT {
                too_many += 1;
                continue;
            }
            let is_new = at.is_some_and(|at| rules.now.duration_since(at) < NEW_FOR);
            for record in &records {
                selection.add(rules.candidate(account), record, is_new);
            }
        }
        if too_many > 0 {
            let why = format!(
                "{} members joined within a day (or at a time that is not known), and one event takes at most {ACCOUNTS_LIMIT} accounts: \
                 the next run over all accounts looks at the other {too_many}",
                joined.len()
            );
            selection.leave_out(first, &why);
        } else if joined.is_empty() && errors.is_empty() {
            let why = "it does not say which account, and no member joined within a day";
            for record in &records {
                selection.leave_out(record, why);
            }
        }
        selection.candidates.sort_by_key(|candidate| candidate.is_new);
        selection.left_out.sort_by_key(|left_out| left_out.record);
        (selection, errors)
    }

    async fn joined_lately(&self, now: Timestamp) -> (Vec<Newcomer>, Vec<CallError>) {
        let (mut pages, mut joined, mut errors) =
            (Pages::of(&self.guard.session, &self.guard.stop), Vec::new(), Vec::new());
        while let Some(page) = pages.next_or(&mut errors).await {
            for member in page {
                if member.joined.is_some_and(|at| now.duration_since(at) >= LATELY) {
                    continue;
                }
                match member.account {
                    Ok(account) => joined.push((member.joined, account)),
                    Err(bad) => errors.push(CallError::of_reply(OPERATION, bad.to_string())),
                }
            }
        }
        // A list that may have gaps is read twice.
        joined.sort_unstable();
        joined.dedup();
        (joined, errors)
    }
}
