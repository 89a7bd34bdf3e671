//! The accounts of one run: chosen by the request or listed by the directory, judged, and repaired where that is needed.
//!
//! A few accounts are worked on at once (`few`). Many are worked through in two phases (`phases`), all judged before
//! the first is repaired, so that a brake can stop what is more likely a mistake than drift. What goes wrong in one account is
//! that account's outcome and stops no other.

mod account;
mod admit;
mod checkpoint;
mod listing;
mod newcomers;
mod pages;
mod phases;
mod progress;
mod queue;
mod select;

use std::collections::HashMap;
use std::pin::pin;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use aliyun::{CallerIdentity, Error, Session};
use authorization::settings::Scope;
use authorization::target::AccountId;
use checkpoint::{Checkpoint, Done};
use futures_util::{StreamExt as _, stream};
use listing::Listed;
pub(crate) use pages::Pages;
use phases::{Extent, Phases};
pub(crate) use progress::{Counts, LogLines, Progress, Stage};
use progress::{Reporter, Tally};
use queue::WorkQueue;
pub use select::{Candidate, Reach, Rules, Selection, needs_caller, outside, select};

use crate::config::{BRAKE_FROM, Config, EXCEPTIONS, EXCLUDE_ACCOUNTS};
use crate::event::{Request, Selector};
use crate::members::{self, Standing};
use crate::outcome::{AccountOutcome, Ending, Failed, Skipped};
use crate::reconcile::Guard;
use crate::report::{LeftOut, Results};

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
    /// What became of each account, and what else there is to say.
    Accounts(Results),
    /// No record was for the guard.
    Ignored(Vec<LeftOut>),
    /// A person asked for what must not be.
    Rejected(String),
}

/// An account to work on.
#[derive(Debug)]
struct WorkItem {
    candidate: Candidate,
    admission: Admission,
    /// Begun however late it is: its calls tell what is wrong.
    is_certain: bool,
}

/// Whether an account may be worked in.
#[derive(Debug)]
enum Admission {
    Open,
    /// Why not, as its outcome.
    Closed(Box<AccountOutcome>),
}

impl Swept {
    /// Of one account.
    pub(crate) fn of(outcome: AccountOutcome) -> Self {
        Self::Accounts(Results { accounts: vec![outcome], ..Results::default() })
    }
}

impl Admission {
    fn closed(outcome: AccountOutcome) -> Self {
        Self::Closed(Box::new(outcome))
    }

    /// Of an account that the directory need not be asked about.
    fn of(candidate: &Candidate) -> Self {
        match &candidate.reach {
            Reach::LeftAlone(why) => Self::closed(candidate.ended(Ending::Skipped(Skipped::LeftAlone(why.clone())))),
            Reach::Own | Reach::Member => Self::Open,
        }
    }

    /// Of a member, as far as its folder tells; `None` where it is outside the folders of the run.
    fn by_folder(candidate: &Candidate, standing: Result<Standing, Error>) -> Option<Self> {
        Some(match standing {
            Ok(Standing::Inside) => Self::of(candidate),
            Ok(Standing::Outside) => return None,
            Ok(Standing::Excluded(folder)) => Self::closed(candidate.ended(Ending::Skipped(Skipped::InFolder(folder)))),
            Err(error) => Self::unknown(candidate, &error),
        })
    }

    /// Of a member that the directory could not be asked about.
    fn unknown(candidate: &Candidate, error: &Error) -> Self {
        let may_pass = error.kind.may_pass();
        let failed = match members::advice(error) {
            Some(advice) => Failed::Directory { error: error.into(), advice, may_pass },
            None => Failed::Call { error: error.into(), may_pass },
        };
        Self::closed(candidate.ended(Ending::Failed(failed)))
    }
}

