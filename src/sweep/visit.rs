//! The work in one account: enter it, and hand it to [`reconcile`].

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use aliyun::Kind;
use authorization::settings::Mode;
use authorization::target::AccountId;
use futures_util::FutureExt as _;
use tracing::Instrument as _;

use super::{Look, Place, Sweep, lines};
use crate::event::Approved;
use crate::members::{self, Admission, Barred, Entry};
use crate::reconcile::{self, Guard};
use crate::report::{AccountReport, Next, Status};

/// The directory is asked again about this many accounts that cannot be entered. More have not left it all at once: then
/// the set-up is wrong, and asking about each would take longer than the rest of the run.
const ASKED_AGAIN: usize = 100;

impl Sweep<'_> {
    /// Looks at one account's role, and does what the guard's mode allows. A mistake of this program that shows in one
    /// account alone ends the work there, and nowhere else.
    pub(super) async fn visit(&self, look: &Look, guard: Guard) -> AccountReport {
        let reason = look.why();
        let writes = guard.mode.writes();
        let clock = self.guard.session.clock();
        let begin = clock.uptime();
        let stop = &self.guard.stop;
        let work = Box::pin(AssertUnwindSafe(self.enter(look, guard).instrument(self.span(look))).catch_unwind());
        // A look has no effect. What may write is never given up half way.
        let done = if writes {
            let _in_progress = stop.begin(&look.account);
            Some(work.await)
        } else {
            stop.unless_asked(work).await
        };
        let Some(done) = done else { return lines::line(look, Status::Pending, &Next::Stopped) };
        let mut report = done.unwrap_or_else(|_panic| broken_off(look, writes));
        report.findings.extend(self.expired_exception(&look.account));
        let took = clock.uptime().saturating_sub(begin).as_millis();
        AccountReport { reason, duration_ms: u64::try_from(took).unwrap_or(u64::MAX), ..report }
    }

    /// Every line of the log that comes from within says which role it is about.
    pub(super) fn span(&self, look: &Look) -> tracing::Span {
        let reason = look.why();
        let why = reason.as_deref().or(self.trigger);
        tracing::error_span!(
            "role",
            account = look.account.as_str(),
            role = self.guard.baseline.role.as_str(),
            reason = why
        )
    }

    async fn enter(&self, look: &Look, guard: Guard) -> AccountReport {
        let target = guard.baseline.target(look.account.clone());
        if look.place == Place::Own {
            return reconcile::role(&guard, &target).await;
        }
        let entry = Entry { role: &self.config.member_role, mode: guard.mode, is_new: look.is_new };
        match members::enter(&guard.session, &look.account, entry).await {
            Ok(session) => reconcile::role(&Guard { session, ..guard }, &target).await,
            Err(barred) if barred.error.kind == Kind::DeadlineExceeded => {
                lines::line(look, Status::Pending, &Next::TooLate)
            }
            Err(barred) => self.not_entered(look, &barred).await,
        }
    }

    /// An account that has just left the directory is no failure.
    async fn not_entered(&self, look: &Look, barred: &Barred) -> AccountReport {
        let may_have_left = self.is_whole() && !barred.error.kind.may_pass();
        if may_have_left && self.asked_again.fetch_add(1, Ordering::Relaxed) < ASKED_AGAIN {
            match members::admit(&self.guard.session, &look.account).await {
                Admission::Stranger => return lines::line(look, Status::Skipped, &Next::Left),
                Admission::Absent(status) => return lines::line(look, Status::Skipped, &Next::NotActive(&status)),
                Admission::Member(_) | Admission::Unknown(_) => {}
            }
        }
        lines::not_entered(look, barred)
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

    fn expired_exception(&self, account: &AccountId) -> Option<authorization::verify::Finding> {
        let exception = self.config.exceptions.of(account)?;
        (!exception.holds(self.guard.session.clock().now())).then(|| exception.expired())
    }
}

/// A panic: a mistake of this program.
fn broken_off(look: &Look, writes: bool) -> AccountReport {
    let status = if writes { Status::Stuck } else { Status::Failed };
    lines::line(look, status, &Next::BrokenOff { writes })
}
