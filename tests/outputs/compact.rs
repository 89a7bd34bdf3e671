//! What triggers get: never too long for the queues behind them.

use dts_role_guard::report::read;
use emulator::{DTS_POLICY, Member, Role, member_ids};
use proptest::prelude::*;
use serde_json::{Value, json};
use testkit::{Guard, fixture, members};

use crate::samples::{self, WORST};

const SENT: usize = 48 * 1024;
const QUOTED: usize = 60 * 1024;

/// As an encoder writes it that lets nothing pass but ASCII.
fn ascii_quoted(text: &str) -> usize {
    let quoted = serde_json::to_string(text).unwrap();
    quoted.chars().map(|character| if character.is_ascii() { 1 } else { 6 * character.len_utf16() }).sum()
}

fn assert_fits(body: &str) {
    assert!(body.len() <= SENT, "{} bytes are sent", body.len());
    let quoted = ascii_quoted(body);
    assert!(quoted <= QUOTED, "{quoted} bytes as a string");
}

fn assert_valid(report: &Value) {
    let schema = serde_json::from_str(include_str!("../../schema/report-v1.json")).unwrap();
    let errors: Vec<_> =
        jsonschema::validator_for(&schema).unwrap().iter_errors(report).map(|e| e.to_string()).collect();
    assert_eq!(errors, [""; 0]);
    let _ = read(&report.to_string()).unwrap();
}

const ORDER: [&str; 9] =
    ["stuck", "failed", "rolledBack", "refused", "drifted", "pending", "remediated", "authorized", "skipped"];

fn urgency(account: &Value) -> usize {
    ORDER.iter().position(|status| *status == account["status"]).unwrap()
}

/// Which accounts are kept, and how many are said to be missing.
fn assert_the_most_urgent_are_kept(whole: &Value, compact: &Value) {
    let is_worth_it = |account: &&Value| account["status"] != "authorized" || account.get("findings").is_some();
    let all: Vec<_> = whole["accounts"].as_array().unwrap().iter().filter(is_worth_it).collect();
    let kept = compact["accounts"].as_array().unwrap();
    let truncated = compact.get("truncated").map_or(0, |count| usize::try_from(count.as_u64().unwrap()).unwrap());
    assert_eq!(kept.len() + truncated, all.len());
    assert!(all.is_empty() || !kept.is_empty(), "the most urgent account is always there");
    let is_kept = |account: &&&Value| kept.iter().any(|other| other["accountId"] == account["accountId"]);
    let least_kept = kept.iter().map(urgency).max().unwrap_or_default();
    let left_out = all.iter().filter(|account| !is_kept(account)).map(|account| urgency(account));
    assert!(left_out.min().is_none_or(|most| most >= least_kept), "a less urgent account was kept instead");
}

fn text() -> impl Strategy<Value = String> {
    let repeated = |(text, times): (&str, usize)| text.repeat(times);
    prop_oneof![
        (prop::sample::select(&WORST[..]), prop_oneof![1..4usize, 300..4000usize]).prop_map(repeated),
        ".{0,300}"
    ]
}

fn accounts() -> impl Strategy<Value = Vec<(String, String)>> {
    let account = || (prop::sample::select(&ORDER[..]).prop_map(str::to_owned), text());
    prop_oneof![prop::collection::vec(account(), 0..6), prop::collection::vec(account(), 60..90)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_answer_to_a_trigger_is_too_long(accounts in accounts(), around in text(), name in text()) {
        let lines = accounts.iter().enumerate().map(|(number, (status, text))| match status.as_str() {
            "authorized" => samples::healthy(number),
            status => samples::broken(number, status, text),
        });
        let mut whole = samples::run("timer", &lines.collect::<Vec<_>>());
        whole["trigger"]["name"] = json!(name);
        whole["reason"] = json!(name);
        let error = json!({"operation": "ListAccounts", "code": name, "message": around.clone() + "x", "requestId": null});
        whole["errors"] = Value::Array(vec![error; 40]);
        let left_out = |record: usize| json!({"record": record, "reason": name.clone() + "x"});
        whole["ignored"] = (0..100).map(left_out).collect();
        let report = samples::of(&whole);
        let message = dts_role_guard::report::message_for_queues(&around);
        let body = json!({"errorMessage": message, "errorType": "Stuck", "stackTrace": [], "report": null}).to_string();
        let compact = report.compact(&body);
        assert_valid(&compact);
        assert_the_most_urgent_are_kept(&whole, &compact);
        let mut failed: Value = serde_json::from_str(&body).unwrap();
        failed["report"] = compact;
        assert_fits(&failed.to_string());
    }
}

#[test]
fn an_account_that_is_too_long_alone_is_cut_and_says_so() {
    let long = samples::broken(1, "stuck", &"x".repeat(100_000));
    let compact = samples::of(&samples::run("audit", &[long.clone(), samples::healthy(2)])).compact("");
    let line = &compact["accounts"][0];
    assert_eq!((&line["cut"], &line["accountId"]), (&json!(true), &long["accountId"]));
    assert_eq!(compact.get("truncated"), None);
    assert!(line.to_string().len() <= 15 * 1024);
    let ids =
        |account: &Value| account["findings"].as_array().unwrap().iter().map(|it| it["id"].clone()).collect::<Vec<_>>();
    assert_eq!(ids(line), ids(&long));
}

/// The real program: a healthy organization of 700 and a broken one, started by a timer and by a person.
#[test]
fn the_answer_to_a_timer_is_compact_and_a_person_gets_the_whole() {
    let settings = [("DTS_GUARD_MODE", "plan"), ("DTS_GUARD_SCOPE", "organization"), ("DTS_GUARD_RATE", "1000")];
    let timer = fixture("events/timer-empty-payload.json");
    let healthy = members(member_ids(70), |_, member| member.role(Role::dts()));
    let report = Guard::start(&healthy, &settings).invoke(&timer).report();
    assert_eq!((&report["accounts"], &report["summary"]["authorized"]), (&json!([]), &json!(71)));
    assert_valid(&report);
    let broken = |_: usize, member: Member| member.role(Role::dts().description(&"é\"".repeat(400)).detach(DTS_POLICY));
    let emulator = members(member_ids(70), broken);
    let guard = Guard::start(&emulator, &settings);
    let reply = guard.invoke(&timer);
    assert_fits(&reply.body);
    assert!(!reply.body.contains('\n'), "{}", reply.body);
    let report = reply.report();
    let kept = report["accounts"].as_array().unwrap().len() as u64;
    assert_eq!(report["truncated"].as_u64().unwrap() + kept, 70, "{report}");
    assert_valid(&report);
    let whole = guard.invoke("plan").report();
    assert_eq!((whole["accounts"].as_array().unwrap().len(), whole.get("truncated")), (71, None));
    assert_valid(&whole);
}
