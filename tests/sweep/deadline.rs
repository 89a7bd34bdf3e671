//! Near the end no account is begun, and the next run starts with those that were not reached.

use std::collections::BTreeSet;
use std::time::Duration;

use dts_role_guard::report::Status;
use emulator::{Rule, Seed};
use serde_json::{Value, json};

use super::*;

/// `AssumeRole` keeps to 72 a second and a burst of 4, by the clock of the lab, where waiting takes no time: of 400 members
/// some 150 are reached in three seconds.
const SHORT: Duration = Duration::from_secs(3);

async fn within(lab: &Lab, time: Duration) -> Value {
    checked(&lab.invoke_within(&timer(""), time).await)
}

fn pending(report: &Value) -> BTreeSet<String> {
    ids(&with_status(report, "pending")).into_iter().collect()
}

#[tokio::test]
async fn what_is_not_reached_is_pending_and_no_account_is_lost() {
    let lab = organization(400, 0);
    let report = within(&lab, SHORT).await;
    assert_eq!((&report["status"], &report["summary"]["accounts"]), (&json!("pending"), &json!(401)), "{report}");
    let reached = 401 - pending(&report).len();
    assert!((50..250).contains(&reached), "{reached}");
    let entered: BTreeSet<_> = entered(&lab).into_iter().collect();
    assert!(entered.is_disjoint(&pending(&report)), "not even begun");
}

#[tokio::test]
async fn the_next_run_starts_with_what_was_not_reached() {
    let folder = tempfile::tempdir().unwrap();
    let lab = organization(400, 0).set("DTS_GUARD_JOURNAL_DIR", folder.path().to_str().unwrap());
    let mut not_reached = BTreeSet::new();
    let mut sound = BTreeSet::new();
    for run in 0..10 {
        let before = lab.emulator.calls().len();
        let report = within(&lab, SHORT).await;
        let entered: BTreeSet<_> = entries(&lab.emulator.calls()[before..]).into_iter().collect();
        assert!(entered.is_subset(&not_reached) || not_reached.is_subset(&entered), "run {run}");
        sound.extend(ids(&with_status(&report, "authorized")));
        not_reached = pending(&report);
        assert_eq!(folder.path().join("sweep.json").exists(), !not_reached.is_empty());
        if not_reached.is_empty() {
            break;
        }
    }
    assert_eq!(sound.len(), 401, "every account in a few runs");
}

/// Each run reaches a few of 60 accounts, and some of those do not answer: whoever had no turn yet comes before them.
#[tokio::test]
async fn every_account_has_its_turn_however_short_the_runs_are() {
    let folder = tempfile::tempdir().unwrap();
    let lab = organization(60, 0)
        .set("DTS_GUARD_JOURNAL_DIR", folder.path().to_str().unwrap())
        .set("DTS_GUARD_MODE", "verify")
        .set("DTS_GUARD_CONCURRENCY", "4");
    let slow = (1..=9).map(|number| lab.emulator.fault(Rule::on("GetRole").account(&id(number)).every().throttle()));
    let _slow: Vec<_> = slow.collect();
    let mut had_turn = BTreeSet::new();
    for run in 0..40 {
        let before = lab.emulator.calls().len();
        drop(lab.invoke_within(&timer(""), Duration::from_millis(2500)).await);
        let entered: BTreeSet<_> = entries(&lab.emulator.calls()[before..]).into_iter().collect();
        let is_all = had_turn.len() + entered.difference(&had_turn).count() == 60;
        assert!(is_all || entered.is_disjoint(&had_turn), "run {run}: some had a second turn before others had one");
        had_turn.extend(entered);
        if had_turn.len() == 60 {
            assert!(run > 2, "the runs are short");
            return;
        }
    }
    panic!("{} of 60 accounts had a turn", had_turn.len());
}

#[tokio::test]
async fn the_place_is_forgotten_once_all_are_reached() {
    let folder = tempfile::tempdir().unwrap();
    let lab = organization(400, 0).set("DTS_GUARD_JOURNAL_DIR", folder.path().to_str().unwrap());
    assert!(!pending(&within(&lab, SHORT).await).is_empty());
    assert!(pending(&within(&lab, Duration::from_mins(10)).await).is_empty());
    assert!(!folder.path().join("sweep.json").exists());
}

#[tokio::test]
async fn without_a_folder_the_order_is_another_one_in_each_run() {
    let lab = organization(400, 0);
    let first = pending(&within(&lab, SHORT).await);
    let second = pending(&within(&lab, SHORT).await);
    assert_ne!(first, second);
    assert!(first.intersection(&second).count() < first.len() * 9 / 10, "none is always the last");
}

#[tokio::test]
async fn a_third_of_the_time_belongs_to_the_repairs() {
    let seed =
        |index: usize, member: Member| member.seed(if index.is_multiple_of(20) { Seed::Trust } else { Seed::Healthy });
    let lab = organization_of(1000, seed);
    let report = within(&lab, Duration::from_secs(9)).await;
    let json = &report["summary"];
    assert!(json["pending"].as_u64().unwrap() > 400, "{json}");
    assert!(json["remediated"].as_u64().unwrap() > 5, "{json}");
    assert_eq!(json["drifted"], 0);
    for line in with_status(&report, "pending") {
        assert_eq!(line["findings"], json!([]), "what was found broken was repaired: {line}");
    }
}

#[tokio::test]
async fn in_verify_all_the_time_belongs_to_the_look() {
    let lab = organization(400, 0);
    let remediate = pending(&within(&lab, Duration::from_secs(6)).await).len();
    let lab = organization(400, 0).set("DTS_GUARD_MODE", "verify");
    let verify = pending(&within(&lab, Duration::from_secs(6)).await).len();
    assert!(verify + 50 < remediate, "{verify} {remediate}");
}

#[tokio::test]
async fn without_time_nothing_is_begun_and_the_platform_is_told() {
    let lab = organization(10, 2);
    let report = lab.invoke_within(&timer(""), Duration::from_millis(500)).await;
    assert!(matches!(report.status, Status::Failed), "{}", json(&report));
    assert!(report.failure().is_some());
    assert!(lab.emulator.writes().is_empty());
    let message = json(&report)["errors"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("too little time"), "{message}");
}
