//! `s.yaml` against the vendor's own schema of a function, made strict: no key that the schema does not know.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

use std::collections::BTreeSet;

use authorization::settings::Scope;
use dts_role_guard::config::{Config, Variables};
use jsonschema::Validator;
use serde_json::{Value, json};
use testkit::deployment::{blocks, deployment, filled_in, parse, switched_on, triggers, with_block};
use testkit::read;

/// The kinds of triggers that we use, and what the vendor's schema calls their configuration.
const KINDS: [(&str, &str); 2] = [("timer", "ITimerTriggerConfig"), ("eventbridge", "IEventBridge")];

#[test]
fn every_resource_is_a_function_that_fc3_accepts() {
    let document = deployment();
    let schema = strict_schema();
    let resources = document["resources"].as_object().unwrap();
    assert!(!resources.is_empty());
    for (name, resource) in resources {
        assert_eq!(resource["component"], "fc3", "{name}");
        assert_eq!(mistakes(&schema, &resource["props"]), "", "{name}");
    }
}

#[test]
fn a_misspelt_key_and_a_wrong_value_are_found() {
    let schema = strict_schema();
    let props = deployment()["resources"]["guard"]["props"].clone();
    let wrong = [
        ("/memorysize", json!(256)),
        ("/diskSize", json!(513)),
        ("/memorySize", json!(200)),
        ("/customRuntimeConfig/ports", json!(9000)),
        ("/asyncInvokeConfig/destinationConfig/onFailure/arn", json!("acs:mns")),
        ("/triggers/0/triggerType", json!("http")),
        ("/triggers/0/triggerType", json!("eventbridge")),
        ("/triggers/0/triggerConfig/enabled", json!(true)),
        ("/triggers/1/triggerType", json!("timer")),
        ("/triggers/1/triggerConfig/enable", json!(true)),
        ("/triggers/1/triggerConfig/eventRuleFilterPattern", json!({"source": ["acs.ram"]})),
        ("/triggers/1/triggerConfig/eventSourceConfig/eventSourceType", json!("MNS")),
        ("/triggers/1/triggerConfig/eventSourceConfig/eventSourceParameters/QueueName", json!("q")),
        ("/triggers/1/triggerConfig/eventSinkConfig/deliveryOption/eventSchema", json!("CloudEvent")),
        ("/triggers/1/triggerConfig/runOptions/mode", json!("event-streaming")),
        ("/triggers/1/triggerConfig/runOptions/batchWindow", json!({"CountBasedWindow": 2})),
        ("/triggers/1/triggerConfig/runOptions/retryStrategy", json!({})),
        ("/triggers/1/triggerConfig/runOptions/retryStrategy/PushRetryStrategy", json!("BACKOFF")),
        ("/triggers/1/triggerConfig/runOptions/deadLetterQueue", json!({})),
        ("/triggers/1/triggerConfig/runOptions/deadLetterQueue/Arn", json!("dts-role-guard-failures")),
        ("/triggers/1/triggerConfig/runOptions/deadLetterQueue/arn", json!("acs:mns")),
        ("/environmentVariables/DTS_GUARD_RATE", json!(10)),
    ];
    for (place, value) in wrong {
        let (parent, key) = place.rsplit_once('/').unwrap();
        let mut props = props.clone();
        props.pointer_mut(parent).unwrap()[key] = value;
        assert_ne!(mistakes(&schema, &props), "", "{place}");
    }
}

#[test]
fn what_fails_for_good_goes_to_one_queue() {
    let document = deployment();
    let queue = document["vars"]["failures"].as_str().unwrap();
    let settings = &document["resources"]["guard"]["props"]["asyncInvokeConfig"];
    assert_eq!(settings["destinationConfig"]["onFailure"]["destination"], format!("{queue}/messages"));
    let rules = triggers().into_iter().filter(|trigger| trigger["triggerType"] == "eventbridge");
    let dead_letters: Vec<_> =
        rules.map(|rule| rule["triggerConfig"]["runOptions"]["deadLetterQueue"]["Arn"].clone()).collect();
    assert_eq!(dead_letters, [queue, queue]);
}

