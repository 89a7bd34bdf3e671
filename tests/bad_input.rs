//! Whatever goes wrong, a person is told what, nothing is written, and the process goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use emulator::{Emulator, Fault, Rule};
use serde_json::{Value, json};
use testkit::{ACCOUNT, Guard, KEY_ID, KEY_SECRET, Reply, TOKEN, broken_cloud};

const REMEDIATE: (&str, &str) = ("DTS_GUARD_MODE", "remediate");
/// The platform's timeout bounds the retries.
const SHORT: (&str, &str) = ("x-fc-function-timeout", "2");

fn guard(emulator: &Emulator) -> Guard {
    Guard::start(emulator, &[REMEDIATE])
}

fn assert_says(text: &Value, words: &[&str]) {
    let text = text.as_str().unwrap();
    for word in words {
        assert!(text.contains(word), "`{word}` is missing: {text}");
    }
}

/// The role is broken and the mode allows a repair, so silence is the program's doing.
fn assert_rejected(event: &[u8], words: &[&str]) {
    let emulator = broken_cloud();
    let guard = guard(&emulator);
    let report = guard.invoke(event).report();
    assert_eq!(report["status"], "rejected", "{report}");
    assert_says(&report["reason"], words);
    assert_eq!(report["example"], json!({"mode": "verify"}), "{report}");
    assert_eq!(emulator.operations(), [""; 0]);
    assert!(guard.is_healthy());
}

