//! No fights: a role that was repaired three times and broke again is left alone until a person clears it.

use authorization::settings::Mode;
use dts_role_guard::report::Status;
use emulator::Rule;
use testkit::{ACCOUNT, Folder, Lab, full, json};

use crate::{break_trust, kill, lab_with, next, notes, silent, type_clear};

async fn repaired(lab: &Lab, times: usize) {
    for _ in 0..times {
        break_trust(lab);
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    }
    break_trust(lab);
}

async fn refused_without_a_write(lab: &Lab) -> dts_role_guard::report::Report {
    let (writes, role) = (lab.writes().len(), lab.role());
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Refused, "{}", json(&report));
    assert_eq!((lab.writes().len(), lab.role()), (writes, role));
    assert!(next(&report).contains(&format!("`dts-role-guard clear --account {ACCOUNT}`")), "{}", json(&report));
    report
}

#[tokio::test]
async fn the_fourth_repair_is_refused_until_a_person_clears_it() {
    for strategy in ["recreate", "in-place"] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full())).set("DTS_GUARD_STRATEGY", strategy);
        repaired(&lab, 3).await;
        let planned = silent(&lab, &folder, Mode::Plan).await;
        assert_eq!(planned.status, Status::Drifted);
        assert!(next(&planned).contains("would refuse") && next(&planned).contains("clear"), "{}", json(&planned));
        let _ = refused_without_a_write(&lab).await;
        let report = refused_without_a_write(&lab).await;
        assert_eq!(notes(&report).len(), 0, "nothing is unfinished: {}", json(&report));
        type_clear(&folder, &report);
        repaired(&lab, 3).await;
        let _ = refused_without_a_write(&lab).await;
    }
}

#[tokio::test]
async fn a_role_that_is_left_alone_and_mended_by_hand_is_authorized() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    repaired(&lab, 3).await;
    let _ = refused_without_a_write(&lab).await;
    lab.emulator.with_world(|world| world.set_trust(ACCOUNT, emulator::DTS_ROLE, emulator::DTS_TRUST));
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Authorized);
    assert!(lab.authorized());
    break_trust(&lab);
    let _ = refused_without_a_write(&lab).await;
}

#[tokio::test]
async fn a_repair_that_another_run_finished_does_not_count() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    kill(&lab, crate::performed("CreateRole"), true).await;
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
    assert_eq!(folder.newest()["remediated"].as_array().unwrap().len(), 0, "{:#}", folder.newest());
    repaired(&lab, 3).await;
    let _ = refused_without_a_write(&lab).await;
}

#[tokio::test]
async fn what_was_put_back_does_not_count() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(full()));
    let denied = lab.emulator.fault(Rule::on("DeleteRole").every().deny());
    for _ in 0..4 {
        assert_eq!(lab.run(Mode::Remediate).await.status, Status::RolledBack);
    }
    drop(denied);
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
}

#[tokio::test]
async fn without_a_folder_nothing_is_counted() {
    repaired(&Lab::new(Some(full())), 5).await;
}