#[test]
fn the_policies_are_about_the_same_queues_log_folder_and_role() {
    let document = deployment();
    let policy = |file: &str| -> Value { serde_json::from_str(&read(&format!("policies/{file}"))).unwrap() };
    let queue = document["vars"]["failures"].as_str().unwrap();
    assert_eq!(policy("failures.json")["Statement"][0]["Resource"], format!("{queue}/messages"));
    let reports = with_block("success")["vars"]["reports"].as_str().unwrap().to_owned();
    assert_eq!(policy("reports.json")["Statement"][0]["Resource"], format!("{reports}/messages"));
    let log = &props("logs")["logConfig"];
    let store = format!("project/{}/logstore/{}", text(&log["project"]), text(&log["logstore"]));
    assert!(text(&policy("logs.json")["Statement"][0]["Resource"]).ends_with(&format!("1234567890123456:{store}")));
    let mount = &props("oss")["ossMountConfig"]["mountPoints"][0];
    let folder = format!("{}{}", text(&mount["bucketName"]), text(&mount["bucketPath"]));
    let resources = |statement: usize| policy("journal-oss.json")["Statement"][statement]["Resource"].clone();
    assert!(text(&resources(0)).ends_with(&format!(":{}", text(&mount["bucketName"]))));
    assert!(text(&resources(1)).ends_with(&format!(":{folder}/*")));
    assert_eq!(policy("member-trust.json")["Statement"][0]["Principal"]["RAM"][0], document["vars"]["role"]);
}

#[test]
fn every_trigger_has_its_name_and_the_timer_comes_first() {
    let names: Vec<_> = triggers().iter().map(|trigger| trigger["triggerName"].clone()).collect();
    assert_eq!(names, ["nightly", "role-changes", "new-accounts"]);
}

#[test]
fn what_is_commented_out_is_accepted_too() {
    let schema = strict_schema();
    assert_eq!(
        blocks(),
        ["alias", "logs", "nas", "organization", "oss", "settings", "success"].map(str::to_owned).into()
    );
    for block in blocks() {
        assert_ne!(props(&block), deployment()["resources"]["guard"]["props"], "{block}");
    }
    let all = combinations();
    // Each alone or not, but for `nas` with `oss`.
    assert_eq!(all.len(), 3 << (blocks().len() - 2));
    for (names, text) in all {
        let props = &filled_in(&text)["resources"]["guard"]["props"];
        assert_eq!(mistakes(&schema, props), "", "{names:?}");
        assert_eq!(Config::from_variables(&settings(props)).err(), None, "{names:?}");
        assert!(has_a_ratio_that_is_allowed(props), "{names:?}");
    }
}

#[test]
fn two_journal_folders_are_noticed() {
    let both = switched_on(&switched_on(&read("s.yaml"), "nas"), "oss");
    assert_eq!(parse(&both), None, "a key stands there twice");
}

#[test]
fn the_page_puts_account_region_and_mode_in_their_place() {
    let page = read("docs/deploying.md");
    let command = page.lines().find(|line| line.starts_with("sed -i.bak \"")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("s.yaml"), read("s.yaml")).unwrap();
    let command = format!("account=2234567890123456 region=cn-shanghai\n{command}");
    let status = std::process::Command::new("sh").args(["-c", &command]).current_dir(folder.path()).status().unwrap();
    assert!(status.success());
    let text = std::fs::read_to_string(folder.path().join("s.yaml")).unwrap();
    assert!(!text.contains("1234567890123456") && !text.contains("cn-hangzhou"));
    let props = filled_in(&text)["resources"]["guard"]["props"].clone();
    assert_eq!(props["region"], "cn-shanghai");
    assert_eq!(props["role"], "acs:ram::2234567890123456:role/dts-role-guard-role");
    assert_eq!(props["environmentVariables"], json!({"DTS_GUARD_MODE": "verify"}));
}

