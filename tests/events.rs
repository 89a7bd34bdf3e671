//! Every sample event, unchanged, to the real program: what it answers and which cloud calls it makes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::BTreeSet;

use emulator::{DTS_POLICY, DTS_ROLE, Emulator, Role};
use serde_json::{Value, json};
use testkit::{ACCOUNT, Guard, MEMBERS, REQUEST_ID, broken_cloud, fixture, fixture_names, healthy_cloud, organization};

const TIMERS: [&str; 3] = ["timer.json", "timer-empty-payload.json", "timer-json-payload.json"];
const REJECTED: [&str; 5] = [
    "console-test.json",
    "function-error-body.json",
    "http-trigger-response.json",
    "platform-error-legacy.json",
    "platform-error-v3.json",
];
/// A timer drops the answer, so this one is a failure.
const MISTYPED_TIMER: &str = "timer-json-payload-unknown-key.json";
/// A record of a new member that is not named.
const UNNAMED_MEMBER: &str = "eventbridge-rd-CreateResourceAccount-no-reply.json";
/// With what the reason must say.
const IGNORED: [(&str, &str); 9] = [
    ("async-destination-failure.json", "a record of an asynchronous invocation"),
    ("async-destination-success.json", "a record of an asynchronous invocation"),
    ("eventbridge-product-event.json", "`NoSnapshot` names no role"),
    ("eventbridge-rd-InviteAccountToResourceDirectory.json", "an invited account is not a member yet"),
    ("http-trigger-event-base64.json", "an event of an HTTP trigger"),
    ("http-trigger-event.json", "an event of an HTTP trigger"),
    ("mns-notice.json", "a notice of MNS"),
    ("oss-notice.json", "a notice of OSS"),
    ("sls-notice.json", "a notice of SLS"),
];
/// Records of writes to our role, with the reason that the report gives.
const WRITES: [(&str, &str); 9] = [
    ("eventbridge-batch-odd.json", "`DeleteRole` on the role by `alice`"),
    ("eventbridge-batch-strings.json", "`DetachPolicyFromRole` on the role by `alice`; 1 more in the same batch"),
    ("eventbridge-batch.json", "`DetachPolicyFromRole` on the role by `alice`; 1 more in the same batch"),
    ("eventbridge-data-only.json", "`DetachPolicyFromRole` on the role by `alice`"),
    ("eventbridge-dts-role-not-found.json", "`ConfigureDtsJob` of DTS gave the code `EntityNotExist.Role`"),
    ("eventbridge-parameters-as-text.json", "`DetachPolicyFromRole` on the role by `alice`"),
    ("eventbridge-resource-names.json", "`DetachPolicyFromRole` on the role by `alice`"),
    ("eventbridge-rm-DetachPolicy.json", "`DetachPolicy` on the role by `alice`"),
    ("eventbridge-single.json", "`DetachPolicyFromRole` on the role by `alice`"),
];
/// Records of new members, with the account that is to be looked at.
const NEW_MEMBERS: [(&str, &str); 4] = [
    ("eventbridge-rd-AcceptHandshake-email.json", "4234567890123456"),
    ("eventbridge-rd-AcceptHandshake.json", "3234567890123456"),
    ("eventbridge-rd-CreateResourceAccount.json", "2234567890123456"),
    ("eventbridge-rd-MoveAccount.json", "2234567890123456"),
];

/// The settings of the samples' list of outcomes.
const ORGANIZATION: [(&str, &str); 2] = [("DTS_GUARD_MODE", "remediate"), ("DTS_GUARD_SCOPE", "organization")];

fn guard(emulator: &Emulator) -> Guard {
    Guard::start(emulator, &[("DTS_GUARD_MODE", "remediate")])
}

fn event(name: &str) -> String {
    fixture(&format!("events/{name}"))
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
    assert_eq!((&report["summary"]["accounts"], &report["summary"]["authorized"]), (&json!(1), &json!(1)));
    // What triggers get leaves out who is in order.
    let by_hand = trigger["kind"] == "manual";
    let account = report["accounts"].get(0).map_or(&Value::Null, |line| &line["accountId"]);
    assert_eq!(account, &if by_hand { json!(ACCOUNT) } else { Value::Null });
}

