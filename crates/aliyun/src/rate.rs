//! Client-side rate limits, so that a run stays below the cloud's own: `DTS_GUARD_RATE` for each operation in each account,
//! and a fixed one for `AssumeRole`, which the vendor limits for the whole account.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::{HashMapStateStore, ShrinkableKeyedStateStore};
use governor::state::{InMemoryState, NotKeyed, StateStore};
use governor::{NotUntil, Quota, RateLimiter};

use super::Kind;
use super::backoff::Backoff;
use crate::clock::{Deadline, SharedClock};

pub(super) type Key = (&'static str, String);
type Limiter<Key, Store> = RateLimiter<Key, Store, Uptime, NoOpMiddleware<Nanos>>;

/// `AssumeRole`: 80 in any one second. A burst and one second's refill are 76; what is left is for calls that arrive late and
/// so meet those of the next second. Documented are 100 for an account, users and roles together (source: the vendor's
/// notice on the limit).
const ASSUME_ROLE_BURST: NonZeroU32 = NonZeroU32::new(4).unwrap();
const ASSUME_ROLE_RATE: NonZeroU32 = NonZeroU32::new(72).unwrap();

/// More buckets than this are not kept without need: a full bucket is as good as none.
const BUCKETS: usize = 256;

/// Calls that waited together go on one after the other within this time: if the first is throttled again, the rest has
/// not yet used up a try.
const SPREAD: Duration = Duration::from_millis(500);

/// Which limit a call falls under.
#[derive(Clone, Copy)]
pub(super) struct Bucket<'a> {
    pub(super) operation: &'static str,
    /// The account whose keys are used.
    pub(super) account: &'a str,
    /// Writes skip the shared backoff: the executor retries them, since only it knows whether the role is missing meanwhile.
    pub(super) writes: bool,
}

impl Bucket<'_> {
    fn key(&self) -> Key {
        (self.operation, self.account.to_owned())
    }
}

/// One bucket for each operation and account, each holding one second's worth, and one for `AssumeRole`.
///
/// They are an instance's: kept for one invocation only, they would start full each time, and an instance that is invoked
/// often would ask for more than it may.
pub struct RateLimits {
    buckets: Limiter<Key, Levels>,
    levels: Levels,
    rate: NonZeroU32,
    start: Duration,
    assume_role: Limiter<NotKeyed, InMemoryState>,
    backoff: Backoff,
    clock: SharedClock,
}

/// How full the buckets are. The limiter owns its store; this one is shared with it, so that it can be asked without
/// taking anything.
#[derive(Clone, Default)]
struct Levels(Arc<HashMapStateStore<Key>>);

impl StateStore for Levels {
    type Key = Key;

    fn measure_and_replace<T, F, E>(&self, key: &Key, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        self.0.measure_and_replace(key, f)
    }
}

