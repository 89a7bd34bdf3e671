//! Only members of some folders, and an account that the directory lets list them.

use dts_role_guard::report::Status;
use emulator::{AccessKey, Role, Rule, Seed, World};
use serde_json::json;
use testkit::{ACCOUNT, key};

use super::*;

/// `fd-prod` with `fd-eu` below it, `fd-test` beside it; one broken member in each, and one in the root.
fn lab(only: &str, excluded: &str, has_paths: bool) -> Lab {
    let folders = ["fd-prod", "fd-eu", "fd-test", "r-000001"];
    Lab::organization(|directory| {
        let directory = if has_paths { directory } else { directory.without_paths() };
        let directory =
            directory.folder("fd-prod", "r-000001").folder("fd-eu", "fd-prod").folder("fd-test", "r-000001");
        directory.members(member_ids(4), |index, member| member.in_folder(folders[index]).seed(Seed::Trust))
    })
    .set("DTS_GUARD_FOLDERS", only)
    .set("DTS_GUARD_EXCLUDE_FOLDERS", excluded)
}

/// The members with this status.
fn members(report: &Value, status: &str) -> Vec<String> {
    ids(&with_status(report, status)).into_iter().filter(|account| account != ACCOUNT).collect()
}

#[tokio::test]
async fn only_members_in_or_below_the_folders_are_looked_at() {
    for has_paths in [true, false] {
        for (only, expected) in [
            ("fd-prod", vec![id(1), id(2)]),
            ("fd-eu", vec![id(2)]),
            ("fd-eu, fd-test", vec![id(2), id(3)]),
            ("r-000001", vec![id(1), id(2), id(3), id(4)]),
            ("fd-000000001", vec![]),
        ] {
            let lab = lab(only, "", has_paths);
            let report = checked(&sweep(&lab).await);
            assert_eq!(members(&report, "remediated"), expected, "{only}: {report}");
            assert_eq!(report["summary"]["accounts"], expected.len() + 1, "the others do not stand in the report");
            assert!(report["errors"].is_null(), "{report}");
            let touched: BTreeSet<_> = entered(&lab).into_iter().collect();
            assert_eq!(touched, expected.into_iter().collect(), "{only}");
        }
    }
}

#[tokio::test]
async fn members_in_or_below_excluded_folders_are_skipped() {
    for has_paths in [true, false] {
        for (only, excluded, skipped, repaired) in [
            ("", "fd-prod", vec![id(1), id(2)], vec![id(3), id(4)]),
            ("fd-prod", "fd-eu", vec![id(2)], vec![id(1)]),
            ("fd-eu", "fd-prod", vec![id(1), id(2)], vec![]),
        ] {
            let lab = lab(only, excluded, has_paths);
            let report = checked(&sweep(&lab).await);
            assert_eq!((members(&report, "skipped"), members(&report, "remediated")), (skipped.clone(), repaired));
            for account in skipped {
                assert!(next(line(&report, &account)).contains("`DTS_GUARD_EXCLUDE_FOLDERS`"), "{report}");
                assert!(!is_authorized(&lab.emulator, &account));
            }
        }
    }
}

/// Never "no accounts": in the one setting it would mean that nobody is guarded, in the other that nobody is left alone.
#[tokio::test]
async fn a_folder_that_does_not_exist_is_a_failure_and_nothing_is_looked_at() {
    for (only, excluded) in [("fd-prdo", ""), ("", "fd-prdo"), ("fd-prod,fd-prdo", "fd-test")] {
        for event in [timer(""), json!({"accounts": [id(1)]}), json!({"mode": "verify"})] {
            let lab = lab(only, excluded, true);
            let report = lab.invoke(&event).await;
            let json = checked(&report);
            assert_eq!((report.status, report.exit_code()), (Status::Failed, 3), "{json}");
            let error = &json["errors"][0];
            assert!(error["operation"] == "GetFolder" && error["code"] == "EntityNotExists.Folder", "{json}");
            assert!(error["message"].as_str().unwrap().contains("`fd-prdo` does not exist"), "{json}");
            assert!(report.failure().unwrap().error_message.contains("`fd-prdo`"));
            assert!(lab.emulator.operations().iter().all(|name| name == "GetFolder"), "{json}");
        }
    }
}

#[tokio::test]
async fn folders_that_may_not_be_read_say_which_permission_is_missing() {
    let lab = lab("fd-prod", "", true);
    let _denied = lab.emulator.fault(Rule::on("GetFolder").every().deny());
    let report = checked(&sweep(&lab).await);
    assert!(report["errors"][0]["message"].as_str().unwrap().contains("`resourcemanager:GetFolder`"), "{report}");
}

#[tokio::test]
async fn a_member_whose_folder_cannot_be_found_out_is_left_as_it_is() {
    let lab = lab("fd-prod", "", false);
    // The settings' folder is asked for first.
    let _broken = lab.emulator.fault(Rule::on("GetFolder").param("FolderId", "fd-eu").every().unavailable());
    let report = checked(&sweep(&lab).await);
    assert_eq!((members(&report, "failed"), members(&report, "remediated")), (vec![id(2)], vec![id(1)]), "{report}");
    assert!(!is_authorized(&lab.emulator, &id(2)));
}

