//! All are judged before the first is repaired.

use dts_role_guard::report::Status;
use emulator::{Role, Rule, Seed};
use serde_json::json;
use testkit::{ACCOUNT, key};

use super::*;

#[tokio::test]
async fn every_account_is_judged_and_every_broken_one_repaired() {
    let lab = organization(250, 20);
    let report = sweep(&lab).await;
    let json = checked(&report);
    assert_eq!((report.status, report.failure()), (Status::Remediated, None), "{json}");
    assert_eq!((report.summary.accounts, report.summary.remediated), (251, 20), "{json}");
    assert_eq!(report.summary.authorized, 231);
    for number in 1..=250 {
        assert!(is_authorized(&lab.emulator, &id(number)), "{number}");
    }
    let pages = lab.emulator.operations().iter().filter(|name| *name == "ListAccounts").count();
    assert_eq!(pages, 3, "of 100 members each");
}

#[tokio::test]
async fn nothing_is_written_before_the_last_account_is_judged() {
    let lab = organization(60, 6);
    drop(sweep(&lab).await);
    let calls = lab.emulator.calls();
    let first = calls.iter().position(|call| call.write).unwrap();
    let (before, _) = calls.split_at(first);
    let mut judged = entries(before);
    judged.sort();
    judged.dedup();
    assert_eq!(judged.len(), 60);
    assert_eq!(entries(&calls).len(), 60 + 6, "the broken ones are entered again, with the right to write");
    let policies = |calls: &[emulator::Call]| -> Vec<String> {
        let entries = calls.iter().filter(|call| call.operation == "AssumeRole");
        entries.map(|call| call.params["Policy"].clone()).collect()
    };
    let may_write = policies(&calls).iter().filter(|policy| policy.contains("ram:DeleteRole")).count();
    assert_eq!(may_write, 6, "only they are");
}

#[tokio::test]
async fn an_account_in_order_takes_a_short_line() {
    let talkative = Role::dts().attach_system("AliyunOSSReadOnlyAccess");
    let lab = organization_of(2, |index, member| match index {
        0 => member.seed(Seed::Healthy),
        _ => member.role(talkative.clone()),
    });
    let report = checked(&sweep(&lab).await);
    assert_eq!(*line(&report, ACCOUNT), json!({"accountId": ACCOUNT, "status": "authorized"}));
    assert_eq!(*line(&report, &id(1)), json!({"accountId": id(1), "status": "authorized"}));
    let said = line(&report, &id(2));
    assert_eq!((said.as_object().unwrap().len(), &said["findings"][0]["id"]), (3, &json!("policy-extra")), "{said}");
}

#[tokio::test]
async fn verify_and_plan_look_once_and_write_nothing() {
    for (payload, planned) in [("verify", false), ("plan", true)] {
        let lab = organization(30, 4);
        let report = checked(&lab.invoke(&timer(payload)).await);
        assert_eq!(report["summary"]["drifted"], 4, "{report}");
        let plans = with_status(&report, "drifted").iter().filter(|line| line["planId"].is_string()).count();
        assert_eq!(plans == 4, planned, "{report}");
        assert_eq!(entered(&lab).len(), 30);
        let silent = |name: &String| name.starts_with("Get") || name.starts_with("List") || name == "AssumeRole";
        assert!(lab.emulator.operations().iter().all(silent));
    }
}

#[tokio::test]
async fn the_own_account_is_worked_in_with_its_own_keys() {
    let world = emulator::World::new().key(key()).account(ACCOUNT, |account| account);
    let lab = Lab::of(world.directory(ACCOUNT, |directory| directory)).set("DTS_GUARD_SCOPE", "organization");
    let report = checked(&sweep(&lab).await);
    assert_eq!(line(&report, ACCOUNT)["status"], "remediated", "{report}");
    assert!(entered(&lab).is_empty() && is_authorized(&lab.emulator, ACCOUNT));
}

#[tokio::test]
async fn a_journal_folder_that_cannot_be_used_is_told_whatever_the_roles_are() {
    for (broken, status, refused) in [(0, "authorized", 0), (2, "refused", 2)] {
        let lab = organization(20, broken).set("DTS_GUARD_JOURNAL_DIR", "/no/such/folder");
        let report = sweep(&lab).await;
        let json = checked(&report);
        assert_eq!((report.status, report.summary.refused), (Status::Failed, refused), "{json}");
        assert_eq!(line(&json, &id(1))["status"], status);
        assert!(json["errors"][0]["message"].as_str().unwrap().contains("journal folder cannot be used"), "{json}");
        assert!(report.failure().is_some() && lab.emulator.writes().is_empty());
    }
}

#[tokio::test]
async fn named_accounts_are_worked_through_in_the_same_way() {
    let lab = organization(40, 2);
    let accounts: Vec<_> = member_ids(20).collect();
    let report = checked(&lab.invoke(&json!({"accounts": accounts})).await);
    assert_eq!((&report["summary"]["remediated"], &report["summary"]["accounts"]), (&json!(2), &json!(20)), "{report}");
    assert_eq!(ids(&report["accounts"].as_array().unwrap().iter().collect::<Vec<_>>()), accounts, "in their order");
    let first = lab.emulator.calls().iter().position(|call| call.write).unwrap();
    assert!(entries(&lab.emulator.calls()[..first]).len() >= 20, "all were judged before");
}

/// What the first phase and the second took, pauses included.
#[tokio::test]
async fn the_time_of_an_account_is_that_of_both_phases() {
    let lab = organization(1, 1);
    let looks = Rule::on("GetRole").account(&id(1));
    let _first = lab.emulator.fault(looks.clone().nth(1).throttle());
    let _second = lab.emulator.fault(looks.nth(3).throttle());
    let report = checked(&sweep(&lab).await);
    let line = line(&report, &id(1));
    let took = std::time::Duration::from_millis(line["durationMs"].as_u64().unwrap());
    assert_eq!(line["status"], "remediated", "{report}");
    let slept = lab.slept();
    assert!(slept >= std::time::Duration::from_millis(400), "{slept:?}");
    assert!(took + std::time::Duration::from_millis(1) >= slept, "{took:?} {slept:?}");
}

/// The other run holds what is needed for writing, in the middle of its repair.
#[tokio::test]
async fn a_run_waits_for_another_one_until_its_own_deadline_and_no_longer() {
    let lab = Lab::new(None);
    let app = lab.app();
    let _slow = lab.emulator.fault(Rule::on("CreateRole").times(1).latency(std::time::Duration::from_secs(2)));
    let event = json!({"mode": "remediate"});
    let first = async { lab.invoke_app(&app, &event, std::time::Duration::from_mins(10)).await };
    let second = async {
        lab.emulator.wait_for_call("CreateRole", 1).await;
        let report = lab.invoke_app(&app, &event, std::time::Duration::from_secs(20)).await;
        let writes = lab.emulator.writes().len();
        (report, writes)
    };
    let (first, (second, writes)) = tokio::join!(first, second);
    assert_eq!((second.status, writes), (Status::Pending, 1), "{}", json(&second));
    let told = checked(&second)["accounts"][0]["next"].as_str().unwrap().to_owned();
    assert!(told.contains("another run was at work"), "{told}");
    assert!(second.failure().is_some(), "nobody has judged the account");
    assert_eq!(first.status, Status::Remediated, "{}", json(&first));
}
