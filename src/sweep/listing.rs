//! The members of the directory, page by page, while the first of them are already looked at.

use std::collections::HashSet;

use super::queue::Queue;
use super::{Gate, Rules, Sweep, lines};
use crate::client::{Error, Kind, Member, MemberStatus, PAGE_SIZE, Page};
use crate::members;
use crate::report::CallError;
use crate::target::AccountId;
use crate::telemetry::chain;

/// Who became a member so lately may not have its access role yet (inferred).
pub(super) const NEW_FOR: jiff::SignedDuration = jiff::SignedDuration::from_mins(10);

/// A list of more pages has no end.
const MOST_PAGES: usize = 1000;

pub(super) const OPERATION: &str = "ListAccounts";

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

/// One reading of all pages.
struct Pass {
    /// How many members the directory says that there are.
    total: usize,
    /// The number of members changed from one page to the next.
    has_shifted: bool,
}

impl Sweep<'_> {
    /// Offers every member once and closes the queue; tells what kept it from doing so.
    pub(super) async fn list(&self, rules: &Rules<'_>, queue: &Queue) -> Listed {
        let mut listing =
            Listing { sweep: self, rules, queue, listed: Listed { errors: Vec::new(), known: HashSet::new() } };
        if let Err(error) = listing.read().await {
            listing.listed.errors.push(error);
        }
        queue.close();
        listing.listed
    }
}

/// The list while it is read.
struct Listing<'a> {
    sweep: &'a Sweep<'a>,
    rules: &'a Rules<'a>,
    queue: &'a Queue,
    listed: Listed,
}

impl Listing<'_> {
    /// Reads the list, and once more if it may have gaps: pages shift when a member leaves, and another slips through; or
    /// the directory gave fewer members than it says that there are.
    async fn read(&mut self) -> Result<(), CallError> {
        let mut pass = self.pass().await?;
        if pass.has_shifted || self.lacks_some(&pass) {
            pass = self.pass().await?;
        }
        if self.lacks_some(&pass) { Err(too_few(self.listed.known.len(), pass.total)) } else { Ok(()) }
    }

    fn lacks_some(&self, pass: &Pass) -> bool {
        self.listed.known.len() < pass.total
    }

    /// A short page is no end, and neither is the number of members that the directory says: both have been seen wrong. The
    /// end is a page with nothing new, which is asked for only where the count is not exactly met by a last, shorter page.
    async fn pass(&mut self) -> Result<Pass, CallError> {
        let (mut seen, mut totals, mut total) = (HashSet::new(), HashSet::new(), 0);
        for number in 1..=MOST_PAGES {
            let page = self.page(number, seen.len() >= total).await?;
            if number == 1 || !page.members.is_empty() {
                total = page.total;
                totals.insert(total);
                self.queue.expect(total);
            }
            let (before, is_full) = (seen.len(), page.members.len() >= PAGE_SIZE);
            for member in page.members {
                seen.insert(self.offer(member));
            }
            if seen.len() == before || (seen.len() == total && !is_full) {
                return Ok(Pass { total, has_shifted: totals.len() > 1 });
            }
        }
        let message =
            format!("the list of members has no end: more than {MOST_PAGES} pages; not all members are known");
        Err(CallError::of_reply(OPERATION, message))
    }

    /// Beyond the last page some APIs answer with an error instead of an empty page.
    async fn page(&self, number: usize, may_be_over: bool) -> Result<Page, CallError> {
        if self.sweep.is_late() {
            return Err(too_late(self.queue));
        }
        match self.sweep.guard.session.list_accounts(number).await {
            Err(error) if may_be_over && number > 1 && error.kind == Kind::Invalid => {
                Ok(Page { total: 0, members: Vec::new() })
            }
            page => page.map_err(|error| not_listed(&error)),
        }
    }

    /// Offers a member, and gives back its id, whatever that is.
    fn offer(&mut self, member: Member) -> String {
        let account = match member.account {
            Ok(account) => account,
            Err(bad) => {
                let error = CallError::of_reply(OPERATION, bad.to_string());
                if !self.listed.errors.contains(&error) {
                    self.listed.errors.push(error);
                }
                self.listed.known.insert(bad.to_string());
                return bad.to_string();
            }
        };
        self.listed.known.insert(account.as_str().to_owned());
        let mut look = self.rules.look(&account);
        look.is_new = member.joined.is_some_and(|joined| self.rules.now.duration_since(joined) < NEW_FOR);
        let gate = match member.status {
            MemberStatus::Absent(status) => Gate::closed(lines::absent(&look, &status)),
            MemberStatus::Active => Gate::of(&look),
        };
        self.queue.offer(look, gate);
        account.as_str().to_owned()
    }
}

pub(super) fn not_listed(error: &Error) -> CallError {
    let advice = members::advice(error).map(|advice| format!("; {advice}")).unwrap_or_default();
    let message = format!("the members could not be listed, or not all of them: {}{advice}", chain(error));
    CallError::from(error).saying(message)
}

fn too_few(known: usize, total: usize) -> CallError {
    let message = format!(
        "the directory says that it has {total} members, and twice listed no more than {known}: the others were not looked at"
    );
    CallError::of_reply(OPERATION, message)
}

fn too_late(queue: &Queue) -> CallError {
    let (known, total) = (queue.known(), queue.total());
    let message = format!("too little time was left to list all members: {known} of {total} are known");
    CallError::of_reply(OPERATION, message)
}
