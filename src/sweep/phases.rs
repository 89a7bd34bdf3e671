//! A run over many accounts: all are judged, then the broken ones are repaired, unless the brake holds.

use std::collections::{BTreeSet, HashSet};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use authorization::plan::StepResult;
use authorization::settings::{Mode, Scope};
use authorization::target::AccountId;
use authorization::verify::FindingId;
use futures_util::{Stream, StreamExt as _, stream};

use super::checkpoint::{Backlog, Checkpoint};
use super::progress::Tally;
use super::queue::WorkQueue;
use super::{Candidate, Counts, Stage, Sweep, WorkItem};
use crate::config::{BrakeTripped, Ratio};
use crate::event::Approved;
use crate::outcome::{AccountOutcome, Advice, Ending, Pending, Refused};
use crate::reconcile::Guard;
use crate::report::{CallError, Results, Status};

/// How often the checkpoint is written, so that a run that is killed leaves one.
const KEPT_EVERY: Duration = Duration::from_secs(30);

/// The accounts of a run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Extent<'a> {
    /// The whole organization: more may be listed while the run is at work.
    Whole(&'a WorkQueue, &'a Checkpoint),
    /// This many, chosen by the request.
    Chosen(usize),
}

impl Extent<'_> {
    fn chosen(self) -> Option<usize> {
        match self {
            Self::Whole(..) => None,
            Self::Chosen(count) => Some(count),
        }
    }
}

/// The two phases of one run.
pub(super) struct Phases<'a> {
    sweep: &'a Sweep<'a>,
    extent: Extent<'a>,
    /// What earlier runs left.
    backlog: &'a Backlog,
    kept_at: Mutex<Duration>,
}

/// What is known after the first phase.
#[derive(Debug, Default)]
pub(super) struct Judged {
    done: Vec<AccountOutcome>,
    broken: Vec<Broken>,
    tally: Tally,
    errors: Vec<CallError>,
    /// The accounts that were begun.
    pub(super) begun: HashSet<AccountId>,
}

/// A role for the second phase.
#[derive(Debug)]
struct Broken {
    candidate: Candidate,
    judged: AccountOutcome,
}

/// What became of the repairs so far.
#[derive(Debug, Default)]
struct Repairs {
    /// The failed ones among those that wrote something.
    share: Ratio,
    failed: BTreeSet<AccountId>,
    held: Option<BrakeTripped>,
}

impl<'a> Phases<'a> {
    pub(super) fn new(sweep: &'a Sweep<'a>, extent: Extent<'a>, backlog: &'a Backlog) -> Self {
        Self { sweep, extent, backlog, kept_at: Mutex::new(sweep.guard.session.clock().uptime()) }
    }

    /// The first phase: nothing is written.
    pub(super) async fn judge(&self, items: impl Stream<Item = WorkItem>) -> Judged {
        let Sweep { config, guard, request, .. } = self.sweep;
        // A third of the time belongs to the repairs.
        let kept_back = if request.mode.writes() { guard.session.remaining() / 3 } else { Duration::ZERO };
        let (on_record, errors) = self.on_record().await;
        let on_record = on_record.as_ref();
        let reporter = self.sweep.reporter(self.extent.chosen());
        let judged = items.map(async |item| match self.sweep.begin(item, false, kept_back) {
            (candidate, None) => {
                let outcome = self.look(&candidate, on_record).await;
                (candidate, outcome, true)
            }
            (candidate, Some(outcome)) => (candidate, outcome, false),
        });
        let mut outcomes = pin!(judged.buffer_unordered(config.concurrency));
        let is_whole = self.extent.chosen().is_none();
        let mut judged = Judged { errors, ..Judged::default() };
        while let Some((candidate, outcome, was_begun)) = outcomes.next().await {
            judged.tally.count(outcome.status());
            if was_begun && is_whole {
                judged.begun.insert(candidate.account.clone());
            }
            let is_broken = outcome.status() == Status::Drifted || is_unfinished(&outcome);
            match outcome.status() {
                _ if was_begun && is_broken && request.mode.writes() => {
                    judged.broken.push(Broken { candidate, judged: outcome });
                }
                Status::Authorized if is_whole => judged.done.push(outcome.brief()),
                _ => judged.done.push(outcome),
            }
            let of = match self.extent {
                Extent::Whole(queue, _) => queue.total(),
                Extent::Chosen(count) => count,
            };
            reporter.show(judged.tally.counts(Stage::Judging, of));
            self.keep_checkpoint(&judged).await;
        }
        judged
    }