fn nightly() -> Value {
    json!({"kind": "timer", "name": "nightly-verify"})
}

fn by_hand() -> Value {
    json!({"kind": "manual", "name": null})
}

#[test]
fn every_sample_event_has_an_expected_outcome() {
    let records = WRITES.into_iter().chain(NEW_MEMBERS).chain(IGNORED).map(|(name, _)| name);
    let others = TIMERS.into_iter().chain(REJECTED).chain([MISTYPED_TIMER, UNNAMED_MEMBER]);
    let known: BTreeSet<_> = others.chain(records).map(str::to_owned).collect();
    assert_eq!(known, fixture_names("events").into_iter().collect());
}

#[test]
fn a_timer_with_the_word_verify_only_looks() {
    let emulator = healthy_cloud();
    let report = guard(&emulator).invoke(event("timer.json")).report();
    assert_authorized(&report, "verify", &nightly());
    assert_only_looked(&emulator);
}

#[test]
fn a_timer_with_the_word_verify_finds_drift_and_writes_nothing_although_the_settings_allow_it() {
    let emulator = broken_cloud();
    let report = guard(&emulator).invoke(event("timer.json")).report();
    assert_eq!((&report["status"], &report["mode"]), (&json!("drifted"), &json!("verify")), "{report}");
    assert_only_looked(&emulator);
}

#[test]
fn a_timer_without_a_payload_takes_the_settings_mode() {
    let emulator = healthy_cloud();
    let report = guard(&emulator).invoke(event("timer-empty-payload.json")).report();
    assert_authorized(&report, "remediate", &nightly());
    assert_only_looked(&emulator);
}

#[test]
fn a_timer_with_a_json_payload_checks_the_own_account_in_its_mode() {
    let emulator = healthy_cloud();
    let report = guard(&emulator).invoke(event("timer-json-payload.json")).report();
    assert_authorized(&report, "remediate", &nightly());
    assert_only_looked(&emulator);
}

#[test]
fn a_timer_with_a_json_payload_repairs_what_is_broken() {
    let emulator = broken_cloud();
    let report = guard(&emulator).invoke(event("timer-json-payload.json")).report();
    assert_eq!((&report["status"], &report["mode"]), (&json!("remediated"), &json!("remediate")), "{report}");
    let role = emulator.role(ACCOUNT, DTS_ROLE).unwrap();
    assert!(role.policies.iter().any(|policy| policy.name == DTS_POLICY), "{role:?}");
}

#[test]
fn a_timer_cannot_widen_the_mode_of_the_settings() {
    let emulator = broken_cloud();
    let failure = Guard::start(&emulator, &[]).invoke(event("timer-json-payload.json")).failure();
    let report = &failure["report"];
    assert_eq!((&failure["errorType"], &report["status"]), (&json!("Rejected"), &json!("rejected")), "{failure}");
    assert!(report["reason"].as_str().unwrap().contains("wider than the settings allow"), "{report}");
    assert_silent(&emulator);
}

#[test]
fn a_record_of_a_write_to_the_role_repairs_its_account_once() {
    for (name, reason) in WRITES {
        let emulator = organization(Role::dts().detach(DTS_POLICY));
        let report = Guard::start(&emulator, &ORGANIZATION).invoke(event(name)).report();
        assert_eq!((&report["status"], &report["summary"]["accounts"]), (&json!("remediated"), &json!(1)), "{report}");
        assert_eq!(report["trigger"], json!({"kind": "audit", "name": null}), "{name}");
        let account = &report["accounts"][0];
        assert_eq!((&account["accountId"], &account["reason"]), (&json!(ACCOUNT), &json!(reason)), "{name}");
        assert!(!emulator.operations().iter().any(|call| call == "GetAccount" || call == "AssumeRole"), "{name}");
    }
}

