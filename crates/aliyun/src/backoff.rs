//! Where the cloud throttles one call, the others of its kind wait too, instead of each finding out for itself.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::rate::Key;

/// The cloud counts by the second: the first wait is that long, each further one twice the last, up to eight.
const FIRST: Duration = Duration::from_secs(1);
const DOUBLINGS: u32 = 3;

/// What is long over is forgotten once there are more than this many: an instance may live for days.
const HOLDS: usize = 256;
/// For so long the cloud's next throttling counts as one in a row.
const REMEMBERED: Duration = Duration::from_mins(1);

/// Which calls wait, and until when.
#[derive(Debug, Default)]
pub(super) struct Backoff(Mutex<HashMap<Key, Hold>>);

#[derive(Debug, Clone, Copy)]
struct Hold {
    until: Duration,
    in_a_row: u32,
}

impl Backoff {
    /// How long a call has still to wait.
    pub(super) fn left(&self, key: &Key, now: Duration) -> Option<Duration> {
        self.holds().get(key)?.until.checked_sub(now).filter(|left| !left.is_zero())
    }

    /// The cloud throttled. Calls that were on their way together count once.
    pub(super) fn throttled(&self, key: Key, now: Duration) {
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
    pub(super) fn answered(&self, key: &Key, now: Duration) {
        self.holds().retain(|other, hold| other != key || now < hold.until);
    }

    fn holds(&self) -> MutexGuard<'_, HashMap<Key, Hold>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
