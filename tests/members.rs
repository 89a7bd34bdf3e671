//! Work in member accounts: who is entered, by which role, with which rights, and who never.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::time::Duration;

use dts_role_guard::report::{Report, Status};
use emulator::{Call, DTS_POLICY, DTS_ROLE, Member, MemberStatus, Role, Rule, Seed, member_ids};
use serde_json::{Value, json};
use testkit::{ACCOUNT, Lab, account, json, key};

const MEMBER: &str = "2234567890123456";
const OTHER: &str = "3234567890123456";
const ACCESS_ROLE: &str = "ResourceDirectoryAccountAccessRole";

fn broken(id: &str) -> Member {
    Member::new(id).role(Role::dts().detach(DTS_POLICY))
}

fn one_broken_member() -> Lab {
    Lab::organization(|directory| directory.member(broken(MEMBER)))
}

/// Somebody deleted the role in this account.
fn deletion(account: &str) -> Value {
    json!({"eventName": "DeleteRole", "serviceName": "Ram", "userAgent": "console",
        "userIdentity": {"type": "ram-user", "accountId": account, "userName": "alice"},
        "requestParameters": {"RoleName": DTS_ROLE}})
}

/// This account was created in the directory.
fn creation(account: &str) -> Value {
    json!({"eventName": "CreateResourceAccount", "serviceName": "ResourceDirectoryMaster", "userIdentity": {},
        "responseElements": {"Account": {"AccountId": account}}})
}

fn operations(lab: &Lab) -> Vec<String> {
    lab.emulator.operations()
}

fn calls_of(lab: &Lab, operation: &str) -> Vec<Call> {
    lab.emulator.calls().into_iter().filter(|call| call.operation == operation).collect()
}

fn statuses(report: &Report) -> Vec<(String, String)> {
    let accounts = json(report)["accounts"].as_array().unwrap().clone();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    accounts.iter().map(|account| (text(&account["accountId"]), text(&account["status"]))).collect()
}

fn status(id: &str, status: &str) -> (String, String) {
    (id.to_owned(), status.to_owned())
}

#[tokio::test]
async fn a_broken_member_is_repaired_with_its_own_keys() {
    let lab = one_broken_member();
    let report = lab.invoke(&deletion(MEMBER)).await;
    assert_eq!(statuses(&report), [status(MEMBER, "remediated")], "{}", json(&report));
    assert_eq!(account(&report)["reason"], "`DeleteRole` on the role by `alice`");
    assert_eq!(operations(&lab)[..2], ["GetAccount", "AssumeRole"]);
    assert!(lab.emulator.writes().iter().all(|call| call.account.as_deref() == Some(MEMBER)));
    let asked = calls_of(&lab, "GetCallerIdentity");
    assert_eq!(asked[0].account.as_deref(), Some(MEMBER), "the keys were looked at before the first write");
}

#[tokio::test]
async fn a_session_is_short_named_and_narrowed_to_what_the_mode_needs() {
    let modes = [("verify", "verify"), ("plan", "verify"), ("remediate", "remediate")];
    for (mode, document) in modes {
        let lab = one_broken_member().set("DTS_GUARD_MODE", mode);
        drop(lab.invoke(&deletion(MEMBER)).await);
        let params = &calls_of(&lab, "AssumeRole")[0].params;
        assert_eq!(params["RoleArn"], format!("acs:ram::{MEMBER}:role/{ACCESS_ROLE}"));
        let name = &params["RoleSessionName"];
        assert!(name.starts_with("dts-role-guard-") && (16..=32).contains(&name.len()), "{name}");
        assert_eq!(params["DurationSeconds"], "900", "the deadline is in ten minutes");
        let root = env!("CARGO_MANIFEST_DIR");
        let document = std::fs::read_to_string(format!("{root}/policies/{document}.json")).unwrap();
        assert!(document.chars().count() <= 2048);
        assert_eq!(params["Policy"], document, "{mode}");
    }
}

