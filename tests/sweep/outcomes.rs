//! What goes wrong in one account is that account's line, and has its own words.

use std::sync::Arc;
use std::time::Duration;

use aliyun::{BoxFuture, Http, Reply, SignedRequest, Transport, TransportError};
use dts_role_guard::USER_AGENT;
use dts_role_guard::report::Status;
use emulator::{MemberStatus, Rule, Seed};

use super::*;

/// The status and the advice of one member among healthy ones, after a sweep.
async fn outcome(lab: &Lab) -> (String, String) {
    let report = checked(&sweep(lab).await);
    assert!(with_status(&report, "authorized").len() >= 10, "the rest goes on: {report}");
    let line = line(&report, &id(1));
    (line["status"].as_str().unwrap().to_owned(), next(line).to_owned())
}

fn with_one(seed: impl Fn(Member) -> Member) -> Lab {
    organization_of(11, |index, member| if index == 0 { seed(member) } else { member.seed(Seed::Healthy) })
}

fn broken(member: Member) -> Member {
    member.seed(Seed::Trust)
}

#[tokio::test]
async fn each_trouble_has_its_own_words() {
    let cases: [(&str, Lab, &str, &str); 4] = [
        ("suspended", with_one(|member| broken(member).suspended()), "failed", "`Inactive`"),
        ("locked", with_one(|member| broken(member).without_access_role()), "failed", "there is no role"),
        ("verifying", with_one(|member| member.status(MemberStatus::CreateVerifying)), "skipped", "`CreateVerifying`"),
        ("removed", with_one(|member| member.status(MemberStatus::Removed)), "skipped", "`Removed`"),
    ];
    for (name, lab, status, words) in cases {
        let (found, next) = outcome(&lab).await;
        assert!(found == status && next.contains(words), "{name}: {found}: {next}");
    }
}

#[tokio::test]
async fn a_denied_member_is_one_failed_line() {
    for (control, words) in [(false, "`sts:AssumeRole`"), (true, "a control policy of the resource directory")] {
        let lab = with_one(broken);
        let rule = Rule::assume_role_in(&id(1)).every();
        let _denied = lab.emulator.fault(if control { rule.deny_by_control_policy() } else { rule.deny() });
        let (status, next) = outcome(&lab).await;
        assert!(status == "failed" && next.contains(words) && next.contains("nothing was written"), "{status}: {next}");
    }
}

#[tokio::test]
async fn a_read_that_is_denied_in_one_account_stops_no_other() {
    let lab = organization(30, 6);
    let _denied = lab.emulator.fault(Rule::on("GetRole").account(&id(1)).every().deny());
    let report = sweep(&lab).await;
    assert_eq!((report.summary.failed, report.summary.remediated), (1, 5), "{}", json(&report));
}

/// Most of a directory that the guard may not enter is no reason to ask about each member again.
#[tokio::test]
async fn the_directory_is_not_asked_about_each_of_a_thousand_denied_members() {
    let lab = organization_of(300, |_, member| member.without_access_role());
    let report = sweep(&lab).await;
    assert_eq!((report.summary.failed, report.status), (300, Status::Failed));
    let asked = lab.emulator.operations().iter().filter(|name| *name == "GetAccount").count();
    assert_eq!(asked, 100);
}

/// The own account can always be judged: that says nothing about the members.
#[tokio::test]
async fn where_no_member_can_be_judged_the_platform_is_told() {
    for payload in ["", "verify"] {
        let lab = organization(20, 0);
        let _denied = lab.emulator.fault(Rule::on("AssumeRole").every().deny());
        let report = lab.invoke(&timer(payload)).await;
        assert_eq!((report.status, report.summary.authorized), (Status::Failed, 1), "{}", json(&report));
        let failure = report.failure().expect("or nobody would notice");
        assert_eq!(failure.error_type, "Failed");
        let expected = format!("20 failed, 1 authorized; account {}: failed: ", id(1));
        assert!(failure.error_message.starts_with(&expected), "{failure:?}");
    }
}

#[tokio::test]
async fn one_member_that_could_be_judged_is_enough() {
    let lab = organization(20, 0);
    let _denied = lab.emulator.fault(Rule::on("AssumeRole").from(2).deny());
    let report = lab.invoke(&timer("")).await;
    assert_eq!((report.status, report.failure()), (Status::Failed, None), "{}", json(&report));
}

/// Named members are members that were meant, too; an own account that was named alone is not.
#[tokio::test]
async fn where_no_named_member_can_be_judged_the_platform_is_told() {
    let lab = organization(3, 0);
    let _denied = lab.emulator.fault(Rule::on("AssumeRole").every().deny());
    let named = |accounts: &[&str]| serde_json::json!({"accounts": accounts});
    let (one, other) = (id(1), id(2));
    assert!(lab.invoke(&named(&[&one, &other, testkit::ACCOUNT])).await.failure().is_some());
    assert_eq!(lab.invoke(&named(&[testkit::ACCOUNT])).await.failure(), None);
}

