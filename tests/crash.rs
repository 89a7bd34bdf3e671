//! The real program, killed as nobody can catch it at each write of a repair, before and after its effect; then a fresh one,
//! woken by whatever comes next.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use emulator::{DTS_ROLE, Emulator, RoleSnapshot, Rule};
use serde_json::Value;
use testkit::{ACCOUNT, Folder, Guard, Hang, JOURNAL_DIR, WRITES_OF_FULL, cloud, fixture, full, truth};

/// Only reached if the process hangs.
const PATIENCE: Duration = Duration::from_secs(30);
const REMEDIATE: (&str, &str) = ("DTS_GUARD_MODE", "remediate");

/// What may wake the next run.
fn event(index: usize) -> String {
    match index % 3 {
        0 => fixture("events/timer-empty-payload.json"),
        1 => "remediate".to_owned(),
        _ => String::new(),
    }
}

/// Starts a repair and kills it; returns what it wrote to its log.
async fn kill(emulator: &Emulator, settings: &[(&str, &str)], rule: Rule, after_effect: bool) -> Vec<String> {
    let hang = Hang::at(emulator, rule, after_effect);
    let guard = Guard::start(emulator, settings);
    let _answer = guard.begin("remediate");
    tokio::time::timeout(PATIENCE, hang.reached()).await.expect("the call arrives");
    guard.kill()
}

/// A fresh process; returns its report.
fn run(emulator: &Emulator, settings: &[(&str, &str)], event: &str) -> Value {
    Guard::start(emulator, settings).invoke(event).report()
}

fn role(emulator: &Emulator) -> RoleSnapshot {
    emulator.role(ACCOUNT, DTS_ROLE).expect("there is a role")
}

/// As it was, but for its trust policy.
fn assert_whole(case: &str, before: &RoleSnapshot, now: &RoleSnapshot) {
    assert!(truth::authorized(Some(now)) && truth::kept(Some(before), Some(now)), "{case}: {now:#?}");
    assert_eq!((truth::policies(now), &now.tags), (truth::policies(before), &before.tags), "{case}");
}

fn assert_nothing_is_open(case: &str, emulator: &Emulator, settings: &[(&str, &str)]) {
    let calls = emulator.writes().len();
    let report = run(emulator, settings, "verify");
    assert_eq!(report["status"], "authorized", "{case}: {report:#}");
    assert!(!report.to_string().contains("journal-open"), "{case}: {report:#}");
    assert_eq!(emulator.writes().len(), calls, "{case}");
}

#[tokio::test]
async fn with_a_folder_everything_is_as_it_was_and_authorized() {
    for nth in 1..=WRITES_OF_FULL {
        for after_effect in [false, true] {
            let case = format!("killed at write {nth}, effect: {after_effect}");
            let (emulator, folder) = (cloud(full()), Folder::new());
            let before = role(&emulator);
            let settings = [REMEDIATE, (JOURNAL_DIR, folder.text())];
            let _ = kill(&emulator, &settings, Rule::writes().nth(nth), after_effect).await;
            let report = run(&emulator, &settings, &event(nth));
            // What was sent at the same time as the last write of all may have finished the work.
            let built = nth > WRITES_OF_FULL - 4;
            let status = report["status"].as_str().unwrap();
            assert!(status == "remediated" || (built && status == "authorized"), "{case}: {report:#}");
            assert_whole(&case, &before, &role(&emulator));
            assert_eq!(folder.names().len(), 1, "{case}: {:?}", folder.names());
            assert_nothing_is_open(&case, &emulator, &settings);
        }
    }
}

#[tokio::test]
async fn without_a_folder_it_is_authorized_and_the_log_tells_what_it_had() {
    for nth in 1..=WRITES_OF_FULL {
        for after_effect in [false, true] {
            let case = format!("killed at write {nth}, effect: {after_effect}");
            let emulator = cloud(full());
            let settings = [REMEDIATE, (JOURNAL_DIR, "off")];
            let log = kill(&emulator, &settings, Rule::writes().nth(nth), after_effect).await;
            let begin = log.iter().find(|line| line.contains(r#""event":"begin""#)).expect("the record");
            let record: Value = serde_json::from_str(begin).unwrap();
            let had = &record["journal"]["before"];
            assert_eq!((&had["description"], &had["tags"]["team"]), (&"ours".into(), &"data".into()), "{case}: {had}");
            assert_eq!(had["policies"].as_array().unwrap().len(), 3, "{case}: {had}");
            let report = run(&emulator, &settings, &event(nth));
            assert!(["authorized", "remediated"].contains(&report["status"].as_str().unwrap()), "{case}: {report:#}");
            assert!(truth::authorized(Some(&role(&emulator))), "{case}: {:#?}", role(&emulator));
            assert_nothing_is_open(&case, &emulator, &settings);
        }
    }
}

/// The process that finishes is killed as well, at each of its writes.
#[tokio::test]
async fn a_second_kill_loses_nothing_either() {
    // From the missing role: creation, three attachments, tags. From the robbed one: the policy is put back first.
    for (first, writes) in [("DeleteRole", 5), ("DetachPolicyFromRole", 1 + WRITES_OF_FULL)] {
        for second in 1..=writes {
            let case = format!("killed at {first}, then at write {second}");
            let (emulator, folder) = (cloud(full()), Folder::new());
            let before = role(&emulator);
            let settings = [REMEDIATE, (JOURNAL_DIR, folder.text())];
            let _ = kill(&emulator, &settings, Rule::on(first), true).await;
            let _ = kill(&emulator, &settings, Rule::writes().nth(second), second % 2 == 0).await;
            let _ = run(&emulator, &settings, &event(second));
            assert_whole(&case, &before, &role(&emulator));
            assert_nothing_is_open(&case, &emulator, &settings);
        }
    }
}

/// In between, timers that may only look do no harm and keep saying it.
#[tokio::test]
async fn a_process_that_may_only_look_says_what_is_open() {
    let (emulator, folder) = (cloud(full()), Folder::new());
    let settings = [REMEDIATE, (JOURNAL_DIR, folder.text())];
    let _ = kill(&emulator, &settings, Rule::on("CreateRole").nth(2), false).await;
    let (writes, listing) = (emulator.writes().len(), folder.listing());
    for event in ["verify", "plan"] {
        let report = run(&emulator, &settings, event);
        assert_eq!(report["status"], "drifted", "{report:#}");
        assert!(report.to_string().contains("journal-open") && report.to_string().contains("TeamExtra"), "{report:#}");
    }
    assert_eq!(emulator.writes().len(), writes);
    assert!(folder.listing() == listing);
}