    /// The accounts with files in the journal folder: one look at it serves all. `None`: each looks for itself. A folder that
    /// cannot be read may hold unfinished repairs of roles that look in order: that is told.
    async fn on_record(&self) -> (Option<BTreeSet<AccountId>>, Vec<CallError>) {
        let Some(store) = self.sweep.guard.store.as_ref().filter(|_| self.extent.chosen().is_none()) else {
            return (None, Vec::new());
        };
        match store.accounts().await {
            Ok(accounts) => (Some(accounts), Vec::new()),
            Err(error) => {
                let message =
                    format!("the journal folder cannot be used, so unfinished repairs are not known: {error}");
                tracing::warn!(message);
                (Some(BTreeSet::new()), vec![CallError::of_reply("journal", message)])
            }
        }
    }

    async fn look(&self, candidate: &Candidate, on_record: Option<&BTreeSet<AccountId>>) -> AccountOutcome {
        let guard = self.sweep.guard_for(&candidate.account);
        let mode = if self.sweep.request.mode.writes() { Mode::Verify } else { guard.mode };
        let is_on_record = on_record.is_none_or(|accounts| accounts.contains(&candidate.account));
        let store = guard.store.clone().filter(|_| is_on_record);
        self.sweep.work_in(candidate, Guard { mode, store, ..guard }).await
    }

    async fn keep_checkpoint(&self, judged: &Judged) {
        let Extent::Whole(queue, checkpoint) = self.extent else { return };
        let now = self.sweep.guard.session.clock().uptime();
        let is_time = now.saturating_sub(*locked(&self.kept_at)) >= KEPT_EVERY;
        if is_time {
            *locked(&self.kept_at) = now;
            let broken = judged.broken.iter().map(|broken| broken.candidate.account.clone());
            let waiting = broken.chain(queue.waiting()).collect();
            checkpoint.keep(Backlog { waiting, failed: self.backlog.failed.clone() }).await;
        }
    }

    /// The second phase, and the accounts whose repair failed in it.
    pub(super) async fn repair(&self, judged: Judged) -> (Results, BTreeSet<AccountId>) {
        match self.brake(&judged) {
            Some(held) => (judged.held(held), BTreeSet::new()),
            None => self.repair_broken(judged).await,
        }
    }

    async fn repair_broken(&self, judged: Judged) -> (Results, BTreeSet<AccountId>) {
        let Judged { mut done, mut broken, errors, .. } = judged;
        let alone = if broken.is_empty() { None } else { self.sweep.alone().await };
        if alone.is_none() {
            done.extend(broken.into_iter().map(|broken| broken.pending(Pending::TooLateToRepair)));
            return (Results { accounts: done, errors, ..Results::default() }, BTreeSet::new());
        }
        let reporter = self.sweep.reporter(self.extent.chosen());
        // Repairs that failed in the last run come last, or they would trip the brake before all others.
        broken.sort_by_key(|broken| self.backlog.failed.contains(&broken.candidate.account));
        let (of, so_far) = (broken.len(), Mutex::default());
        let repairs = stream::iter(broken).map(|broken| self.repair_one(broken, &so_far));
        let mut repairs = pin!(repairs.buffer_unordered(self.sweep.config.concurrency).zip(stream::iter(1..)));
        while let Some((outcome, count)) = repairs.next().await {
            done.push(outcome);
            let failed = locked(&so_far).failed.len();
            reporter.show(Counts { stage: Stage::Repairing, done: count, of, broken: of, failed, left: None });
        }
        let Repairs { failed, held, .. } = std::mem::take(&mut *locked(&so_far));
        (Results { accounts: done, errors, reason: held.map(BrakeTripped::failing), ..Results::default() }, failed)
    }

