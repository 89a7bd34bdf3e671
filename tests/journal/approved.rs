//! `DTS_GUARD_APPROVAL=required` and a killed run: with a key, finishing needs no second word; beginning anew does.

use std::time::Duration;

use authorization::settings::Mode;
use dts_role_guard::report::Status;
use testkit::{Folder, Hang, Lab, account, full, json};

use crate::{lab_with, next, nothing_is_open, performed};

/// Where repairs need approval, only a signed record is finished without a person's word.
fn signed(folder: &Folder) -> Lab {
    let lab = lab_with(folder, Some(full())).set("DTS_GUARD_APPROVAL", "required");
    lab.set("DTS_GUARD_JOURNAL_KEY", "a secret of the guard")
}

/// An approved repair that is killed at a call, after its effect; at the attachment of the DTS policy before it.
async fn kill_approved(lab: &Lab, operation: &str) {
    let plan = account(&lab.run(Mode::Plan).await)["planId"].as_str().unwrap().to_owned();
    let hang = Hang::at(&lab.emulator, performed(operation), operation != "AttachPolicyToRole");
    tokio::select! {
        () = hang.reached() => {}
        report = lab.ask(Mode::Remediate, Some(&plan), Duration::from_mins(10)) => panic!("{}", json(&report)),
    }
}

#[tokio::test]
async fn what_was_approved_and_killed_after_the_deletion_is_finished_without_a_second_word() {
    for operation in ["DeleteRole", "CreateRole", "AttachPolicyToRole"] {
        let folder = Folder::new();
        let lab = signed(&folder);
        let before = lab.role().unwrap();
        kill_approved(&lab, operation).await;
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{operation}: {}", json(&report));
        assert!(lab.authorized() && lab.kept(&before), "{operation}");
        nothing_is_open(&lab, &folder).await;
    }
}

#[tokio::test]
async fn what_was_killed_before_the_deletion_is_put_back_and_needs_a_new_word() {
    let folder = Folder::new();
    let lab = signed(&folder);
    let before = lab.role().unwrap();
    kill_approved(&lab, "DetachPolicyFromRole").await;
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Refused, "{}", json(&report));
    assert!(next(&report).contains("DTS_GUARD_APPROVAL"), "{}", json(&report));
    let now = lab.role().unwrap();
    assert_eq!((&now.role_id, &now.trust), (&before.role_id, &before.trust));
    assert!(lab.kept(&before), "{now:#?}");
    let plan = account(&report)["planId"].as_str().unwrap().to_owned();
    let report = lab.ask(Mode::Remediate, Some(&plan), Duration::from_mins(10)).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    assert!(lab.authorized() && lab.kept(&before));
}