impl Sweep<'_> {
    pub(crate) async fn run(&self) -> Swept {
        let mut swept = if self.is_whole() { self.everything().await } else { self.chosen().await };
        self.progress.end();
        if let Swept::Accounts(results) = &mut swept {
            results.own = Some(self.own.clone());
        }
        swept
    }

    /// Whether the run is over every account of the organization.
    fn is_whole(&self) -> bool {
        self.request.selector == Selector::All && self.request.scope == Scope::Organization
    }

    async fn chosen(&self) -> Swept {
        let caller = self.caller().await;
        let rules = Rules::new(self.config, &self.own, caller.as_ref(), self.guard.session.clock().now());
        let selection = match select(self.request, &rules) {
            Ok(selection) => selection,
            Err(reason) => return Swept::Rejected(reason),
        };
        if self.config.scope == Scope::Organization {
            return self.admitted(selection, &rules).await;
        }
        // In the scope `account` there is at most the own one, and no directory to ask.
        if selection.candidates.is_empty() {
            return Swept::Ignored(selection.left_out);
        }
        let items = selection.candidates.into_iter().zip(0..).map(|(candidate, index)| {
            let admission = Admission::of(&candidate);
            WorkItem { candidate, admission, is_certain: index == 0 }
        });
        Swept::Accounts(Results { left_out: selection.left_out, ..self.few(items.collect()).await })
    }

    /// The accounts of a selection that the directory admits.
    async fn admitted(&self, selection: Selection, rules: &Rules<'_>) -> Swept {
        let folders = self.folders();
        if !(selection.candidates.is_empty() && selection.newcomers.is_empty())
            && let Err((folder, error)) = folders.check().await
        {
            return self.without_folder(&folder, &error);
        }
        let (selection, errors) = self.with_newcomers(selection, rules).await;
        let Selection { candidates, mut left_out, .. } = selection;
        let mut items = Vec::new();
        for admitted in self.admit_all(candidates, &folders).await {
            match admitted {
                Ok(item) => items.push(item),
                // Accounts that a person has named.
                Err(outside) if matches!(self.request.selector, Selector::Accounts(_)) => {
                    return Swept::Rejected(outside.why);
                }
                Err(outside) => {
                    let left = |record| LeftOut { record, reason: outside.why.clone() };
                    left_out.extend(outside.records.into_iter().map(left));
                }
            }
        }
        if items.is_empty() && errors.is_empty() {
            return Swept::Ignored(left_out);
        }
        let is_many = self.request.scope == Scope::Organization && items.len() >= BRAKE_FROM;
        let mut results = if is_many { self.many(items).await } else { self.few(items).await };
        results.errors.extend(errors);
        Swept::Accounts(Results { left_out, ..results })
    }

    /// A few accounts: each is judged, and repaired at once where that is needed.
    async fn few(&self, items: Vec<WorkItem>) -> Results {
        let writes = self.request.mode.writes();
        let alone = if writes { self.alone().await } else { None };
        let (stage, of) = (if writes { Stage::Repairing } else { Stage::Judging }, items.len());
        let is_behind = writes && alone.is_none();
        let outcomes = stream::iter(items).map(async |item| match self.begin(item, is_behind, Duration::ZERO) {
            (_, Some(outcome)) => outcome,
            (candidate, None) => self.work_in(&candidate, self.guard_for(&candidate.account)).await,
        });
        let mut outcomes = pin!(outcomes.buffered(self.config.concurrency));
        // Of one account there is nothing to show.
        let mut shown = (of > 1).then(|| (Tally::default(), self.reporter(Some(of))));
        let mut accounts = Vec::new();
        while let Some(outcome) = outcomes.next().await {
            if let Some((tally, reporter)) = &mut shown {
                tally.count(outcome.status());
                reporter.show(tally.counts(stage, of));
            }
            accounts.push(outcome);
        }
        Results { accounts, ..Results::default() }
    }

    /// Many accounts that the request has chosen, in the order of the request.
    async fn many(&self, items: Vec<WorkItem>) -> Results {
        let order: HashMap<_, _> = items.iter().map(|item| item.candidate.account.clone()).zip(0..).collect();
        let backlog = Checkpoint::new(self.guard.store.clone()).read().await;
        let phases = Phases::new(self, Extent::Chosen(items.len()), &backlog);
        let judged = phases.judge(stream::iter(items)).await;
        let (mut results, _) = phases.repair(judged).await;
        results.accounts.sort_by_key(|outcome| outcome.account.as_ref().and_then(|account| order.get(account)));
        results
    }

    async fn everything(&self) -> Swept {
        let folders = self.folders();
        if let Err((folder, error)) = folders.check().await {
            return self.without_folder(&folder, &error);
        }
        let clock = self.guard.session.clock();
        let rules = Rules::new(self.config, &self.own, None, clock.now());
        let checkpoint = Checkpoint::new(self.guard.store.clone());
        let backlog = checkpoint.read().await;
        let queue = WorkQueue::new(&backlog.waiting, &clock.nonce());
        let own = rules.candidate(&self.own);
        let admission = self.own_admission(&own, &folders).await;
        queue.offer(own, admission);
        let phases = Phases::new(self, Extent::Whole(&queue, &checkpoint), &backlog);
        let listed = self.list(&rules, &queue, &folders);
        let (listed, mut judged) = tokio::join!(listed, phases.judge(queue.items()));
        let begun = std::mem::take(&mut judged.begun);
        let (mut results, failed) = phases.repair(judged).await;
        let is_whole = listed.errors.is_empty();
        let done = Done { outcomes: &results.accounts, begun: &begun, failed, is_whole };
        checkpoint.keep(backlog.after(&done)).await;
        results.accounts.sort_by(|one, other| one.account.cmp(&other.account));
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

    /// A failure leaves it in doubt whose writes the records are about, so they are looked at.
    async fn caller(&self) -> Option<CallerIdentity> {
        if !needs_caller(self.request, &self.own) {
            return None;
        }
        self.guard.session.get_caller_identity().await.ok()
    }

    fn reporter(&self, chosen: Option<usize>) -> Reporter<'_> {
        Reporter::new(self.progress, self.guard.session.clock(), chosen)
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
