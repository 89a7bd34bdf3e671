//! No fights: a role that was repaired three times within a day and broke again is left alone until a person clears it.

use jiff::{SignedDuration, Timestamp};

use super::Record;

/// So many repairs within [`WINDOW`] that did not last are enough.
const TIMES: usize = 3;
const WINDOW: SignedDuration = SignedDuration::from_hours(24);

/// Counts a repair. Older ones than those that matter are forgotten.
pub fn count(remediated: &mut Vec<Timestamp>, now: Timestamp) {
    remediated.push(now);
    let old = remediated.len().saturating_sub(TIMES);
    remediated.drain(..old);
}

/// More repairs than may be tried by the guard alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany {
    /// How many.
    pub count: usize,
    /// When the last one was.
    pub last: Timestamp,
}

/// Why a role that is broken again is left alone.
#[must_use]
pub fn too_many(record: &Record, now: Timestamp) -> Option<TooMany> {
    let oldest = record.remediated.iter().rev().nth(TIMES - 1);
    // A time that lies ahead counts as recent: a clock that was wrong must not lift the cap.
    let often = oldest.is_some_and(|oldest| now.duration_since(*oldest) < WINDOW);
    let last = record.remediated.last()?;
    (often || record.blocked_since.is_some()).then_some(TooMany { count: record.remediated.len(), last: *last })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hour)
    }

    fn refused(repairs: &[i64], blocked: bool, now: i64) -> bool {
        let mut record = Record::empty("1234567890123456".parse().unwrap());
        for hour in repairs {
            count(&mut record.remediated, at(*hour));
        }
        record.blocked_since = blocked.then(|| at(0));
        too_many(&record, at(now)).is_some()
    }

    #[test]
    fn the_third_repair_within_a_day_is_the_last() {
        assert!(!refused(&[], false, 0));
        assert!(!refused(&[0, 1], false, 2));
        assert!(refused(&[0, 1, 2], false, 3));
        assert!(refused(&[0, 1, 2], false, 23));
        assert!(!refused(&[0, 1, 2], false, 24), "they lie too far back");
        assert!(refused(&[0, 20, 30, 40], false, 41), "an old one does not hide the others");
        assert!(!refused(&[0, 20, 30], false, 41));
    }

    #[test]
    fn once_left_alone_it_stays_so() {
        assert!(refused(&[0, 1, 2], true, 1000));
    }

    #[test]
    fn a_time_that_lies_ahead_counts() {
        assert!(refused(&[100, 101, 102], false, 0));
    }
}