#[tokio::test]
async fn the_rights_of_a_session_are_enough_for_every_repair() {
    let seeds = [Seed::Healthy, Seed::Missing, Seed::Trust, Seed::Policy, Seed::Extras];
    for strategy in ["recreate", "in-place"] {
        let lab =
            Lab::organization(|directory| directory.members(member_ids(5), |index, member| member.seed(seeds[index])))
                .set("DTS_GUARD_STRATEGY", strategy);
        let batch: Vec<_> = member_ids(5).map(|id| deletion(&id)).collect();
        let report = lab.invoke(&json!(batch)).await;
        let found: Vec<_> = statuses(&report).into_iter().map(|(_, status)| status).collect();
        assert_eq!(found, ["authorized", "remediated", "remediated", "remediated", "remediated"], "{}", json(&report));
    }
}

#[tokio::test]
async fn a_member_is_entered_by_the_role_of_the_settings() {
    let entry = Role::named("Entry").trusting_account(ACCOUNT).attach_system("AdministratorAccess");
    let lab = Lab::organization(|directory| directory.member(broken(MEMBER).without_access_role().role(entry)))
        .set("DTS_GUARD_MEMBER_ROLE", "Entry");
    assert_eq!(lab.invoke(&deletion(MEMBER)).await.status, Status::Remediated);
}

#[tokio::test]
async fn verify_and_plan_are_silent_in_a_member_too() {
    for mode in ["verify", "plan"] {
        let lab = one_broken_member().set("DTS_GUARD_MODE", mode);
        assert_eq!(lab.invoke(&json!([deletion(MEMBER), creation(MEMBER)])).await.status, Status::Drifted);
        let silent = |name: &String| name.starts_with("Get") || name.starts_with("List") || name == "AssumeRole";
        assert!(operations(&lab).iter().all(silent), "{:?}", operations(&lab));
    }
}

#[tokio::test]
async fn a_forged_event_does_not_lead_into_a_foreign_account() {
    let stranger = |account: emulator::AccountSeed| account.role(Role::member_access(ACCOUNT)).role(Role::dts());
    let world = emulator::World::new().key(key()).account(ACCOUNT, |own| own).account(MEMBER, stranger);
    let lab = Lab::of(world.directory(ACCOUNT, |directory| directory)).set("DTS_GUARD_SCOPE", "organization");
    for event in [deletion(MEMBER), creation(MEMBER), json!([deletion(MEMBER), creation(MEMBER)])] {
        let report = json(&lab.invoke(&event).await);
        assert_eq!((&report["status"], &report["accounts"]), (&json!("ignored"), &json!([])), "{report}");
        assert!(report["ignored"][0]["reason"].as_str().unwrap().contains("is no member"), "{report}");
    }
    assert_eq!(operations(&lab), ["GetAccount"; 3]);
}

#[tokio::test]
async fn only_a_member_that_exists_is_entered() {
    for word in MemberStatus::ALL {
        let access = Role::member_access(ACCOUNT);
        let member = broken(MEMBER).status(word).without_access_role().role(access);
        let lab = Lab::organization(|directory| directory.member(member));
        let report = lab.invoke(&deletion(MEMBER)).await;
        let expected = if word.is_member() { "remediated" } else { "skipped" };
        assert_eq!(statuses(&report), [status(MEMBER, expected)], "{word}");
        assert_eq!(operations(&lab).iter().any(|name| name == "AssumeRole"), word.is_member(), "{word}");
        if !word.is_member() {
            assert!(account(&report)["next"].as_str().unwrap().contains(&word.to_string()), "{}", json(&report));
        }
    }
}

#[tokio::test]
async fn an_excluded_account_is_never_looked_at() {
    let lab = one_broken_member().set("DTS_GUARD_EXCLUDE_ACCOUNTS", &format!("{MEMBER},{ACCOUNT}"));
    for event in [json!([deletion(MEMBER), deletion(ACCOUNT)]), json!({"accounts": [MEMBER, ACCOUNT]})] {
        let report = lab.invoke(&event).await;
        assert_eq!(report.status, Status::Skipped, "{}", json(&report));
        assert_eq!((report.summary.skipped, report.failure()), (2, None));
    }
    assert_eq!(operations(&lab), [""; 0]);
}