    /// A plan says what `remediate` would do, the brake included. Who carries out the plans that were shown looks at the broken
    /// accounts alone: their share says nothing, and the brake was asked about it when the plans were made.
    fn brake(&self, judged: &Judged) -> Option<BrakeTripped> {
        let Sweep { config, request, .. } = self.sweep;
        let was_shown = matches!(request.approved, Approved::Shown(_));
        let may_hold = !was_shown && request.mode != Mode::Verify && request.scope == Scope::Organization;
        may_hold.then(|| config.brake.exceeded(judged.tally.share)).flatten()
    }

    async fn repair_one(&self, broken: Broken, so_far: &Mutex<Repairs>) -> AccountOutcome {
        if self.holds(&mut locked(so_far)) {
            return broken.judged.ending(Ending::Refused(Refused::HeldBack));
        }
        if self.sweep.guard.stop.is_asked() {
            return broken.pending(Pending::StoppedBeforeRepair);
        }
        if self.sweep.is_late() {
            return broken.pending(Pending::TooLateToRepair);
        }
        let Broken { candidate, judged } = broken;
        let mut outcome = self.sweep.work_in(&candidate, self.sweep.guard_for(&candidate.account)).await;
        locked(so_far).add(&candidate.account, &outcome);
        outcome.took += judged.took;
        outcome
    }

    /// Whether too many repairs have failed to begin another one.
    fn holds(&self, so_far: &mut Repairs) -> bool {
        let held = self.sweep.config.brake.exceeded(so_far.share);
        if let Some(held) = held
            && so_far.held.is_none()
        {
            tracing::warn!(reason = held.failing(), "held back");
            so_far.held = Some(held);
        }
        held.is_some()
    }
}

impl Broken {
    fn pending(self, why: Pending) -> AccountOutcome {
        self.judged.ending(Ending::Pending(why))
    }
}

impl Repairs {
    /// What was refused before its first write, by the guard or by the cloud, has done no harm: it holds nothing back.
    fn add(&mut self, account: &AccountId, outcome: &AccountOutcome) {
        let status = outcome.status();
        let failed = matches!(status, Status::Stuck | Status::Failed | Status::RolledBack | Status::Refused);
        if failed {
            self.failed.insert(account.clone());
        }
        let had_effect = |result| matches!(result, StepResult::Done | StepResult::Undone | StepResult::Unknown);
        let has_written = status == Status::Stuck || outcome.steps.iter().any(|step| had_effect(step.result));
        if status == Status::Remediated || (failed && has_written) {
            self.share.of += 1;
            self.share.some += usize::from(failed);
        }
    }
}

impl Judged {
    /// Nothing is written. In a plan, whose accounts are drifted and none left for later, they say that it would not be.
    fn held(self, held: BrakeTripped) -> Results {
        tracing::warn!(reason = held.broken(), "held back");
        let warned = self.done.into_iter().map(|outcome| match outcome.status() {
            Status::Drifted => outcome.ending(Ending::Judged(Some(Advice::WouldHoldBack))),
            _ => outcome,
        });
        let held_back = self.broken.into_iter().map(|broken| broken.judged.ending(Ending::Refused(Refused::HeldBack)));
        let (accounts, reason) = (warned.chain(held_back).collect(), Some(held.broken()));
        Results { accounts, reason, errors: self.errors, ..Results::default() }
    }
}

fn is_unfinished(outcome: &AccountOutcome) -> bool {
    outcome.findings.iter().any(|finding| finding.id == FindingId::JournalOpen)
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
