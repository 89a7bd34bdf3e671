//! Client-side rate limits, so that a run stays below the cloud's own: `DTS_GUARD_RATE` for each operation in each account,
//! and a fixed one for `AssumeRole`, which the vendor limits for the whole account. What is throttled even so waits.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::Kind;
use crate::clock::{Deadline, SharedClock};

type Key = (&'static str, String);

/// `AssumeRole`: 80 in any one second. A burst and one second's refill are 76; what is left is for calls that arrive late and
/// so meet those of the next second. Documented are 100 for an account, users and roles together (source: the vendor's
/// notice on the limit).
const ASSUME_ROLE: Quota = Quota { burst: 4, each: Duration::from_nanos(1_000_000_000 / 72) };

/// More buckets than this are not kept without need: a full bucket is as good as none.
const BUCKETS: usize = 256;

/// Calls that waited together go on one after the other within this time: if the first is throttled again, the rest has
/// not yet used up a try.
const SPREAD: Duration = Duration::from_millis(500);

/// The cloud counts by the second: the first wait is that long, each further one twice the last, up to eight.
const FIRST: Duration = Duration::from_secs(1);
const DOUBLINGS: u32 = 3;

/// What is long over is forgotten once there are more than this many: an instance may live for days.
const HOLDS: usize = 256;
/// Within this time the cloud's next throttling counts as one in a row.
const REMEMBERED: Duration = Duration::from_mins(1);

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
#[derive(Debug)]
pub struct RateLimits {
    /// When each bucket is full again. One that is not listed is full.
    full_at: Mutex<HashMap<Key, Duration>>,
    quota: Quota,
    assume_role: Quota,
    backoff: Backoff,
    clock: SharedClock,
}

/// How many calls a full bucket gives at once, and how long it takes to get one back.
#[derive(Debug, Clone, Copy)]
struct Quota {
    burst: u32,
    each: Duration,
}

impl Quota {
    fn per_second(rate: NonZeroU32) -> Self {
        Self { burst: rate.get(), each: Duration::from_secs(1) / rate.get() }
    }

    /// How long the last of these calls, made as soon as they may be, has to wait if the bucket is full in `missing`.
    fn wait(self, missing: Duration, calls: u32) -> Duration {
        let taken = missing.saturating_add(self.each.saturating_mul(calls));
        taken.saturating_sub(self.each.saturating_mul(self.burst))
    }
}

impl RateLimits {
    /// The same rate for each operation and account.
    pub fn per_second(rate: NonZeroU32, clock: SharedClock) -> Self {
        let (full_at, backoff) = (Mutex::default(), Backoff::default());
        Self { full_at, quota: Quota::per_second(rate), assume_role: ASSUME_ROLE, backoff, clock }
    }

    /// The same with another limit for `AssumeRole`: a benchmark of all the rest lifts it.
    #[must_use]
    pub fn with_assume_role_rate(self, rate: NonZeroU32) -> Self {
        Self { assume_role: Quota::per_second(rate), ..self }
    }

    /// Waits until the call may be made; fails at once, by its reason, if that is not before the deadline.
    pub(super) async fn ready(&self, bucket: Bucket<'_>, deadline: Deadline) -> Result<(), Kind> {
        while let Some(wait) = self.throttled_for(bucket).or_else(|| self.take(bucket).err()) {
            if wait >= deadline.remaining(&*self.clock) {
                let is_throttled = self.throttled_for(bucket).is_some();
                return Err(if is_throttled { Kind::Throttled } else { Kind::DeadlineExceeded });
            }
            self.clock.sleep(wait).await;
        }
        Ok(())
    }

    /// How long this many calls of one kind, made as soon as they may be, would have to wait in all. It takes nothing.
    pub(super) fn wait_for(&self, bucket: Bucket<'_>, calls: usize) -> Duration {
        let missing =
            self.full_at().get(&bucket.key()).map_or(Duration::ZERO, |at| at.saturating_sub(self.clock.uptime()));
        self.quota.wait(missing, u32::try_from(calls).unwrap_or(u32::MAX))
    }

    /// How long the cloud's throttling keeps the call back.
    pub(super) fn throttled_for(&self, bucket: Bucket<'_>) -> Option<Duration> {
        let left = self.backoff.left(&bucket.key(), self.clock.uptime()).filter(|_| !bucket.writes)?;
        Some(left + SPREAD.mul_f64(self.clock.random()))
    }

    /// Learns from a reply.
    pub(super) fn record(&self, bucket: Bucket<'_>, throttled: bool) {
        let now = self.clock.uptime();
        match (bucket.writes, throttled) {
            (true, _) => {}
            (false, true) => self.backoff.throttled(bucket.key(), now),
            (false, false) => self.backoff.answered(&bucket.key(), now),
        }
    }

    /// Takes one call from the bucket, or says how long to wait for it.
    fn take(&self, bucket: Bucket<'_>) -> Result<(), Duration> {
        let (quota, key) = match bucket.operation {
            // All accounts are entered with the keys of one.
            operation @ "AssumeRole" => (self.assume_role, (operation, String::new())),
            _ => (self.quota, bucket.key()),
        };
        let now = self.clock.uptime();
        let mut full_at = self.full_at();
        if full_at.len() > BUCKETS {
            full_at.retain(|_, at| *at > now);
        }
        let missing = full_at.get(&key).map_or(Duration::ZERO, |at| at.saturating_sub(now));
        let wait = quota.wait(missing, 1);
        if wait.is_zero() {
            full_at.insert(key, now + missing + quota.each);
            return Ok(());
        }
        Err(wait)
    }

    fn full_at(&self) -> MutexGuard<'_, HashMap<Key, Duration>> {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which calls wait, and until when. Where the cloud throttles one call, the others of its kind wait too, instead of each
/// finding out for itself.
#[derive(Debug, Default)]
struct Backoff(Mutex<HashMap<Key, Hold>>);

#[derive(Debug, Clone, Copy)]
struct Hold {
    until: Duration,
    in_a_row: u32,
}

impl Backoff {
    /// How long a call has still to wait.
    fn left(&self, key: &Key, now: Duration) -> Option<Duration> {
        self.holds().get(key)?.until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// The cloud throttled. Calls that were on their way together count once.
    fn throttled(&self, key: Key, now: Duration) {
        let mut holds = self.holds();
        let in_a_row = match holds.get(&key) {
            Some(hold) if now < hold.until => return,
            Some(hold) => (hold.in_a_row + 1).min(DOUBLINGS),
            None => 0,
        };
        if holds.len() >= HOLDS {
            holds.retain(|_, hold| now < hold.until + REMEMBERED);
        }
        holds.insert(key, Hold { until: now + FIRST * 2_u32.pow(in_a_row), in_a_row });
    }

    /// The cloud answered. What was on its way when the wait began says nothing.
    fn answered(&self, key: &Key, now: Duration) {
        self.holds().retain(|other, hold| other != key || now < hold.until);
    }

    fn holds(&self) -> MutexGuard<'_, HashMap<Key, Hold>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
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
        assert!(limits.full_at().len() <= BUCKETS + 1, "{}", limits.full_at().len());
    }

    fn key(account: &str) -> Key {
        ("GetRole", account.to_owned())
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn the_wait_doubles_while_the_cloud_goes_on_throttling() {
        let backoff = Backoff::default();
        let mut now = seconds(100);
        for wait in [1, 2, 4, 8, 8] {
            backoff.throttled(key("1"), now);
            backoff.throttled(key("1"), now);
            assert_eq!(backoff.left(&key("1"), now), Some(seconds(wait)));
            now += seconds(wait);
            assert_eq!(backoff.left(&key("1"), now), None);
        }
        backoff.answered(&key("1"), now);
        backoff.throttled(key("1"), now);
        assert_eq!(backoff.left(&key("1"), now), Some(seconds(1)));
    }

    #[test]
    fn accounts_that_are_never_asked_again_are_forgotten() {
        let backoff = Backoff::default();
        for account in 0..10_000 {
            backoff.throttled(key(&account.to_string()), seconds(account));
        }
        assert!(backoff.holds().len() <= HOLDS + 1, "{}", backoff.holds().len());
    }

    #[test]
    fn an_answer_to_an_earlier_call_ends_no_wait_and_other_calls_do_not_wait() {
        let backoff = Backoff::default();
        backoff.throttled(key("1"), seconds(5));
        backoff.answered(&key("1"), seconds(5));
        assert_eq!(backoff.left(&key("1"), seconds(5)), Some(seconds(1)));
        assert_eq!(backoff.left(&key("2"), seconds(5)), None);
    }
}
