//! Time and randomness: the only place that reads either, so that tests can fix both.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use jiff::Timestamp;

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
#[must_use]
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
    #[must_use]
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
    #[must_use]
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
    #[must_use]
    pub fn remaining(&self, clock: &dyn Clock) -> Duration {
        self.0.map_or(Duration::MAX, |at| at.saturating_sub(clock.uptime()))
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
}