/// `s.yaml` with every choice of blocks, made by its own command.
fn combinations() -> Vec<(Vec<String>, String)> {
    let mut all = vec![(Vec::new(), read("s.yaml"))];
    for block in blocks() {
        let more = all.iter().filter(|(names, _)| block != "oss" || !names.contains(&"nas".to_owned()));
        let more: Vec<_> = more
            .map(|(names, text)| ([&names[..], std::slice::from_ref(&block)].concat(), switched_on(text, &block)))
            .collect();
        all.extend(more);
    }
    all
}

#[test]
fn every_setting_stands_in_it() {
    let named: BTreeSet<_> = blocks().iter().flat_map(|block| variables(&props(block)).into_keys()).collect();
    let settings = read("docs/settings.md");
    let table = settings.lines().filter(|line| line.starts_with("| `DTS_GUARD_"));
    let documented = table.map(|line| line.split('`').nth(1).unwrap().to_owned());
    // Where the cloud is, nobody needs to say.
    assert_eq!(named, documented.filter(|name| !name.ends_with("_ENDPOINT")).collect());
}

#[test]
fn a_journal_folder_is_where_it_is_mounted() {
    for (block, kind) in [("nas", "nasConfig"), ("oss", "ossMountConfig")] {
        let props = props(block);
        let folder = variables(&props)["DTS_GUARD_JOURNAL_DIR"].clone();
        assert_eq!(props[kind]["mountPoints"][0]["mountDir"], folder, "{block}");
    }
}

#[test]
fn the_other_reports_go_to_another_queue() {
    let destinations = props("success")["asyncInvokeConfig"]["destinationConfig"].clone();
    let queue = |kind: &str| destinations[kind]["destination"].as_str().unwrap().to_owned();
    assert_eq!(queue("onSuccess").replace("-reports/", "-failures/"), queue("onFailure"));
    assert_ne!(queue("onSuccess"), queue("onFailure"));
}

#[test]
fn an_alias_is_for_every_trigger_and_for_the_settings_of_their_runs() {
    let props = props("alias");
    let alias = &props["asyncInvokeConfig"]["qualifier"];
    assert!(alias.is_string());
    assert!(props["triggers"].as_array().unwrap().iter().all(|trigger| trigger["qualifier"] == *alias));
}

#[test]
fn an_organization_gets_more_time_and_processor() {
    let (props, small) = (props("organization"), &deployment()["resources"]["guard"]["props"]);
    for key in ["timeout", "cpu"] {
        assert!(props[key].as_f64() > small[key].as_f64(), "{key}");
    }
    assert!(has_a_ratio_that_is_allowed(&props));
    assert_eq!(Config::from_variables(&settings(&props)).unwrap().scope, Scope::Organization);
}

#[test]
fn the_guard_is_deployed_as_it_is_documented() {
    let props = &deployment()["resources"]["guard"]["props"];
    assert_eq!(props["environmentVariables"], json!({"DTS_GUARD_MODE": "remediate"}));
    assert_eq!(props["concurrencyConfig"]["reservedConcurrency"], 1, "two guards must not work on one role at once");
    assert_eq!(props["instanceConcurrency"], 1);
    let initializer = &props["instanceLifecycleConfig"]["initializer"];
    assert_eq!(initializer["timeout"], 3, "the program stops its own after 2.5 s, to say why");
    let role = props["role"].as_str().unwrap();
    assert_eq!(role, role.to_lowercase(), "fc3 lower-cases it");
    assert!(has_a_ratio_that_is_allowed(props));
}

