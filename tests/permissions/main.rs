//! The documents in `policies/`: each is enough for its job, nothing in it is there for nothing, and its limits hold.
//!
//! The emulator decides over each call. It rests on the vendor's documentation, and where that says nothing on what was
//! inferred from it: look for `inferred` in `emulator/src/ram`, `sts` and `resource_manager`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

mod attacks;
mod document;
mod needed;
mod place;
mod thief;
mod trust;

use authorization::settings::Mode;
use document::Document;
use dts_role_guard::report::Status;
use emulator::{DTS_POLICY, Member, Role, Seed, member_ids};
use place::{ENTRY, MEMBER, entered_by};
use testkit::{Lab, full, json, key};

const VERIFY: &str = include_str!("../../policies/verify.json");
const REMEDIATE: &str = include_str!("../../policies/remediate.json");
const ORGANIZATION: &str = include_str!("../../policies/organization.json");
const FUNCTION_TRUST: &str = include_str!("../../policies/function-trust.json");
const MEMBER_TRUST: &str = include_str!("../../policies/member-trust.json");
const BROKEN: [Seed; 4] = [Seed::Missing, Seed::Trust, Seed::Policy, Seed::Extras];

/// The function's own account, and its keys with this document.
fn lab(role: Option<Role>, policy: &str) -> Lab {
    Lab::with_key(role, key().policy(policy))
}

/// `policies/remediate.json`, where `docs/permissions.md` says how to narrow it.
fn without_extras() -> Document {
    let document = Document::parse(REMEDIATE);
    let document = document.without(&document.part(1, "acs:ram:*:*:policy/*"));
    document.with(&document.part(1, "acs:ram:*:system:policy/*"), "acs:ram:*:system:policy/AliyunDTSRolePolicy")
}

#[tokio::test]
async fn the_document_for_verify_is_enough_to_look_and_to_plan() {
    for strategy in ["recreate", "in-place"] {
        for role in [None, Some(Role::dts()), Some(full())] {
            for mode in [Mode::Verify, Mode::Plan] {
                let report = lab(role.clone(), VERIFY).set("DTS_GUARD_STRATEGY", strategy).run(mode).await;
                assert!(matches!(report.status, Status::Authorized | Status::Drifted), "{}", json(&report));
            }
        }
    }
}

#[tokio::test]
async fn the_document_for_verify_lets_nothing_be_written() {
    let lab = lab(Some(full()), VERIFY);
    let before = lab.role();
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Refused);
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

#[tokio::test]
async fn without_extra_policies_the_second_statement_may_name_one_policy() {
    for role in [None, Some(Role::dts().detach(DTS_POLICY)), Some(Role::dts().trusting_service("ecs.aliyuncs.com"))] {
        let report = lab(role, &without_extras().text()).run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    }
    let lab = lab(Some(full()), &without_extras().text());
    let before = lab.role();
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Refused);
    assert_eq!(lab.role(), before, "nothing is taken away");
}

/// Repairs every kind of broken member, as the documents of the function's role allow.
async fn repair(documents: &Document, role: &str, event: &serde_json::Value, member: impl Fn(Member) -> Member) {
    let key = key().policy(&documents.text());
    let members = |index: usize, new: Member| member(new.seed(BROKEN[index]));
    let lab = Lab::organization_with_key(key, |directory| directory.members(member_ids(BROKEN.len()), members))
        .set("DTS_GUARD_MEMBER_ROLE", role);
    let report = lab.invoke(event).await;
    assert_eq!((report.status, report.summary.remediated), (Status::Remediated, BROKEN.len()), "{}", json(&report));
}

fn named() -> serde_json::Value {
    serde_json::json!({"accounts": member_ids(BROKEN.len()).collect::<Vec<_>>()})
}

#[tokio::test]
async fn the_document_for_an_organization_is_enough_to_enter_members() {
    repair(&Document::parse(ORGANIZATION), "", &named(), |member| member).await;
}

#[tokio::test]
async fn beside_the_document_for_remediate_it_is_enough_for_the_whole_organization() {
    let both = Document::parse(ORGANIZATION).and(Document::parse(REMEDIATE));
    repair(&both, "", &serde_json::json!({}), |member| member).await;
}

#[tokio::test]
async fn beside_the_document_for_verify_it_is_enough_to_look_at_the_whole_organization() {
    let key = key().policy(&Document::parse(ORGANIZATION).and(Document::parse(VERIFY)).text());
    let members = |index: usize, new: Member| new.seed(BROKEN[index]);
    let lab = Lab::organization_with_key(key, |directory| directory.members(member_ids(BROKEN.len()), members));
    for mode in [Mode::Verify, Mode::Plan] {
        let report = lab.invoke(&serde_json::json!({"mode": mode})).await;
        assert_eq!((report.status, report.summary.drifted), (Status::Drifted, BROKEN.len()), "{}", json(&report));
    }
}

#[tokio::test]
async fn a_member_role_of_ones_own_needs_no_more_than_the_document_for_remediate() {
    let entry = Role::named(ENTRY).trust(MEMBER_TRUST).attach_custom("Guard");
    let member = |member: Member| {
        let account = |account: emulator::AccountSeed| account.custom_policy_with("Guard", REMEDIATE);
        member.without_access_role().account(account).role(entry.clone())
    };
    let organization = ORGANIZATION.replace("ResourceDirectoryAccountAccessRole", ENTRY);
    repair(&Document::parse(&organization), ENTRY, &named(), member).await;
}
