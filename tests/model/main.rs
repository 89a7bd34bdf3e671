//! The protocol: two guards on one role, the orders of their calls, at most one crash at any write.
//!
//! The guards are the product (`reconcile::role`), not a model of it; only the cloud and the folder are small ones, whose
//! calls the explorer grants one by one. A state is what the cloud and the folder hold and what each guard was told: a run
//! has no other source of what it does next. A guard that dies may have a call on the way, which arrives whenever it does
//! most harm, or never.
//!
//! Here the turn passes a few times while the guard that had it could go on. `cargo bench --bench protocol` lets it pass more
//! often, with the same code.
//!
//! Bugs that are put between the guards and the world (`bugs`) show that the explorer would notice them, and small scenarios in
//! every order (`reduction`) that what it leaves out leads to nothing else.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod bugs;
mod reduction;

use testkit::model::{Cloud, Scenario, broken, explore};

/// The number is pinned: it changes with the protocol, and whoever changes that looks why.
fn prove(scenario: &Scenario, states: usize) {
    let explored = explore(scenario);
    println!("{} states, {} of them ends", explored.states, explored.ends);
    assert_eq!(explored.violations.first(), None, "{} violations", explored.violations.len());
    assert_eq!(explored.states, states);
}

#[test]
fn two_guards_that_share_a_folder() {
    prove(&Scenario { journal: true, switches: Some(2), ..Scenario::of(broken(false)) }, 2_517);
}

#[test]
fn two_guards_that_share_a_folder_and_one_crash() {
    prove(&Scenario { journal: true, crashes: true, switches: Some(1), ..Scenario::of(broken(false)) }, 2_184);
}

#[test]
fn two_guards_without_a_folder() {
    prove(&Scenario { switches: Some(3), ..Scenario::of(broken(true)) }, 2_321);
}

#[test]
fn two_guards_without_a_folder_and_one_crash() {
    prove(&Scenario { crashes: true, switches: Some(2), ..Scenario::of(broken(true)) }, 4_299);
}

#[test]
fn two_guards_and_a_missing_role_in_every_order() {
    prove(&Scenario { journal: true, crashes: true, ..Scenario::of(Cloud::new(None)) }, 2_050);
}

#[test]
fn two_guards_and_somebody_who_replaces_the_role() {
    prove(&Scenario { stranger: true, switches: Some(1), ..Scenario::of(broken(true)) }, 1_560);
}

#[test]
fn two_guards_that_share_a_folder_and_somebody_who_replaces_the_role() {
    prove(&Scenario { journal: true, stranger: true, switches: Some(1), ..Scenario::of(broken(true)) }, 3_902);
}
