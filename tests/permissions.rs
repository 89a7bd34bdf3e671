//! The policy documents in `policies/` are enough for their mode, and the `Deny` holds.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

#[path = "support/lab.rs"]
mod lab;

use dts_role_guard::config::Mode;
use dts_role_guard::report::Status;
use emulator::{AccessKey, DTS_POLICY, Role};
use lab::{ACCOUNT, Lab, json};

const VERIFY: &str = include_str!("../policies/verify.json");
const REMEDIATE: &str = include_str!("../policies/remediate.json");

fn lab(role: Option<Role>, policy: &str) -> Lab {
    let key = AccessKey::session("STS.LabKey", "lab-secret-0123456789", "lab-token-0123456789");
    Lab::with_key(role, key.of_role(ACCOUNT, "dts-role-guard-role", "lab").policy(policy))
}

fn full() -> Role {
    let role = Role::dts().trusting_service("ecs.aliyuncs.com").tag("team", "data");
    role.attach_system("AliyunOSSReadOnlyAccess").attach_custom("TeamExtra")
}

#[tokio::test]
async fn the_document_for_verify_is_enough_to_look_and_to_plan() {
    for role in [None, Some(Role::dts()), Some(full())] {
        for mode in [Mode::Verify, Mode::Plan] {
            let report = lab(role.clone(), VERIFY).run(mode).await;
            assert!(matches!(report.status, Status::Authorized | Status::Drifted), "{}", json(&report));
        }
    }
}

#[tokio::test]
async fn the_document_for_verify_lets_nothing_be_written() {
    let lab = lab(Some(full()), VERIFY);
    let before = lab.role();
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::RolledBack);
    assert_eq!(lab.role(), before);
}

#[tokio::test]
async fn the_document_for_remediate_is_enough_for_every_repair() {
    for strategy in ["recreate", "in-place"] {
        for role in [None, Some(full()), Some(Role::dts().detach(DTS_POLICY))] {
            let lab = lab(role, REMEDIATE).set("DTS_GUARD_STRATEGY", strategy);
            let report = lab.run(Mode::Remediate).await;
            assert_eq!(report.status, Status::Remediated, "{}", json(&report));
        }
    }
}
