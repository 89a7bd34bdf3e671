//! Time and randomness: the only place that reads either, so that tests can fix both.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use jiff::{SignedDuration, Timestamp};

/// Where the program gets its time, its pauses and its randomness from.
pub trait Clock: Send + Sync + 'static {
    /// The time of day (UTC). It may jump: an instance can be frozen between two requests.
    fn now(&self) -> Timestamp;
    /// Time since some fixed moment. It never goes back; use it to measure.
    fn uptime(&self) -> Duration;
    /// A value that was never used before, for signatures.
    fn nonce(&self) -> String;
    /// A number from 0 to 1, for pauses that must not end together.
    fn random(&self) -> f64;
    /// Waits.
    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()>;
}

/// A shared [`Clock`].
pub type SharedClock = Arc<dyn Clock>;

impl std::fmt::Debug for dyn Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

/// A text that was never used before, for signatures and names of files.
#[expect(clippy::disallowed_methods, reason = "this is the one place that reads randomness")]
pub fn unique() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// The machine's clock.
#[derive(Debug)]
pub struct SystemClock {
    start: Instant,
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the time")]
impl SystemClock {
    /// A clock whose uptime starts now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads time and randomness")]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        timestamp(SystemTime::now())
    }

    fn uptime(&self) -> Duration {
        self.start.elapsed()
    }

    fn nonce(&self) -> String {
        unique()
    }

    fn random(&self) -> f64 {
        fastrand::f64()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        Box::pin(tokio::time::sleep(pause))
    }
}

/// A machine's clock may stand anywhere; [`Timestamp`] ends with the years -9999 and 9999.
fn timestamp(time: SystemTime) -> Timestamp {
    let end = if time < SystemTime::UNIX_EPOCH { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::try_from(time).unwrap_or(end)
}

/// The moment, in [`Clock::uptime`], at which an answer must be ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Option<Duration>);

impl Deadline {
    /// No deadline: a run from the terminal.
    pub const NONE: Self = Self(None);

    /// A deadline this long from now.
    pub fn after(clock: &dyn Clock, time: Duration) -> Self {
        Self(clock.uptime().checked_add(time))
    }

    /// The one of the two that comes first.
    #[must_use]
    pub fn earlier(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(one), Some(two)) => Self(Some(one.min(two))),
            (one, two) => Self(one.or(two)),
        }
    }

    /// The time left; [`Duration::MAX`] without a deadline.
    pub fn remaining(&self, clock: &dyn Clock) -> Duration {
        self.0.map_or(Duration::MAX, |at| at.saturating_sub(clock.uptime()))
    }
}

/// Where the cloud's clock can be, in seconds: from 2025 on, before 2200. A gateway in trouble says 1970.
const POSSIBLE: std::ops::Range<i64> = 1_735_689_600..7_258_118_400;

/// How far the cloud's clock is from ours, once it has refused a request for its time. Nothing at first.
///
/// The `Date` of such a refusal is tried once. It stays in use only if the cloud then accepts the time; else it is forgotten,
/// and our own clock counts again: one reply with a wrong `Date` must not spoil all requests that follow.
#[derive(Debug, Default)]
pub(crate) struct Skew(AtomicI64);

impl Skew {
    pub(crate) fn in_use(&self) -> SignedDuration {
        SignedDuration::from_secs(self.0.load(Ordering::Relaxed))
    }

    /// What a reply says, if that can be.
    pub(crate) fn said(date: Option<Timestamp>, now: Timestamp) -> Option<SignedDuration> {
        let date = date.filter(|date| POSSIBLE.contains(&date.as_second()))?;
        Some(SignedDuration::from_secs(date.as_second() - now.as_second()))
    }

    pub(crate) fn set(&self, skew: SignedDuration) {
        self.0.store(skew.as_secs(), Ordering::Relaxed);
    }

    /// The time that is signed.
    pub(crate) fn applied(now: Timestamp, skew: SignedDuration) -> Timestamp {
        now.checked_add(skew).unwrap_or(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_stands_anywhere_is_read() {
        let far = Duration::from_hours(24 * 366 * 20_000);
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH + far), Timestamp::MAX);
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH - far), Timestamp::MIN);
        assert_eq!(timestamp(SystemTime::UNIX_EPOCH), Timestamp::UNIX_EPOCH);
    }

    #[test]
    fn only_a_date_that_can_be_is_believed() {
        let now: Timestamp = "2026-11-26T12:00:00Z".parse().unwrap();
        let said = |date: &str| Skew::said(Some(date.parse().unwrap()), now).map(|skew| skew.as_secs());
        assert_eq!(said("2026-11-26T13:00:00Z"), Some(3600));
        assert_eq!(said("1970-01-01T12:52:37Z"), None);
        assert_eq!(said("9999-12-30T00:00:00Z"), None);
        assert_eq!(Skew::said(None, now), None);
    }

    #[test]
    fn no_clock_and_no_skew_is_too_much() {
        let year = SignedDuration::from_hours(24 * 365);
        assert_eq!(Skew::applied(Timestamp::MAX, year), Timestamp::MAX);
        assert_eq!(Skew::applied(Timestamp::MIN, -year), Timestamp::MIN);
        for now in [Timestamp::MIN, Timestamp::MAX] {
            let date = "2026-11-26T12:00:00Z".parse().unwrap();
            let said = Skew::said(Some(date), now).unwrap();
            assert_eq!(Skew::applied(now, said).as_second(), date.as_second());
        }
    }
}
