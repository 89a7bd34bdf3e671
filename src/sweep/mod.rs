//! The accounts of one run: chosen by the request or listed by the directory, judged, and repaired where that is needed.
//!
//! Many accounts are worked through in two phases, all judged before the first is repaired, so that a brake can stop what
//! is more likely a mistake than drift. What goes wrong in one account is that account's line in the report and stops no
//! other.

mod admit;
mod lines;
mod listing;
mod newcomers;
mod pages;
mod phases;
mod place;
mod progress;
mod queue;
mod select;
mod visit;
mod watch;

use std::collections::HashMap;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use futures_util::stream;

use admit::{Named, as_left_out};
use aliyun::{CallerIdentity, Session};
use authorization::settings::Scope;
use authorization::target::AccountId;
use listing::Listed;
pub(crate) use pages::Pages;
use place::{Done, Memory, Place as Kept};
pub use progress::{Counts, LogLines, Progress, Stage};
use queue::{Queue, Turn};
pub use select::{Look, Place, Rules, Selection, needs_caller, outside, select};
use watch::{Extent, Watch};

use crate::config::{BRAKE_FROM, Config, EXCEPTIONS, EXCLUDE_ACCOUNTS};
use crate::event::{Request, Selector};
use crate::reconcile::Guard;
use crate::report::{AccountReport, LeftOut, Next, Results, Status};

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
    /// Held while a run may write: two in one process would undo each other's work.
    pub(crate) repairs: &'a tokio::sync::Mutex<()>,
    pub(crate) progress: &'a dyn Progress,
    /// Accounts that the directory was asked about again, since they could not be entered.
    pub(crate) asked_again: AtomicUsize,
}

/// What became of a run.
#[derive(Debug)]
pub(crate) enum Swept {
    /// A line for each account, and what else there is to say.
    Accounts(Results),
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
}

impl Swept {
    /// Of one account.
    pub(crate) fn of(line: AccountReport) -> Self {
        Self::Accounts(Results { accounts: vec![line], ..Results::default() })
    }
}

impl Gate {
    fn closed(report: AccountReport) -> Self {
        Self::Closed(Box::new(report))
    }

    /// Of an account that the directory need not be asked about.
    fn of(look: &Look) -> Self {
        match &look.place {
            Place::LeftAlone(why) => Self::closed(lines::line(look, Status::Skipped, &Next::LeftAlone(why))),
            Place::Own | Place::Elsewhere => Self::Open,
        }
    }
}

