//! A store, and how long its operations take: a repair on a slow mount needs more of the deadline.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use aliyun::clock::SharedClock;
use futures_util::future::BoxFuture;

use super::bounded::is_lost;
use super::store::Store;
use super::trust::Seal;

/// The only way to the store is [`Self::ask`], so that every operation is timed.
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

    pub(super) fn seal(&self) -> Seal {
        self.store.seal()
    }

    /// The longest that an operation has taken so far.
    pub(super) fn slowest(&self) -> Duration {
        if self.lost.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        Duration::from_micros(self.slowest_micros.load(Ordering::Relaxed))
    }

    pub(super) async fn ask<'a, T>(
        &'a self,
        operation: impl FnOnce(&'a dyn Store) -> BoxFuture<'a, io::Result<T>>,
    ) -> io::Result<T> {
        let begin = self.clock.uptime();
        let done = operation(&*self.store).await;
        if done.as_ref().is_err_and(is_lost) {
            self.lost.store(true, Ordering::Relaxed);
        }
        let took = self.clock.uptime().saturating_sub(begin);
        self.slowest_micros.fetch_max(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        done
    }
}
