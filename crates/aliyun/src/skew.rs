//! How far the cloud's clock is from ours, once it has refused a request for its time.
//!
//! The `Date` of such a refusal is tried once. It stays in use only if the cloud then accepts the time; else it is forgotten,
//! and our own clock counts again: one reply with a wrong `Date` must not spoil all requests that follow.

use std::sync::atomic::{AtomicI64, Ordering};

use jiff::{SignedDuration, Timestamp};

/// Where the cloud's clock can be, in seconds: from 2025 on, before 2200. A gateway in trouble says 1970.
const POSSIBLE: std::ops::Range<i64> = 1_735_689_600..7_258_118_400;

/// What is added to our own clock; nothing at first.
#[derive(Debug, Default)]
pub(super) struct Skew(AtomicI64);

impl Skew {
    pub(super) fn in_use(&self) -> SignedDuration {
        SignedDuration::from_secs(self.0.load(Ordering::Relaxed))
    }

    /// What a reply says, if that can be.
    pub(super) fn said(date: Option<Timestamp>, now: Timestamp) -> Option<SignedDuration> {
        let date = date.filter(|date| POSSIBLE.contains(&date.as_second()))?;
        Some(SignedDuration::from_secs(date.as_second() - now.as_second()))
    }

    pub(super) fn keep(&self, skew: SignedDuration) {
        self.0.store(skew.as_secs(), Ordering::Relaxed);
    }

    pub(super) fn forget(&self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// The time that is signed.
pub(super) fn applied(now: Timestamp, skew: SignedDuration) -> Timestamp {
    now.checked_add(skew).unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        assert_eq!(applied(Timestamp::MAX, year), Timestamp::MAX);
        assert_eq!(applied(Timestamp::MIN, -year), Timestamp::MIN);
        for now in [Timestamp::MIN, Timestamp::MAX] {
            let date = "2026-11-26T12:00:00Z".parse().unwrap();
            let said = Skew::said(Some(date), now).unwrap();
            assert_eq!(applied(now, said).as_second(), date.as_second());
        }
    }
}
