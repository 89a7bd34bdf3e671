//! The doctor as an event: by hand and by a timer, and what the platform is told.

use emulator::{Role, Rule};
use serde_json::{Value, json};
use testkit::{Guard, KEY_SECRET, REQUEST_ID, TOKEN, cloud, healthy_cloud};

use super::assert_follows_schema;

fn timer(payload: &str) -> String {
    json!({"triggerTime": "2025-11-24T02:00:00Z", "triggerName": "weekly-doctor", "payload": payload}).to_string()
}

#[test]
fn by_hand_and_by_a_timer_it_answers_with_its_report_and_changes_nothing() {
    let cloud = healthy_cloud();
    let guard = Guard::start(&cloud, &[("DTS_GUARD_MODE", "remediate")]);
    for event in ["doctor".to_owned(), " doctor\n".to_owned(), timer("doctor")] {
        let report = guard.invoke(&event).report();
        assert_eq!(report["status"], "ok", "{report:#}");
        assert_follows_schema(&report);
        assert!(report["checks"].to_string().contains(REQUEST_ID), "where to look for the line of the log: {report:#}");
    }
    assert!(cloud.calls().iter().all(|call| !call.effect));
    assert!(!cloud.writes().is_empty(), "each write was rehearsed");
    let line: Value = serde_json::from_str(&guard.line_with("\"doctor\":\"ok\"")).unwrap();
    assert_eq!(line["requestId"], REQUEST_ID);
}

#[test]
fn a_failed_check_is_a_failure_of_the_platform_and_a_warning_is_none() {
    let cloud = cloud(Role::dts().trusting_service("ecs.aliyuncs.com"));
    let guard = Guard::start(&cloud, &[("DTS_GUARD_MODE", "remediate")]);
    assert_eq!(guard.invoke("doctor").report()["status"], "warning");
    let _denied = cloud.fault(Rule::on("GetRole").every().deny());
    for event in ["doctor".to_owned(), timer("doctor")] {
        let failure = guard.invoke(&event).failure();
        assert_eq!(failure["errorType"], "DoctorFailed", "{failure:#}");
        assert!(failure["errorMessage"].as_str().unwrap().contains("`ram:GetRole`"), "{failure:#}");
        assert_eq!(failure["report"]["status"], "failed");
        assert_follows_schema(&failure["report"]);
    }
    let line: Value = serde_json::from_str(&guard.line_with("\"doctor\":\"check\"")).unwrap();
    assert_eq!((&line["check"]["id"], &line["requestId"]), (&json!("role"), &json!(REQUEST_ID)));
}

#[test]
fn wrong_settings_and_missing_keys_keep_their_names_and_the_report_stands_beside_them() {
    let cloud = healthy_cloud();
    let failure = Guard::start(&cloud, &[("DTS_GUARD_RATE", "0"), ("DTS_GUARD_MODUS", "x")]).invoke("doctor").failure();
    assert_eq!(failure["errorType"], "InvalidSettings");
    for name in ["DTS_GUARD_RATE", "DTS_GUARD_MODUS"] {
        assert!(failure["errorMessage"].as_str().unwrap().contains(name), "{failure:#}");
    }
    assert_follows_schema(&failure["report"]);
    let keys = [("x-fc-access-key-id", ""), ("x-fc-access-key-secret", ""), ("x-fc-security-token", "")];
    let failure = Guard::start(&cloud, &[]).invoke_with("doctor", &keys).failure();
    assert_eq!(failure["errorType"], "NoCredentials");
    assert_follows_schema(&failure["report"]);
    assert_eq!(cloud.operations(), [""; 0]);
}

#[test]
fn no_json_asks_for_the_doctor() {
    let cloud = healthy_cloud();
    let guard = Guard::start(&cloud, &[]);
    for event in [r#"{"mode":"doctor"}"#, "doctors", "Doctor"] {
        let report = guard.invoke(event).report();
        assert_eq!((&report["schema"], &report["status"]), (&json!("dts-role-guard/report/v1"), &json!("rejected")));
    }
    let report = guard.invoke(timer(r#"{"mode":"doctor"}"#)).failure();
    assert_eq!(report["errorType"], "Rejected");
    assert_eq!(cloud.operations(), [""; 0]);
}

/// Whatever the cloud answers, and however much is logged.
#[test]
fn no_secret_is_told() {
    let operations = ["GetCallerIdentity", "GetRole", "ListPoliciesForRole", "ListTagResources", "CreateRole"];
    for operation in operations {
        let cloud = healthy_cloud();
        let guard = Guard::start(&cloud, &[("DTS_GUARD_MODE", "remediate"), ("DTS_GUARD_LOG", "trace")]);
        // Its message quotes the string to sign, with the token in it.
        let _fault = cloud.fault(Rule::on(operation).every().error(400, "SignatureDoesNotMatch"));
        let answer = guard.invoke("doctor").body;
        let told = guard.stop().1.join("\n") + &answer;
        assert!(told.contains("SignatureDoesNotMatch"), "{operation}: {told}");
        for secret in [KEY_SECRET, TOKEN, &TOKEN.replace('=', "%3D"), "Signature=", "server string to sign"] {
            assert!(!told.contains(secret), "{operation}: `{secret}` in {told}");
        }
    }
}
