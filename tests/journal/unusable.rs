//! A folder that cannot be used: nothing begins without a record, and what has begun is not left half done.

use std::fs;
use std::path::Path;

use authorization::settings::Mode;
use dts_role_guard::report::{Report, Status};
use emulator::{Role, Rule};
use testkit::{ACCOUNT, Folder, JOURNAL_DIR, Lab, full, json, program};

use crate::{lab_with, next};

/// A path that leads to no folder, in several ways.
fn nowhere(folder: &Folder) -> Vec<String> {
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    fs::write(path("file"), "not a folder").unwrap();
    std::os::unix::fs::symlink(path("absent"), path("dangling")).unwrap();
    vec![path("absent"), path("file"), path("file/below"), path("dangling")]
}

fn assert_refused(case: &str, report: &Report) {
    assert_eq!(report.status, Status::Refused, "{case}: {}", json(report));
    assert!(next(report).contains(JOURNAL_DIR), "{case}: {}", json(report));
    assert!(report.failure().is_some(), "{case}: the platform must not call this a success");
}

#[tokio::test]
async fn nothing_is_written_without_a_record() {
    let folder = Folder::new();
    for path in nowhere(&folder) {
        for role in [None, Some(full())] {
            let lab = Lab::new(role).set(JOURNAL_DIR, &path);
            let before = lab.role();
            let planned = lab.run(Mode::Plan).await;
            assert!(next(&planned).contains("would refuse"), "{path}: {}", json(&planned));
            assert_refused(&path, &lab.run(Mode::Remediate).await);
            assert_eq!((lab.writes(), lab.role()), (Vec::new(), before), "{path}");
        }
    }
    assert!(!folder.path().join("absent").exists(), "a mount that is absent is not made up");
}

#[tokio::test]
async fn a_healthy_role_needs_no_folder() {
    let folder = Folder::new();
    for path in nowhere(&folder) {
        for mode in [Mode::Verify, Mode::Plan, Mode::Remediate] {
            let lab = Lab::new(Some(Role::dts())).set(JOURNAL_DIR, &path);
            assert_eq!(lab.run(mode).await.status, Status::Authorized, "{path} {mode}");
        }
    }
}

/// A mount that goes away while a call is under way.
fn vanishes_at(lab: &Lab, rule: Rule, folder: &Folder) {
    let path = folder.path().to_owned();
    lab.emulator.on_call(rule, move |_| fs::remove_dir_all(&path).unwrap()).keep();
}

#[tokio::test]
async fn a_folder_that_vanishes_before_the_first_write_keeps_it_from_happening() {
    for read in ["GetRole", "GetCallerIdentity", "ListTagResources"] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        vanishes_at(&lab, Rule::on(read).nth(1), &folder);
        assert_refused(read, &lab.run(Mode::Remediate).await);
        assert_eq!(lab.writes(), [""; 0], "{read}");
    }
}

#[tokio::test]
async fn a_folder_that_vanishes_before_the_deletion_gives_the_role_back() {
    for nth in 1..=3 {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        let before = lab.role().unwrap();
        vanishes_at(&lab, Rule::on("DetachPolicyFromRole").nth(nth), &folder);
        let report = lab.run(Mode::Remediate).await;
        assert_refused(&format!("detachment {nth}"), &report);
        let now = lab.role().unwrap();
        assert_eq!((&now.role_id, &now.trust), (&before.role_id, &before.trust), "{nth}");
        assert!(lab.kept(&before), "{nth}: {now:#?}");
    }
}

#[tokio::test]
async fn a_folder_that_vanishes_after_the_deletion_does_not_keep_the_role_from_being_finished() {
    for operation in ["DeleteRole", "CreateRole", "AttachPolicyToRole", "TagResources"] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        let before = lab.role().unwrap();
        vanishes_at(&lab, crate::performed(operation), &folder);
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{operation}: {}", json(&report));
        assert!(lab.authorized() && lab.kept(&before), "{operation}");
    }
}

/// The folder is back, with a record that says "open": the next run closes it.
#[tokio::test]
async fn a_record_that_could_not_be_closed_is_closed_by_the_next_run() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    let (there, away) = (folder.path().to_owned(), folder.path().with_extension("away"));
    let mount = move |from: &Path, to: &Path| fs::rename(from, to).unwrap();
    let (from, to) = (there.clone(), away.clone());
    lab.emulator.on_call(crate::performed("CreateRole"), move |_| mount(&from, &to)).keep();
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
    mount(&away, &there);
    let writes = lab.writes().len();
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Authorized);
    assert_eq!(lab.writes().len(), writes, "there is nothing left to do");
    crate::nothing_is_open(&lab, &folder).await;
}

/// What the next run would not believe is no record.
#[tokio::test]
async fn a_role_that_cannot_be_put_on_record_is_not_touched() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full().description(&"x".repeat(1025))));
    let before = lab.role();
    assert_refused("a long description", &lab.run(Mode::Remediate).await);
    assert_eq!((lab.writes(), lab.role()), (Vec::new(), before));
    assert_eq!(folder.names(), [""; 0]);
}