#[tokio::test]
async fn an_account_is_worked_in_once_for_a_batch() {
    let lab = Lab::organization(|directory| directory.member(broken(MEMBER)).member(broken(OTHER)));
    let batch = [deletion(MEMBER), deletion(OTHER), deletion(MEMBER), creation(OTHER), json!({}), deletion(ACCOUNT)];
    let report = lab.invoke(&json!(batch)).await;
    let expected = [status(MEMBER, "remediated"), status(ACCOUNT, "authorized"), status(OTHER, "remediated")];
    assert_eq!(statuses(&report), expected, "what may have to be waited for comes last");
    assert_eq!(json(&report)["ignored"], json!([{"record": 4, "reason": "an object is not an event of the bus"}]));
    for operation in ["GetAccount", "AssumeRole"] {
        assert_eq!(calls_of(&lab, operation).len(), 2, "{operation}");
    }
}

#[tokio::test]
async fn one_accounts_failure_stops_no_other() {
    let lab = Lab::organization(|directory| directory.member(broken(MEMBER)).member(broken(OTHER)));
    let _busy = lab.emulator.fault(Rule::assume_role_in(MEMBER).throttle());
    let report = lab.invoke(&json!([deletion(MEMBER), deletion(OTHER)])).await;
    assert_eq!(statuses(&report), [status(MEMBER, "failed"), status(OTHER, "remediated")], "{}", json(&report));
    assert!(report.failure().is_some(), "throttling passes");
}

/// What the report of a member that cannot be entered must say.
async fn barred(lab: &Lab, words: &[&str]) {
    let report = lab.invoke(&deletion(MEMBER)).await;
    assert_eq!(statuses(&report), [status(MEMBER, "failed")], "{}", json(&report));
    let next = account(&report)["next"].as_str().unwrap().to_owned();
    for word in words {
        assert!(next.contains(word), "{word}: {next}");
    }
    assert_eq!(lab.slept(), Duration::ZERO, "waiting would not help");
    assert!(report.failure().is_some(), "not a single account could be judged");
}

#[tokio::test]
async fn the_causes_of_a_denied_entry_are_told_apart_as_far_as_the_reply_allows() {
    let arn = format!("acs:ram::{MEMBER}:role/{ACCESS_ROLE}");
    let by = |member: Member| Lab::organization(|directory| directory.member(member));
    barred(&by(broken(MEMBER).without_access_role()), &["there is no role", &arn]).await;
    barred(&by(broken(MEMBER).suspended()), &["`Inactive`", &arn]).await;

    let both = ["either the guard's own role lacks `sts:AssumeRole`", "does not trust it", &arn];
    barred(&by(broken(MEMBER).without_access_role().role(Role::member_access(OTHER))), &both).await;
    let powerless = key().allow(["resourcemanager:GetAccount"], ["*"]);
    barred(&Lab::organization_with_key(powerless, |directory| directory.member(broken(MEMBER))), &both).await;

    let lab = one_broken_member();
    let denied = lab.emulator.fault(Rule::assume_role_in(MEMBER).every().deny());
    barred(&lab, &["`sts:AssumeRole`", &arn]).await;
    drop(denied);
    let _controlled = lab.emulator.fault(Rule::assume_role_in(MEMBER).every().deny_by_control_policy());
    barred(&lab, &["a control policy of the resource directory", &arn]).await;
}

#[tokio::test]
async fn a_directory_that_does_not_answer_says_what_to_do() {
    let powerless = key().allow(["sts:AssumeRole"], ["*"]);
    let lab = Lab::organization_with_key(powerless, |directory| directory.member(broken(MEMBER)));
    let report = lab.invoke(&deletion(MEMBER)).await;
    assert!(account(&report)["next"].as_str().unwrap().contains("`resourcemanager:GetAccount`"), "{}", json(&report));
    let lab = Lab::new(None).set("DTS_GUARD_SCOPE", "organization");
    let report = lab.invoke(&deletion(MEMBER)).await;
    assert!(account(&report)["next"].as_str().unwrap().contains("no resource directory"), "{}", json(&report));
    assert_eq!(operations(&lab), ["GetAccount"]);
}

#[tokio::test]
async fn the_access_role_of_a_new_member_is_waited_for() {
    let lab = Lab::organization(|directory| directory.member(broken(MEMBER).without_access_role()));
    let _late = lab.emulator.after_call(Rule::assume_role_in(MEMBER).nth(3), |world| {
        world.give_access_role(MEMBER);
    });
    let report = lab.invoke(&creation(MEMBER)).await;
    assert_eq!(statuses(&report), [status(MEMBER, "remediated")], "{}", json(&report));
    assert!(lab.slept() >= Duration::from_secs(7), "{:?}", lab.slept());
}

