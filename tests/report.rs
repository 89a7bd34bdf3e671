//! The report: its schema, its text for a person, its exit code, and that no secret is in any of them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use authorization::settings::Mode;
use dts_role_guard::report::{Human, Json, Render, Report, Status};
use emulator::{DTS_POLICY, Member, MemberStatus, Role, Rule};
use serde_json::json;
use testkit::{Lab, other_trust};

fn broken() -> Role {
    other_trust().attach_custom("TeamExtra").tag("team", "data")
}

/// A report of every kind that one account can give, with its exit code.
async fn every_kind() -> Vec<(&'static str, Report, u8)> {
    let mut reports = Vec::new();
    let healthy = Lab::new(Some(Role::dts()));
    reports.push(("authorized", healthy.run(Mode::Verify).await, 0));
    let lab = Lab::new(Some(broken()));
    reports.push(("drifted", lab.run(Mode::Verify).await, 1));
    reports.push(("drifted", lab.run(Mode::Plan).await, 1));
    let denied = lab.emulator.fault(Rule::on("DeleteRole").every().deny());
    reports.push(("rolledBack", lab.run(Mode::Remediate).await, 1));
    drop(denied);
    let blind = lab.emulator.fault(Rule::on("GetRole").every().html(503));
    reports.push(("failed", lab.run(Mode::Remediate).await, 3));
    drop(blind);
    // The first one is rehearsed.
    let denied = lab.emulator.fault(Rule::on("CreateRole").from(2).deny());
    reports.push(("stuck", lab.run(Mode::Remediate).await, 4));
    drop(denied);
    reports.push(("remediated", lab.run(Mode::Remediate).await, 0));
    let privileged = Lab::new(Some(Role::dts().detach(DTS_POLICY).attach_system("AdministratorAccess")));
    reports.push(("refused", privileged.run(Mode::Remediate).await, 1));
    reports
}