impl Sweep<'_> {
    pub(crate) async fn run(&self) -> Swept {
        let swept = if self.is_whole() { self.everything().await } else { self.chosen().await };
        match swept {
            Swept::Accounts(results) => Swept::Accounts(Results { own: Some(self.own.clone()), ..results }),
            Swept::Ignored(_) | Swept::Rejected(_) => swept,
        }
    }

    /// Whether the run is over every account of the organization.
    fn is_whole(&self) -> bool {
        self.request.selector == Selector::All && self.request.scope == Scope::Organization
    }

    async fn everything(&self) -> Swept {
        let folders = self.folders();
        if let Err((folder, error)) = folders.check().await {
            return self.without_folder(&folder, &error);
        }
        let clock = self.guard.session.clock();
        let rules = Rules::new(self.config, &self.own, None, clock.now());
        let place = Kept::new(self.guard.store.clone());
        let memory = place.read().await;
        let queue = Queue::new(&memory.waiting, &clock.nonce());
        let own = rules.look(&self.own);
        let gate = self.own_gate(&own, &folders).await;
        queue.offer(own, gate);
        let watch = Watch::new(self, Extent::Whole(&queue, &place), &memory);
        let listed = self.list(&rules, &queue, &folders);
        let (listed, mut judged) = tokio::join!(listed, self.judge_all(queue.turns(), &watch, true));
        let begun = judged.take_begun();
        let (mut results, failed) = self.repair_all(judged, &watch).await;
        let is_whole = listed.errors.is_empty();
        let done = Done { lines: &results.accounts, begun: &begun, failed, is_whole };
        place.keep(memory.after(&done)).await;
        results.accounts.sort_by(|one, other| one.account_id.cmp(&other.account_id));
        results.reason = joined(results.reason, self.strangers(&listed));
        results.errors = listed.errors.into_iter().chain(results.errors).collect();
        Swept::Accounts(results)
    }

    /// Accounts that the settings leave alone and the directory does not have: a slip of the pen there leaves another account
    /// unprotected.
    fn strangers(&self, listed: &Listed) -> Option<String> {
        let named = self.config.excluded.iter().map(|account| (account, EXCLUDE_ACCOUNTS));
        let named = named.chain(self.config.exceptions.accounts().map(|account| (account, EXCEPTIONS)));
        let strangers = named.filter(|(account, _)| **account != self.own && listed.lacks(account));
        let strangers: Vec<_> = strangers.map(|(account, setting)| format!("`{account}` of `{setting}`")).collect();
        if strangers.is_empty() {
            return None;
        }
        let told =
            format!("no member of the resource directory, so nothing is left alone by it: {}", strangers.join(", "));
        tracing::warn!(reason = told, "settings");
        Some(told)
    }

    async fn chosen(&self) -> Swept {
        let caller = self.caller().await;
        let rules = Rules::new(self.config, &self.own, caller.as_ref(), self.guard.session.clock().now());
        let selection = match select(self.request, &rules) {
            Ok(selection) => selection,
            Err(reason) => return Swept::Rejected(reason),
        };
        let folders = self.folders();
        if !(selection.looks.is_empty() && selection.newcomers.is_empty())
            && let Err((folder, error)) = folders.check().await
        {
            return self.without_folder(&folder, &error);
        }
        let (selection, errors) = self.with_newcomers(selection, &rules).await;
        let Selection { looks, mut left_out, .. } = selection;
        let mut turns = Vec::new();
        for named in self.admit_all(looks, &folders).await {
            match named {
                Named::Turn(turn) => turns.push(*turn),
                Named::Outside(_, why) if self.is_by_hand() => return Swept::Rejected(why),
                Named::Outside(look, why) => left_out.extend(as_left_out(&look, &why)),
            }
        }
        if turns.is_empty() && errors.is_empty() {
            return Swept::Ignored(left_out);
        }
        let mut results = self.work(turns).await;
        results.errors.extend(errors);
        Swept::Accounts(Results { left_out, ..results })
    }

    async fn work(&self, turns: Vec<Turn>) -> Results {
        let order: HashMap<_, _> = turns.iter().map(|turn| turn.look.account.clone()).zip(0..).collect();
        let may_brake = self.request.scope == Scope::Organization && turns.len() >= BRAKE_FROM;
        let memory = if may_brake { Kept::new(self.guard.store.clone()).read().await } else { Memory::default() };
        let watch = Watch::new(self, Extent::Chosen(turns.len()), &memory);
        let judged = self.judge_all(stream::iter(turns), &watch, may_brake).await;
        let (mut results, _) = self.repair_all(judged, &watch).await;
        results.accounts.sort_by_key(|line| line.account_id.as_ref().and_then(|account| order.get(account)));
        results
    }

    /// A failure leaves it in doubt whose writes the records are about, so they are looked at.
    async fn caller(&self) -> Option<CallerIdentity> {
        if !needs_caller(self.request, &self.own) {
            return None;
        }
        self.guard.session.get_caller_identity().await.ok()
    }

    fn is_late(&self) -> bool {
        is_late(&self.guard.session)
    }

    /// Waits until no other run of this process may write. `None` if the time is over before that.
    async fn alone(&self) -> Option<tokio::sync::MutexGuard<'_, ()>> {
        if let Ok(alone) = self.repairs.try_lock() {
            return Some(alone);
        }
        let session = &self.guard.session;
        match session.remaining() {
            Duration::MAX => Some(self.repairs.lock().await),
            left => tokio::select! {
                biased;
                alone = self.repairs.lock() => Some(alone),
                () = session.clock().sleep(left.saturating_sub(least_time(session))) => None,
            },
        }
    }
}

/// Whether too little time is left to begin anything.
fn is_late(session: &Session) -> bool {
    session.remaining() < least_time(session)
}

fn least_time(session: &Session) -> Duration {
    LEAST_TIME.max(session.slowest_call().saturating_mul(CALLS))
}

/// Two texts as one.
pub(crate) fn joined(one: Option<String>, other: Option<String>) -> Option<String> {
    let both: Vec<_> = one.into_iter().chain(other).collect();
    (!both.is_empty()).then(|| both.join("; "))
}
