//! The directory's list: pages that shift, and pages that do not come.

use dts_role_guard::report::Status;
use emulator::{Rule, Seed};
use serde_json::json;
use testkit::{ACCOUNT, key};

use super::*;

#[tokio::test]
async fn a_member_that_slips_through_the_pages_is_found() {
    let lab = organization(250, 0);
    // Whoever stood first on the second page now stands last on the first.
    let _leaves = lab.emulator.after_call(Rule::on("ListAccounts").nth(1), |world| {
        world.remove_member(&id(1));
    });
    let report = checked(&sweep(&lab).await);
    assert_eq!(line(&report, &id(101))["status"], "authorized", "{report}");
}

#[tokio::test]
async fn a_member_on_two_pages_has_one_turn() {
    let lab = organization(250, 0);
    let _joins = lab.emulator.after_call(Rule::on("ListAccounts").nth(1), |world| {
        world.put_member(Member::new("1999999999999999").seed(Seed::Healthy));
    });
    let report = checked(&sweep(&lab).await);
    assert!(report["summary"]["accounts"].as_u64().unwrap() >= 251, "{report}");
    let mut entered = entered(&lab);
    entered.sort();
    let turns = entered.len();
    entered.dedup();
    assert_eq!(entered.len(), turns);
}

#[tokio::test]
async fn work_begins_before_the_list_is_whole() {
    let lab = organization(250, 0);
    drop(sweep(&lab).await);
    let operations = lab.emulator.operations();
    let first_entry = operations.iter().position(|name| name == "AssumeRole").unwrap();
    let last_page = operations.iter().rposition(|name| name == "ListAccounts").unwrap();
    assert!(first_entry < last_page, "{operations:?}");
}

#[tokio::test]
async fn what_is_listed_before_a_failure_is_worked_in_and_the_failure_is_told() {
    let lab = organization(250, 3);
    let _denied = lab.emulator.fault(Rule::on("ListAccounts").from(2).unavailable());
    let report = sweep(&lab).await;
    let json = checked(&report);
    assert_eq!((report.summary.accounts, report.summary.remediated), (101, 3), "{json}");
    assert_eq!((report.status, report.exit_code()), (Status::Failed, 3));
    assert_eq!(json["errors"][0]["operation"], "ListAccounts");
    assert_eq!(json["errors"][0]["code"], "ServiceUnavailable");
    let failure = report.failure().unwrap();
    assert!(failure.error_message.contains("not all of them"), "{failure:?}");
}

#[tokio::test]
async fn a_list_that_is_denied_says_what_to_do_and_the_own_account_is_still_looked_at() {
    let powerless = key().allow(["ram:*", "sts:*"], ["*"]);
    let lab = Lab::organization_with_key(powerless, |directory| directory.members(member_ids(3), |_, member| member));
    let no_directory = Lab::new(Some(emulator::Role::dts())).set("DTS_GUARD_SCOPE", "organization");
    for (lab, words) in [(lab, "`resourcemanager:ListAccounts`"), (no_directory, "no resource directory")] {
        let report = checked(&sweep(&lab).await);
        assert_eq!((&report["status"], &report["summary"]["accounts"]), (&json!("failed"), &json!(1)), "{report}");
        assert_eq!(line(&report, ACCOUNT)["status"], "authorized");
        assert!(report["errors"][0]["message"].as_str().unwrap().contains(words), "{report}");
    }
}

#[tokio::test]
async fn an_id_that_cannot_be_read_is_told_and_stops_no_other() {
    let lab = Lab::organization(|directory| {
        directory.member(Member::new("me")).members(member_ids(3), |_, member| member.seed(Seed::Healthy))
    });
    let report = checked(&sweep(&lab).await);
    assert_eq!(report["summary"]["authorized"], 4, "{report}");
    assert!(report["errors"][0]["message"].as_str().unwrap().contains("`me`"), "{report}");
}

#[tokio::test]
async fn a_list_that_is_read_twice_tells_its_troubles_once() {
    let lab = Lab::organization(|directory| {
        directory.member(Member::new("me")).members(member_ids(150), |_, member| member.seed(Seed::Healthy))
    });
    let _leaves = lab.emulator.after_call(Rule::on("ListAccounts").nth(1), |world| {
        world.remove_member(&id(1));
    });
    let report = checked(&sweep(&lab).await);
    assert_eq!(lab.emulator.operations().iter().filter(|name| *name == "ListAccounts").count(), 4);
    assert_eq!(report["errors"].as_array().unwrap().len(), 1, "{report}");
}

#[tokio::test]
async fn a_person_sees_the_list_failing_and_how_many_are_in_order() {
    use dts_role_guard::report::{Human, Render};
    let lab = organization(150, 2);
    let _denied = lab.emulator.fault(Rule::on("ListAccounts").from(2).unavailable());
    let report = sweep(&lab).await;
    let text = anstream::adapter::strip_str(&Human::default().render(&report)).to_string();
    assert!(text.contains("99 authorized") && text.contains("`ListAccounts`"), "{text}");
    assert!(text.lines().count() < 100, "two accounts in full, and none of the others: {text}");
}

