//! The journal folder, in process against the emulator: what is trusted, what is finished, and what is left to a person.
//!
//! What must hold is read from the emulator's state and from the folder, not from the report alone.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod adopted;
mod approved;
mod attempts;
mod forged;
mod killed;
mod order;
mod slow;
mod stranger;
mod trusted;
mod unusable;

use std::process::Command;

use authorization::settings::Mode;
use dts_role_guard::report::{Report, Status};
use emulator::{DTS_ROLE, Role, RoleSnapshot, Rule};
use serde_json::Value;
use testkit::{ACCOUNT, Folder, Hang, JOURNAL_DIR, Lab, WRITES_OF_FULL, account, json, program};

fn lab_with(folder: &Folder, role: Option<Role>) -> Lab {
    Lab::new(role).set(JOURNAL_DIR, folder.text())
}

/// A call of a repair of [`full`] that is no rehearsal.
fn performed(operation: &str) -> Rule {
    let rehearsed = match operation {
        "CreateRole" | "TagResources" => 1,
        "AttachPolicyToRole" => 3,
        _ => 0,
    };
    Rule::on(operation).nth(rehearsed + 1)
}

/// A run that is killed while a call waits for its reply.
async fn kill(lab: &Lab, rule: Rule, after_effect: bool) {
    let hang = Hang::at(&lab.emulator, rule, after_effect);
    let is_first_of_full =
        lab.writes().is_empty() && lab.role().is_some_and(|role| (role.policies.len(), role.tags.len()) == (3, 2));
    tokio::select! {
        () = async {
            hang.reached().await;
            if is_first_of_full {
                settled(lab).await;
            }
        } => {}
        report = lab.run(Mode::Remediate) => panic!("it ended before it was killed: {}", json(&report)),
    }
}

/// What a repair of [`full`] sends at the same time as the call at which it is killed has its effect first, so that a test
/// is the same each time. Its writes up to the end of each group: rehearsal, detachments, deletion, creation, what is added.
async fn settled(lab: &Lab) {
    let group = [5, 8, 9, 10, WRITES_OF_FULL].into_iter().find(|end| *end >= lab.writes().len());
    while group.is_some_and(|end| lab.writes().len() < end) || in_flight(lab) > 1 {
        tokio::task::yield_now().await;
    }
}

fn in_flight(lab: &Lab) -> usize {
    lab.emulator.calls().iter().filter(|call| call.status.is_none() && call.finished.is_none()).count()
}

/// A person breaks the role.
fn break_trust(lab: &Lab) {
    let document = emulator::DTS_TRUST.replace("dts.aliyuncs.com", "ecs.aliyuncs.com");
    lab.emulator.with_world(|world| world.set_trust(ACCOUNT, DTS_ROLE, &document));
}

fn has(role: &RoleSnapshot, policy: &str) -> bool {
    role.policy_names().contains(&policy)
}

/// The findings about the journal.
fn notes(report: &Report) -> Vec<Value> {
    let findings = account(report)["findings"].as_array().cloned().unwrap_or_default();
    findings.into_iter().filter(|finding| finding["id"] == "journal-open").collect()
}

fn next(report: &Report) -> String {
    account(report)["next"].as_str().unwrap_or_default().to_owned()
}

/// A run that must neither write to the cloud nor to the folder.
async fn silent(lab: &Lab, folder: &Folder, mode: Mode) -> Report {
    let (listing, calls) = (folder.listing(), lab.emulator.operations().len());
    let report = lab.run(mode).await;
    assert!(folder.listing() == listing, "{mode} changed the folder: {:?}", folder.names());
    let operations = &lab.emulator.operations()[calls..];
    assert!(operations.iter().all(|name| name.starts_with("Get") || name.starts_with("List")), "{operations:?}");
    report
}

/// Nothing is on record that a later run would have to finish.
async fn nothing_is_open(lab: &Lab, folder: &Folder) {
    let report = silent(lab, folder, Mode::Verify).await;
    assert_eq!((report.status, notes(&report)), (Status::Authorized, Vec::new()), "{}", json(&report));
}

/// Types the `clear` command that a report proposes; returns what it said.
fn type_clear(folder: &Folder, report: &Report) -> String {
    let next = next(report);
    let command = next.split("dts-role-guard ").last().expect("a command");
    let command = command.split(['`', '\n']).next().unwrap();
    let output =
        Command::new(program()).args(command.split(' ')).env_clear().env(JOURNAL_DIR, folder.path()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(0), "{command}: {said}");
    said
}