#[test]
fn json_that_ends_early_is_rejected_with_the_place() {
    assert_rejected(br#"{"mode":"#, &["not valid JSON", "line 1 column 8"]);
}

#[test]
fn a_batch_that_ends_early_is_rejected_with_the_place() {
    assert_rejected(b"[{}", &["not valid JSON", "line 1 column 3"]);
}

#[test]
fn an_unknown_word_is_rejected_with_the_known_ones() {
    assert_rejected(b"repair", &["`repair`", "`verify`", "`plan`", "`remediate`"]);
}

#[test]
fn bytes_that_are_no_text_are_rejected() {
    assert_rejected(b"\xff\xfe{}", &["not UTF-8"]);
}

#[test]
fn an_unknown_key_is_rejected_with_the_known_ones() {
    assert_rejected(br#"{"dryRun":true}"#, &["`dryRun`", "`mode`", "`scope`", "`accounts`", "`planId`"]);
}

#[test]
fn a_wrong_value_is_rejected_with_its_key_and_the_right_ones() {
    assert_rejected(br#"{"mode":"repair"}"#, &["`mode`", "`repair`", "`verify`", "`plan`", "`remediate`"]);
}

#[test]
fn null_is_a_wrong_value_and_never_means_everything() {
    for key in ["mode", "scope", "accounts", "planId"] {
        assert_rejected(json!({key: null}).to_string().as_bytes(), &[&format!("`{key}`"), "`null` is not a value"]);
    }
    assert_rejected(br#"{"accounts":[null]}"#, &["`accounts[0]`", "null"]);
}

#[test]
fn a_role_cannot_be_named() {
    assert_rejected(br#"{"roleName":"AnotherRole"}"#, &["`roleName`"]);
}

#[test]
fn another_account_is_rejected_with_both_accounts() {
    assert_rejected(br#"{"accounts":["2234567890123456"]}"#, &["`2234567890123456`", &format!("`{ACCOUNT}`")]);
}

#[test]
fn a_wider_scope_is_rejected() {
    assert_rejected(br#"{"scope":"organization"}"#, &["`scope`", "`account`"]);
}

#[test]
fn a_hostile_key_is_shown_escaped_and_cut() {
    let emulator = broken_cloud();
    let event = json!({"\u{1b}[31m\u{202e}".to_owned() + &"x".repeat(5000): 1}).to_string();
    let report = guard(&emulator).invoke(event).report();
    let reason = report["reason"].as_str().unwrap();
    assert!(reason.contains("\\u{1b}[31m\\u{202e}") && reason.len() < 1000, "{reason}");
}

#[test]
fn deep_nesting_is_rejected_and_does_not_end_the_process() {
    assert_rejected(&vec![b'['; 100_000], &["not valid JSON", "recursion limit"]);
}

#[test]
fn an_event_of_two_mebibytes_is_too_large() {
    let emulator = broken_cloud();
    let guard = guard(&emulator);
    let reply = guard.invoke(vec![b' '; 2 * 1024 * 1024]);
    assert_eq!((reply.status, &reply.failure()["errorType"]), (413, &json!("EventTooLarge")));
    assert_says(&reply.failure()["errorMessage"], &["1048576 bytes", "2097152 bytes", "nothing ran"]);
    assert_eq!(emulator.operations(), [""; 0]);
    assert!(guard.is_healthy());
}

/// A run that cannot begin: no call at all.
fn assert_aborted(guard: &Guard, emulator: &Emulator, reply: &Reply, error_type: &str, words: &[&str]) {
    assert_eq!((reply.status, &reply.failure()["errorType"]), (404, &json!(error_type)), "{reply:?}");
    assert_says(&reply.failure()["errorMessage"], words);
    assert_eq!(emulator.operations(), [""; 0]);
    assert!(guard.is_healthy());
}

#[test]
fn empty_credentials_are_no_credentials_and_both_sources_are_named() {
    let emulator = broken_cloud();
    let guard = guard(&emulator);
    let empty = [("x-fc-access-key-id", ""), ("x-fc-access-key-secret", ""), ("x-fc-security-token", "")];
    let words = ["no credentials", "`x-fc-access-key-id`", "`ALIBABA_CLOUD_ACCESS_KEY_ID`", "give the function a role"];
    assert_aborted(&guard, &emulator, &guard.invoke_with("", &empty), "NoCredentials", &words);
}

#[test]
fn partial_credentials_are_refused_with_what_is_missing() {
    let emulator = broken_cloud();
    let guard = guard(&emulator);
    let reply = guard.invoke_with("", &[("x-fc-access-key-secret", ""), ("x-fc-security-token", "")]);
    let words = ["incomplete", "request headers", "`x-fc-access-key-secret` and `x-fc-security-token` missing"];
    assert_aborted(&guard, &emulator, &reply, "NoCredentials", &words);
    assert!(!reply.body.contains(KEY_ID), "{}", reply.body);
}

#[test]
fn partial_credentials_are_not_completed_from_the_environment() {
    let emulator = broken_cloud();
    let keys = [
        REMEDIATE,
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", KEY_SECRET),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN),
    ];
    let guard = Guard::start(&emulator, &keys);
    let reply = guard.invoke_with("", &[("x-fc-security-token", "")]);
    assert_aborted(&guard, &emulator, &reply, "NoCredentials", &["incomplete", "`x-fc-security-token` missing"]);
}

#[test]
fn wrong_settings_are_all_named_at_once() {
    let emulator = broken_cloud();
    let settings = [("DTS_GUARD_MODE", "repair"), ("DTS_GUARD_X", "1"), ("DTS_GUARD_NOTIFY", "x")];
    let guard = Guard::start(&emulator, &settings);
    let words = [
        "`DTS_GUARD_MODE` is `repair`: it takes `verify` or `plan` or `remediate`",
        "unknown setting `DTS_GUARD_X`; the settings are DTS_GUARD_MODE, ",
        "the 1st URL of `DTS_GUARD_NOTIFY` is no URL",
    ];
    assert_aborted(&guard, &emulator, &guard.invoke("verify"), "InvalidSettings", &words);
    // Also at start, where whoever deploys looks first.
    for name in ["DTS_GUARD_MODE", "DTS_GUARD_X", "DTS_GUARD_NOTIFY"] {
        guard.line_with(&format!("`{name}`"));
    }
}

#[test]
fn an_endpoint_that_is_not_the_vendors_is_refused_before_a_token_is_sent() {
    let emulator = broken_cloud();
    let guard = Guard::start_at("https://ram.aliyuncs.com.example", &[REMEDIATE]);
    let words = ["`DTS_GUARD_RAM_ENDPOINT`", "`DTS_GUARD_STS_ENDPOINT`", "aliyuncs.com"];
    assert_aborted(&guard, &emulator, &guard.invoke(""), "InvalidSettings", &words);
}

/// A run that could not find out: nothing was written, and it is said whether waiting helps.
fn assert_failed(guard: &Guard, reply: &Reply, operation: &str, words: &[&str]) {
    let failure = reply.failure();
    assert_eq!((reply.status, &failure["errorType"]), (404, &json!("Failed")), "{failure}");
    assert_says(&failure["errorMessage"], &[ACCOUNT, operation, "nothing was written"]);
    assert_says(&failure["errorMessage"], words);
    assert_eq!(failure["report"]["status"], "failed", "{failure}");
    let account = &failure["report"]["accounts"][0];
    assert_eq!((&account["accountId"], &account["error"]["operation"]), (&json!(ACCOUNT), &json!(operation)));
    assert_eq!(account["steps"], json!([]), "{failure}");
    assert!(guard.is_healthy());
}

fn assert_fault_is_reported(fault: Fault, words: &[&str]) {
    let emulator = broken_cloud();
    let fault = emulator.fault(fault);
    let guard = guard(&emulator);
    assert_failed(&guard, &guard.invoke_with("", &[SHORT]), "GetRole", words);
    assert_eq!(emulator.writes(), []);
    // With the cloud well again, the same process repairs: the silence before was not for want of work.
    drop(fault);
    assert_eq!(guard.invoke("").report()["status"], "remediated");
    assert_ne!(emulator.writes(), []);
}

const PASSES: &str = "it may pass: the next run looks again";
const STAYS: &str = "a person must mend it";

#[test]
fn a_refused_connection_is_reported() {
    // Nobody listens on port 1, and no system hands it out.
    let guard = Guard::start_at("http://127.0.0.1:1", &[REMEDIATE]);
    let reply = guard.invoke_with("", &[SHORT]);
    assert_failed(&guard, &reply, "GetRole", &["could not reach the cloud", "refused", PASSES]);
}

#[test]
fn a_denied_read_is_reported_with_its_code_and_needs_a_person() {
    let words = ["was denied", "code `NoPermission`", "request id `", STAYS];
    assert_fault_is_reported(Rule::on("GetRole").every().deny(), &words);
}

#[test]
fn a_service_that_is_unavailable_is_reported_and_may_pass() {
    let words = ["the service is unavailable", "code `ServiceUnavailable`", "request id `", PASSES];
    assert_fault_is_reported(Rule::on("GetRole").every().unavailable(), &words);
}

#[test]
fn throttling_is_reported_and_may_pass() {
    assert_fault_is_reported(Rule::on("GetRole").every().throttle(), &["was throttled", "`Throttling.User`", PASSES]);
}

#[test]
fn a_page_of_html_with_an_error_status_is_reported_without_its_text() {
    let words = ["got no readable reply", "HTTP 502", "html", "no error code in it", PASSES];
    assert_fault_is_reported(Rule::on("GetRole").every().html(502), &words);
}

#[test]
fn a_page_of_html_with_status_200_is_no_success() {
    let words = ["got no readable reply", "HTTP 200", "html", "no whole JSON", PASSES];
    assert_fault_is_reported(Rule::on("GetRole").every().html(200), &words);
}

#[test]
fn half_a_body_is_no_reply() {
    assert_fault_is_reported(Rule::on("GetRole").every().half_body(), &["got no readable reply", PASSES]);
}

#[test]
fn a_lost_reply_is_reported() {
    assert_fault_is_reported(Rule::on("GetRole").every().lose_before(), &["got no readable reply", PASSES]);
}

#[test]
fn a_cloud_that_never_answers_is_reported_before_the_platform_ends_the_run() {
    assert_fault_is_reported(Rule::on("GetRole").every().hang(), &["got no readable reply", "timed out", PASSES]);
}

#[test]
fn expired_keys_are_reported_as_such() {
    assert_fault_is_reported(
        Rule::on("GetRole").every().expired_token(),
        &["temporary keys have expired", "`InvalidSecurityToken.Expired`"],
    );
}

#[test]
fn a_wrong_secret_is_reported_without_being_shown() {
    let emulator = broken_cloud();
    let guard = guard(&emulator);
    let reply = guard.invoke_with("", &[("x-fc-access-key-secret", "another-secret"), SHORT]);
    let operation = reply.failure()["report"]["accounts"][0]["error"]["operation"].as_str().unwrap().to_owned();
    assert_failed(&guard, &reply, &operation, &["was denied", "`SignatureDoesNotMatch`", STAYS]);
    assert_eq!(emulator.writes(), []);
    let (_, lines) = guard.stop();
    for text in [reply.body, lines.join("\n")] {
        assert!(!text.contains("another-secret") && !text.contains(TOKEN), "{text}");
    }
}

#[test]
fn one_readable_half_of_the_role_is_not_enough() {
    let emulator = broken_cloud();
    let _denied = emulator.fault(Rule::on("ListPoliciesForRole").every().deny());
    let guard = guard(&emulator);
    let reply = guard.invoke_with("", &[SHORT]);
    assert_failed(&guard, &reply, "ListPoliciesForRole", &["was denied", "`NoPermission`", STAYS]);
    assert_eq!(emulator.writes(), []);
}

#[test]
fn a_repair_that_may_not_know_whose_keys_it_has_writes_nothing() {
    let emulator = broken_cloud();
    let _denied = emulator.fault(Rule::on("GetCallerIdentity").every().deny());
    let guard = guard(&emulator);
    let failure = guard.invoke_with("", &[SHORT]).failure();
    assert_says(&failure["errorMessage"], &["GetCallerIdentity", "was denied", "nothing was written"]);
    assert_eq!(emulator.writes(), []);
    assert!(guard.is_healthy());
}