#[test]
fn a_record_of_a_new_member_repairs_that_member_and_no_other_account() {
    for (name, member) in NEW_MEMBERS {
        let emulator = organization(Role::dts().detach(DTS_POLICY));
        let others = || -> Vec<_> {
            let others = MEMBERS.into_iter().chain([ACCOUNT]).filter(|id| *id != member);
            others.map(|id| emulator.role(id, DTS_ROLE)).collect()
        };
        let before = others();
        let report = Guard::start(&emulator, &ORGANIZATION).invoke(event(name)).report();
        assert_eq!((&report["status"], &report["summary"]["accounts"]), (&json!("remediated"), &json!(1)), "{report}");
        assert_eq!(report["trigger"], json!({"kind": "member", "name": null}), "{name}");
        assert_eq!(report["accounts"][0]["accountId"], member, "{name}");
        assert_eq!(emulator.operations()[..2], ["GetAccount", "AssumeRole"], "{name}");
        assert!(emulator.writes().iter().all(|call| call.account.as_deref() == Some(member)), "{name}");
        assert_eq!(others(), before, "{name}");
    }
}

#[test]
fn a_new_member_is_outside_the_scope_account() {
    let emulator = organization(Role::dts());
    let guard = guard(&emulator);
    for (name, member) in NEW_MEMBERS {
        let report = guard.invoke(event(name)).report();
        assert_eq!((&report["status"], &report["accounts"]), (&json!("ignored"), &json!([])), "{name}: {report}");
        assert!(report["ignored"][0]["reason"].as_str().unwrap().contains(member), "{report}");
    }
    assert_silent(&emulator);
}

#[test]
fn a_repeated_and_a_late_event_do_no_harm() {
    let emulator = organization(Role::dts().detach(DTS_POLICY));
    let guard = Guard::start(&emulator, &ORGANIZATION);
    for name in ["eventbridge-single.json", "eventbridge-rd-CreateResourceAccount.json"] {
        assert_eq!(guard.invoke(event(name)).report()["status"], "remediated", "{name}");
    }
    let writes = emulator.writes().len();
    for name in ["eventbridge-rd-CreateResourceAccount.json", "eventbridge-single.json", "eventbridge-batch.json"] {
        assert_eq!(guard.invoke(event(name)).report()["status"], "authorized", "{name}");
    }
    assert_eq!(emulator.writes().len(), writes);
}

#[test]
fn what_is_none_for_the_guard_is_ignored_with_a_reason_and_without_a_call() {
    let emulator = organization(Role::dts().detach(DTS_POLICY));
    let guard = Guard::start(&emulator, &ORGANIZATION);
    for (name, reason) in IGNORED {
        let report = guard.invoke(event(name)).report();
        assert_eq!((&report["status"], &report["mode"]), (&json!("ignored"), &json!("remediate")), "{name}: {report}");
        let kind = match name {
            name if name.starts_with("eventbridge-rd") => "member",
            name if name.starts_with("eventbridge") => "audit",
            _ => "manual",
        };
        assert_eq!(report["trigger"], json!({"kind": kind, "name": null}), "{name}");
        assert!(report["reason"].as_str().unwrap().contains(reason), "{name}: {report}");
        assert_eq!((&report["accounts"], &report["summary"]["accounts"]), (&json!([]), &json!(0)), "{name}");
    }
    assert_silent(&emulator);
}

/// The sample does not say which account was created, and in this directory none joined lately.
#[test]
fn a_new_member_that_is_not_named_is_looked_for_in_the_directory() {
    let emulator = organization(Role::dts());
    let report = Guard::start(&emulator, &ORGANIZATION).invoke(event(UNNAMED_MEMBER)).report();
    assert_eq!((&report["status"], &report["trigger"]["kind"]), (&json!("ignored"), &json!("member")), "{report}");
    assert!(report["ignored"][0]["reason"].as_str().unwrap().contains("no member joined within a day"), "{report}");
    assert_eq!(emulator.operations(), ["ListAccounts"]);
    let report = guard(&emulator).invoke(event(UNNAMED_MEMBER)).report();
    assert_eq!(report["status"], "ignored", "{report}");
    assert_eq!(emulator.operations(), ["ListAccounts"], "nothing is asked with the scope `account`");
}