#[tokio::test]
async fn an_access_role_that_does_not_appear_brings_the_platforms_retry() {
    for (time, most) in [(Duration::from_mins(10), 30), (Duration::from_secs(5), 5)] {
        let lab = Lab::organization(|directory| directory.member(broken(MEMBER).without_access_role()));
        let report = lab.invoke_within(&creation(MEMBER), time).await;
        assert_eq!(statuses(&report), [status(MEMBER, "failed")], "{}", json(&report));
        assert_eq!(report.failure().unwrap().error_type, "Failed");
        assert!(lab.slept() <= Duration::from_secs(most), "{:?}", lab.slept());
    }
}

#[tokio::test]
async fn an_account_that_cannot_be_begun_in_time_is_pending() {
    let member = |id: &str| broken(id).without_access_role();
    let lab = Lab::organization(|directory| directory.member(member(MEMBER)).member(member(OTHER)))
        .set("DTS_GUARD_CONCURRENCY", "1");
    let batch = json!([creation(MEMBER), creation(OTHER), deletion(ACCOUNT)]);
    // Two waits leave less than a second.
    let report = lab.invoke_within(&batch, Duration::from_millis(3900)).await;
    let expected = [status(ACCOUNT, "authorized"), status(MEMBER, "failed"), status(OTHER, "pending")];
    assert_eq!(statuses(&report), expected, "{}", json(&report));
    assert!(calls_of(&lab, "AssumeRole").iter().all(|call| call.params["RoleArn"].contains(MEMBER)));
}

/// The guard's writes as the audit trail brings them back; `who` is the role's name and its session's.
fn trail(calls: &[Call], who: &str) -> Value {
    let record = |call: &Call| {
        json!({"eventName": call.operation, "eventRW": "Write", "serviceName": "Ram", "userAgent": call.user_agent,
            "userIdentity": {"type": "assumed-role", "accountId": call.account, "userName": who},
            "requestParameters": call.params})
    };
    calls.iter().filter(|call| call.params.contains_key("RoleName")).map(record).collect()
}

#[tokio::test]
async fn the_guard_does_not_wake_itself() {
    let lab = one_broken_member();
    lab.emulator.with_world(|world| world.detach(ACCOUNT, DTS_ROLE, DTS_POLICY));
    drop(lab.invoke(&json!([deletion(ACCOUNT), deletion(MEMBER)])).await);
    let writes = lab.emulator.writes();
    let (own, member): (Vec<_>, Vec<_>) = writes.into_iter().partition(|call| call.account.as_deref() == Some(ACCOUNT));
    let session = calls_of(&lab, "AssumeRole")[0].params["RoleSessionName"].clone();
    let before = operations(&lab).len();
    for (writes, who) in [(own, "dts-role-guard-role:fc".to_owned()), (member, format!("{ACCESS_ROLE}:{session}"))] {
        let records = trail(&writes, &who);
        let report = json(&lab.invoke(&records).await);
        assert_eq!(report["status"], "ignored", "{report}");
        assert_eq!(report["ignored"].as_array().unwrap().len(), records.as_array().unwrap().len());
        assert!(report["ignored"][0]["reason"].as_str().unwrap().contains("own write"), "{report}");
    }
    assert_eq!(operations(&lab)[before..], ["GetCallerIdentity"], "only the own role had to be asked for");
}

#[tokio::test]
async fn in_doubt_whose_write_it_was_the_guard_looks() {
    let lab = one_broken_member().set("DTS_GUARD_MODE", "verify");
    let call = |account: &str, who: &str| {
        let mut record = deletion(account);
        record["userAgent"] = json!("dts-role-guard/0.1.0");
        record["userIdentity"] = json!({"type": "assumed-role", "accountId": account, "userName": who});
        record
    };
    let doubtful = [
        call(ACCOUNT, "another-role:fc"),
        call(ACCOUNT, "ResourceDirectoryAccountAccessRole:dts-role-guard-1"),
        call(MEMBER, "ResourceDirectoryAccountAccessRole:alice"),
        call(MEMBER, "dts-role-guard-role:dts-role-guard-1"),
    ];
    for record in doubtful {
        assert_eq!(lab.invoke(&record).await.summary.accounts, 1, "{record}");
    }
    let _fault = lab.emulator.fault(Rule::on("GetCallerIdentity").every().deny());
    assert_eq!(lab.invoke(&call(ACCOUNT, "dts-role-guard-role:fc")).await.status, Status::Authorized);
}

