//! Durations, and how they are printed: median [least .. most].

use std::time::Duration;

const MILLISECONDS: f64 = 1000.0;
const KIB_IN_MIB: f64 = 1024.0;

/// Durations, and the round trips that each of them needed.
#[derive(Default)]
pub(crate) struct Samples {
    durations: Vec<Duration>,
    trips: Vec<u32>,
}

impl Samples {
    pub(crate) fn add(&mut self, duration: Duration) {
        self.durations.push(duration);
    }

    pub(crate) fn next_to(&mut self, duration: Duration, trips: u32) {
        self.add(duration);
        self.trips.push(trips);
    }

    pub(crate) fn median(&self) -> Duration {
        let mut sorted = self.durations.clone();
        sorted.sort();
        middle(&sorted)
    }

    fn text(&self) -> String {
        let [least, most] = [self.durations.iter().min(), self.durations.iter().max()];
        let [least, most] = [least, most].map(|end| milliseconds(end.copied().unwrap_or_default()));
        format!("{:.2} [{least:.2} .. {most:.2}] ms", milliseconds(self.median()))
    }

    /// Next to the round trips that the work needs.
    pub(crate) fn row(&mut self, title: &str, round_trip: Duration) {
        self.trips.sort_unstable();
        let (measured, trips) = (self.text(), middle(&self.trips));
        let needed = round_trip * trips;
        let ratio = self.median().as_secs_f64() / needed.as_secs_f64();
        let needed = format!("{trips} = {} ms", needed.as_millis());
        println!("{title:<44} {measured:>32}   {needed:>12}   {ratio:>6.2}");
    }
}

/// The guard's samples next to the peer's.
#[derive(Default)]
pub(crate) struct Pair {
    pub(crate) guard: Samples,
    pub(crate) peer: Samples,
}

impl Pair {
    pub(crate) fn row(&self, title: &str) {
        let ratio = self.peer.median().as_secs_f64() / self.guard.median().as_secs_f64();
        row(title, &self.guard.text(), &self.peer.text(), ratio);
    }
}

/// One line of the table with the peer; the ratio says how many times as much the peer takes.
pub(crate) fn row(title: &str, guard: &str, peer: &str, ratio: f64) {
    println!("{title:<44} {guard:>32} {peer:>32}   1/{ratio:.1}");
}

/// Memory of both, in KiB.
pub(crate) fn memory_row(title: &str, guard: u64, peer: u64) {
    let [guard, peer] = [guard, peer].map(|kib| f64::from(u32::try_from(kib).unwrap_or(u32::MAX)));
    row(title, &mib(guard), &mib(peer), peer / guard);
}

fn mib(kib: f64) -> String {
    format!("{:.1} MiB", kib / KIB_IN_MIB)
}

fn middle<T: Copy + Default>(sorted: &[T]) -> T {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * MILLISECONDS
}
