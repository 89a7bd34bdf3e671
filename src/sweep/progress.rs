//! How far a run over many accounts is.

use std::sync::Mutex;
use std::time::Duration;

use aliyun::clock::SharedClock;

use crate::config::Ratio;
use crate::report::Status;

/// What a run is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It finds out which roles are broken.
    #[default]
    Judging,
    /// It repairs them; of a few accounts it finds out at the same time which are broken.
    Repairing,
}

/// How far it is, in accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) stage: Stage,
    pub(crate) done: usize,
    /// As far as is known.
    pub(crate) of: usize,
    pub(crate) broken: usize,
    /// Could not be judged, or not be repaired.
    pub(crate) failed: usize,
    /// How long the rest of this stage takes at its pace so far, once that can be said.
    pub(crate) left: Option<Duration>,
}

pub(crate) trait Progress: Send + Sync {
    /// Told after each account; `uptime` is the clock's.
    fn show(&self, counts: Counts, uptime: Duration);
    /// The run is over.
    fn end(&self);
}

impl std::fmt::Debug for dyn Progress + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}

impl Stage {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Judging => "judging",
            Self::Repairing => "repairing",
        }
    }
}

/// What a run over accounts has counted so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    /// The broken ones among those that could be judged.
    pub(super) share: Ratio,
    done: usize,
    /// Broken ones that were dealt with at once.
    dealt_with: usize,
    failed: usize,
}

impl Tally {
    pub(super) fn count(&mut self, status: Status) {
        let ended_badly = matches!(status, Status::RolledBack | Status::Refused | Status::Stuck);
        self.done += 1;
        self.share.of += usize::from(matches!(status, Status::Authorized | Status::Drifted));
        self.share.some += usize::from(status == Status::Drifted);
        self.dealt_with += usize::from(ended_badly || status == Status::Remediated);
        self.failed += usize::from(ended_badly || status == Status::Failed);
    }

    pub(super) fn counts(&self, stage: Stage, of: usize) -> Counts {
        let Self { share, done, dealt_with, failed } = self;
        Counts { stage, done: *done, of, broken: share.some + dealt_with, failed: *failed, left: None }
    }
}

/// Guesses about the time left that come too early are worse than none.
const TELLING: usize = 5;

/// Tells how far one stage of a run is, and how long the rest takes: each stage has a pace of its own.
pub(super) struct Reporter<'a> {
    progress: &'a dyn Progress,
    clock: &'a SharedClock,
    stage_begun: Duration,
    /// How many accounts make the pace known.
    telling: usize,
}

impl<'a> Reporter<'a> {
    /// `chosen` is the number of accounts, where the request has chosen them.
    pub(super) fn new(progress: &'a dyn Progress, clock: &'a SharedClock, chosen: Option<usize>) -> Self {
        let telling = chosen.map_or(TELLING, |chosen| TELLING.min(chosen.div_ceil(2)));
        Self { progress, clock, stage_begun: clock.uptime(), telling }
    }

    pub(super) fn show(&self, counts: Counts) {
        let now = self.clock.uptime();
        let left = left(counts.done, counts.of, now.saturating_sub(self.stage_begun));
        self.progress.show(Counts { left: left.filter(|_| counts.done >= self.telling), ..counts }, now);
    }
}

/// How long the rest takes at the pace so far.
fn left(done: usize, of: usize, took: Duration) -> Option<Duration> {
    let rest = u32::try_from(of.saturating_sub(done)).ok()?;
    let done = u32::try_from(done).ok().filter(|done| *done > 0)?;
    Some(took.saturating_mul(rest) / done)
}

/// A line in the log every few seconds.
#[derive(Debug, Default)]
pub(crate) struct LogLines(Mutex<Option<Duration>>);

const EVERY: Duration = Duration::from_secs(5);

impl Progress for LogLines {
    fn show(&self, counts: Counts, uptime: Duration) {
        if self.is_due(uptime) {
            let Counts { stage, done, of, broken, failed, left } = counts;
            let left_seconds = left.map(|left| left.as_secs());
            tracing::info!(stage = stage.as_str(), done, of, broken, failed, leftSeconds = left_seconds, "progress");
        }
    }

    fn end(&self) {
        *self.last() = None;
    }
}

impl LogLines {
    /// The first account of a run only starts the watch: a short run says nothing.
    fn is_due(&self, uptime: Duration) -> bool {
        let mut last = self.last();
        let begin = *last.get_or_insert(uptime);
        let is_due = uptime.saturating_sub(begin) >= EVERY;
        if is_due {
            *last = Some(uptime);
        }
        is_due
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Duration>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_due_every_five_seconds() {
        let lines = LogLines::default();
        let due = [3, 7, 8, 12, 13, 30, 31].map(|second| lines.is_due(Duration::from_secs(second)));
        assert_eq!(due, [false, false, true, false, true, true, false]);
        lines.end();
        assert!(!lines.is_due(Duration::from_mins(1)), "another run");
    }

    #[test]
    fn the_time_left_follows_the_pace() {
        let seconds = Duration::from_secs;
        assert_eq!(left(0, 2, seconds(4)), None);
        assert_eq!(left(20, 100, seconds(10)), Some(seconds(40)));
        assert_eq!(left(100, 100, seconds(10)), Some(Duration::ZERO));
        assert_eq!(left(3, 2, seconds(10)), Some(Duration::ZERO), "more than there were thought to be");
    }
}
