//! All accounts are judged, then the broken ones are repaired, unless the brake holds.

use std::collections::{BTreeSet, HashSet};
use std::pin::pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use authorization::plan::StepResult;
use authorization::settings::{Mode, Scope};
use authorization::target::AccountId;
use authorization::verify::FindingId;
use futures_util::{Stream, StreamExt as _, stream};

use super::queue::Turn;
use super::watch::Watch;
use super::{Counts, Gate, Look, Stage, Sweep, lines};
use crate::config::{BrakeTripped, Ratio};
use crate::event::Approved;
use crate::reconcile::Guard;
use crate::report::{AccountReport, CallError, Next, Results, Status};

/// What is known after the first phase.
#[derive(Debug, Default)]
pub(super) struct Judged {
    lines: Vec<AccountReport>,
    broken: Vec<Broken>,
    /// The broken ones among those that could be judged.
    share: Ratio,
    /// Broken ones that were dealt with at once.
    dealt_with: usize,
    failed: usize,
    stage: Stage,
    errors: Vec<CallError>,
    /// The accounts that were begun.
    begun: HashSet<AccountId>,
}

/// What became of the repairs so far.
#[derive(Debug, Default)]
struct Repairs {
    /// The failed ones among those that wrote something.
    share: Ratio,
    failed: BTreeSet<AccountId>,
    held: Option<BrakeTripped>,
}

/// A role for the second phase.
#[derive(Debug)]
pub(super) struct Broken {
    look: Look,
    seen: AccountReport,
}

/// What the first phase saw in one account.
struct Verdict {
    look: Look,
    seen: AccountReport,
    /// Whether a second phase has to do with it.
    is_left: bool,
    was_begun: bool,
}

impl Verdict {
    fn last(look: Look, seen: AccountReport) -> Self {
        Self { look, seen, is_left: false, was_begun: false }
    }
}

/// How the first phase looks.
struct Judge<'a> {
    sweep: &'a Sweep<'a>,
    mode: Mode,
    /// Whether a second phase follows.
    is_first_of_two: bool,
    /// Another run did not end in time: nothing is begun.
    is_shut: bool,
    /// A third of the time belongs to the repairs.
    kept_back: Duration,
    /// The accounts with files in the journal folder; one look at it serves all. `None`: each looks for itself.
    on_record: Option<BTreeSet<AccountId>>,
}