/// The accounts of the report with their status, but the own one.
fn members_with(report: &serde_json::Value, status: &str) -> usize {
    with_status(report, status).iter().filter(|line| line["accountId"] != ACCOUNT).count()
}

#[tokio::test]
async fn short_pages_do_not_end_the_list() {
    for cap in [1, 7, 50, 99] {
        let lab = Lab::organization(|directory| {
            directory.page_cap(cap).members(member_ids(120), |_, member| member.seed(Seed::Healthy))
        });
        let report = checked(&sweep(&lab).await);
        assert_eq!((&report["status"], members_with(&report, "authorized")), (&json!("authorized"), 120), "{cap}");
        assert!(report["errors"].is_null(), "{report}");
    }
}

#[tokio::test]
async fn a_total_that_is_too_small_hides_no_member() {
    for total in [0, 1, 50, 99, 100, 119] {
        let lab = Lab::organization(|directory| {
            directory.claims_total(total).members(member_ids(120), |_, member| member.seed(Seed::Healthy))
        });
        let report = checked(&sweep(&lab).await);
        assert_eq!((&report["status"], members_with(&report, "authorized")), (&json!("authorized"), 120), "{total}");
    }
}

/// Listed twice; what was found is worked on all the same.
#[tokio::test]
async fn fewer_members_than_the_directory_says_are_told_with_both_numbers() {
    let lab = Lab::organization(|directory| {
        let seed = |index: usize, member: Member| member.seed(if index == 3 { Seed::Trust } else { Seed::Healthy });
        directory.claims_total(125).members(member_ids(120), seed)
    });
    let report = sweep(&lab).await;
    let json = checked(&report);
    assert_eq!((&json["status"], report.summary.remediated, report.summary.authorized), (&json!("failed"), 1, 120));
    let error = &json["errors"][0];
    let message = error["message"].as_str().unwrap();
    assert!(error["operation"] == "ListAccounts" && message.contains("125") && message.contains("120"), "{json}");
    assert_eq!(json["errors"].as_array().unwrap().len(), 1);
    let failure = report.failure().unwrap();
    assert!(failure.error_message.starts_with("1 remediated, 120 authorized; "), "{failure:?}");
    let first_pages = lab
        .emulator
        .calls()
        .iter()
        .filter(|call| call.params.get("PageNumber").is_some_and(|number| number == "1"))
        .count();
    assert_eq!(first_pages, 2);
}

/// Each page lacks a member, the same one on every page of one reading, and another one later.
#[tokio::test]
async fn a_list_that_is_whole_when_it_is_read_again_is_no_trouble() {
    let lab = organization(150, 0);
    let _partial = lab.emulator.fault(Rule::on("ListAccounts").times(3).partial_list());
    let report = checked(&sweep(&lab).await);
    assert_eq!((&report["status"], members_with(&report, "authorized")), (&json!("authorized"), 150), "{report}");
}

#[tokio::test]
async fn pages_that_start_again_end_the_list() {
    for (total, status) in [(None, "authorized"), (Some(150), "failed"), (Some(usize::MAX), "failed")] {
        let lab = Lab::organization(|directory| {
            let directory = match total {
                Some(total) => directory.claims_total(total),
                None => directory,
            };
            directory.pages_start_again().members(member_ids(120), |_, member| member.seed(Seed::Healthy))
        });
        let report = checked(&sweep(&lab).await);
        assert_eq!((&report["status"], members_with(&report, "authorized")), (&json!(status), 120), "{total:?}");
        assert!(lab.emulator.operations().iter().filter(|name| *name == "ListAccounts").count() <= 6);
    }
}

#[tokio::test]
async fn a_list_without_end_is_an_error_and_no_shorter_list() {
    let lab = Lab::organization(|directory| {
        directory
            .page_cap(1)
            .claims_total(5000)
            .members(member_ids(1100), |_, member| member.status(emulator::MemberStatus::Removed))
    });
    let report = checked(&sweep(&lab).await);
    assert_eq!((&report["status"], &report["summary"]["skipped"]), (&json!("failed"), &json!(1000)));
    assert!(report["errors"][0]["message"].as_str().unwrap().contains("does not end"), "{}", report["errors"]);
}

/// Some APIs refuse a page beyond the last one.
#[tokio::test]
async fn a_page_beyond_the_last_one_may_be_refused() {
    let lab = organization(100, 0);
    let _refused = lab.emulator.fault(Rule::on("ListAccounts").from(2).error(400, "InvalidParameter.PageNumber"));
    let report = checked(&sweep(&lab).await);
    assert_eq!((&report["status"], members_with(&report, "authorized")), (&json!("authorized"), 100), "{report}");
}