/// The function with a block.
fn props(block: &str) -> Value {
    with_block(block)["resources"]["guard"]["props"].clone()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn variables(props: &Value) -> Variables {
    serde_json::from_value(props["environmentVariables"].clone()).unwrap()
}

/// As the guard would read them, but for a file that is in the package.
fn settings(props: &Value) -> Variables {
    let mut variables = variables(props);
    variables.remove("DTS_GUARD_EXCEPTIONS");
    variables
}

/// 1 to 4 GB for each vCPU.
fn has_a_ratio_that_is_allowed(props: &Value) -> bool {
    let memory_per_core = props["memorySize"].as_f64().unwrap() / 1024.0 / props["cpu"].as_f64().unwrap();
    (1.0..=4.0).contains(&memory_per_core)
}

fn strict_schema() -> Validator {
    let mut schema: Value = serde_json::from_str(&read("tests/fixtures/fc3-schema.json")).unwrap();
    say_what_is_left_open(&mut schema["definitions"]["IEventBridge"]["properties"]);
    close(&mut schema);
    tell_triggers_apart(&mut schema["definitions"]["ITrigger"]);
    jsonschema::validator_for(&schema).unwrap()
}

/// The vendor's schema lets three objects hold anything. These are their keys in the API reference (`RunOptions` and its
/// parts), as far as they are for the bus `default`: no batches, no parameters of a source, no limit of concurrent pushes.
fn say_what_is_left_open(event_bridge: &mut Value) {
    let source = &mut event_bridge["eventSourceConfig"]["properties"];
    source["eventSourceType"] = json!({"const": "Default"});
    source["eventSourceParameters"] = json!({"type": "object", "maxProperties": 0});
    let delivery = &mut event_bridge["eventSinkConfig"]["properties"]["deliveryOption"];
    *delivery = object(&json!({"eventSchema": {"enum": ["CloudEvents", "RawData"]}}));
    event_bridge["runOptions"] = object(&json!({
        "mode": {"const": "event-driven"},
        "errorsTolerance": {"enum": ["NONE", "ALL"]},
        "retryStrategy": object(&json!({"PushRetryStrategy": {"enum": ["BACKOFF_RETRY", "EXPONENTIAL_DECAY_RETRY"]}})),
        "deadLetterQueue": object(&json!({"Arn": {"pattern": "^acs:mns:[a-z0-9-]+:[0-9]{16}:/queues/[A-Za-z0-9-]+$"}})),
    }));
}

/// A schema of an object that has exactly these keys.
fn object(properties: &Value) -> Value {
    let keys: Vec<_> = properties.as_object().unwrap().keys().collect();
    json!({"type": "object", "properties": properties, "required": keys})
}

/// Any trigger may have the configuration of any kind in the vendor's schema, and one kind allows everything. Here each has
/// that of its own kind.
fn tell_triggers_apart(trigger: &mut Value) {
    let kinds = KINDS.map(|(kind, definition)| {
        let configuration = json!({"$ref": format!("#/definitions/{definition}")});
        json!({
            "if": {"properties": {"triggerType": {"const": kind}}},
            "then": {"properties": {"triggerConfig": configuration}},
        })
    });
    trigger["properties"]["triggerType"] = json!({"enum": KINDS.map(|(kind, _)| kind)});
    trigger["properties"]["triggerConfig"] = json!(true);
    trigger["allOf"] = json!(kinds);
}

/// An object with known keys gets no others. The condition of an `if` describes a part of an object, so it stays open.
fn close(schema: &mut Value) {
    match schema {
        Value::Array(schemas) => schemas.iter_mut().for_each(close),
        Value::Object(keywords) => {
            if keywords.get("properties").is_some_and(Value::is_object) {
                keywords.entry("additionalProperties").or_insert(Value::Bool(false));
            }
            keywords.iter_mut().filter(|(keyword, _)| *keyword != "if").for_each(|(_, inner)| close(inner));
        }
        _ => {}
    }
}

/// One line each.
fn mistakes(schema: &Validator, props: &Value) -> String {
    let mistakes = schema.iter_errors(props).map(|error| format!("{}: {error}", error.instance_path()));
    mistakes.collect::<Vec<_>>().join("\n")
}
