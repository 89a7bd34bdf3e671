//! A run over the whole organization: who is looked at, what holds it back, and what the next run starts with.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod brake;
mod deadline;
mod exceptions;
mod folders;
mod kill;
mod limits;
mod listing;
mod outcomes;
mod phases;

use std::collections::BTreeSet;

use dts_role_guard::report::Report;
use emulator::{Call, DTS_POLICY, DTS_ROLE, Emulator, Member, Seed, member_ids};
use serde_json::Value;
use testkit::{Lab, json, truth};

/// Members of which the first so many are broken.
fn organization(members: usize, broken: usize) -> Lab {
    organization_of(members, |index, member| {
        member.seed(if index < broken { BROKEN[index % 3] } else { Seed::Healthy })
    })
}

const BROKEN: [Seed; 3] = [Seed::Missing, Seed::Trust, Seed::Extras];

fn organization_of(members: usize, seed: impl Fn(usize, Member) -> Member) -> Lab {
    Lab::organization(|directory| directory.members(member_ids(members), seed))
}

fn id(number: usize) -> String {
    member_ids(number).last().unwrap()
}

fn timer(payload: &str) -> Value {
    serde_json::json!({"triggerTime": "2026-11-24T02:00:00Z", "triggerName": "nightly", "payload": payload})
}

/// What a timer without a payload asks for.
async fn sweep(lab: &Lab) -> Report {
    lab.invoke(&timer("")).await
}

/// The whole report, which is what the schema says it is, each account once.
fn checked(report: &Report) -> Value {
    let json = json(report);
    assert_valid(&json);
    let lines = json["accounts"].as_array().unwrap();
    let distinct: BTreeSet<_> = lines.iter().map(|line| line["accountId"].as_str().unwrap()).collect();
    assert_eq!(distinct.len(), lines.len(), "an account twice: {json}");
    json
}

fn line<'a>(report: &'a Value, account: &str) -> &'a Value {
    let lines = report["accounts"].as_array().unwrap();
    lines.iter().find(|line| line["accountId"] == account).unwrap_or_else(|| panic!("{account} is missing: {report}"))
}

fn with_status<'a>(report: &'a Value, status: &str) -> Vec<&'a Value> {
    report["accounts"].as_array().unwrap().iter().filter(|line| line["status"] == status).collect()
}

fn ids(lines: &[&Value]) -> Vec<String> {
    lines.iter().map(|line| line["accountId"].as_str().unwrap().to_owned()).collect()
}

fn next(line: &Value) -> &str {
    line["next"].as_str().unwrap()
}

/// The accounts that were entered, in order.
fn entered(lab: &Lab) -> Vec<String> {
    entries(&lab.emulator.calls())
}

fn entries(calls: &[Call]) -> Vec<String> {
    let entries = calls.iter().filter(|call| call.operation == "AssumeRole");
    entries.map(|call| call.params["RoleArn"].split(':').nth(3).unwrap().to_owned()).collect()
}

/// Whether the cloud itself says that DTS can work there.
fn is_authorized(emulator: &Emulator, account: &str) -> bool {
    truth::authorized(emulator.role(account, DTS_ROLE).as_ref())
}

fn assert_valid(report: &Value) {
    let schema = serde_json::from_str(include_str!("../../schema/report-v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(report).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0], "{report:#}");
}
