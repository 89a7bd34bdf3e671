//! Tells how far a run is and how long the rest takes, and keeps its place.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use authorization::target::AccountId;

use super::phases::Judged;
use super::place::{Memory, Place};
use super::queue::Queue;
use super::{Counts, Sweep};

/// How often the place is kept, so that a run that is killed leaves one.
const KEPT_EVERY: Duration = Duration::from_secs(30);

/// Guesses about the time left that come too early are worse than none.
const TELLING: usize = 5;

/// The accounts of a run.
#[derive(Debug, Clone, Copy)]
pub(super) enum Extent<'a> {
    /// The whole organization: more may be listed while the run is at work.
    Whole(&'a Queue, &'a Place),
    /// So many, chosen by the request.
    Chosen(usize),
}

/// One run's.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    sweep: &'a Sweep<'a>,
    extent: Extent<'a>,
    /// What earlier runs left.
    memory: &'a Memory,
    begun_with: Duration,
    kept_at: Mutex<Duration>,
    /// When the stage began: each has a pace of its own.
    stage_begun: Mutex<Duration>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(sweep: &'a Sweep<'a>, extent: Extent<'a>, memory: &'a Memory) -> Self {
        let now = sweep.guard.session.clock().uptime();
        let (kept_at, stage_begun) = (Mutex::new(now), Mutex::new(now));
        Self { sweep, extent, memory, begun_with: sweep.guard.session.remaining(), kept_at, stage_begun }
    }

    pub(super) fn is_whole(&self) -> bool {
        matches!(self.extent, Extent::Whole(..))
    }

    /// Whether the repair of an account failed when it was last tried.
    pub(super) fn has_failed(&self, account: &AccountId) -> bool {
        self.memory.failed.contains(account)
    }

    /// The time that there was at first.
    pub(super) fn begun_with(&self) -> Duration {
        self.begun_with
    }

    pub(super) async fn judged(&self, judged: &Judged) {
        let (queue, place) = match self.extent {
            Extent::Whole(queue, place) => (queue, place),
            Extent::Chosen(of) => return self.show(judged.counts(of)),
        };
        self.show(judged.counts(queue.total()));
        if self.is_time_to_keep() {
            let waiting = judged.left().chain(queue.waiting()).collect();
            place.keep(Memory { waiting, failed: self.memory.failed.clone() }).await;
        }
    }

    /// The second phase begins.
    pub(super) fn begin_repairs(&self) {
        *locked(&self.stage_begun) = self.uptime();
    }

    pub(super) fn repaired(&self, counts: Counts) {
        self.show(counts);
    }

    /// Of one account there is nothing to show.
    fn show(&self, counts: Counts) {
        let (of, telling) = match self.extent {
            Extent::Whole(..) => (usize::MAX, TELLING),
            Extent::Chosen(of) => (of, TELLING.min(of.div_ceil(2))),
        };
        if of > 1 {
            let (now, begun) = (self.uptime(), *locked(&self.stage_begun));
            let left = left(counts.done, counts.of, now.saturating_sub(begun)).filter(|_| counts.done >= telling);
            self.sweep.progress.show(Counts { left, ..counts }, now);
        }
    }

    fn uptime(&self) -> Duration {
        self.sweep.guard.session.clock().uptime()
    }

    fn is_time_to_keep(&self) -> bool {
        let (now, mut kept_at) = (self.uptime(), locked(&self.kept_at));
        let is_time = now.saturating_sub(*kept_at) >= KEPT_EVERY;
        if is_time {
            *kept_at = now;
        }
        is_time
    }
}

fn locked(moment: &Mutex<Duration>) -> MutexGuard<'_, Duration> {
    moment.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How long the rest takes at the pace so far.
fn left(done: usize, of: usize, took: Duration) -> Option<Duration> {
    let rest = u32::try_from(of.saturating_sub(done)).ok()?;
    let done = u32::try_from(done).ok().filter(|done| *done > 0)?;
    Some(took.saturating_mul(rest) / done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_pace() {
        let seconds = Duration::from_secs;
        assert_eq!(left(0, 2, seconds(4)), None);
        assert_eq!(left(20, 100, seconds(10)), Some(seconds(40)));
        assert_eq!(left(100, 100, seconds(10)), Some(Duration::ZERO));
        assert_eq!(left(3, 2, seconds(10)), Some(Duration::ZERO), "more than there were thought to be");
    }
}
