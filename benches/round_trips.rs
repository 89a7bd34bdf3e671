//! The least time that calls need, in ways to the cloud and back.

use std::time::Duration;

use emulator::Call;

/// The length of the critical path: the largest number of calls of which each began after the one before had ended.
pub(crate) fn round_trips<'a>(calls: impl IntoIterator<Item = &'a Call>) -> u32 {
    let mut spans: Vec<_> = calls.into_iter().filter_map(|call| Some((call.finished?, call.started))).collect();
    spans.sort();
    let mut trips = 0;
    let mut free = Duration::ZERO;
    for (finished, started) in spans {
        if started >= free {
            trips += 1;
            free = finished;
        }
    }
    trips
}