/// The journal is kept for each account, so a member's role comes back with all that it had.
#[tokio::test]
async fn the_next_run_finishes_a_repair_that_got_stuck_in_a_member() {
    let folder = tempfile::tempdir().unwrap();
    let members = |directory: emulator::DirectorySeed| {
        directory.member(Member::new(MEMBER).seed(Seed::Extras)).member(Member::new(OTHER).seed(Seed::Missing))
    };
    let lab = Lab::organization(members).set("DTS_GUARD_JOURNAL_DIR", folder.path().to_str().unwrap());
    let before = lab.emulator.role(MEMBER, DTS_ROLE).unwrap();
    let denied = lab.emulator.fault(Rule::on("CreateRole").account(MEMBER).from(2).deny());
    let report = lab.invoke(&json!([deletion(MEMBER), deletion(OTHER)])).await;
    assert_eq!(statuses(&report), [status(MEMBER, "stuck"), status(OTHER, "remediated")], "{}", json(&report));
    drop(denied);
    let report = lab.invoke(&json!([deletion(OTHER), deletion(MEMBER)])).await;
    assert_eq!(statuses(&report), [status(OTHER, "authorized"), status(MEMBER, "remediated")], "{}", json(&report));
    let after = lab.emulator.role(MEMBER, DTS_ROLE).unwrap();
    assert_eq!((after.policy_names(), &after.tags), (before.policy_names(), &before.tags));
}

#[tokio::test]
async fn a_person_may_name_members() {
    let lab = Lab::organization(|directory| directory.member(broken(MEMBER)).member(broken(OTHER)));
    let report = lab.invoke(&json!({"mode": "plan", "accounts": [OTHER, ACCOUNT]})).await;
    assert_eq!(statuses(&report), [status(ACCOUNT, "authorized"), status(OTHER, "drifted")]);
    let plan = json(&report)["accounts"][1]["planId"].clone();
    let wrong = lab.invoke(&json!({"accounts": [MEMBER], "planId": plan})).await;
    assert_eq!(wrong.status, Status::Refused, "another account's plan");
    let report = lab.invoke(&json!({"accounts": [OTHER], "planId": plan})).await;
    assert_eq!(statuses(&report), [status(OTHER, "remediated")]);
}

#[tokio::test]
async fn a_list_with_a_stranger_is_rejected_before_anything_is_done() {
    let lab = one_broken_member();
    let report = json(&lab.invoke(&json!({"accounts": [MEMBER, OTHER]})).await);
    assert_eq!((&report["status"], &report["accounts"]), (&json!("rejected"), &json!([])), "{report}");
    assert!(report["reason"].as_str().unwrap().contains(OTHER), "{report}");
    assert_eq!(operations(&lab), ["GetAccount", "GetAccount"]);
}

#[tokio::test]
async fn a_narrower_scope_keeps_an_event_in_the_own_account() {
    let lab = one_broken_member();
    let report = lab.invoke(&json!({"scope": "account", "accounts": [MEMBER]})).await;
    assert_eq!(report.status, Status::Rejected, "{}", json(&report));
    let lab = lab.set("DTS_GUARD_SCOPE", "account");
    assert_eq!(lab.invoke(&json!({"accounts": [MEMBER]})).await.status, Status::Rejected);
    assert_eq!(lab.invoke(&deletion(MEMBER)).await.status, Status::Ignored);
    assert_eq!(operations(&lab), [""; 0]);
}

#[tokio::test]
async fn no_key_of_a_member_leaves_the_program() {
    let lab = one_broken_member();
    let report = json(&lab.invoke(&deletion(MEMBER)).await).to_string();
    assert_eq!(lab.emulator.secrets().len(), 4);
    for secret in lab.emulator.secrets() {
        assert!(!report.contains(&secret), "{report}");
    }
}
