//! A record is evidence, not an order: what it takes until what it says is carried out.

use std::fs;

use aliyun::clock::{Clock, SystemClock};
use authorization::settings::Mode;
use dts_role_guard::report::Status;
use emulator::{DTS_ROLE, Role, Rule};
use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::{ACCOUNT, Folder, Lab, full, json as shown, other_trust};

use crate::{has, kill, lab_with, next, notes, nothing_is_open, silent};

const KEY: &str = "DTS_GUARD_JOURNAL_KEY";
const SECRET: &str = "a secret of the guard";
/// The first policy that a repair takes away.
const LOST: &str = "AliyunOSSReadOnlyAccess";
const APPROVAL: &str = "DTS_GUARD_APPROVAL";

pub(crate) fn hours_ago(hours: i64) -> String {
    (SystemClock::start().now() - SignedDuration::from_hours(hours)).to_string()
}

/// What a run leaves behind that is killed at a call.
async fn killed(folder: &Folder, settings: &[(&str, &str)], operation: &str) -> Lab {
    let lab = settings.iter().fold(lab_with(folder, Some(full())), |lab, (name, value)| lab.set(name, value));
    kill(&lab, crate::performed(operation), true).await;
    lab
}

fn rewrite(folder: &Folder, change: impl FnOnce(&mut Value)) {
    let mut record = folder.newest();
    change(&mut record);
    let name = format!("{ACCOUNT}.{}.json", record["generation"]);
    fs::write(folder.path().join(name), record.to_string()).unwrap();
}

/// Every run says what is left and why it waits, and none changes anything, in the cloud or in the folder.
async fn waits(case: &str, lab: &Lab, folder: &Folder, why: &str) {
    let (before, writes) = (lab.role(), lab.writes().len());
    for mode in [Mode::Verify, Mode::Plan] {
        let notes = notes(&silent(lab, folder, mode).await);
        let message = notes[0]["message"].as_str().unwrap();
        assert!(message.contains(LOST) && message.contains(why), "{case}: {message}");
    }
    let listing = folder.listing();
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Refused, "{case}: {}", shown(&report));
    assert!(next(&report).contains(why), "{case}: {}", shown(&report));
    assert!(next(&report).contains(&format!("clear --account {ACCOUNT} --unfinished")), "{case}: {}", shown(&report));
    assert_eq!(notes(&report).len(), 1, "{case}: {}", shown(&report));
    assert_eq!((lab.role(), lab.writes().len()), (before, writes), "{case}");
    assert!(folder.listing() == listing, "{case}: {:?}", folder.names());
}

#[tokio::test]
async fn a_record_of_yesterday_waits_for_a_person() {
    for operation in ["DetachPolicyFromRole", "DeleteRole", "CreateRole"] {
        for hours in [25, -25, 24 * 365 * 10, -24 * 365 * 10] {
            let folder = Folder::new();
            let lab = killed(&folder, &[], operation).await;
            if operation == "CreateRole" {
                assert!(lab.role().unwrap().policies.is_empty());
            }
            rewrite(&folder, |record| record["repair"]["begunAt"] = json!(hours_ago(hours)));
            waits(&format!("{operation} {hours}"), &lab, &folder, "not of the last 24 hours").await;
        }
    }
}

#[tokio::test]
async fn a_record_of_today_is_carried_out() {
    for hours in [23, -23] {
        let folder = Folder::new();
        let lab = killed(&folder, &[], "DeleteRole").await;
        rewrite(&folder, |record| record["repair"]["begunAt"] = json!(hours_ago(hours)));
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{}", shown(&report));
        assert!(has(&lab.role().unwrap(), LOST));
        nothing_is_open(&lab, &folder).await;
    }
}

#[tokio::test]
async fn where_repairs_need_approval_a_record_does_too() {
    let folder = Folder::new();
    let lab = killed(&folder, &[], "DeleteRole").await.set(APPROVAL, "required");
    waits("approval", &lab, &folder, APPROVAL).await;
}

/// There is nothing left to do, so there is nothing to approve.
#[tokio::test]
async fn a_record_in_doubt_is_closed_where_the_role_has_everything() {
    let folder = Folder::new();
    let lab = killed(&folder, &[], "TagResources").await;
    rewrite(&folder, |record| record["repair"]["begunAt"] = json!(hours_ago(100)));
    let writes = lab.writes().len();
    let report = lab.run(Mode::Remediate).await;
    assert_eq!((report.status, lab.writes().len()), (Status::Authorized, writes), "{}", shown(&report));
    nothing_is_open(&lab, &folder).await;
}

#[tokio::test]
async fn with_a_key_the_record_of_a_guard_is_finished_whatever_its_age_and_without_a_second_word() {
    for operation in ["DetachPolicyFromRole", "DeleteRole", "CreateRole", "AttachPolicyToRole"] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full())).set(KEY, SECRET);
        let before = lab.role().unwrap();
        kill(&lab, crate::performed(operation), operation != "AttachPolicyToRole").await;
        assert_eq!(folder.newest()["mac"].as_str().unwrap().len(), 64);
        assert!(!folder.listing().values().any(|entry| entry.text().contains(SECRET)));
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{operation}: {}", shown(&report));
        assert!(lab.authorized() && lab.kept(&before), "{operation}");
        nothing_is_open(&lab, &folder).await;
    }
}

