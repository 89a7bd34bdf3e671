//! The work in one account: enter it, and hand it to [`reconcile`].

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::Duration;

use aliyun::Kind;
use authorization::settings::Mode;
use authorization::target::AccountId;
use authorization::verify::Finding;
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::{Admission, Candidate, Reach, Sweep, WorkItem};
use crate::event::Approved;
use crate::members::{self, AccessDenied, Entry, Membership};
use crate::outcome::{AccountOutcome, Ending, Failed, Pending, Skipped};
use crate::reconcile::{self, Guard};

/// The directory is asked again about this many accounts that cannot be entered. If more cannot be entered, they have not all
/// left it: the setup is wrong, and asking about each would take longer than the rest of the run.
const ASKED_AGAIN: usize = 100;

impl Sweep<'_> {
    /// The account of an item, and what stands in the way, if anything does: that is its outcome then. `is_behind` says that
    /// another run, which may write, did not end in time; `kept_back` is time that belongs to other work.
    pub(super) fn begin(
        &self,
        item: WorkItem,
        is_behind: bool,
        kept_back: Duration,
    ) -> (Candidate, Option<AccountOutcome>) {
        let WorkItem { candidate, admission, is_certain } = item;
        let pending = match admission {
            Admission::Closed(outcome) => return (candidate, Some(*outcome)),
            Admission::Open if self.guard.stop.is_asked() => Pending::Stopped,
            Admission::Open if is_behind => Pending::Behind,
            Admission::Open if !is_certain && (self.is_late() || self.guard.session.remaining() < kept_back) => {
                Pending::TooLate
            }
            Admission::Open => return (candidate, None),
        };
        let outcome = candidate.ended(Ending::Pending(pending));
        (candidate, Some(outcome))
    }

    /// Looks at one account's role, and does what the guard's mode allows. A mistake of this program that shows in one
    /// account alone ends the work there, and nowhere else.
    pub(super) async fn work_in(&self, candidate: &Candidate, guard: Guard) -> AccountOutcome {
        let writes = guard.mode.writes();
        let clock = self.guard.session.clock();
        let begin = clock.uptime();
        let stop = &self.guard.stop;
        let work = self.enter(candidate, guard).instrument(self.span(candidate));
        let work = Box::pin(AssertUnwindSafe(work).catch_unwind());
        // A look has no effect. What may write is never given up half way.
        let done = if writes {
            let _in_progress = stop.begin(&candidate.account);
            Some(work.await)
        } else {
            stop.unless_asked(work).await
        };
        let Some(done) = done else { return candidate.ended(Ending::Pending(Pending::Stopped)) };
        let mut outcome = done.unwrap_or_else(|_panic| {
            candidate.ended(if writes { Ending::Panicked } else { Ending::Failed(Failed::Panicked) })
        });
        outcome.findings.extend(self.expired_exception(&candidate.account));
        outcome.reason = candidate.why();
        outcome.took = clock.uptime().saturating_sub(begin);
        outcome
    }

    /// Every line of the log that comes from within says which role it is about.
    pub(super) fn span(&self, candidate: &Candidate) -> tracing::Span {
        let reason = candidate.why();
        let why = reason.as_deref().or(self.trigger);
        tracing::error_span!(
            "role",
            account = candidate.account.as_str(),
            role = self.guard.baseline.role.as_str(),
            reason = why
        )
    }

    async fn enter(&self, candidate: &Candidate, guard: Guard) -> AccountOutcome {
        let target = guard.baseline.target(candidate.account.clone());
        if candidate.reach == Reach::Own {
            return reconcile::role(&guard, &target).await;
        }
        let entry = Entry { role: &self.config.member_role, mode: guard.mode, is_new: candidate.is_new };
        match members::assume_member_role(&guard.session, &candidate.account, entry).await {
            Ok(session) => reconcile::role(&Guard { session, ..guard }, &target).await,
            Err(denied) if denied.error.kind == Kind::DeadlineExceeded => {
                candidate.ended(Ending::Pending(Pending::TooLate))
            }
            Err(denied) => candidate.ended(self.not_entered(candidate, denied).await),
        }
    }

    /// An account that has just left the directory is no failure.
    async fn not_entered(&self, candidate: &Candidate, denied: AccessDenied) -> Ending {
        let may_have_left = self.is_whole() && !denied.error.kind.may_pass();
        if may_have_left && self.asked_again.fetch_add(1, Ordering::Relaxed) < ASKED_AGAIN {
            match members::membership(&self.guard.session, &candidate.account).await {
                Membership::Stranger => return Ending::Skipped(Skipped::Left),
                Membership::Absent(status) => return Ending::Skipped(Skipped::NotActive(status)),
                Membership::Active(_) | Membership::Unknown(_) => {}
            }
        }
        tracing::warn!(reason = %denied, "not entered");
        Ending::Failed(Failed::AccessDenied(denied))
    }

    /// Of several plans that a person saw, each account has its own; one without a plan was found in order.
    pub(super) fn guard_for(&self, account: &AccountId) -> Guard {
        let (mode, approved) = match &self.request.approved {
            Approved::Nothing => (self.guard.mode, None),
            Approved::Plan(id) => (self.guard.mode, Some(id.clone())),
            Approved::Shown(plans) => match plans.get(account) {
                Some(id) => (self.guard.mode, Some(id.clone())),
                None => (self.guard.mode.min(Mode::Plan), None),
            },
        };
        Guard { mode, approved, ..self.guard.clone() }
    }

    fn expired_exception(&self, account: &AccountId) -> Option<Finding> {
        let exception = self.config.exceptions.of(account)?;
        (!exception.holds(self.guard.session.clock().now())).then(|| exception.expired())
    }
}