#[tokio::test]
async fn an_account_outside_the_folders_is_ignored_in_an_event_and_rejected_by_hand() {
    let lab = lab("fd-prod", "fd-eu", true);
    let deletion = |account: &str| {
        json!({"eventName": "DeleteRole", "serviceName": "Ram", "userAgent": "console",
            "userIdentity": {"type": "ram-user", "accountId": account, "userName": "alice"},
            "requestParameters": {"RoleName": DTS_ROLE}})
    };
    let by_event = lab.invoke(&deletion(&id(3))).await;
    assert_eq!(by_event.status, Status::Ignored, "{}", json(&by_event));
    assert!(json(&by_event)["ignored"][0]["reason"].as_str().unwrap().contains("`DTS_GUARD_FOLDERS`"));
    let by_hand = lab.invoke(&json!({"accounts": [id(3)]})).await;
    assert_eq!(by_hand.status, Status::Rejected, "{}", json(&by_hand));
    assert_eq!(lab.invoke(&deletion(&id(2))).await.status, Status::Skipped);
    assert_eq!(lab.invoke(&json!({"accounts": [id(1)]})).await.status, Status::Remediated);
    assert_eq!(entries(&lab.emulator.calls()).into_iter().collect::<BTreeSet<_>>(), [id(1)].into());
}

#[tokio::test]
async fn a_member_outside_the_folders_is_a_member_all_the_same() {
    let lab = lab("fd-prod", "", true).set("DTS_GUARD_EXCLUDE_ACCOUNTS", &id(3));
    assert!(checked(&sweep(&lab).await)["reason"].is_null());
}

#[tokio::test]
async fn in_the_scope_account_folders_mean_nothing() {
    let lab = lab("fd-prdo", "fd-test", true).set("DTS_GUARD_SCOPE", "account");
    assert_eq!(sweep(&lab).await.status, Status::Authorized);
    assert!(!lab.emulator.operations().iter().any(|name| name == "GetFolder" || name == "GetAccount"));
}

const MANAGEMENT: &str = "9234567890123456";
const ENTRY: &str = "dts-role-guard";

/// The function's account is a member that the management account lets see the directory.
fn delegated(entry: &Role, own_folder: &str) -> Lab {
    let world = World::new().key(key()).account(ACCOUNT, |account| account.role(Role::dts()));
    let world = world.directory(MANAGEMENT, |directory| {
        let own = Member::new(ACCOUNT).in_folder(own_folder);
        let members = |_, member: Member| member.role(entry.clone()).seed(Seed::Extras);
        directory
            .folder("fd-security", "r-000001")
            .member(own)
            .delegated_administrator(ACCOUNT)
            .members(member_ids(3), members)
    });
    Lab::of(world).set("DTS_GUARD_SCOPE", "organization").set("DTS_GUARD_MEMBER_ROLE", ENTRY)
}

/// As the documents of `policies/` grant it: `tests/permissions` shows that they are enough.
fn entry() -> Role {
    Role::named(ENTRY).trust(include_str!("../../policies/member-trust.json")).attach_system("AdministratorAccess")
}

#[tokio::test]
async fn a_delegated_administrators_account_will_do_with_a_member_role_of_ones_own() {
    let lab = delegated(&entry(), "fd-security");
    let report = checked(&sweep(&lab).await);
    assert_eq!((&report["status"], members(&report, "remediated").len()), (&json!("remediated"), 3), "{report}");
    assert_eq!(line(&report, ACCOUNT)["status"], "authorized", "once, though it is listed: {report}");
    assert!(!ids(&report["accounts"].as_array().unwrap().iter().collect::<Vec<_>>()).contains(&MANAGEMENT.to_owned()));
    let named = lab.invoke(&json!({"accounts": [id(1)]})).await;
    assert_eq!(named.status, Status::Authorized, "{}", json(&named));
}

/// The directory's own role trusts the management account alone.
#[tokio::test]
async fn with_the_directorys_own_role_no_member_can_be_entered_from_there_and_the_platform_is_told() {
    let lab = delegated(&entry(), "fd-security").set("DTS_GUARD_MEMBER_ROLE", "ResourceDirectoryAccountAccessRole");
    let report = sweep(&lab).await;
    assert_eq!(members(&checked(&report), "failed").len(), 3);
    assert!(report.failure().is_some());
}

/// The management account may have taken the right back.
#[tokio::test]
async fn a_member_that_is_no_delegated_administrator_is_told_what_is_missing() {
    let key: AccessKey = key();
    let world = World::new().key(key).account(ACCOUNT, |account| account.role(Role::dts()));
    let lab = Lab::of(world.directory(MANAGEMENT, |directory| directory.member(Member::new(ACCOUNT))));
    let report = checked(&sweep(&lab.set("DTS_GUARD_SCOPE", "organization")).await);
    assert!(report["errors"][0]["message"].as_str().unwrap().contains("nor a delegated administrator's"), "{report}");
}

/// It is a member, too.
#[tokio::test]
async fn an_own_account_in_an_excluded_folder_is_skipped_and_one_outside_the_folders_is_looked_at() {
    for (name, value, status) in [
        ("DTS_GUARD_EXCLUDE_FOLDERS", "fd-security", "skipped"),
        ("DTS_GUARD_EXCLUDE_FOLDERS", "fd-000000001", "authorized"),
        ("DTS_GUARD_FOLDERS", "fd-000000001", "authorized"),
    ] {
        let lab = delegated(&entry(), "fd-security").set(name, value);
        assert_eq!(line(&checked(&sweep(&lab).await), ACCOUNT)["status"], status, "{name}={value}");
        let own = lab.invoke(&json!({"accounts": [ACCOUNT]})).await;
        assert_eq!(json(&own)["status"], status, "{name}={value}");
    }
}
