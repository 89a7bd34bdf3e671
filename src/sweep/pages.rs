//! The pages of the directory's list of members, whatever the directory does to them.

use std::collections::HashSet;

use aliyun::{Error, Kind, Member, PAGE_SIZE, Page, Session};
use authorization::text::chain;

use super::is_late;
use crate::members;
use crate::report::CallError;
use crate::stop::Stop;

pub(crate) const OPERATION: &str = "ListAccounts";

/// Reads the list, and once more if it may have gaps: pages shift when a member leaves, and another slips through; or the
/// directory gave fewer members than it says that there are.
#[derive(Debug)]
pub(crate) struct Pages<'a> {
    session: &'a Session,
    stop: &'a Stop,
    pass: Pass,
    is_second: bool,
    is_over: bool,
    /// Every account on it, as it stands there.
    known: HashSet<String>,
}

/// One reading of all pages.
#[derive(Debug, Default)]
struct Pass {
    pages: usize,
    seen: HashSet<String>,
    /// How many members the directory says that there are.
    total: usize,
    /// That number changed from one page to the next.
    has_shifted: bool,
    is_over: bool,
}

impl<'a> Pages<'a> {
    pub(crate) fn of(session: &'a Session, stop: &'a Stop) -> Self {
        Self { session, stop, pass: Pass::default(), is_second: false, is_over: false, known: HashSet::new() }
    }

    /// How many members there are, as far as the directory says.
    pub(crate) fn total(&self) -> usize {
        self.pass.total
    }

    /// Every account of the list.
    pub(super) fn into_known(self) -> HashSet<String> {
        self.known
    }

    /// The members of the next page; what kept the list from being whole joins the errors.
    pub(super) async fn next_or(&mut self, errors: &mut Vec<CallError>) -> Option<Vec<Member>> {
        self.next().await.map(|page| page.map_err(|error| errors.push(error)).unwrap_or_default())
    }

    /// The members of the next page, or what kept the list from being whole; nothing follows that.
    pub(crate) async fn next(&mut self) -> Option<Result<Vec<Member>, CallError>> {
        if self.is_over {
            return None;
        }
        if self.pass.is_over {
            let lacks_some = self.known.len() < self.pass.total;
            if self.is_second || !(lacks_some || self.pass.has_shifted) {
                self.is_over = true;
                return lacks_some.then(|| Err(too_few(self.known.len(), self.pass.total)));
            }
            (self.is_second, self.pass) = (true, Pass::default());
        }
        let page = self.page().await;
        self.is_over = page.is_err();
        Some(page)
    }

    async fn page(&mut self) -> Result<Vec<Member>, CallError> {
        if is_late(self.session) {
            return Err(too_late(self.known.len(), self.pass.total));
        }
        let page = self.session.list_accounts(self.pass.pages + 1);
        let Some(page) = self.stop.unless_asked(page).await else {
            return Err(stopped(self.known.len(), self.pass.total));
        };
        let page = match page {
            // Beyond the last page some APIs answer with an error instead of an empty page.
            Err(error) if self.pass.may_be_over() && error.kind == Kind::Invalid => Page::default(),
            page => page.map_err(|error| not_listed(&error))?,
        };
        self.pass.take(&page);
        self.known.extend(page.members.iter().map(name));
        Ok(page.members)
    }
}

impl Pass {
    fn may_be_over(&self) -> bool {
        self.pages > 0 && self.seen.len() >= self.total
    }

    /// A short page is no end, and neither is the number of members that the directory says: both have been seen wrong. The
    /// end is a page with nothing new, which is asked for only where the count is not exactly met by a last, shorter page.
    fn take(&mut self, page: &Page) {
        self.pages += 1;
        if self.pages == 1 || !page.members.is_empty() {
            self.has_shifted |= self.pages > 1 && self.total != page.total;
            self.total = page.total;
        }
        let before = self.seen.len();
        self.seen.extend(page.members.iter().map(name));
        let is_met = self.seen.len() == self.total && page.members.len() < PAGE_SIZE;
        self.is_over = self.seen.len() == before || is_met;
    }
}

fn name(member: &Member) -> String {
    match &member.account {
        Ok(account) => account.as_str().to_owned(),
        Err(bad) => bad.to_string(),
    }
}

fn not_listed(error: &Error) -> CallError {
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

fn stopped(known: usize, total: usize) -> CallError {
    let message = format!("the run was stopped before all members were listed: {known} of {total} are known");
    CallError::of_reply(OPERATION, message)
}

fn too_late(known: usize, total: usize) -> CallError {
    let message = format!("too little time was left to list all members: {known} of {total} are known");
    CallError::of_reply(OPERATION, message)
}