impl Sweep<'_> {
    /// The first phase. With `may_brake`, nothing is written in it.
    pub(super) async fn judge_all(
        &self,
        turns: impl Stream<Item = Turn>,
        watch: &Watch<'_>,
        may_brake: bool,
    ) -> Judged {
        let is_first_of_two = may_brake && self.request.mode.writes();
        let writes_now = self.request.mode.writes() && !is_first_of_two;
        let alone = if writes_now { self.alone().await } else { None };
        let (on_record, errors) = self.on_record(watch).await;
        let judge = Judge {
            sweep: self,
            mode: if is_first_of_two { Mode::Verify } else { self.request.mode },
            is_first_of_two,
            is_shut: writes_now && alone.is_none(),
            kept_back: if is_first_of_two { watch.begun_with() / 3 } else { Duration::ZERO },
            on_record,
        };
        let mut verdicts = pin!(turns.map(|turn| judge.judge(turn)).buffer_unordered(self.config.concurrency));
        let stage = if writes_now { Stage::Repairing } else { Stage::Judging };
        let mut judged = Judged { stage, errors, ..Judged::default() };
        while let Some(verdict) = verdicts.next().await {
            judged.add(verdict, watch.is_whole());
            watch.judged(&judged).await;
        }
        judged
    }

    /// A folder that cannot be read may hold unfinished repairs of roles that look in order: that is told.
    async fn on_record(&self, watch: &Watch<'_>) -> (Option<BTreeSet<AccountId>>, Vec<CallError>) {
        let Some(store) = self.guard.store.as_ref().filter(|_| watch.is_whole()) else { return (None, Vec::new()) };
        match store.accounts().await {
            Ok(accounts) => (Some(accounts), Vec::new()),
            Err(error) => (Some(BTreeSet::new()), vec![lines::no_folder(&error)]),
        }
    }

    /// The second phase, and the accounts whose repair failed in it.
    pub(super) async fn repair_all(&self, judged: Judged, watch: &Watch<'_>) -> (Results, BTreeSet<AccountId>) {
        let results = match self.brake(&judged) {
            Some(held) => (judged.held(held), BTreeSet::new()),
            None => self.repair_broken(judged, watch).await,
        };
        self.progress.end();
        results
    }

    async fn repair_broken(&self, judged: Judged, watch: &Watch<'_>) -> (Results, BTreeSet<AccountId>) {
        let Judged { mut lines, mut broken, errors, .. } = judged;
        let alone = if broken.is_empty() { None } else { self.alone().await };
        if alone.is_none() {
            lines.extend(broken.into_iter().map(|broken| broken.seen.then(Status::Pending, &Next::TooLateToRepair)));
            return (Results { accounts: lines, errors, ..Results::default() }, BTreeSet::new());
        }
        watch.begin_repairs();
        broken.sort_by_key(|broken| watch.has_failed(&broken.look.account));
        let (of, so_far) = (broken.len(), Mutex::default());
        let repairs = stream::iter(broken).map(|broken| self.repair(broken, &so_far));
        let mut repairs = pin!(repairs.buffer_unordered(self.config.concurrency).zip(stream::iter(1..)));
        while let Some((line, done)) = repairs.next().await {
            lines.push(line);
            let failed = locked(&so_far).failed.len();
            watch.repaired(Counts { stage: Stage::Repairing, done, of, broken: of, failed, left: None });
        }
        let Repairs { failed, held, .. } = std::mem::take(&mut *locked(&so_far));
        (Results { accounts: lines, errors, reason: held.map(BrakeTripped::failing), ..Results::default() }, failed)
    }

    /// A plan says what `remediate` would do, the brake included. Who carries out the plans that were shown looks at the broken
    /// accounts alone: their share says nothing, and the brake was asked about it when the plans were made.
    fn brake(&self, judged: &Judged) -> Option<BrakeTripped> {
        let was_shown = matches!(self.request.approved, Approved::Shown(_));
        let may_hold = !was_shown && self.request.mode != Mode::Verify && self.request.scope == Scope::Organization;
        may_hold.then(|| self.config.brake.exceeded(judged.share)).flatten()
    }

    async fn repair(&self, broken: Broken, so_far: &Mutex<Repairs>) -> AccountReport {
        if self.is_held(so_far) {
            return broken.seen.then(Status::Refused, &Next::HeldBack);
        }
        if self.guard.stop.is_asked() {
            return broken.seen.then(Status::Pending, &Next::StoppedBeforeRepair);
        }
        if self.is_late() {
            return broken.seen.then(Status::Pending, &Next::TooLateToRepair);
        }
        let report = self.visit(&broken.look, self.guard_for(&broken.look.account)).await;
        locked(so_far).add(&broken.look.account, &report);
        AccountReport { duration_ms: report.duration_ms.saturating_add(broken.seen.duration_ms), ..report }
    }

    /// Whether too many repairs have failed to begin another one.
    fn is_held(&self, so_far: &Mutex<Repairs>) -> bool {
        let mut so_far = locked(so_far);
        let held = self.config.brake.exceeded(so_far.share);
        if let Some(held) = held
            && so_far.held.is_none()
        {
            tracing::warn!(reason = held.failing(), "held back");
            so_far.held = Some(held);
        }
        held.is_some()
    }
}

impl Repairs {
    /// What was refused before its first write, by the guard or by the cloud, has done no harm: it holds nothing back.
    fn add(&mut self, account: &AccountId, report: &AccountReport) {
        let failed = matches!(report.status, Status::Stuck | Status::Failed | Status::RolledBack | Status::Refused);
        if failed {
            self.failed.insert(account.clone());
        }
        if report.status == Status::Remediated || (failed && has_written(report)) {
            self.share.of += 1;
            self.share.some += usize::from(failed);
        }
    }
}

/// Whether a write had an effect, or may have had one.
fn has_written(report: &AccountReport) -> bool {
    let had_effect = |result| matches!(result, StepResult::Done | StepResult::Undone | StepResult::Unknown);
    report.status == Status::Stuck || report.steps.iter().any(|step| had_effect(step.result))
}

