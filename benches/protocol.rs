//! Every order of the calls of two guards on one role, and one crash at any write: what `tests/model` visits in part.
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

#[path = "../tests/model/cloud.rs"]
mod cloud;
#[path = "../tests/model/explore.rs"]
mod explore;
#[path = "../tests/model/gate.rs"]
mod gate;
#[path = "../tests/model/process.rs"]
mod process;
#[path = "../tests/model/shared.rs"]
mod shared;
#[path = "../tests/model/world.rs"]
mod world;

use cloud::Cloud;
use explore::{broken, explore};
use world::Scenario;

fn main() {
    // `cargo test --benches` asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let scenarios = [
        ("a missing role, one crash", Cloud::new(None), true, true, false, 0),
        ("no folder", broken(true), false, false, false, 0),
        ("no folder, one crash", broken(true), false, true, false, 0),
        ("folder", broken(false), true, false, false, 0),
        ("folder, one crash", broken(false), true, true, false, 0),
        ("no folder, a stranger", broken(true), false, false, true, 0),
    ];
    std::thread::scope(|scope| {
        for (name, cloud, journal, crashes, stranger, pinned) in scenarios {
            scope.spawn(move || {
                prove(name, &Scenario { cloud, journal, crashes, stranger, switches: None }, pinned);
            });
        }
    });
}

/// The number is pinned: it changes with the protocol, and whoever changes that looks why.
fn prove(name: &str, scenario: &Scenario, pinned: usize) {
    let start = std::time::Instant::now();
    let explored = explore(scenario);
    println!("{name:<28} {:>8} states, {:>6} of them ends, {:>6.1?}", explored.states, explored.ends, start.elapsed());
    assert_eq!(explored.violations.first(), None, "{} violations", explored.violations.len());
    assert_eq!(explored.states, pinned, "{name}: the number of states is pinned");
}