impl ShrinkableKeyedStateStore<Key> for Levels {
    fn retain_recent(&self, drop_below: Nanos) {
        self.0.retain_recent(drop_below);
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
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
    /// The same rate for each operation and account.
    #[must_use]
    pub fn per_second(rate: NonZeroU32, clock: SharedClock) -> Self {
        let time = Uptime(clock.clone());
        let entries = Quota::per_second(ASSUME_ROLE_RATE).allow_burst(ASSUME_ROLE_BURST);
        let (levels, start) = (Levels::default(), clock.uptime());
        Self {
            buckets: RateLimiter::new(Quota::per_second(rate), levels.clone(), time.clone()),
            levels,
            rate,
            start,
            assume_role: RateLimiter::direct_with_clock(entries, time),
            backoff: Backoff::default(),
            clock,
        }
    }

    /// The same with another limit for `AssumeRole`: a benchmark of all the rest lifts it.
    #[must_use]
    pub fn with_assume_role_rate(self, rate: NonZeroU32) -> Self {
        let time = Uptime(self.clock.clone());
        Self { assume_role: RateLimiter::direct_with_clock(Quota::per_second(rate), time), ..self }
    }

    /// Waits until the call may be made; fails at once, by its reason, if that is not before the deadline.
    pub(super) async fn ready(&self, bucket: Bucket<'_>, deadline: Deadline) -> Result<(), Kind> {
        let until = |until: NotUntil<Nanos>| until.wait_time_from(self.clock.uptime().into());
        while let Some(wait) = self.throttled_for(bucket).or_else(|| self.check(bucket).err().map(until)) {
            if wait >= deadline.remaining(&*self.clock) {
                let is_throttled = self.throttled_for(bucket).is_some();
                return Err(if is_throttled { Kind::Throttled } else { Kind::DeadlineExceeded });
            }
            self.clock.sleep(wait).await;
        }
        Ok(())
    }

    /// How long so many calls of one kind, made as soon as they may be, would have to wait in all. It takes nothing.
    pub(super) fn wait_for(&self, bucket: Bucket<'_>, calls: usize) -> Duration {
        let each = Duration::from_secs(1) / self.rate.get();
        let now = self.clock.uptime().saturating_sub(self.start);
        // The moment at which the bucket is full again, in the limiter's words; an error leaves it as it is.
        let asked: Result<(), Option<Nanos>> = self.levels.measure_and_replace(&bucket.key(), Err);
        let full: Duration = asked.err().flatten().map_or(now, Into::into);
        let beyond = u32::try_from(calls).unwrap_or(u32::MAX).saturating_sub(self.rate.get());
        match calls {
            0 => Duration::ZERO,
            // One call fewer than the bucket holds costs nothing while it is full.
            _ if beyond > 0 => full.saturating_sub(now) + each.saturating_mul(beyond),
            _ => {
                let spare = each.saturating_mul(self.rate.get() - u32::try_from(calls).unwrap_or(u32::MAX));
                full.saturating_sub(now).saturating_sub(spare)
            }
        }
    }

    /// How long the cloud's throttling keeps the call back.
    pub(super) fn throttled_for(&self, bucket: Bucket<'_>) -> Option<Duration> {
        let left = self.backoff.left(&bucket.key(), self.clock.uptime()).filter(|_| !bucket.writes)?;
        Some(left + SPREAD.mul_f64(self.clock.random()))
    }

    /// Learns from a reply.
    pub(super) fn record(&self, bucket: Bucket<'_>, throttled: bool) {
        let now = self.clock.uptime();
        match throttled {
            _ if bucket.writes => {}
            true => self.backoff.throttled(bucket.key(), now),
            false => self.backoff.answered(&bucket.key(), now),
        }
    }

    fn check(&self, bucket: Bucket<'_>) -> Result<(), NotUntil<Nanos>> {
        if bucket.operation == "AssumeRole" {
            return self.assume_role.check();
        }
        if self.buckets.len() > BUCKETS {
            self.buckets.retain_recent();
        }
        self.buckets.check_key(&bucket.key())
    }
}

impl std::fmt::Debug for RateLimits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RateLimits").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::BoxFuture;

    /// Time passes only by sleeping.
    #[derive(Default)]
    struct StillClock(Mutex<Duration>, AtomicU32);

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

        fn random(&self) -> f64 {
            f64::from(self.1.fetch_add(1, Ordering::Relaxed) % 10) / 10.0
        }

        fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
            *self.0.lock().unwrap() += pause;
            Box::pin(std::future::ready(()))
        }
    }

    fn bucket<'a>(operation: &'static str, account: &'a str) -> Bucket<'a> {
        Bucket { operation, account, writes: false }
    }

    fn limits(rate: NonZeroU32) -> (RateLimits, Arc<StillClock>) {
        let clock = Arc::new(StillClock::default());
        (RateLimits::per_second(rate, clock.clone()), clock)
    }

    impl StillClock {
        fn time(&self) -> Duration {
            *self.0.lock().unwrap()
        }
    }

    #[tokio::test]
    async fn a_burst_is_one_seconds_worth_and_then_the_rate_holds() {
        let (limits, clock) = limits(NonZeroU32::new(10).unwrap());
        for _ in 0..10 {
            limits.ready(bucket("GetRole", "1"), Deadline::NONE).await.unwrap();
        }
        assert_eq!(clock.time(), Duration::ZERO, "the burst does not wait");
        for _ in 0..20 {
            limits.ready(bucket("GetRole", "1"), Deadline::NONE).await.unwrap();
        }
        assert_eq!(clock.time(), Duration::from_secs(2));
    }

    #[tokio::test]
    async fn operations_and_accounts_do_not_wait_for_each_other() {
        let (limits, clock) = limits(NonZeroU32::MIN);
        for (operation, account) in [("GetRole", "1"), ("GetRole", "2"), ("DeleteRole", "1")] {
            limits.ready(bucket(operation, account), Deadline::NONE).await.unwrap();
        }
        assert_eq!(clock.time(), Duration::ZERO);
    }

    #[tokio::test]
    async fn no_second_sees_more_than_eighty_entries_whatever_the_setting() {
        let (limits, clock) = limits(NonZeroU32::MAX);
        let mut times = Vec::new();
        for account in 0..400 {
            limits.ready(bucket("AssumeRole", &account.to_string()), Deadline::NONE).await.unwrap();
            times.push(clock.time());
        }
        for window in times.windows(81) {
            assert!(window[80] >= window[0] + Duration::from_secs(1), "{window:?}");
        }
        assert!(times[399] < Duration::from_secs(6), "nor much fewer: {:?}", times[399]);
    }

    #[tokio::test]
    async fn reads_wait_where_the_cloud_throttled_one_of_them_and_writes_do_not() {
        let (limits, clock) = limits(NonZeroU32::MAX);
        limits.record(bucket("AssumeRole", "1"), true);
        limits.ready(Bucket { writes: true, ..bucket("AssumeRole", "1") }, Deadline::NONE).await.unwrap();
        limits.ready(bucket("AssumeRole", "2"), Deadline::NONE).await.unwrap();
        assert_eq!(clock.time(), Duration::ZERO);
        let waits: Vec<_> = (0..20).map(|_| limits.throttled_for(bucket("AssumeRole", "1")).unwrap()).collect();
        assert!(waits.iter().all(|wait| (1000..1500).contains(&wait.as_millis())), "{waits:?}");
        assert!(waits.iter().any(|wait| *wait != waits[0]), "not all at once: {waits:?}");
        limits.ready(bucket("AssumeRole", "1"), Deadline::NONE).await.unwrap();
        assert!(clock.time() >= Duration::from_secs(1));
    }

    #[tokio::test]
    async fn nobody_waits_beyond_the_deadline() {
        let (limits, clock) = limits(NonZeroU32::MIN);
        let deadline = Deadline::after(&*clock, Duration::from_millis(999));
        assert_eq!(limits.ready(bucket("GetRole", "1"), deadline).await, Ok(()));
        assert_eq!(limits.ready(bucket("GetRole", "1"), deadline).await, Err(Kind::DeadlineExceeded));
        limits.record(bucket("ListRoleTags", "1"), true);
        assert_eq!(limits.ready(bucket("ListRoleTags", "1"), deadline).await, Err(Kind::Throttled));
        assert_eq!(clock.time(), Duration::ZERO);
    }

    #[tokio::test]
    async fn how_long_calls_would_wait_is_told_as_it_comes_to_be() {
        for rate in [1, 3, 10] {
            for before in [0, 1, 5, 17] {
                for calls in [0, 1, 2, 3, 9, 10, 11, 30] {
                    let (limits, clock) = limits(NonZeroU32::new(rate).unwrap());
                    for _ in 0..before {
                        limits.ready(bucket("DetachPolicyFromRole", "1"), Deadline::NONE).await.unwrap();
                    }
                    let told = limits.wait_for(bucket("DetachPolicyFromRole", "1"), calls);
                    assert_eq!(
                        limits.wait_for(bucket("DetachPolicyFromRole", "1"), calls),
                        told,
                        "asking takes nothing"
                    );
                    let begin = clock.time();
                    for _ in 0..calls {
                        limits.ready(bucket("DetachPolicyFromRole", "1"), Deadline::NONE).await.unwrap();
                    }
                    let waited = clock.time().checked_sub(begin).unwrap();
                    let difference = told.abs_diff(waited);
                    assert!(difference < Duration::from_micros(1), "{rate} {before} {calls}: {told:?}, not {waited:?}");
                }
            }
        }
    }

    #[tokio::test]
    async fn full_buckets_are_not_kept() {
        let (limits, clock) = limits(NonZeroU32::MAX);
        for account in 0..10_000 {
            limits.ready(bucket("GetRole", &account.to_string()), Deadline::NONE).await.unwrap();
            crate::clock::Clock::sleep(&*clock, Duration::from_millis(1)).await;
        }
        assert!(limits.buckets.len() <= BUCKETS + 1, "{}", limits.buckets.len());
    }
}
