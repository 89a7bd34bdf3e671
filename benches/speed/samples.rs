//! Durations, and how they are printed: median [least .. most].

use std::fmt::Display;
use std::time::Duration;

use emulator::{Call, Opening, round_trips, round_trips_with};

const MILLISECONDS: f64 = 1000.0;
const KIB_IN_MIB: f64 = 1024.0;

/// What the cloud's record says that the work waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    /// The calls on the critical path.
    calls: u32,
    /// The same with the trips that new connections take.
    trips: u32,
    connections: usize,
}

impl Waits {
    pub(crate) fn of(calls: &[Call], openings: &[Opening]) -> Self {
        let trips = round_trips_with(calls, openings);
        Self { calls: round_trips(calls), trips, connections: openings.len() }
    }
}

/// Durations, and what each of them was spent with.
#[derive(Default)]
pub(crate) struct Samples {
    durations: Vec<Duration>,
    waits: Vec<Waits>,
}

impl Samples {
    pub(crate) fn add(&mut self, duration: Duration) {
        self.durations.push(duration);
    }

    pub(crate) fn next_to(&mut self, duration: Duration, waits: Waits) {
        self.add(duration);
        self.waits.push(waits);
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

    /// How many times as long each took as the trips that it waited for.
    fn ratios(&self, round_trip: Duration) -> Vec<f64> {
        let needed = self.waits.iter().map(|waits| round_trip * waits.trips);
        self.durations.iter().zip(needed).map(|(took, needed)| took.as_secs_f64() / needed.as_secs_f64()).collect()
    }

    /// Next to the trips; where a trip takes no time, calls that were sent at once cannot be told from others.
    pub(crate) fn row(&self, title: &str, who: &str, round_trip: Option<Duration>) {
        let calls = spread(self.waits.iter().map(|waits| waits.calls));
        let connecting = spread(self.waits.iter().map(|waits| waits.trips - waits.calls));
        let connections = spread(self.waits.iter().map(|waits| waits.connections));
        let ratio = round_trip.map(|trip| ratio_text(self.ratios(trip))).unwrap_or_default();
        let trips = round_trip.map_or_else(|| "-".to_owned(), |_| format!("{calls} + {connecting}"));
        let measured = self.text();
        print!("{title:<46} {who:<7} {measured:>30}   {trips:>7} {connections:>11}   {ratio:>22}");
    }
}

/// One number if all are the same.
fn spread<T: Copy + Default + Ord + Display>(values: impl Iterator<Item = T>) -> String {
    let mut sorted: Vec<T> = values.collect();
    sorted.sort_unstable();
    match (sorted.first(), sorted.last()) {
        (Some(least), Some(most)) if least != most => format!("{} [{least}..{most}]", middle(&sorted)),
        _ => middle(&sorted).to_string(),
    }
}

fn ratio_text(mut ratios: Vec<f64>) -> String {
    ratios.sort_unstable_by(f64::total_cmp);
    let [least, most] = [ratios.first(), ratios.last()].map(|end| end.copied().unwrap_or_default());
    format!("{:.2} [{least:.2} .. {most:.2}]", middle(&ratios))
}

/// The guard's samples next to the peer's.
#[derive(Default)]
pub(crate) struct Pair {
    pub(crate) guard: Samples,
    pub(crate) peer: Samples,
}

impl Pair {
    fn ratio(&self) -> f64 {
        self.peer.median().as_secs_f64() / self.guard.median().as_secs_f64()
    }

    pub(crate) fn row(&self, title: &str) {
        row(title, &self.guard.text(), &self.peer.text(), self.ratio());
    }

    /// Two lines, each next to its trips.
    pub(crate) fn rows(&self, title: &str, round_trip: Option<Duration>) {
        self.guard.row(title, "guard", round_trip);
        println!();
        self.peer.row("", "Python", round_trip);
        println!("   1/{:.1}", self.ratio());
    }
}

/// The names of the columns next to trips.
pub(crate) fn head() {
    let [trips, new, ratio] = ["trips", "new conn.", "x its trips"];
    println!("{:<46} {:<7} {:>30}   {trips:>7} {new:>11}   {ratio:>22}   ratio", "", "", "");
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
