//! A run that is killed anywhere, and the next one: no account is lost.

use std::time::Duration;

use emulator::Rule;
use testkit::{Guard, Hang};

use super::*;

const MEMBERS: usize = 60;
const BROKEN_MEMBERS: usize = 8;
const PATIENCE: Duration = Duration::from_secs(30);

fn cloud() -> Emulator {
    testkit::members(member_ids(MEMBERS), |index, member| {
        member.seed(if index < BROKEN_MEMBERS { BROKEN[index % 3] } else { Seed::Healthy })
    })
}

async fn kill_at(emulator: &Emulator, settings: &[(&str, &str)], rule: Rule, after_effect: bool) {
    let hang = Hang::at(emulator, rule, after_effect);
    let guard = Guard::start(emulator, settings);
    let _answer = guard.begin("");
    tokio::time::timeout(PATIENCE, hang.reached()).await.expect("the call arrives");
    guard.kill();
}

/// In the middle of listing, of judging, and of each kind of write.
#[tokio::test]
async fn the_next_run_finds_every_account_and_repairs_every_broken_one() {
    let moments = [
        ("ListAccounts", 1),
        ("AssumeRole", 30),
        ("GetRole", 45),
        ("AssumeRole", 64),
        ("DetachPolicyFromRole", 3),
        ("DeleteRole", 2),
        ("CreateRole", 12),
        ("AttachPolicyToRole", 20),
    ];
    for (index, (operation, nth)) in moments.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let journal = folder.path().to_str().unwrap().to_owned();
        let settings = [
            ("DTS_GUARD_SCOPE", "organization"),
            ("DTS_GUARD_MODE", "remediate"),
            ("DTS_GUARD_RATE", "1000"),
            // Every other run has no folder.
            ("DTS_GUARD_JOURNAL_DIR", if index % 2 == 0 { &*journal } else { "off" }),
        ];
        let emulator = cloud();
        kill_at(&emulator, &settings, Rule::on(operation).nth(nth), index % 3 == 0).await;
        let report = Guard::start(&emulator, &settings).invoke("").report();
        assert_valid(&report);
        assert_eq!(report["summary"]["accounts"], MEMBERS + 1, "{operation}: {report}");
        let summary = &report["summary"];
        let sound = summary["authorized"].as_u64().unwrap() + summary["remediated"].as_u64().unwrap();
        assert_eq!(sound, MEMBERS as u64 + 1, "{operation}: {report}");
        for account in member_ids(MEMBERS) {
            assert!(is_authorized(&emulator, &account), "{operation}: {account}");
        }
        if index % 2 == 0 {
            let kept = |number: usize| emulator.role(&id(number), DTS_ROLE).unwrap().policy_names().len();
            assert_eq!((kept(3), kept(6)), (3, 3), "{operation}: nothing that a role had is lost");
        }
    }
}

/// A repair that was killed is finished by a sweep, though the account is authorized by then.
#[tokio::test]
async fn an_unfinished_repair_of_an_authorized_role_is_finished_too() {
    let folder = tempfile::tempdir().unwrap();
    let settings = [
        ("DTS_GUARD_SCOPE", "organization"),
        ("DTS_GUARD_MODE", "remediate"),
        ("DTS_GUARD_JOURNAL_DIR", folder.path().to_str().unwrap()),
    ];
    let emulator = testkit::members(member_ids(5), |index, member| {
        member.seed(if index == 2 { Seed::Extras } else { Seed::Healthy })
    });
    // All are attached at the same time; one of the extras is on its way when the process is killed.
    let extra = Rule::on("AttachPolicyToRole").param("PolicyName", "TeamExtra").nth(2);
    kill_at(&emulator, &settings, extra, false).await;
    emulator.wait_for_call("AttachPolicyToRole", 6).await;
    assert!(is_authorized(&emulator, &id(3)));
    let report = Guard::start(&emulator, &settings).invoke("").report();
    let line = line(&report, &id(3));
    assert_eq!(
        (&line["status"], &line["findings"][0]["id"]),
        (&"remediated".into(), &"journal-open".into()),
        "{report}"
    );
    assert_eq!(emulator.role(&id(3), DTS_ROLE).unwrap().policy_names().len(), 3);
}
