//! A store, and how long its operations take: a repair on a slow mount needs more of the deadline.

use std::io;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aliyun::clock::SharedClock;

use super::bounded::is_lost;
use super::store::{Doing, Store};

#[derive(Debug)]
pub(super) struct Timed {
    store: Arc<dyn Store>,
    clock: SharedClock,
    slowest_micros: AtomicU64,
    /// It is not asked any more, so it takes no more time.
    lost: AtomicBool,
}

impl Timed {
    pub(super) fn new(store: Arc<dyn Store>, clock: SharedClock) -> Self {
        Self { store, clock, slowest_micros: AtomicU64::new(0), lost: AtomicBool::new(false) }
    }

    /// The longest that an operation has taken so far.
    pub(super) fn slowest(&self) -> Duration {
        if self.lost.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        Duration::from_micros(self.slowest_micros.load(Ordering::Relaxed))
    }

    pub(super) async fn timed<T>(&self, work: Doing<'_, T>) -> io::Result<T> {
        let begin = self.clock.uptime();
        let done = work.await;
        if done.as_ref().is_err_and(is_lost) {
            self.lost.store(true, Ordering::Relaxed);
        }
        let took = self.clock.uptime().saturating_sub(begin);
        self.slowest_micros.fetch_max(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        done
    }
}

impl Deref for Timed {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}