type Forgery = (&'static str, fn(&mut Value));

const FORGERIES: [Forgery; 6] = [
    ("nothing but the layout", |_| {}),
    ("no signature", |record| drop(record.as_object_mut().unwrap().remove("mac"))),
    ("another signature", |record| record["mac"] = json!("00".repeat(32))),
    ("a signature that is none", |record| record["mac"] = json!("x")),
    ("one more policy", |record| {
        record["repair"]["before"]["policies"][0] = json!({"type": "System", "name": "AliyunOSSFullAccess"});
    }),
    ("another time", |record| record["repair"]["begunAt"] = json!(hours_ago(1))),
];

#[tokio::test]
async fn with_a_key_what_it_has_not_signed_is_set_aside() {
    for (case, forge) in FORGERIES {
        let folder = Folder::new();
        let lab = killed(&folder, &[(KEY, SECRET)], "DetachPolicyFromRole").await;
        rewrite(&folder, forge);
        let report = lab.run(Mode::Remediate).await;
        let believed = case == "nothing but the layout";
        assert_eq!(has(&lab.role().unwrap(), LOST), believed, "{case}: {}", shown(&report));
        assert!(lab.authorized() && !has(&lab.role().unwrap(), "AliyunOSSFullAccess"), "{case}");
        assert_eq!(folder.names().iter().any(|name| name.contains("aside")), !believed, "{case}: {:?}", folder.names());
    }
}

#[tokio::test]
async fn a_record_of_another_account_or_generation_is_not_signed_for_this_one() {
    let folder = Folder::new();
    let lab = killed(&folder, &[(KEY, SECRET)], "DetachPolicyFromRole").await;
    let record = folder.newest();
    for (account, generation) in [("2234567890123456", 1), (ACCOUNT, 2)] {
        let mut moved = record.clone();
        (moved["accountId"], moved["generation"]) = (json!(account), json!(generation));
        let read =
            authorization::record::Record::read(moved.to_string().as_bytes(), &account.parse().unwrap(), generation);
        let key = dts_role_guard::journal::JournalKey::new(SECRET.to_owned()).unwrap();
        assert!(dts_role_guard::journal::Seal::Key(key).check(read.unwrap()).is_err(), "{account}");
    }
    drop(lab);
}

/// Once everything was seen back, a record orders nothing, whatever somebody adds to it.
#[tokio::test]
async fn a_closed_record_watches_over_nothing() {
    for (hours, until) in [(0, -25), (10, -20), (0, -1), (0, -24 * 365 * 50)] {
        let folder = Folder::new();
        let lab = killed(&folder, &[], "DeleteRole").await;
        assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
        assert!(lab.emulator.with_world(|world| world.detach(ACCOUNT, DTS_ROLE, LOST)));
        let role_id = lab.role().unwrap().role_id;
        rewrite(&folder, |record| {
            record["repair"]["begunAt"] = json!(hours_ago(hours));
            let policies = json!([{"type": "System", "name": LOST}]);
            record["watch"] = json!({"until": hours_ago(until), "roleId": role_id, "policies": policies});
        });
        let writes = lab.writes().len();
        let report = lab.run(Mode::Remediate).await;
        assert_eq!((report.status, lab.writes().len()), (Status::Authorized, writes), "{}", shown(&report));
    }
}

/// An open one that watches for longer than any run lives is nobody's of ours.
#[tokio::test]
async fn a_watch_of_more_than_a_day_waits_for_a_person() {
    for until in [-25, -24 * 365 * 50] {
        let folder = Folder::new();
        let lab = killed(&folder, &[], "DeleteRole").await;
        rewrite(&folder, |record| {
            let policies = json!([{"type": "System", "name": LOST}]);
            record["watch"] = json!({"until": hours_ago(until), "roleId": "1", "policies": policies});
        });
        waits(&format!("{until}"), &lab, &folder, "watches over the role for more than 24 hours").await;
    }
}

#[tokio::test]
async fn finishing_what_another_run_began_is_no_repair_that_did_not_last() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    for _ in 0..4 {
        crate::break_trust(&lab);
        kill(&lab, crate::performed("CreateRole"), true).await;
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{}", shown(&report));
        assert_eq!(folder.newest()["remediated"], json!([]));
    }
}

#[tokio::test]
async fn no_record_makes_the_holder_of_the_role_mighty() {
    for policy in
        ["AdministratorAccess", "AliyunRAMFullAccess", "AliyunSTSAssumeRoleAccess", "AliyunResourceDirectoryFullAccess"]
    {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(other_trust().attach_custom("TeamExtra")));
        kill(&lab, Rule::on("DetachPolicyFromRole").param("PolicyName", "TeamExtra"), true).await;
        rewrite(&folder, |record| {
            let policies = record["repair"]["before"]["policies"].as_array_mut().unwrap();
            policies.push(json!({"type": "System", "name": policy}));
        });
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{policy}: {}", shown(&report));
        assert!(has(&lab.role().unwrap(), "TeamExtra") && !has(&lab.role().unwrap(), policy), "{policy}");
        let lab = Lab::new(Some(Role::dts().trusting_service("ecs.aliyuncs.com").attach_system(policy)));
        assert_eq!(lab.run(Mode::Remediate).await.status, Status::Refused, "{policy}");
    }
}
