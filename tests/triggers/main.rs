//! The filter of each trigger in `s.yaml` against the sample events: what starts the guard, and what does not.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

mod pattern;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use pattern::Pattern;
use serde_json::{Value, json};
use testkit::deployment::triggers;
use testkit::read;

const EVENTS: &str = "tests/fixtures/events";

/// Every sample that a filter lets through. All others, in all other triggers, are kept back.
const MATCHES: [(&str, &str); 12] = [
    ("eventbridge-batch-odd.json", "role-changes"),
    ("eventbridge-batch-strings.json", "role-changes"),
    ("eventbridge-batch.json", "role-changes"),
    ("eventbridge-parameters-as-text.json", "role-changes"),
    ("eventbridge-rd-AcceptHandshake-email.json", "new-accounts"),
    ("eventbridge-rd-AcceptHandshake.json", "new-accounts"),
    ("eventbridge-rd-CreateResourceAccount-no-reply.json", "new-accounts"),
    ("eventbridge-rd-CreateResourceAccount.json", "new-accounts"),
    ("eventbridge-rd-MoveAccount.json", "new-accounts"),
    ("eventbridge-resource-names.json", "role-changes"),
    ("eventbridge-rm-DetachPolicy.json", "role-changes"),
    ("eventbridge-single.json", "role-changes"),
];

#[test]
fn each_sample_passes_the_filters_it_should_and_no_other() {
    let filters = filters();
    let mut passed = BTreeSet::new();
    for sample in samples() {
        for (trigger, filter) in &filters {
            if passes(filter, &sample) {
                passed.insert((sample.clone(), trigger.clone()));
            }
        }
    }
    assert_eq!(passed, MATCHES.map(|(sample, trigger)| (sample.to_owned(), trigger.to_owned())).into());
}

#[test]
fn no_write_to_the_role_is_missed_however_it_is_told() {
    for call in ["CreateRole", "UpdateRole", "DeleteRole", "AttachPolicyToRole", "DetachPolicyFromRole"] {
        for (place, value) in [
            ("/source", json!("acs.actiontrail")),
            ("/type", json!("actiontrail:ActionTrail:ApiCall")),
            ("/type", json!("ram:ActionTrail:ConsoleOperation")),
            ("/type", json!("ram:ActionTrail:AliyunServiceEvent")),
            ("/subject", Value::Null),
            ("/data/serviceName", json!("RAM")),
            ("/data/userAgent", json!("dts-role-guard/0.1.0")),
            ("/data/requestParameters", json!({"roleName": "aliyundtsdefaultrole"})),
            ("/data/errorCode", json!("")),
        ] {
            let event = changed("eventbridge-single.json", &[("/data/eventName", json!(call)), (place, value.clone())]);
            assert_eq!(triggers_of(&event), ["role-changes"], "{call} with {place} {value}");
        }
    }
}

#[test]
fn a_policy_that_is_attached_or_detached_through_resource_manager_is_told() {
    for call in ["AttachPolicy", "DetachPolicy"] {
        let event = changed("eventbridge-rm-DetachPolicy.json", &[("/data/eventName", json!(call))]);
        assert_eq!(triggers_of(&event), ["role-changes"], "{call}");
    }
}

#[test]
fn calls_that_change_neither_the_role_nor_a_membership_start_nothing() {
    let other =
        ["GetRole", "CreateUser", "TagResources", "DeletePolicy", "InviteAccountToResourceDirectory", "DeleteAccount"];
    for call in other {
        let event = changed("eventbridge-single.json", &[("/data/eventName", json!(call))]);
        assert_eq!(triggers_of(&event), [""; 0], "{call}");
    }
    let product = changed("eventbridge-single.json", &[("/type", json!("ram:Role:Updated"))]);
    assert_eq!(triggers_of(&product), [""; 0], "no audit record");
}

#[test]
fn an_account_that_is_made_or_joins_starts_the_guard() {
    for call in ["CreateResourceAccount", "CreateCloudAccount", "AcceptHandshake", "MoveAccount"] {
        let event = changed("eventbridge-rd-CreateResourceAccount.json", &[("/data/eventName", json!(call))]);
        assert_eq!(triggers_of(&event), ["new-accounts"], "{call}");
    }
}

/// The triggers with a filter, by name.
fn filters() -> Vec<(String, Pattern)> {
    let with_filter = triggers().into_iter().filter(|trigger| trigger["triggerType"] == "eventbridge");
    with_filter.map(|trigger| (trigger["triggerName"].as_str().unwrap().to_owned(), filter(&trigger))).collect()
}

fn filter(trigger: &Value) -> Pattern {
    let text = trigger["triggerConfig"]["eventRuleFilterPattern"].as_str().unwrap();
    Pattern::parse(text).unwrap_or_else(|mistake| panic!("{}: {mistake}", trigger["triggerName"]))
}

fn samples() -> Vec<String> {
    let files = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(EVENTS)).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| Path::new(name).extension().is_some_and(|end| end == "json")).collect()
}

/// A filter sees events one by one, before they are put into a batch. In our batches all agree.
fn passes(filter: &Pattern, sample: &str) -> bool {
    let passed: BTreeSet<_> = events(sample).iter().map(|event| filter.matches(event)).collect();
    assert_eq!(passed.len(), 1, "{sample}: the events of a batch do not agree");
    passed.contains(&true)
}

fn events(sample: &str) -> Vec<Value> {
    match event(sample) {
        // What is no event at all has come through no filter.
        Value::Array(batch) => batch.into_iter().map(unpacked).filter(Value::is_object).collect(),
        single => vec![single],
    }
}

/// Some batches hold their events as text.
fn unpacked(event: Value) -> Value {
    event.as_str().map(|text| serde_json::from_str(text).unwrap()).unwrap_or(event)
}

fn event(sample: &str) -> Value {
    serde_json::from_str(&read(&format!("{EVENTS}/{sample}"))).unwrap()
}

/// A sample with other values in some places.
fn changed(sample: &str, changes: &[(&str, Value)]) -> Value {
    let mut event = event(sample);
    for (place, value) in changes {
        let (parent, key) = place.rsplit_once('/').unwrap();
        event.pointer_mut(parent).unwrap()[key] = value.clone();
    }
    event
}

fn triggers_of(event: &Value) -> Vec<String> {
    filters().into_iter().filter(|(_, filter)| filter.matches(event)).map(|(trigger, _)| trigger).collect()
}
