//! The policy documents in `policies/` are enough for their mode, and the `Deny` holds.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

#[path = "support/lab.rs"]
mod lab;

use dts_role_guard::config::Mode;
use dts_role_guard::report::Status;
use emulator::{AccessKey, DTS_POLICY, Member, Role, Seed, member_ids};
use lab::{ACCOUNT, Lab, json};

const VERIFY: &str = include_str!("../policies/verify.json");
const REMEDIATE: &str = include_str!("../policies/remediate.json");
const ORGANIZATION: &str = include_str!("../policies/organization.json");
const BROKEN: [Seed; 4] = [Seed::Missing, Seed::Trust, Seed::Policy, Seed::Extras];

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

/// Repairs every kind of broken member with a key that may do no more than the document says.
async fn repair(policy: &str, member_role: &str, member: impl Fn(Member) -> Member) {
    let key = Lab::key().policy(policy);
    let members = |index: usize, new: Member| member(new.seed(BROKEN[index]));
    let lab = Lab::organization_with_key(key, |directory| directory.members(member_ids(BROKEN.len()), members))
        .set("DTS_GUARD_MEMBER_ROLE", member_role);
    let event = serde_json::json!({"accounts": member_ids(BROKEN.len()).collect::<Vec<_>>()});
    let report = lab.invoke(&event).await;
    assert_eq!((report.status, report.summary.remediated), (Status::Remediated, BROKEN.len()), "{}", json(&report));
}

#[tokio::test]
async fn the_document_for_an_organization_is_enough_to_enter_members() {
    repair(ORGANIZATION, "", |member| member).await;
}

#[tokio::test]
async fn a_member_role_of_ones_own_needs_no_more_than_the_document_for_remediate() {
    let entry = Role::named("dts-role-guard").trusting_account(ACCOUNT).attach_custom("Guard");
    let member = |member: Member| {
        member
            .without_access_role()
            .account(|account| account.custom_policy_with("Guard", REMEDIATE))
            .role(entry.clone())
    };
    repair(&ORGANIZATION.replace("ResourceDirectoryAccountAccessRole", "dts-role-guard"), "dts-role-guard", member)
        .await;
}

#[tokio::test]
async fn the_document_for_an_organization_lets_no_other_role_be_assumed() {
    let key = Lab::key().policy(ORGANIZATION);
    let other = Role::member_access(ACCOUNT).attach_system("AdministratorAccess");
    let lab =
        Lab::organization_with_key(key, |directory| directory.member(Member::new("2234567890123456").role(other)))
            .set("DTS_GUARD_MEMBER_ROLE", "AnotherRole");
    let report = lab.invoke(&serde_json::json!({"accounts": ["2234567890123456"]})).await;
    assert_eq!(report.status, Status::Failed, "{}", json(&report));
    assert!(lab.emulator.calls().iter().any(|call| call.code.as_deref() == Some("NoPermission")));
}