#[tokio::test]
async fn every_report_follows_the_schema_and_has_its_exit_code() {
    let schema = serde_json::from_str(include_str!("../schema/report-v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (status, report, code) in every_kind().await {
        let value = serde_json::from_str(&Json.render(&report)).unwrap();
        let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!(errors, [""; 0], "{status}: {value:#}");
        assert_eq!((report.status.as_str(), report.exit_code()), (status, code), "{value:#}");
    }
}

/// What records of the cloud lead to: reasons, records that are left out, accounts that are skipped or not reached.
#[tokio::test]
async fn every_report_on_records_follows_the_schema() {
    let schema = serde_json::from_str(include_str!("../schema/report-v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let record = |account: &str| {
        json!({"eventName": "DeleteRole", "userIdentity": {"accountId": account},
            "requestParameters": {"RoleName": "AliyunDTSDefaultRole"}})
    };
    let removed = Member::new("2234567890123456").status(MemberStatus::Removed);
    let lab = Lab::organization(|directory| directory.member(removed));
    let stranger = record("3234567890123456");
    for (event, status) in [
        (json!([record(testkit::ACCOUNT), {}, record("2234567890123456")]), Status::Authorized),
        (record("2234567890123456"), Status::Skipped),
        (json!([stranger, {}]), Status::Ignored),
        (json!([{}, "text"]), Status::Ignored),
        (json!({"accounts": ["3234567890123456"]}), Status::Rejected),
    ] {
        let report = lab.invoke(&event).await;
        let value = serde_json::from_str(&Json.render(&report)).unwrap();
        let errors: Vec<_> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert_eq!((errors, report.status), (Vec::new(), status), "{event}: {value:#}");
        let text = anstream::adapter::strip_str(&Human::default().render(&report)).to_string();
        assert_eq!(text.contains("ignored:"), value.get("ignored").is_some(), "{text}");
        assert!(text.lines().all(|line| !line.ends_with(' ')), "{text}");
    }
}

/// A valid report with one thing wrong: each field that must be there is taken away, each word becomes another, and one that
/// nobody knows comes in.
#[tokio::test]
async fn the_schema_refuses_what_is_no_report() {
    let schema = serde_json::from_str(include_str!("../schema/report-v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let report = Lab::new(Some(broken())).run(Mode::Remediate).await;
    let valid: serde_json::Value = serde_json::from_str(&Json.render(&report)).unwrap();
    assert!(validator.is_valid(&valid), "{valid:#}");
    for place in ["", "/trigger", "/summary", "/accounts/0/findings/0", "/accounts/0/steps/0"] {
        let mut more = valid.clone();
        more.pointer_mut(place).unwrap()["unheard-of"] = json!(1);
        assert!(!validator.is_valid(&more), "{place}: one field more");
    }
    for field in ["schema", "status", "requestId", "trigger", "mode", "strategy", "startedAt", "summary", "accounts"] {
        let mut less = valid.clone();
        less.as_object_mut().unwrap().remove(field).unwrap();
        assert!(!validator.is_valid(&less), "{field} is missing");
    }
    for (place, wrong) in [
        ("/schema", json!("dts-role-guard/report/v2")),
        ("/status", json!("unheard-of")),
        ("/mode", json!("repair")),
        ("/startedAt", json!("today")),
        ("/summary/accounts", json!(-1)),
        ("/accounts", json!({})),
        ("/accounts/0/status", json!("ignored")),
        ("/accounts/0/accountId", json!(1)),
        ("/accounts/0/findings/0/id", json!("unheard-of")),
        ("/accounts/0/findings/0/severity", json!("harmless")),
        ("/accounts/0/steps/0/action", json!("GetRole")),
        ("/accounts/0/steps/0/result", json!("perhaps")),
    ] {
        let mut other = valid.clone();
        *other.pointer_mut(place).unwrap() = wrong;
        assert!(!validator.is_valid(&other), "{place}");
    }
}

#[tokio::test]
async fn a_failure_is_reported_to_the_platform_only_where_it_helps() {
    for (status, report, _) in every_kind().await {
        let expected = matches!(status, "stuck" | "failed" | "refused");
        assert_eq!(report.failure().is_some(), expected, "{status}");
    }
}

#[tokio::test]
async fn a_passing_cause_is_worth_the_platforms_retry() {
    let lab = Lab::new(Some(broken()));
    let _throttled = lab.emulator.fault(Rule::on("DeleteRole").every().throttle());
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::RolledBack);
    assert_eq!(report.failure().unwrap().error_type, "RolledBack");
}

#[tokio::test]
async fn every_account_that_is_not_authorized_has_its_line_in_the_log() {
    for (status, report, _) in every_kind().await {
        assert_eq!(report.account_lines().count(), usize::from(status != "authorized"), "{status}");
        assert_eq!(report.summary_line()["summary"]["accounts"], 1);
    }
}

#[tokio::test]
async fn a_person_reads_what_was_found_and_what_to_do() {
    for (status, report, _) in every_kind().await {
        let text = anstream::adapter::strip_str(&Human::default().render(&report)).to_string();
        assert!(text.contains(status), "{text}");
        assert!(text.lines().all(|line| !line.ends_with(' ')), "{text}");
        if matches!(status, "stuck" | "failed" | "refused" | "rolledBack") {
            assert!(text.contains("next"), "{text}");
        }
    }
}

#[tokio::test]
async fn foreign_text_cannot_draw_on_the_terminal() {
    let lab = Lab::new(Some(Role::dts().trust(
        "{\"Version\":\"1\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"sts:AssumeRole\",\"Principal\":{\"RAM\":\"acs:\\u001b[31m\\u202e\"}}]}",
    )));
    let text = anstream::adapter::strip_str(&Human::default().render(&lab.run(Mode::Plan).await)).to_string();
    assert!(text.contains("\\u{1b}[31m\\u{202e}"), "{text}");
    assert!(!text.contains('\u{202e}'), "{text}");
}

#[tokio::test]
async fn a_description_cannot_draw_on_the_terminal_through_a_command() {
    let lab = Lab::new(Some(broken().description("a\u{202e}b")));
    let _denied = lab.emulator.fault(Rule::on("CreateRole").from(2).deny());
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Stuck);
    let text = Human::default().render(&report);
    assert!(text.contains("a\\u{202e}b") && !text.contains('\u{202e}'), "{text}");
}
