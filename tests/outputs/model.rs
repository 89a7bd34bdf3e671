//! The report as saved is the report that was made.

use std::time::Duration;

use authorization::settings::Mode;
use dts_role_guard::report::{Human, Json, Render, read};
use emulator::{DTS_POLICY, Member, Role, Rule, member_ids};
use serde_json::{Value, json};
use testkit::Lab;

use crate::samples;

/// Writes `tests/fixtures/reports`: one report of each kind, with what differs from run to run made the same.
#[tokio::test]
#[ignore = "writes the fixtures anew: `cargo test --test outputs -- --ignored record`"]
async fn record() {
    let broken = || Role::dts().trusting_service("ecs.aliyuncs.com").attach_custom("TeamExtra").tag("team", "data");
    let healthy = Lab::new(Some(Role::dts()));
    save("healthy", testkit::json(&healthy.run(Mode::Verify).await));
    let lab = Lab::new(Some(broken()));
    save("judged", testkit::json(&lab.run(Mode::Verify).await));
    save("drifted", testkit::json(&lab.run(Mode::Plan).await));
    let denied = lab.emulator.fault(Rule::on("CreateRole").from(2).deny());
    save("stuck", testkit::json(&lab.run(Mode::Remediate).await));
    drop(denied);
    let lab = Lab::new(Some(broken()));
    save("repaired", testkit::json(&lab.run(Mode::Remediate).await));
    let privileged = Lab::new(Some(Role::dts().detach(DTS_POLICY).attach_system("AdministratorAccess")));
    save("refused", testkit::json(&privileged.run(Mode::Remediate).await));
    let lab = Lab::new(Some(broken()));
    let blind = lab.emulator.fault(Rule::on("GetRole").every().deny());
    save("failed", testkit::json(&lab.run(Mode::Verify).await));
    drop(blind);
    let drifted = |_: usize, member: Member| member.role(Role::dts().detach(DTS_POLICY));
    let organization = Lab::organization(|directory| directory.members(member_ids(9), drifted));
    let timer = json!({"triggerTime": "2026-11-24T02:00:00Z", "triggerName": "nightly", "payload": ""});
    save("brake", testkit::json(&organization.invoke(&timer).await));
    save("deadline", testkit::json(&organization.invoke_within(&timer, Duration::from_millis(500)).await));
    save("rejected", testkit::json(&organization.invoke(&json!({"mode": "repair"})).await));
}

fn save(name: &str, mut report: Value) {
    settle(&mut report);
    let path = format!("{}/tests/fixtures/reports/{name}.json", env!("CARGO_MANIFEST_DIR"));
    std::fs::write(path, serde_json::to_string_pretty(&report).unwrap() + "\n").unwrap();
}

fn settle(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(fields) => {
            for (name, value) in fields {
                match (name.as_str(), &value) {
                    ("requestId", Value::String(_)) => *value = json!("1-692414ee-10000001-000000000003"),
                    ("startedAt", _) => *value = json!("2026-11-24T02:00:00.120Z"),
                    ("durationMs", _) => *value = json!(31),
                    ("startedMs", Value::Number(_)) => *value = json!(40),
                    ("roleId", _) => *value = json!("300123456789012345"),
                    _ => settle(value),
                }
            }
        }
        _ => {}
    }
}

#[test]
fn a_saved_report_is_the_report_that_was_made() {
    assert!(samples::names().len() >= 9);
    for name in samples::names() {
        let text = samples::text(&name);
        let report = read(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
        samples::assert_holds(&Json.render(&report), &text, &name);
        assert!(!Human::default().render(&report).is_empty());
    }
}

#[test]
fn the_body_of_a_failed_invocation_is_taken_too() {
    let report: Value = serde_json::from_str(&samples::text("failed.json")).unwrap();
    let body = json!({"errorMessage": "account 1: failed", "errorType": "Failed", "stackTrace": [], "report": report});
    samples::assert_holds(&Json.render(&samples::of(&body)), &samples::text("failed.json"), "failed");
}

#[test]
fn what_is_no_report_is_refused_with_the_place_where_it_stopped_making_sense() {
    let good: Value = serde_json::from_str(&samples::text("drifted.json")).unwrap();
    let with = |pointer: &str, value: Value| {
        let mut report = good.clone();
        *report.pointer_mut(pointer).unwrap() = value;
        report.to_string()
    };
    for (text, part) in [
        (String::new(), "no valid JSON"),
        ("{\"schema\": ".to_owned(), "column"),
        ("[]".to_owned(), "an object is expected"),
        ("{}".to_owned(), "missing field `schema`"),
        (with("/schema", json!("x/v1")), "at `schema`: `x/v1` is none of"),
        (with("/status", json!("fine")), "at `status`: unknown variant `fine`"),
        (with("/accounts/0/accountId", json!("12")), "at `accounts[0].accountId`"),
        (with("/accounts/0/roleName", json!("Another")), "at `accounts[0].roleName`"),
        (with("/accounts/0/steps/1/action", json!("DropRole")), "at `accounts[0].steps[1].action`"),
        (with("/accounts/0/findings/0/id", json!("x")), "at `accounts[0].findings[0].id`"),
        (with("/summary/drifted", json!(0)), "at `summary.drifted`: 0, but `accounts` has 1"),
        (json!({"errorMessage": "no keys", "errorType": "NoCredentials", "stackTrace": []}).to_string(), "no keys"),
        (json!({"errorMessage": "x", "report": {"schema": 1}}).to_string(), "at `report.schema`"),
    ] {
        let why = read(&text).unwrap_err().to_string();
        assert!(why.contains(part), "{text:.80}: {why}");
    }
}

/// Every kind of report that one account can give: nothing is lost on the way.
#[tokio::test]
async fn every_report_can_be_read_again() {
    let lab = Lab::new(Some(Role::dts().trusting_service("ecs.aliyuncs.com").attach_custom("TeamExtra").tag("a", "b")));
    for mode in [Mode::Verify, Mode::Plan, Mode::Remediate, Mode::Verify] {
        let made = Json.render(&lab.run(mode).await);
        assert_eq!(Json.render(&read(&made).unwrap()), made);
    }
    let organization = Lab::organization(|directory| directory.members(member_ids(3), |_, member| member));
    let timer = json!({"triggerTime": "2026-11-24T02:00:00Z", "triggerName": "nightly", "payload": ""});
    let made = Json.render(&organization.invoke(&timer).await);
    assert_eq!(Json.render(&read(&made).unwrap()), made, "with short lines");
}
