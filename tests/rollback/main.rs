//! The fault matrix: every call of every plan × every fault × {journal folder, none}. What is said is what is true, and the
//! next run finishes the work.
//!
//! What must hold is computed from the emulator's state (`invariants`), never from a list of expected statuses. Bugs that are
//! put between guard and emulator (`saboteur`) show that the matrix would notice them.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

mod belief;
mod bugs;
mod case;
mod faults;
mod hands;
mod invariants;
mod killer;
mod matrix;
mod saboteur;
mod seeds;
mod wire;

use matrix::{every_plan, examine};

#[test]
fn every_write_of_every_plan_meets_every_fault() {
    let examined = examine(&every_plan(faults::of_writes), None);
    examined.expect_none("writes");
    assert_eq!(examined.ends.len(), 4, "every kind of end is met: {:?}", examined.ends);
}

#[test]
fn every_read_of_every_plan_meets_every_fault() {
    examine(&every_plan(faults::of_reads), None).expect_none("reads");
}

#[test]
fn reads_after_every_write_are_stale() {
    examine(&every_plan(faults::of_stale_reads), None).expect_none("stale reads");
}

#[test]
fn a_write_fails_and_nobody_can_look() {
    examine(&every_plan(faults::of_pairs), None).expect_none("two faults");
}

#[test]
fn a_write_fails_and_nothing_can_be_taken_back() {
    examine(&every_plan(faults::of_undoes), None).expect_none("undoes");
}

#[test]
fn no_deletion_arrives_and_nobody_sees_that() {
    examine(&every_plan(faults::of_unseen_deletions), None).expect_none("unseen deletions");
}

#[test]
fn another_role_of_that_name_appears_before_every_call() {
    examine(&every_plan(faults::of_strangers), None).expect_none("strangers");
}

#[test]
fn somebody_deletes_the_role_before_every_call() {
    examine(&every_plan(faults::of_deletions), None).expect_none("deletions");
}

#[test]
fn nothing_happens_or_a_person_comes_in_at_the_end() {
    examine(&every_plan(faults::of_people), None).expect_none("people");
}

#[test]
fn a_run_is_killed_at_every_call() {
    examine(&every_plan(faults::of_kills), None).expect_none("kills");
}

#[test]
fn the_run_that_finishes_is_killed_too() {
    examine(&every_plan(faults::of_double_kills), None).expect_none("double kills");
}
