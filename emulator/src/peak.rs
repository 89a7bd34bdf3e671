//! How hard a client pushed: the most calls in one second, and the most at once.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::recorder::Call;

const SECOND: Duration = Duration::from_secs(1);

/// The most of these calls that arrived within any one second, answered or not.
///
/// ```
/// # fn calls() -> Vec<emulator::Call> { Vec::new() }
/// let writes: Vec<emulator::Call> = calls().into_iter().filter(|call| call.write).collect();
/// assert!(emulator::peak_per_second(&writes) <= 10);
/// ```
pub fn peak_per_second<'a>(calls: impl IntoIterator<Item = &'a Call>) -> usize {
    most_in_a_second(calls.into_iter().map(|call| call.started).collect())
}

/// The most of these calls that were open at one moment.
///
/// A call whose client went away before it was answered counts as open for ever.
pub fn peak_in_flight<'a>(calls: impl IntoIterator<Item = &'a Call>) -> usize {
    let (starts, ends): (Vec<_>, Vec<_>) = calls.into_iter().map(|call| (call.started, call.finished)).unzip();
    most_at_once(starts, ends.into_iter().flatten().collect())
}

/// The most accounts that were worked in at one moment: each from the first call [about](Call::about) it to the last.
pub fn peak_accounts<'a>(calls: impl IntoIterator<Item = &'a Call>) -> usize {
    let mut spans: BTreeMap<&str, (Duration, Duration)> = BTreeMap::new();
    for call in calls {
        let end = call.finished.unwrap_or(Duration::MAX);
        let (_, last) = spans.entry(call.about()).or_insert((call.started, end));
        *last = end.max(*last);
    }
    let (starts, ends) = spans.into_values().unzip();
    most_at_once(starts, ends)
}

fn most_in_a_second(mut starts: Vec<Duration>) -> usize {
    starts.sort_unstable();
    let gone_by = |now: Duration| starts.partition_point(|start| *start + SECOND <= now);
    starts.iter().enumerate().map(|(earlier, start)| earlier + 1 - gone_by(*start)).max().unwrap_or(0)
}

/// The peak is reached when a call arrives: the calls so far, less those that ended.
fn most_at_once(mut starts: Vec<Duration>, mut ends: Vec<Duration>) -> usize {
    starts.sort_unstable();
    ends.sort_unstable();
    let ended_by = |now: Duration| ends.partition_point(|end| *end <= now);
    let open = |(earlier, start): (usize, &Duration)| (earlier + 1).saturating_sub(ended_by(*start));
    starts.iter().enumerate().map(open).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{most_at_once, most_in_a_second};

    fn ms(times: &[u64]) -> Vec<Duration> {
        times.iter().copied().map(Duration::from_millis).collect()
    }

    #[test]
    fn a_second_is_any_second() {
        assert_eq!(most_in_a_second(ms(&[])), 0);
        assert_eq!(most_in_a_second(ms(&[7])), 1);
        assert_eq!(most_in_a_second(ms(&[0, 1000, 2000])), 1);
        assert_eq!(most_in_a_second(ms(&[0, 999, 1000])), 2);
        assert_eq!(most_in_a_second(ms(&[0, 900, 950, 1050, 1100, 1900, 2500])), 4);
    }

    #[test]
    fn the_order_of_calls_does_not_matter() {
        assert_eq!(most_in_a_second(ms(&[1050, 900, 0, 950])), 3);
        assert_eq!(most_at_once(ms(&[20, 0, 10]), ms(&[15, 40, 30])), 2);
    }

    #[test]
    fn calls_that_meet_end_to_end_are_not_at_once() {
        assert_eq!(most_at_once(ms(&[]), ms(&[])), 0);
        assert_eq!(most_at_once(ms(&[0, 10, 20]), ms(&[10, 20, 30])), 1);
        assert_eq!(most_at_once(ms(&[0, 9, 20]), ms(&[10, 20, 30])), 2);
    }

    #[test]
    fn a_call_that_never_ends_stays_open() {
        assert_eq!(most_at_once(ms(&[0, 10, 20]), ms(&[15, 25])), 2);
        assert_eq!(most_at_once(ms(&[0, 10, 20]), ms(&[])), 3);
    }
}
