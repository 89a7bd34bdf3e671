//! Client-side rate limits, so that a run stays below the cloud's own: `DTS_GUARD_RATE` for each operation in each account,
//! and a fixed one for `AssumeRole`, which the vendor limits for the whole account.

use std::num::NonZeroU32;

use governor::clock::{Clock, Reference as _};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, Quota, RateLimiter};

use crate::clock::SharedClock;

type Bucket = (&'static str, String);
type Limiter<Key, Store> = RateLimiter<Key, Store, Uptime, NoOpMiddleware<Nanos>>;

/// `AssumeRole`: a burst and one second's refill are 80 in any one second. Documented are 100 for an account, users and
/// roles together (source: the vendor's notice on the limit).
const ASSUME_ROLE_BURST: NonZeroU32 = NonZeroU32::new(8).unwrap();
const ASSUME_ROLE_RATE: NonZeroU32 = NonZeroU32::new(72).unwrap();

/// One bucket for each operation and account, each holding one second's worth, and one for `AssumeRole`.
pub struct RateLimits {
    buckets: Limiter<Bucket, HashMapStateStore<Bucket>>,
    assume_role: Limiter<NotKeyed, InMemoryState>,
    clock: SharedClock,
}

/// The product's clock in the limiter's words.
#[derive(Clone)]
struct Uptime(SharedClock);

impl Clock for Uptime {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        self.0.uptime().into()
    }
}

impl RateLimits {
    /// So many requests a second.
    #[must_use]
    pub fn per_second(rate: NonZeroU32, clock: SharedClock) -> Self {
        let time = Uptime(clock.clone());
        let entries = Quota::per_second(ASSUME_ROLE_RATE).allow_burst(ASSUME_ROLE_BURST);
        Self {
            buckets: RateLimiter::new(Quota::per_second(rate), HashMapStateStore::default(), time.clone()),
            assume_role: RateLimiter::direct_with_clock(entries, time),
            clock,
        }
    }

    /// Waits until the operation may be called once more.
    pub async fn ready(&self, operation: &'static str, account: &str) {
        while let Err(wait) = self.check(operation, account) {
            let now = Uptime(self.clock.clone()).now();
            let pause = wait.earliest_possible().duration_since(now);
            self.clock.sleep(pause.into()).await;
        }
    }

    fn check(&self, operation: &'static str, account: &str) -> Result<(), NotUntil<Nanos>> {
        match operation {
            "AssumeRole" => self.assume_role.check(),
            _ => self.buckets.check_key(&(operation, account.to_owned())),
        }
    }
}

impl std::fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimits").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::Pin;
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use super::*;

    /// Time passes only by sleeping.
    #[derive(Default)]
    struct StillClock(Mutex<Duration>);

    impl crate::clock::Clock for StillClock {
        fn now(&self) -> jiff::Timestamp {
            jiff::Timestamp::UNIX_EPOCH
        }

        fn uptime(&self) -> Duration {
            *self.0.lock().unwrap()
        }

        fn nonce(&self) -> String {
            String::new()
        }

        fn sleep(&self, pause: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
            *self.0.lock().unwrap() += pause;
            Box::pin(std::future::ready(()))
        }
    }

    #[tokio::test]
    async fn a_burst_is_one_seconds_worth_and_then_the_rate_holds() {
        let clock = Arc::new(StillClock::default());
        let limits = RateLimits::per_second(NonZeroU32::new(10).unwrap(), clock.clone());
        for _ in 0..10 {
            limits.ready("GetRole", "1").await;
        }
        assert_eq!(crate::clock::Clock::uptime(&*clock), Duration::ZERO, "the burst does not wait");
        for _ in 0..20 {
            limits.ready("GetRole", "1").await;
        }
        assert_eq!(crate::clock::Clock::uptime(&*clock), Duration::from_secs(2));
    }

    #[tokio::test]
    async fn operations_and_accounts_do_not_wait_for_each_other() {
        let clock = Arc::new(StillClock::default());
        let limits = RateLimits::per_second(NonZeroU32::MIN, clock.clone());
        for (operation, account) in [("GetRole", "1"), ("GetRole", "2"), ("DeleteRole", "1")] {
            limits.ready(operation, account).await;
        }
        assert_eq!(crate::clock::Clock::uptime(&*clock), Duration::ZERO);
    }

    #[tokio::test]
    async fn no_second_sees_more_than_eighty_entries_whatever_the_setting() {
        let clock = Arc::new(StillClock::default());
        let limits = RateLimits::per_second(NonZeroU32::MAX, clock.clone());
        let mut times = Vec::new();
        for account in 0..400 {
            limits.ready("AssumeRole", &account.to_string()).await;
            times.push(crate::clock::Clock::uptime(&*clock));
        }
        for window in times.windows(81) {
            assert!(window[80] >= window[0] + Duration::from_secs(1), "{window:?}");
        }
        assert!(times[399] < Duration::from_secs(6), "nor much fewer: {:?}", times[399]);
    }
}
