//! All accounts are judged, then the broken ones are repaired, unless the brake holds.

use std::collections::BTreeSet;
use std::pin::pin;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _, stream};

use super::brake::{Held, Share};
use super::place::Place;
use super::queue::{Queue, Turn};
use super::{Counts, Gate, Look, Stage, Sweep, lines};
use crate::config::Mode;
use crate::report::{AccountReport, Results, Status};
use crate::target::AccountId;
use crate::verify::FindingId;

/// How often the place is kept, so that a run that is killed leaves one.
const KEPT_EVERY: Duration = Duration::from_secs(30);

/// What is known after the first phase.
#[derive(Debug, Default)]
pub(super) struct Judged {
    lines: Vec<AccountReport>,
    broken: Vec<Broken>,
    /// The broken ones among those that could be judged.
    share: Share,
    failed: usize,
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
}

impl Verdict {
    fn last(look: Look, seen: AccountReport) -> Self {
        Self { look, seen, is_left: false }
    }
}

/// Tells how far the run is, and keeps the place.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    sweep: &'a Sweep<'a>,
    /// Of a run over the whole organization.
    whole: Option<(&'a Queue, &'a Place)>,
    begun_with: Duration,
    kept_at: Mutex<Duration>,
}

/// How the first phase looks.
struct Judge<'a> {
    sweep: &'a Sweep<'a>,
    mode: Mode,
    /// Whether a second phase follows.
    is_first_of_two: bool,
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
        let _alone = if writes_now { Some(self.repairs.lock().await) } else { None };
        let judge = Judge {
            sweep: self,
            mode: if is_first_of_two { Mode::Verify } else { self.request.mode },
            is_first_of_two,
            kept_back: if is_first_of_two { watch.begun_with / 3 } else { Duration::ZERO },
            on_record: self.on_record(watch).await,
        };
        let mut verdicts = pin!(turns.map(|turn| judge.judge(turn)).buffer_unordered(self.config.concurrency));
        let mut judged = Judged::default();
        while let Some(verdict) = verdicts.next().await {
            judged.add(verdict, watch.whole.is_some());
            watch.judged(&judged).await;
        }
        judged
    }

    /// A folder that cannot be read keeps repairs from beginning, and says so then.
    async fn on_record(&self, watch: &Watch<'_>) -> Option<BTreeSet<AccountId>> {
        let store = self.guard.store.as_ref().filter(|_| watch.whole.is_some())?;
        let accounts = store.accounts().await;
        Some(accounts.unwrap_or_else(|error| {
            tracing::warn!(%error, "the journal folder cannot be used");
            BTreeSet::new()
        }))
    }

    /// The second phase.
    pub(super) async fn repair_all(&self, judged: Judged, watch: &Watch<'_>) -> Results {
        let held = self.brake(&judged);
        let Judged { mut lines, broken, .. } = judged;
        if let Some(held) = held {
            tracing::warn!(reason = held.broken(), "held back");
            lines.extend(broken.into_iter().map(|broken| broken.held(held.broken())));
            let is_plan = !self.request.mode.writes();
            lines.iter_mut().filter(|line| is_plan && is_broken(line)).for_each(|line| warn(line, held));
            self.progress.end();
            return Results { accounts: lines, reason: Some(held.broken()), ..Results::default() };
        }
        let _alone = if broken.is_empty() { None } else { Some(self.repairs.lock().await) };
        let failures = Mutex::default();
        let (of, mut done) = (broken.len(), 0);
        let repairs = stream::iter(broken).map(|broken| self.repair(broken, &failures));
        let mut repairs = pin!(repairs.buffer_unordered(self.config.concurrency));
        while let Some(line) = repairs.next().await {
            lines.push(line);
            done += 1;
            watch.repaired(Counts { stage: Stage::Repairing, done, of, broken: of, failed: share(&failures).some });
        }
        self.progress.end();
        Results { accounts: lines, ..Results::default() }
    }

    /// A plan says what `remediate` would do, the brake included.
    fn brake(&self, judged: &Judged) -> Option<Held> {
        let may_hold = self.request.mode != Mode::Verify && self.request.scope == crate::config::Scope::Organization;
        may_hold.then(|| self.config.brake.exceeded(judged.share)).flatten()
    }

    async fn repair(&self, broken: Broken, failures: &Mutex<Share>) -> AccountReport {
        if let Some(held) = self.config.brake.exceeded(share(failures)) {
            return broken.held(held.failing());
        }
        if self.is_late() {
            return lines::unrepaired(broken.seen);
        }
        let report = self.visit(&broken.look, self.guard_for(&broken.look.account)).await;
        let mut share = failures.lock().unwrap_or_else(PoisonError::into_inner);
        share.of += 1;
        share.some += usize::from(matches!(report.status, Status::Stuck | Status::Failed | Status::RolledBack));
        report
    }
}

