//! A directory that cannot be asked, and members that cannot be entered.

use emulator::{Emulator, Member, Role, Rule, World, member_ids};
use testkit::{ACCOUNT, Lab, key, session_key};

use super::case::{Case, MEMBER, all, healthy, organization};
use super::{check, troubles};

#[expect(clippy::too_many_lines, reason = "a table")]
#[tokio::test]
async fn a_directory_that_cannot_be_asked_and_members_that_cannot_be_entered() {
    let denied = |operation: &'static str| move |cloud: &Emulator| cloud.fault(Rule::on(operation).every().deny());
    let with = |member: Member| Lab::organization(|directory| directory.member(member));
    let claims = Lab::organization(|directory| directory.member(Member::new(MEMBER)).claims_total(2));
    let delegated = || {
        let world = World::new().key(key()).account(ACCOUNT, |account| account.role(Role::dts()));
        let manager = "9234567890123456";
        Lab::of(world.account(manager, |account| account).directory(manager, |directory| {
            let own = Member::new(ACCOUNT).role(Role::dts());
            directory.member(own).member(Member::new(MEMBER)).delegated_administrator(ACCOUNT)
        }))
        .set("DTS_GUARD_SCOPE", "organization")
    };
    all(vec![
        Case::failed(
            "GetAccount",
            organization(),
            "directory",
            "resourcemanager:GetAccount",
            "`resourcemanager:GetAccount`",
        )
        .with(denied("GetAccount")),
        Case::failed("ListAccounts", organization(), "members", "resourcemanager:ListAccounts", "see `directory`")
            .with(denied("ListAccounts")),
        Case::failed("TotalCount", claims, "members", "2 members", "not looked at"),
        Case::warning(
            "no members",
            Lab::organization(|directory| directory),
            "members",
            "no members",
            "DTS_GUARD_SCOPE=account",
        ),
        Case::failed(
            "folder",
            organization().set("DTS_GUARD_EXCLUDE_FOLDERS", "fd-nosuch"),
            "folders",
            "`fd-nosuch`",
            "DTS_GUARD_EXCLUDE_FOLDERS",
        ),
        Case::failed(
            "no role",
            with(Member::new(MEMBER).without_access_role()),
            "member-2234567890123456",
            MEMBER,
            "create it",
        ),
        Case::failed(
            "suspended",
            with(Member::new(MEMBER).suspended()),
            "member-2234567890123456",
            "suspended",
            "Inactive",
        ),
        Case::failed(
            "AssumeRole",
            organization(),
            "member-2234567890123456",
            "sts:AssumeRole",
            "lacks `sts:AssumeRole`",
        )
        .with(denied("AssumeRole")),
        Case::failed("delegated", delegated(), "member-2234567890123456", MEMBER, "DTS_GUARD_MEMBER_ROLE"),
        Case::failed(
            "member's role",
            organization(),
            "member-2234567890123456",
            "cannot be read",
            "policies/verify.json",
        )
        .with(|cloud| cloud.fault(Rule::on("GetRole").account(MEMBER).every().deny())),
    ])
    .await;
}

/// The own keys work in their own account, and one of the members does not let them in.
#[tokio::test]
async fn of_many_members_five_are_entered_and_each_is_named() {
    let ids: Vec<_> = member_ids(12).collect();
    let barred = ids[3].clone();
    let lab = Lab::organization(|directory| {
        directory.members(ids, |index, member| if index == 3 { member.without_access_role() } else { member })
    });
    let report = lab.doctor().await;
    assert_eq!(troubles(&report), [format!("member-{barred}")], "{report:#?}");
    assert_eq!(report.checks.iter().filter(|check| check.id.starts_with("member-")).count(), 5);
    assert!(check(&report, "members").message.starts_with("12 members"));
}

#[tokio::test]
async fn root_keys_cannot_enter_a_member() {
    let key = session_key().of_root(ACCOUNT);
    let lab = Lab::organization_with_key(key, |directory| directory.member(Member::new(MEMBER)));
    let report = lab.doctor().await;
    assert_eq!(troubles(&report), ["caller", "member-2234567890123456"], "{report:#?}");
    assert!(check(&report, "caller").message.contains("cannot assume a role"));
}

#[tokio::test]
async fn an_account_without_a_directory_is_told_so() {
    let report = healthy().set("DTS_GUARD_SCOPE", "organization").doctor().await;
    assert_eq!(troubles(&report), ["directory", "members"], "{report:#?}");
    assert!(check(&report, "directory").next.as_deref().unwrap().contains("management account"), "{report:#?}");
}
