//! The accounts of one run, one after the other: choose, ask the directory, enter, and hand each to [`reconcile`].
//!
//! What goes wrong in one account is that account's line in the report and stops no other.

mod select;

use std::time::Duration;

use tracing::Instrument as _;

pub use select::{Look, Place, Rules, Selection, needs_caller, select, unavailable};

use crate::client::{CallerIdentity, Error};
use crate::config::{Config, Mode};
use crate::event::{Approved, Request, Wanted};
use crate::members::{self, Admission, Barred, Entry};
use crate::reconcile::{self, Guard};
use crate::report::{AccountReport, CallError, LeftOut, Status};
use crate::target::{AccountId, ROLE_NAME};
use crate::telemetry::foreign;

/// An account is begun only with this much time left, or that of so many of the slowest calls.
const LEAST_TIME: Duration = Duration::from_secs(1);
const CALLS: u32 = 6;

/// One run over accounts.
#[derive(Debug)]
pub(crate) struct Sweep<'a> {
    /// What the run may do in the own account.
    pub(crate) guard: Guard,
    /// The own account.
    pub(crate) own: AccountId,
    pub(crate) config: &'a Config,
    pub(crate) request: &'a Request,
    /// The trigger's name, for the span.
    pub(crate) trigger: Option<&'a str>,
}

/// What became of a run.
#[derive(Debug)]
pub(crate) enum Swept {
    /// A line for each account, and the records that were none for the guard.
    Accounts(Vec<AccountReport>, Vec<LeftOut>),
    /// No record was for the guard.
    Ignored(Vec<LeftOut>),
    /// A person asked for what must not be.
    Rejected(String),
}

/// Whether an account may be worked in.
#[derive(Debug)]
enum Gate {
    Open,
    /// Why not, as its line in the report.
    Closed(Box<AccountReport>),
    /// No member of our directory: never entered.
    Stranger,
}

impl Gate {
    fn closed(report: AccountReport) -> Self {
        Self::Closed(Box::new(report))
    }
}

impl Sweep<'_> {
    pub(crate) async fn run(&self) -> Swept {
        let caller = self.caller().await;
        let selection = match select(self.request, &Rules::new(self.config, &self.own, caller.as_ref())) {
            Ok(selection) => selection,
            Err(reason) => return Swept::Rejected(reason),
        };
        let Selection { looks, mut left_out } = selection;
        let mut admitted = Vec::new();
        for look in looks {
            match self.admit(&look, admitted.is_empty()).await {
                Gate::Stranger if self.is_by_hand() => return Swept::Rejected(not_a_member(&look.account)),
                Gate::Stranger => left_out.extend(as_left_out(&look)),
                gate => admitted.push((look, gate)),
            }
        }
        if admitted.is_empty() {
            return Swept::Ignored(left_out);
        }
        Swept::Accounts(self.all(admitted).await, left_out)
    }

    fn is_by_hand(&self) -> bool {
        matches!(self.request.wanted, Wanted::Accounts(_))
    }

    /// A failure leaves it in doubt whose writes the records are about, so they are looked at.
    async fn caller(&self) -> Option<CallerIdentity> {
        if !needs_caller(self.request, &self.own) {
            return None;
        }
        self.guard.session.get_caller_identity().await.ok()
    }

    /// The directory is asked about every account before work begins in the first: a wrong list by hand does nothing.
    async fn admit(&self, look: &Look, is_first: bool) -> Gate {
        match look.place {
            Place::Own => Gate::Open,
            Place::Excluded => Gate::closed(skipped(look, "excluded by the setting `DTS_GUARD_EXCLUDE_ACCOUNTS`")),
            Place::Elsewhere if !is_first && self.is_late() => Gate::closed(pending(look)),
            Place::Elsewhere => match members::admit(&self.guard.session, &look.account).await {
                Admission::Member => Gate::Open,
                Admission::Absent(status) => Gate::closed(absent(look, &status)),
                Admission::Stranger => Gate::Stranger,
                Admission::Unknown(error) => Gate::closed(unknown(look, &error)),
            },
        }
    }

    async fn all(&self, admitted: Vec<(Look, Gate)>) -> Vec<AccountReport> {
        let mut reports = Vec::new();
        for (look, gate) in admitted {
            let reason = look.why();
            let why = reason.as_deref().or(self.trigger);
            let span = tracing::info_span!("role", account = look.account.as_str(), role = ROLE_NAME, reason = why);
            let report = match gate {
                Gate::Closed(report) => *report,
                Gate::Open | Gate::Stranger if !reports.is_empty() && self.is_late() => pending(&look),
                Gate::Open | Gate::Stranger => self.one(&look).instrument(span).await,
            };
            reports.push(AccountReport { reason, ..report });
        }
        reports
    }

    async fn one(&self, look: &Look) -> AccountReport {
        let guard = self.guard_for(&look.account);
        if look.place == Place::Own {
            return reconcile::role(&guard, &look.account).await;
        }
        let entry = Entry { role: &self.config.member_role, mode: guard.mode, is_new: look.is_new };
        match members::enter(&guard.session, &look.account, entry).await {
            Ok(session) => reconcile::role(&Guard { session, ..guard }, &look.account).await,
            Err(barred) => not_entered(look, &barred),
        }
    }

    /// Of several plans that a person saw, each account has its own; one without a plan was found in order.
    fn guard_for(&self, account: &AccountId) -> Guard {
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

    fn is_late(&self) -> bool {
        let session = &self.guard.session;
        session.remaining() < LEAST_TIME.max(session.slowest_call().saturating_mul(CALLS))
    }
}

fn not_a_member(account: &AccountId) -> String {
    format!("account `{account}` is no member of the own account's resource directory")
}

fn as_left_out(look: &Look) -> impl Iterator<Item = LeftOut> {
    look.records.iter().map(|record| LeftOut { record: *record, reason: not_a_member(&look.account) })
}

fn line(look: &Look, status: Status, next: String) -> AccountReport {
    AccountReport { next: Some(next), ..AccountReport::new(Some(look.account.clone()), status) }
}

fn skipped(look: &Look, why: &str) -> AccountReport {
    line(look, Status::Skipped, why.to_owned())
}

fn absent(look: &Look, status: &str) -> AccountReport {
    skipped(look, &format!("the resource directory says `{}` of it", foreign(status)))
}

fn pending(look: &Look) -> AccountReport {
    line(look, Status::Pending, "too little time was left to begin: run again".to_owned())
}

fn unknown(look: &Look, error: &Error) -> AccountReport {
    let report = AccountReport::failed(Some(look.account.clone()), CallError::from(error), error.kind.may_pass());
    match members::advice(error) {
        Some(advice) => AccountReport { next: Some(advice.to_owned()), ..report },
        None => report,
    }
}

fn not_entered(look: &Look, barred: &Barred) -> AccountReport {
    tracing::warn!(reason = %barred, "not entered");
    let may_pass = barred.may_pass();
    let report = AccountReport::failed(Some(look.account.clone()), CallError::from(&barred.error), may_pass);
    AccountReport { next: Some(format!("{barred}; nothing was written")), ..report }
}
