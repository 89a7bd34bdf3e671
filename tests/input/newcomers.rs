//! A record of a new member that does not say which: whoever joined the directory within a day is looked at.

use aliyun::clock::{Clock as _, SystemClock};
use dts_role_guard::report::Status;
use emulator::{DTS_POLICY, DTS_ROLE, Member, Role, Rule, member_ids};
use jiff::SignedDuration;
use serde_json::{Value, json};
use testkit::{ACCOUNT, Lab, json};

fn record() -> Value {
    json!({"eventName": "CreateResourceAccount", "serviceName": "ResourceDirectoryMaster", "responseElements": null,
        "userIdentity": {"type": "ram-user", "accountId": ACCOUNT, "userName": "alice"}})
}

/// A broken member that joined so long ago.
fn joined(member: Member, ago: SignedDuration) -> Member {
    let at = SystemClock::start().now() - ago;
    member.role(Role::dts().detach(DTS_POLICY)).joined(&at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

fn hours(hours: i64) -> SignedDuration {
    SignedDuration::from_hours(hours)
}

fn statuses(report: &Value) -> Vec<(&str, &str)> {
    let accounts = report["accounts"].as_array().unwrap();
    accounts.iter().map(|line| (line["accountId"].as_str().unwrap(), line["status"].as_str().unwrap())).collect()
}

fn ids() -> Vec<String> {
    member_ids(4).collect()
}

/// Joined an hour, 23 and 25 hours ago, and one at a time that lies ahead.
fn lab() -> Lab {
    let agos = [hours(1), hours(23), hours(25), hours(-1)];
    Lab::organization(|directory| directory.members(ids(), |index, member| joined(member, agos[index])))
        .set("DTS_GUARD_BRAKE", "off")
}

#[tokio::test]
async fn those_that_joined_within_a_day_are_repaired_and_no_other() {
    let (lab, ids) = (lab(), ids());
    let report = json(&lab.invoke(&record()).await);
    assert_eq!(report["trigger"]["kind"], "member");
    let mut expected = vec![(&*ids[0], "remediated"), (&*ids[1], "remediated"), (&*ids[3], "remediated")];
    let mut found = statuses(&report);
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected, "{report}");
    assert!(lab.emulator.role(&ids[2], DTS_ROLE).unwrap().policies.is_empty(), "it joined before");
    let reason = report["accounts"][0]["reason"].as_str().unwrap();
    assert!(reason.starts_with("`CreateResourceAccount`: a member account was created"), "{reason}");
}

/// Those of which it is known come first.
#[tokio::test]
async fn a_member_that_may_have_joined_lately_is_looked_at_too() {
    let ids = ids();
    let lab = Lab::organization(|directory| {
        directory.members(ids.clone(), |index, member| match index {
            0 => joined(member, hours(1)),
            1 => joined(member, hours(25)),
            _ => member.role(Role::dts()).joined(["", "", "", "last week"][index]),
        })
    });
    let report = json(&lab.invoke(&record()).await);
    let found: Vec<_> = statuses(&report);
    assert_eq!(found[0], (&*ids[0], "remediated"), "{report}");
    assert_eq!((report["summary"]["accounts"].as_u64(), report["summary"]["authorized"].as_u64()), (Some(3), Some(2)));
}

#[tokio::test]
async fn several_such_records_and_one_that_names_its_account_lead_to_one_look_each() {
    let (lab, ids) = (lab(), ids());
    let mut named = record();
    named["responseElements"] = json!({"Account": {"AccountId": ids[2]}});
    let report = json(&lab.invoke(&json!([record(), named, record(), null])).await);
    assert_eq!(report["summary"]["remediated"], 4, "{report}");
    assert_eq!(report["ignored"], json!([{"record": 3, "reason": "`null` is not an event of the bus"}]));
    assert_eq!(lab.emulator.operations().iter().filter(|call| *call == "ListAccounts").count(), 1);
}

#[tokio::test]
async fn with_the_scope_account_nobody_is_asked() {
    let lab = lab().set("DTS_GUARD_SCOPE", "account");
    let report = json(&lab.invoke(&record()).await);
    assert_eq!(report["status"], "ignored", "{report}");
    assert!(report["ignored"][0]["reason"].as_str().unwrap().contains("the scope is `account`"), "{report}");
    assert_eq!(lab.emulator.operations(), [""; 0]);
}

#[tokio::test]
async fn an_excluded_newcomer_is_left_alone() {
    let ids = ids();
    let lab = lab().set("DTS_GUARD_EXCLUDE_ACCOUNTS", &ids[0]);
    let report = json(&lab.invoke(&record()).await);
    assert!(statuses(&report).contains(&(&ids[0], "skipped")), "{report}");
    assert!(lab.emulator.writes().iter().all(|call| call.account.as_deref() != Some(&*ids[0])));
}

#[tokio::test]
async fn a_directory_that_cannot_be_listed_is_a_failure_and_the_rest_is_done() {
    let (lab, ids) = (lab(), ids());
    let _denied = lab.emulator.fault(Rule::on("ListAccounts").every().deny());
    let alone = lab.invoke(&record()).await;
    assert_eq!(alone.status, Status::Failed, "{}", json(&alone));
    assert_eq!(json(&alone)["errors"][0]["operation"], "ListAccounts");
    assert!(alone.failure().is_some(), "the platform comes again");
    let mut named = record();
    named["responseElements"] = json!({"Account": {"AccountId": ids[2]}});
    let both = json(&lab.invoke(&json!([record(), named])).await);
    assert_eq!(statuses(&both), [(&*ids[2], "remediated")], "{both}");
    assert_eq!((&both["status"], &both["errors"][0]["operation"]), (&json!("failed"), &json!("ListAccounts")));
}

#[tokio::test]
async fn of_more_than_a_hundred_the_newest_are_looked_at_and_the_others_are_said() {
    let ids: Vec<_> = member_ids(130).collect();
    let minutes = |index: usize| SignedDuration::from_mins(15 + i64::try_from(index).unwrap());
    let lab = Lab::organization(|directory| {
        directory.members(ids.clone(), |index, member| joined(member, minutes(index)).role(Role::dts()))
    });
    let report = json(&lab.invoke(&record()).await);
    assert_eq!(report["summary"]["authorized"], 100, "{}", report["summary"]);
    let found: Vec<_> = statuses(&report).into_iter().map(|(id, _)| id).collect();
    assert!(ids[..100].iter().all(|id| found.contains(&id.as_str())), "the newest");
    let reason = report["ignored"][0]["reason"].as_str().unwrap();
    assert!(reason.contains("130 members") && reason.contains("the other 30"), "{reason}");
}
