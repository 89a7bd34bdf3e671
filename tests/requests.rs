//! Every sample request, unchanged, to the real program: control paths, hooks, keys, and a whole life.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use emulator::Emulator;
use serde_json::{Value, json};
use testkit::{ACCOUNT, Guard, KEYS, REQUEST_ID, broken_cloud, fixture, fixture_names, healthy_cloud};

fn guard(emulator: &Emulator) -> Guard {
    Guard::start(emulator, &[("DTS_GUARD_MODE", "remediate")])
}

fn nightly() -> Value {
    json!({"kind": "timer", "name": "nightly-verify"})
}

fn by_hand() -> Value {
    json!({"kind": "manual", "name": null})
}

/// Two reads, made at the same time.
fn assert_only_looked(emulator: &Emulator) {
    let mut operations = emulator.operations();
    operations.sort();
    assert_eq!(operations, ["GetRole", "ListPoliciesForRole"]);
}

fn assert_silent(emulator: &Emulator) {
    assert_eq!(emulator.operations(), [""; 0]);
}

fn assert_authorized(report: &Value, mode: &str, trigger: &Value) {
    assert_eq!(report["status"], "authorized", "{report}");
    assert_eq!((&report["mode"], &report["trigger"]), (&json!(mode), trigger), "{report}");
    assert_eq!(report["requestId"], REQUEST_ID);
    // What triggers get leaves out who is in order.
    let by_hand = trigger["kind"] == "manual";
    let account = report["accounts"].get(0).map_or(&Value::Null, |line| &line["accountId"]);
    assert_eq!(account, &if by_hand { json!(ACCOUNT) } else { Value::Null });
    assert_eq!(report["summary"]["authorized"], 1);
}

#[test]
fn a_failed_invocation_has_the_body_that_the_platform_documents() {
    let emulator = healthy_cloud();
    let failure = guard(&emulator).send_fixture("request-invoke-no-role.json").failure();
    let documented: Value = serde_json::from_str(&fixture("events/function-error-body.json")).unwrap();
    for (key, value) in documented.as_object().unwrap() {
        assert_eq!(std::mem::discriminant(&failure[key]), std::mem::discriminant(value), "{key}: {failure}");
    }
}

#[test]
fn every_sample_request_is_sent_by_a_test_here() {
    let sent = [
        "request-http-invoke-lookalike.json",
        "request-http-invoke.json",
        "request-initialize.json",
        "request-invoke-empty-body.json",
        "request-invoke-no-role.json",
        "request-invoke-retry.json",
        "request-invoke.json",
        "request-pre-stop.json",
    ];
    assert_eq!(fixture_names("requests"), sent);
}

#[test]
fn an_invocation_of_the_platform_is_answered_with_a_report() {
    let emulator = healthy_cloud();
    let report = guard(&emulator).send_fixture("request-invoke.json").report();
    assert_authorized(&report, "verify", &nightly());
    assert_only_looked(&emulator);
}

#[test]
fn a_retried_invocation_is_done_again_and_its_count_is_in_the_log() {
    let emulator = healthy_cloud();
    let guard = guard(&emulator);
    assert_authorized(&guard.send_fixture("request-invoke-retry.json").report(), "verify", &nightly());
    assert_only_looked(&emulator);
    let logged: Value = serde_json::from_str(&guard.line_with("\"invoked\"")).unwrap();
    assert_eq!(logged["retry"], 2, "{logged}");
    assert_eq!(logged["requestId"], REQUEST_ID, "{logged}");
}

#[test]
fn an_invocation_without_an_event_takes_the_settings_mode() {
    let emulator = healthy_cloud();
    let report = guard(&emulator).send_fixture("request-invoke-empty-body.json").report();
    assert_authorized(&report, "remediate", &by_hand());
    assert_only_looked(&emulator);
}

#[test]
fn an_invocation_without_a_role_fails_for_the_platform() {
    let emulator = broken_cloud();
    let reply = guard(&emulator).send_fixture("request-invoke-no-role.json");
    assert_eq!((reply.status, &reply.failure()["errorType"]), (404, &json!("NoCredentials")), "{reply:?}");
    assert_silent(&emulator);
}

#[test]
fn an_invocation_without_a_role_works_with_the_keys_of_the_environment() {
    let emulator = healthy_cloud();
    let report = Guard::start(&emulator, &KEYS).send_fixture("request-invoke-no-role.json").report();
    assert_authorized(&report, "verify", &by_hand());
    assert_only_looked(&emulator);
}

fn assert_refused(sample: &str) {
    let emulator = broken_cloud();
    let reply = guard(&emulator).send_fixture(sample);
    // Nothing failed for the platform: the caller is not allowed.
    assert_eq!((reply.status, reply.header("x-fc-status")), (403, None), "{reply:?}");
    assert_eq!(reply.json()["errorType"], "HttpTriggerRefused");
    assert_silent(&emulator);
}

#[test]
fn a_request_of_an_http_trigger_is_refused() {
    assert_refused("request-http-invoke.json");
}

#[test]
fn a_request_of_an_http_trigger_that_looks_like_an_invocation_is_refused() {
    assert_refused("request-http-invoke-lookalike.json");
}

fn assert_hook(sample: &str, phase: &str) {
    let emulator = broken_cloud();
    let guard = guard(&emulator);
    let reply = guard.send_fixture(sample);
    assert_eq!((reply.status, reply.header("x-fc-status"), reply.body.as_str()), (200, None, ""), "{reply:?}");
    let (_, lines) = guard.stop();
    let markers: Vec<_> = lines.iter().filter(|line| line.starts_with("FC ")).collect();
    let expected = ["Start", "End"].map(|edge| format!("FC {phase} {edge} RequestId: {REQUEST_ID}"));
    assert_eq!(markers, expected.iter().collect::<Vec<_>>());
    assert_silent(&emulator);
}

#[test]
fn initialize_prints_its_markers_and_calls_nobody() {
    assert_hook("request-initialize.json", "Initialize");
}

#[test]
fn pre_stop_prints_its_markers_and_calls_nobody() {
    assert_hook("request-pre-stop.json", "PreStop");
}

#[test]
fn a_whole_life_ends_in_order_without_a_secret_in_what_was_written() {
    let emulator = broken_cloud();
    let guard = guard(&emulator);
    guard.send_fixture("request-initialize.json");
    let mut written = guard.send_fixture("request-invoke.json").body;
    written += &guard.send_fixture("request-invoke-empty-body.json").body;
    guard.send_fixture("request-pre-stop.json");
    let (status, lines) = guard.stop();
    assert!(status.success(), "{status}");
    written += &lines.join("\n");
    assert!(written.contains(&format!("FC Invoke End RequestId: {REQUEST_ID}")), "{written}");
    assert_eq!(emulator.secrets().len(), 2);
    for secret in emulator.secrets() {
        assert!(!written.contains(&secret), "{secret} in {written}");
    }
}
