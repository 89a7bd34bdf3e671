//! Trust policies that almost name DTS, and one that comes form-encoded.

use authorization::settings::Mode;
use dts_role_guard::report::Status;
use emulator::{DTS_POLICY, Role};
use serde_json::json;
use testkit::{Lab, account, ids, json};

fn role(names: &[&str]) -> Role {
    let statement = json!({"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": names}});
    Role::dts().trust(&json!({"Statement": [statement], "Version": "1"}).to_string()).attach_custom("TeamExtra")
}

const NEAR: [&str; 6] = [
    "DTS.aliyuncs.com",
    "dts.aliyuncs.com.",
    " dts.aliyuncs.com",
    "dts.aliyuncs.com\u{200b}",
    "dts\u{ad}.aliyuncs.com",
    "dts.aliyuncs.com\u{e0041}",
];

#[tokio::test]
async fn a_name_that_is_almost_right_deletes_nothing_without_a_persons_word() {
    for name in NEAR {
        let lab = Lab::new(Some(role(&[name])));
        let before = lab.role();
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Refused, "{name:?}: {}", json(&report));
        assert_eq!(
            ids(&account(&report)["findings"]),
            ["trust-service-missing", "trust-unreadable", "policy-extra"],
            "{name:?}"
        );
        assert_eq!((lab.writes(), lab.role()), (Vec::new(), before), "{name:?}");
    }
}

#[tokio::test]
async fn a_person_may_approve_the_plan_all_the_same() {
    let lab = Lab::new(Some(role(&[NEAR[0]])));
    let plan = account(&lab.run(Mode::Plan).await)["planId"].as_str().unwrap().to_owned();
    let report = lab.ask(Mode::Remediate, Some(&plan), std::time::Duration::from_mins(10)).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
}

#[tokio::test]
async fn beside_the_right_name_it_is_advice() {
    for name in NEAR {
        let lab = Lab::new(Some(role(&[name, "dts.aliyuncs.com"])));
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Authorized, "{name:?}: {}", json(&report));
        assert!(ids(&account(&report)["findings"]).contains(&"trust-unreadable"), "{}", json(&report));
    }
}

#[tokio::test]
async fn a_form_encoded_document_is_read() {
    let form = "%7B%22Statement%22%3A+%5B%7B%22Action%22%3A+%22sts%3AAssumeRole%22%2C+%22Effect%22%3A+%22Allow%22%2C+%22Principal%22%3A+%7B%22Service%22%3A+%5B%22dts.aliyuncs.com%22%5D%7D%7D%5D%2C+%22Version%22%3A+%221%22%7D";
    let lab = Lab::new(Some(Role::dts().trust(form)));
    let report = lab.run(Mode::Remediate).await;
    assert_eq!((report.status, lab.writes()), (Status::Authorized, Vec::new()), "{}", json(&report));
    assert_eq!(account(&report)["findings"], json!([]));
}

/// Only the policy is missing: the trust policy that was form-encoded is as right as any other.
#[tokio::test]
async fn a_form_encoded_document_does_not_stop_a_repair() {
    let form = "%7B%22Statement%22%3A+%5B%7B%22Action%22%3A+%22sts%3AAssumeRole%22%2C+%22Effect%22%3A+%22Allow%22%2C+%22Principal%22%3A+%7B%22Service%22%3A+%22dts.aliyuncs.com%22%7D%7D%5D%2C+%22Version%22%3A+%221%22%7D";
    let lab = Lab::new(Some(Role::dts().trust(form).detach(DTS_POLICY)));
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
}
