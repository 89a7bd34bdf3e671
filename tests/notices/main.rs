//! Notices of the real binary to a server that answers like each of the services, at its best and at its worst.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod again;
mod answers;
mod shapes;

use emulator::Emulator;
use testkit::{Guard, Reply};

/// One invocation of a function that tells these, and what it logged.
fn invoke(emulator: &Emulator, settings: &[(&str, &str)], event: &str) -> (Reply, Vec<String>) {
    let guard = Guard::start(emulator, settings);
    let reply = guard.invoke(event);
    (reply, guard.stop().1)
}

/// The warnings about notices.
fn warnings(lines: &[String]) -> Vec<&String> {
    lines.iter().filter(|line| line.contains("\"WARN\"")).collect()
}
