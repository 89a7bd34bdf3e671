//! The orders of the calls of two guards on one role, with one crash at any write or somebody who replaces the role: more of
//! them than `tests/model` visits, since the turn may pass more often. Each call of a group is a step of its own, so that
//! visiting all orders would take hours.
//!
//! `cargo bench --bench protocol`. It needs some minutes, and fails if anything is lost.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    clippy::disallowed_methods,
    missing_docs,
    reason = "an explorer"
)]

use testkit::model::{Cloud, Scenario, broken, explore};

fn main() {
    // `cargo test --benches` asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let scenarios = [
        ("a missing role, one crash", Cloud::new(None), true, true, false, None),
        ("no folder", broken(true), false, false, false, Some(5)),
        ("no folder, one crash", broken(true), false, true, false, Some(4)),
        ("folder", broken(false), true, false, false, Some(4)),
        ("folder, one crash", broken(false), true, true, false, Some(3)),
        ("folder, a stranger", broken(true), true, false, true, Some(2)),
    ];
    std::thread::scope(|scope| {
        for (name, cloud, journal, crashes, stranger, switches) in scenarios {
            scope.spawn(move || {
                prove(name, &Scenario { journal, crashes, stranger, switches, ..Scenario::of(cloud) });
            });
        }
    });
}

fn prove(name: &str, scenario: &Scenario) {
    let start = std::time::Instant::now();
    let explored = explore(scenario);
    println!("{name:<28} {:>8} states, {:>6} of them ends, {:>6.1?}", explored.states, explored.ends, start.elapsed());
    assert_eq!(explored.violations.first(), None, "{} violations", explored.violations.len());
}
