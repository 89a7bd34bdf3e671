//! Each bug, put between guard and emulator, makes the matrix fail.

use crate::case::Case;
use crate::faults;
use crate::matrix::{Examined, every_plan, examine};
use crate::saboteur::Bug;
use crate::seeds::Course;

/// Some promise of the matrix is broken, and it is the one that the bug is about. Of the cells of this plan those are played
/// whose names have the word.
fn is_noticed(bug: Bug, promise: &str, axis: fn(&Course) -> Vec<Case>, (seed, word): (&str, &str)) {
    let mut cases = every_plan(axis);
    cases.retain(|case| case.seed.name == seed && case.name.contains(word));
    let Examined { cells, violations, .. } = examine(&cases, Some(bug));
    let noticed = violations.iter().find(|violation| violation.promise == promise);
    let first = noticed.unwrap_or_else(|| panic!("{bug:?} goes unnoticed in {cells} cells: {violations:?}"));
    println!("{bug:?}: {} violations in {cells} cells, such as\n{first:?}", violations.len());
}

#[test]
fn extras_that_are_not_attached_again() {
    is_noticed(Bug::ReattachSkipped, "nothing is lost", faults::of_people, ("one extra", ""));
}

#[test]
fn tags_that_do_not_come_back() {
    is_noticed(Bug::TagsSkipped, "nothing is lost", faults::of_people, ("tags", ""));
}

#[test]
fn a_second_look_that_is_left_out() {
    is_noticed(Bug::SecondLookSkipped, "remediated was seen", faults::of_people, ("trust", "undisturbed"));
    is_noticed(Bug::SecondLookSkipped, "remediated is true", faults::of_people, ("trust", "person"));
    is_noticed(Bug::SecondLookSkipped, "remediated is true", faults::of_writes, ("tags", "denied always"));
}

#[test]
fn a_role_that_is_created_before_the_deletion_is_confirmed() {
    let cells = ("trust", "DeleteRole: denied always");
    is_noticed(Bug::DeletionNotConfirmed, "the deletion is confirmed", faults::of_writes, cells);
}

#[test]
fn a_record_that_is_not_written() {
    is_noticed(Bug::RecordNotWritten, "nothing is lost", faults::of_kills, ("one extra", "After"));
}

#[test]
fn what_was_taken_away_is_not_put_back() {
    is_noticed(Bug::PutBackSkipped, "nothing is lost", faults::of_writes, ("one extra", "denied always"));
}

#[test]
fn a_rehearsal_that_is_left_out() {
    let cells = ("one extra", "rehearsed CreateRole: denied always");
    is_noticed(Bug::RehearsalSkipped, "a repair goes on, or back", faults::of_writes, cells);
}

#[test]
fn a_denial_of_a_rehearsal_that_is_ignored() {
    let cells = ("one extra", "rehearsed CreateRole: denied always");
    is_noticed(Bug::DenialIgnored, "a repair goes on, or back", faults::of_writes, cells);
}

#[test]
fn a_rehearsal_that_worked_and_is_taken_for_one_that_found_the_role() {
    is_noticed(Bug::MadeTakenForExists, "nothing is lost", faults::of_deletions, ("one extra", ""));
}