impl Judge<'_> {
    async fn judge(&self, turn: Turn) -> Verdict {
        let Turn { look, gate, is_certain } = turn;
        match gate {
            Gate::Closed(line) => Verdict::last(look, *line),
            Gate::Open if self.sweep.guard.stop.is_asked() => {
                let line = lines::line(&look, Status::Pending, &Next::Stopped);
                Verdict::last(look, line)
            }
            Gate::Open if self.is_shut => {
                let line = lines::line(&look, Status::Pending, &Next::Behind);
                Verdict::last(look, line)
            }
            Gate::Open if !is_certain && self.is_over() => {
                let line = lines::line(&look, Status::Pending, &Next::TooLate);
                Verdict::last(look, line)
            }
            Gate::Open => self.look(look).await,
        }
    }

    fn is_over(&self) -> bool {
        self.sweep.is_late() || self.sweep.guard.session.remaining() < self.kept_back
    }

    async fn look(&self, look: Look) -> Verdict {
        let guard = self.sweep.guard_for(&look.account);
        let is_on_record = self.on_record.as_ref().is_none_or(|accounts| accounts.contains(&look.account));
        let store = guard.store.clone().filter(|_| is_on_record);
        let seen = self.sweep.visit(&look, Guard { mode: guard.mode.min(self.mode), store, ..guard }).await;
        let is_left = self.is_first_of_two && (is_broken(&seen) || is_unfinished(&seen));
        Verdict { look, seen, is_left, was_begun: true }
    }
}

impl Judged {
    fn add(&mut self, verdict: Verdict, is_whole: bool) {
        let Verdict { look, seen, is_left, was_begun } = verdict;
        self.count(seen.status);
        if was_begun && is_whole {
            self.begun.insert(look.account.clone());
        }
        match seen.status {
            _ if is_left => self.broken.push(Broken { look, seen }),
            Status::Authorized if is_whole => self.lines.push(seen.brief()),
            _ => self.lines.push(seen),
        }
    }

    pub(super) fn counts(&self, of: usize) -> Counts {
        let done = self.lines.len() + self.broken.len();
        let broken = self.share.some + self.dealt_with;
        Counts { stage: self.stage, done, of, broken, failed: self.failed, left: None }
    }

    /// Those that wait for the second phase.
    pub(super) fn left(&self) -> impl Iterator<Item = AccountId> {
        self.broken.iter().map(|broken| broken.look.account.clone())
    }

    pub(super) fn take_begun(&mut self) -> HashSet<AccountId> {
        std::mem::take(&mut self.begun)
    }

    fn count(&mut self, status: Status) {
        self.share.of += usize::from(matches!(status, Status::Authorized | Status::Drifted));
        self.share.some += usize::from(status == Status::Drifted);
        let ended_badly = matches!(status, Status::RolledBack | Status::Refused | Status::Stuck);
        self.dealt_with += usize::from(ended_badly || status == Status::Remediated);
        self.failed += usize::from(ended_badly || status == Status::Failed);
    }

    /// Nothing is written. In a plan, whose lines are drifted and none left for later, they say that it would not be.
    fn held(self, held: BrakeTripped) -> Results {
        tracing::warn!(reason = held.broken(), "held back");
        let warned = self.lines.into_iter().map(|line| if is_broken(&line) { warned(line) } else { line });
        let held_back = self.broken.into_iter().map(|broken| broken.seen.then(Status::Refused, &Next::HeldBack));
        let (accounts, reason) = (warned.chain(held_back).collect(), Some(held.broken()));
        Results { accounts, reason, errors: self.errors, ..Results::default() }
    }
}

/// A plan that the brake would keep from being carried out.
fn warned(line: AccountReport) -> AccountReport {
    let status = line.status;
    AccountReport { is_held: true, ..line }.then(status, &Next::WouldHoldBack)
}

fn is_broken(line: &AccountReport) -> bool {
    line.status == Status::Drifted
}

fn is_unfinished(line: &AccountReport) -> bool {
    line.findings.iter().any(|finding| finding.id == FindingId::JournalOpen)
}

fn locked(so_far: &Mutex<Repairs>) -> MutexGuard<'_, Repairs> {
    so_far.lock().unwrap_or_else(PoisonError::into_inner)
}