impl Judge<'_> {
    async fn judge(&self, turn: Turn) -> Verdict {
        let Turn { look, gate, is_certain } = turn;
        match gate {
            Gate::Closed(line) => Verdict::last(look, *line),
            Gate::Open | Gate::Stranger if !is_certain && self.is_over() => {
                let line = lines::pending(&look);
                Verdict::last(look, line)
            }
            Gate::Open | Gate::Stranger => self.look(look).await,
        }
    }

    fn is_over(&self) -> bool {
        self.sweep.is_late() || self.sweep.guard.session.remaining() < self.kept_back
    }

    async fn look(&self, look: Look) -> Verdict {
        let guard = self.sweep.guard_for(&look.account);
        let is_on_record = self.on_record.as_ref().is_none_or(|accounts| accounts.contains(&look.account));
        let store = guard.store.clone().filter(|_| is_on_record);
        let seen =
            self.sweep.visit(&look, crate::reconcile::Guard { mode: guard.mode.min(self.mode), store, ..guard }).await;
        let is_left = self.is_first_of_two && (is_broken(&seen) || is_unfinished(&seen));
        Verdict { look, seen, is_left }
    }
}

impl Judged {
    fn add(&mut self, verdict: Verdict, is_whole: bool) {
        let Verdict { look, seen, is_left } = verdict;
        self.count(seen.status);
        match seen.status {
            _ if is_left => self.broken.push(Broken { look, seen }),
            Status::Authorized if is_whole => self.lines.push(seen.brief()),
            _ => self.lines.push(seen),
        }
    }

    fn count(&mut self, status: Status) {
        self.share.of += usize::from(matches!(status, Status::Authorized | Status::Drifted));
        self.share.some += usize::from(status == Status::Drifted);
        self.failed += usize::from(status == Status::Failed);
    }
}

impl Broken {
    fn held(self, why: String) -> AccountReport {
        lines::held(self.seen, why)
    }
}

impl<'a> Watch<'a> {
    pub(super) fn new(sweep: &'a Sweep<'a>, whole: Option<(&'a Queue, &'a Place)>) -> Self {
        let kept_at = Mutex::new(sweep.guard.session.clock().uptime());
        Self { sweep, whole, begun_with: sweep.guard.session.remaining(), kept_at }
    }

    async fn judged(&self, judged: &Judged) {
        let Some((queue, place)) = self.whole else { return };
        let done = judged.lines.len() + judged.broken.len();
        let (of, broken) = (queue.total(), judged.share.some);
        self.show(Counts { stage: Stage::Judging, done, of, broken, failed: judged.failed });
        if self.is_time_to_keep() {
            let broken = judged.broken.iter().map(|broken| broken.look.account.clone());
            place.keep(broken.chain(queue.waiting()).collect()).await;
        }
    }

    fn repaired(&self, counts: Counts) {
        if self.whole.is_some() {
            self.show(counts);
        }
    }

    fn show(&self, counts: Counts) {
        self.sweep.progress.show(counts, self.sweep.guard.session.clock().uptime());
    }

    fn is_time_to_keep(&self) -> bool {
        let now = self.sweep.guard.session.clock().uptime();
        let mut kept_at = self.kept_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = now.saturating_sub(*kept_at) >= KEPT_EVERY;
        if is_time {
            *kept_at = now;
        }
        is_time
    }
}

/// The accounts that the next run starts with.
pub(super) fn not_reached(lines: &[AccountReport]) -> Vec<AccountId> {
    let pending = lines.iter().filter(|line| line.status == Status::Pending);
    pending.filter_map(|line| line.account_id.clone()).collect()
}

fn is_broken(line: &AccountReport) -> bool {
    line.status == Status::Drifted
}

fn is_unfinished(line: &AccountReport) -> bool {
    line.findings.iter().any(|finding| finding.id == FindingId::JournalOpen)
}

fn warn(line: &mut AccountReport, held: Held) {
    line.next = Some(format!("`remediate` would refuse: {}", held.broken()));
}

fn share(failures: &Mutex<Share>) -> Share {
    *failures.lock().unwrap_or_else(PoisonError::into_inner)
}