/// What is in order is counted, and the accounts of the members are told.
#[test]
fn a_timer_over_the_organization_looks_at_every_account() {
    let emulator = organization(Role::dts());
    let guard = Guard::start(&emulator, &ORGANIZATION);
    for (name, mode, outcome) in
        [("timer.json", "verify", "drifted"), ("timer-empty-payload.json", "remediate", "remediated")]
    {
        let report = guard.invoke(event(name)).report();
        assert_eq!((&report["mode"], &report["trigger"]["kind"]), (&json!(mode), &json!("timer")), "{name}: {report}");
        assert_eq!(report["summary"][outcome], MEMBERS.len(), "{name}: {report}");
        assert_eq!(report["accounts"].as_array().unwrap().len(), MEMBERS.len(), "{name}: the own account is in order");
        assert_eq!(emulator.writes().is_empty(), mode == "verify");
    }
    let example = guard.invoke("me").report()["example"].to_string();
    assert_authorized(&guard.invoke(example).report(), "verify", &by_hand());
    assert_authorized(&guard.invoke(event("timer-json-payload.json")).report(), "remediate", &nightly());
}

#[test]
fn what_is_no_event_is_rejected_with_an_example_and_without_a_call() {
    let emulator = broken_cloud();
    let guard = guard(&emulator);
    for name in REJECTED {
        let report = guard.invoke(event(name)).report();
        assert_eq!((&report["status"], &report["mode"]), (&json!("rejected"), &json!("remediate")), "{name}: {report}");
        assert_eq!(report["trigger"], by_hand(), "{name}");
        assert!(report["reason"].as_str().unwrap().contains("unknown field"), "{name}: {report}");
        assert_eq!((&report["example"], &report["accounts"]), (&json!({"mode": "verify"}), &json!([])), "{name}");
    }
    assert_silent(&emulator);
}

#[test]
fn a_mistyped_timer_is_a_failure_since_nobody_reads_its_answer() {
    let emulator = broken_cloud();
    let guard = guard(&emulator);
    let typed = |payload: Value| {
        json!({"triggerTime": "2025-11-24T02:00:00Z", "triggerName": "nightly-verify", "payload": payload}).to_string()
    };
    let events = [event(MISTYPED_TIMER), typed(json!("repair")), typed(json!("{\"mode\":null}")), typed(json!(null))];
    for event in events {
        let failure = guard.invoke(&event).failure();
        assert_eq!((&failure["errorType"], &failure["report"]["status"]), (&json!("Rejected"), &json!("rejected")));
        assert_eq!(failure["report"]["trigger"], nightly(), "{failure}");
        assert_eq!(failure["report"]["example"], json!({"mode": "verify"}), "{failure}");
        let reason = failure["report"]["reason"].as_str().unwrap();
        let said = failure["errorMessage"].as_str().unwrap();
        assert!(said.contains("`nightly-verify`") && said.contains(reason), "{said}");
    }
    assert_silent(&emulator);
}

#[test]
fn the_example_in_a_rejection_is_itself_accepted() {
    let emulator = healthy_cloud();
    let guard = guard(&emulator);
    let example = guard.invoke(event("console-test.json")).report()["example"].to_string();
    assert_authorized(&guard.invoke(example).report(), "verify", &by_hand());
    assert_only_looked(&emulator);
}

fn assert_reason_names(report: &Value, wrong: &str) {
    let reason = report["reason"].as_str().unwrap();
    for word in [wrong, "mode", "scope", "accounts", "planId"] {
        assert!(reason.contains(&format!("`{word}`")), "{word}: {reason}");
    }
}

#[test]
fn an_unknown_key_of_a_timer_is_named_with_those_that_exist() {
    let failure = guard(&broken_cloud()).invoke(event(MISTYPED_TIMER)).failure();
    assert_reason_names(&failure["report"], "roleName");
}

#[test]
fn an_unknown_key_of_the_consoles_template_is_named_with_those_that_exist() {
    assert_reason_names(&guard(&broken_cloud()).invoke(event("console-test.json")).report(), "key1");
}
