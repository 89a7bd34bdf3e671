//! Client-side rate limits, so that a run stays below the cloud's own (setting `DTS_GUARD_RATE`).

use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::clock::Clock;

/// One bucket for each operation and account, each holding one second's worth.
pub struct RateLimits {
    buckets: DefaultKeyedRateLimiter<(&'static str, String)>,
    time: DefaultClock,
}

impl RateLimits {
    /// So many requests a second.
    #[must_use]
    pub fn per_second(rate: NonZeroU32) -> Self {
        Self { buckets: RateLimiter::keyed(Quota::per_second(rate)), time: DefaultClock::default() }
    }

    /// Waits until the operation may be called once more.
    pub async fn ready(&self, operation: &'static str, account: &str, clock: &dyn Clock) {
        let key = (operation, account.to_owned());
        while let Err(wait) = self.buckets.check_key(&key) {
            clock.sleep(wait.wait_time_from(self.time.now())).await;
        }
    }
}

impl std::fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimits").finish_non_exhaustive()
    }
}
