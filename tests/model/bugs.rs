//! Each bug, put between the guards and the world, breaks a promise, and the explorer finds an order in which it does.

use testkit::model::{Bug, Cloud, Scenario, broken, explore};

const NOT_AUTHORIZED: &str = "both have ended and the role is not authorized";
const LOST: &str = "both have ended and something is lost";
const REFUSED: &str = "a guard refused and has taken something away";
const LATER_ENDS_BADLY: &str = "a later run does not end well";
const LATER_NOT_AUTHORIZED: &str = "a later run ends and the role is not authorized";
const LATER_LOST: &str = "a later run ends and something is lost";
const STRANGER: &str = "a stranger's role holds what the guards attached";

/// All the promises that a bug breaks here, and what the guards without it break: nothing.
fn is_noticed(bug: Bug, promises: &[&str], scenario: &Scenario) {
    assert_eq!(explore(scenario).violations.first(), None, "without the bug");
    let violations = explore(&Scenario { bug: Some(bug), ..scenario.clone() }).violations;
    for promise in promises {
        let noticed = violations.iter().find(|violation| violation.starts_with(promise));
        let first = noticed.unwrap_or_else(|| panic!("{bug:?} breaks another promise: {violations:#?}"));
        println!("{bug:?}: {} violations, such as\n{first}", violations.len());
    }
}

/// Without a folder, with one, and with one and a crash.
fn alone() -> Scenario {
    Scenario { switches: Some(1), ..Scenario::of(broken(true)) }
}

fn with_folder() -> Scenario {
    Scenario { journal: true, ..alone() }
}

fn with_folder_and_crash() -> Scenario {
    Scenario { crashes: true, ..with_folder() }
}

#[test]
fn an_attachment_that_is_taken_for_done() {
    let scenario = Scenario { switches: Some(1), ..Scenario::of(broken(false)) };
    is_noticed(Bug::AttachmentBelieved, &[NOT_AUTHORIZED, LATER_NOT_AUTHORIZED], &scenario);
}

#[test]
fn an_extra_policy_that_does_not_come_back() {
    is_noticed(Bug::ExtraForgotten, &[LOST, LATER_LOST], &with_folder());
}

#[test]
fn what_was_taken_away_is_not_put_back() {
    is_noticed(Bug::PutBackSkipped, &[REFUSED], &with_folder_and_crash());
}

#[test]
fn a_record_that_is_not_written() {
    is_noticed(Bug::RecordNotWritten, &[LATER_LOST], &with_folder_and_crash());
}

#[test]
fn a_record_that_nobody_gets() {
    is_noticed(Bug::ClaimRefused, &[NOT_AUTHORIZED, LATER_ENDS_BADLY], &with_folder());
}

#[test]
fn a_role_that_is_known_by_its_name() {
    let scenario = Scenario { stranger: true, ..alone() };
    is_noticed(Bug::RoleTakenForOurs, &[STRANGER], &scenario);
    let missing = Scenario { stranger: true, switches: Some(1), ..Scenario::of(Cloud::new(None)) };
    is_noticed(Bug::RoleTakenForOurs, &[STRANGER], &missing);
}