#[tokio::test]
async fn the_message_for_the_platform_counts_every_status_and_names_the_most_urgent_account() {
    let lab = organization_of(40, |index, member| match index {
        0..3 => member.seed(Seed::Trust),
        3 => member.suspended(),
        _ => member.seed(Seed::Healthy),
    });
    let lost =
        [id(1), id(3)].map(|account| lab.emulator.fault(Rule::on("CreateRole").account(&account).from(2).deny()));
    let report = lab.invoke(&timer("")).await;
    let message = &report.failure().unwrap().error_message;
    drop(lost);
    let broken = if report.summary.stuck > 0 { "2 stuck, 1 failed, " } else { "1 failed, 2 refused, " };
    assert!(message.starts_with(&format!("{broken}1 remediated, 37 authorized; account ")), "{message}");
}

#[tokio::test]
async fn a_member_that_leaves_meanwhile_is_skipped() {
    let lab = with_one(|member| broken(member).without_access_role());
    let _leaves = lab.emulator.after_call(Rule::on("ListAccounts").nth(1), |world| {
        world.remove_member(&id(1));
    });
    let (status, next) = outcome(&lab).await;
    assert!(status == "skipped" && next.contains("left the resource directory"), "{status}: {next}");
}

#[tokio::test]
async fn the_access_role_of_a_member_that_has_just_joined_is_waited_for() {
    let lab = with_one(|member| broken(member).without_access_role());
    let joined = lab.clock().now().to_string();
    lab.emulator.with_world(|world| {
        world.put_member(broken(Member::new(&id(1))).without_access_role().joined(&joined));
    });
    let _late = lab.emulator.after_call(Rule::assume_role_in(&id(1)).nth(3), |world| {
        world.give_access_role(&id(1));
    });
    let report = checked(&sweep(&lab).await);
    assert_eq!(line(&report, &id(1))["status"], "remediated", "{report}");
}

#[tokio::test]
async fn one_that_joined_long_ago_is_not_waited_for() {
    let lab = with_one(|member| broken(member).without_access_role());
    outcome(&lab).await;
    assert_eq!(entered(&lab).iter().filter(|account| **account == id(1)).count(), 1);
}

#[tokio::test]
async fn excluded_accounts_are_skipped_and_never_looked_at() {
    let excluded = format!("{},{}", id(1), testkit::ACCOUNT);
    let lab = with_one(broken).set("DTS_GUARD_EXCLUDE_ACCOUNTS", &excluded);
    let (status, next) = outcome(&lab).await;
    assert!(status == "skipped" && next.contains("`DTS_GUARD_EXCLUDE_ACCOUNTS`"), "{status}: {next}");
    assert!(!entered(&lab).contains(&id(1)));
    let own = lab.emulator.calls().iter().filter(|call| call.account.as_deref() == Some(testkit::ACCOUNT)).count();
    assert_eq!(own, entered(&lab).len() + 1, "the own keys list and enter, and no more");
}

/// Panics before a call that says this.
struct Mistaken {
    http: Http,
    at: String,
}

impl Transport for Mistaken {
    fn send(&self, request: SignedRequest) -> BoxFuture<'_, Result<Reply, TransportError>> {
        assert!(!request.body.contains(&self.at), "a mistake of the program");
        self.http.send(request)
    }
}

#[tokio::test]
async fn a_panic_in_one_account_is_its_line_and_the_rest_goes_on() {
    let lab = organization(30, 4);
    // The account stands in the role's ARN, which is percent-encoded.
    let cases = [("verify", format!("%3A{}%3Arole", id(2)), "failed"), ("remediate", "CreateRole".to_owned(), "stuck")];
    for (mode, at, expected) in cases {
        let app = lab.app().wired(|wiring| {
            wiring.transport = Some(Arc::new(Mistaken { http: Http::new(USER_AGENT).unwrap(), at }));
        });
        let report = checked(&lab.invoke_app(&app, &timer(mode), Duration::from_mins(10)).await);
        let broken_off = with_status(&report, expected);
        assert!(!broken_off.is_empty() && next(broken_off[0]).contains("by a mistake of its own"), "{report}");
        assert_eq!(report["summary"]["authorized"], 27, "{report}");
    }
}

#[tokio::test]
async fn only_plans_that_a_person_saw_are_carried_out() {
    use authorization::settings::Mode;
    use dts_role_guard::event::{Approved, Request, Selector};
    let lab = organization(30, 3);
    let shown = checked(&lab.invoke(&timer("plan")).await);
    let approved = id(2);
    let plan = line(&shown, &approved)["planId"].as_str().unwrap().parse().unwrap();
    let plans = [(approved.parse().unwrap(), plan)].into();
    let scope = authorization::settings::Scope::Organization;
    let request = Request { mode: Mode::Remediate, scope, selector: Selector::All, approved: Approved::Shown(plans) };
    let report = checked(&lab.request(request).await);
    assert_eq!(ids(&with_status(&report, "remediated")), [approved], "{report}");
    assert_eq!(with_status(&report, "drifted").len(), 2, "{report}");
}