/// The folder can be read, but the record cannot be written any more: something else has its name.
fn is_taken_at(lab: &Lab, rule: Rule, folder: &Folder) {
    let path = folder.path().join(format!("{ACCOUNT}.1.json"));
    let take = move |_: &mut _| {
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
    };
    lab.emulator.on_call(rule, take).keep();
}

#[tokio::test]
async fn nothing_more_is_taken_away_that_is_not_on_record() {
    for nth in 1..=3 {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        let before = lab.role().unwrap();
        is_taken_at(&lab, Rule::on("DetachPolicyFromRole").nth(nth), &folder);
        assert_refused(&format!("detachment {nth}"), &lab.run(Mode::Remediate).await);
        let expected = [["DetachPolicyFromRole"; 3], ["AttachPolicyToRole"; 3]].concat();
        assert_eq!(lab.writes()[5..], expected, "those that were on record, and back");
        assert!(lab.kept(&before) && lab.role().unwrap().role_id == before.role_id, "{nth}");
    }
}

#[tokio::test]
async fn without_a_way_back_the_role_is_finished_off_the_record() {
    for operation in ["DeleteRole", "CreateRole", "AttachPolicyToRole", "TagResources"] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        let before = lab.role().unwrap();
        is_taken_at(&lab, crate::performed(operation), &folder);
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{operation}: {}", json(&report));
        assert!(lab.authorized() && lab.kept(&before), "{operation}");
    }
}

/// Nobody repairs a thousand times; and the folder is not asked about another account either.
#[tokio::test]
async fn a_thousand_files_of_one_account_are_no_folder_to_use() {
    let folder = Folder::new();
    for generation in 1..=1000 {
        fs::write(folder.path().join(format!("2234567890123456.{generation}.json")), "{}").unwrap();
    }
    let lab = lab_with(&folder, Some(full()));
    let report = lab.run(Mode::Remediate).await;
    assert_refused("a thousand files", &report);
    assert!(next(&report).contains("2234567890123456"), "{}", json(&report));
    assert_eq!((lab.writes(), folder.names().len()), (Vec::new(), 1000));
    fs::remove_file(folder.path().join("2234567890123456.1000.json")).unwrap();
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
}

/// The number is a forger's: no run would ever get one again.
#[tokio::test]
async fn the_highest_number_there_is_can_be_cleared() {
    for others in [vec![u64::MAX], vec![u64::MAX, u64::MAX - 1], vec![3, 1 << 63, u64::MAX]] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        for generation in &others {
            fs::write(folder.path().join(format!("{ACCOUNT}.{generation}.json")), "{}").unwrap();
        }
        if others.len() == 1 {
            let report = lab.run(Mode::Remediate).await;
            assert_refused("the highest number", &report);
            assert!(next(&report).contains(&format!("dts-role-guard clear --account {ACCOUNT}")), "{}", json(&report));
            fs::write(folder.path().join(format!("{ACCOUNT}.{}.json", u64::MAX)), "{}").unwrap();
        }
        let status = std::process::Command::new(program())
            .args(["clear", "--account", ACCOUNT])
            .env_clear()
            .env(JOURNAL_DIR, folder.path())
            .output()
            .unwrap();
        assert!(status.status.success(), "{status:?}");
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{others:?}: {}", json(&report));
        assert!(folder.newest()["generation"].as_u64().unwrap() < 1 << 63, "{:?}", folder.names());
    }
}

/// What is added when a record is taken over must not make it one that nobody would believe.
#[tokio::test]
async fn a_record_that_just_fits_can_be_taken_over() {
    for spare in [0, 1, 50, 200] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        let before = lab.role().unwrap();
        crate::kill(&lab, Rule::on("CreateRole"), true).await;
        let mut record = folder.newest();
        let size = |record: &serde_json::Value| serde_json::to_vec_pretty(record).unwrap().len();
        let room = 64 * 1024 - size(&record) - spare;
        let trust = record["repair"]["before"]["trustPolicy"].as_str().unwrap().to_owned();
        record["repair"]["before"]["trustPolicy"] = (trust + &" ".repeat(room)).into();
        assert_eq!(size(&record), 64 * 1024 - spare);
        fs::write(folder.path().join(format!("{ACCOUNT}.1.json")), serde_json::to_vec_pretty(&record).unwrap())
            .unwrap();
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{spare}: {}", json(&report));
        assert!(lab.authorized() && lab.kept(&before), "{spare}");
        crate::nothing_is_open(&lab, &folder).await;
    }
}

/// A repair that could not be finished from its record does not begin.
#[tokio::test]
async fn a_role_that_fills_the_whole_record_is_not_touched() {
    let folder = Folder::new();
    let trust = emulator::DTS_TRUST.replace("dts.aliyuncs.com", "ecs.aliyuncs.com") + &" ".repeat(64 * 1024);
    let lab = lab_with(&folder, Some(full().trust(&trust)));
    assert_refused("a long trust policy", &lab.run(Mode::Remediate).await);
    assert_eq!((lab.writes(), folder.names()), (Vec::new(), Vec::new()));
}
