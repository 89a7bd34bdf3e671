//! How many trips to the cloud and back a client waited for, one after the other.

use std::time::Duration;

use crate::connections::Opening;
use crate::recorder::Call;

/// The critical path of these calls: the largest number of them of which each arrived after the one before had ended. So
/// calls that are sent at the same time are one trip. A call that was never answered is left out.
///
/// ```
/// # fn calls() -> Vec<emulator::Call> { Vec::new() }
/// assert!(emulator::round_trips(&calls()) <= 9);
/// ```
pub fn round_trips<'a>(calls: impl IntoIterator<Item = &'a Call>) -> u32 {
    round_trips_with(calls, [])
}

/// The same with the [trips](Opening::trips) that the opening of connections takes, where they are on the path.
pub fn round_trips_with<'a>(
    calls: impl IntoIterator<Item = &'a Call>,
    openings: impl IntoIterator<Item = &'a Opening>,
) -> u32 {
    let calls = calls.into_iter().filter_map(|call| Some((call.finished?, call.started, 1)));
    let openings = openings.into_iter().filter_map(|opening| Some((opening.finished?, opening.started, opening.trips)));
    longest(calls.chain(openings).collect())
}

/// The heaviest chain of spans that do not overlap; each has its end, its start and its weight.
fn longest(mut spans: Vec<(Duration, Duration, u32)>) -> u32 {
    spans.sort_unstable();
    // For each end the heaviest chain that is over by then.
    let mut over: Vec<(Duration, u32)> = Vec::with_capacity(spans.len());
    let mut longest = 0;
    for (finished, started, trips) in spans {
        let before = over.partition_point(|(end, _)| *end <= started);
        let chain = before.checked_sub(1).and_then(|last| over.get(last)).map_or(0, |(_, chain)| *chain);
        longest = longest.max(chain + trips);
        over.push((finished, longest));
    }
    longest
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::longest;

    /// From, to, weight.
    fn path(spans: &[(u64, u64, u32)]) -> u32 {
        let span = |&(started, finished, trips): &(u64, u64, u32)| {
            (Duration::from_millis(finished), Duration::from_millis(started), trips)
        };
        longest(spans.iter().map(span).collect())
    }

    #[test]
    fn calls_at_the_same_time_are_one_trip() {
        assert_eq!(path(&[]), 0);
        assert_eq!(path(&[(0, 20, 1)]), 1);
        assert_eq!(path(&[(0, 20, 1), (1, 21, 1), (19, 39, 1)]), 1);
        assert_eq!(path(&[(0, 20, 1), (20, 40, 1), (1, 21, 1), (41, 61, 1)]), 3);
    }

    #[test]
    fn a_long_call_does_not_hide_the_short_ones_beside_it() {
        assert_eq!(path(&[(0, 100, 1), (0, 20, 1), (30, 50, 1), (60, 80, 1)]), 3);
        assert_eq!(path(&[(60, 80, 1), (30, 50, 1), (0, 100, 1), (0, 20, 1), (100, 101, 1)]), 4);
    }

    #[test]
    fn a_connection_counts_where_somebody_waits_for_it() {
        // Each call waits for a connection of its own.
        assert_eq!(path(&[(0, 40, 2), (1, 41, 2), (41, 61, 1), (42, 62, 1)]), 3);
        // One is opened while a call is on its way.
        assert_eq!(path(&[(0, 20, 1), (1, 15, 2), (21, 41, 1)]), 3);
        assert_eq!(path(&[(0, 20, 1), (0, 60, 2), (20, 40, 1), (40, 60, 1)]), 3);
    }
}
