use hcl::{Block, Body, value};
use serde_json::{Map, Value, json};

use crate::known::Lists;
use crate::module::{META, Made, body, labels, made};

/// What is there that the provider does not know, and what it asks for that is not there.
fn mistakes(body: &Body) -> Vec<String> {
    let lists = Lists::of("terraform-arguments");
    let mut mistakes = Vec::new();
    for block in body.blocks() {
        let section = match block.identifier() {
            "resource" => "resources",
            "data" => "data",
            _ => continue,
        };
        match lists.get(section, labels(block)[0]) {
            Some(known) => in_block(block.body(), &known["arguments"], &[], &labels(block).join("."), &mut mistakes),
            None => mistakes.push(format!("unknown: {}", labels(block)[0])),
        }
    }
    mistakes
}

fn in_block(body: &Body, known: &Value, path: &[&str], place: &str, mistakes: &mut Vec<String>) {
    let names = &known[if path.is_empty() { ".".to_owned() } else { path.join("-") }];
    let own = |name: &str| !(META.contains(&name) && path.is_empty());
    let mut present = Vec::new();
    for attribute in body.attributes().filter(|attribute| own(attribute.key())) {
        present.push(attribute.key());
    }
    for block in body.blocks().filter(|block| own(block.identifier())) {
        let (name, inner) = named(block);
        present.push(name);
        in_block(inner, known, &[path, &[name]].concat(), &format!("{place}.{name}"), mistakes);
    }
    for name in &present {
        match names.get(name) {
            None => mistakes.push(format!("unknown: {place}.{name}")),
            Some(flags) if flags["deprecated"] == true => mistakes.push(format!("deprecated: {place}.{name}")),
            Some(_) => {}
        }
    }
    for (name, flags) in names.as_object().into_iter().flatten() {
        if flags["required"] == true && !present.contains(&name.as_str()) {
            mistakes.push(format!("missing: {place}.{name}"));
        }
    }
}

/// A block that is repeated has the name of its label.
fn named(block: &Block) -> (&str, &Body) {
    if block.identifier() == "dynamic" {
        (labels(block)[0], block.body().blocks().next().unwrap().body())
    } else {
        (block.identifier(), block.body())
    }
}

#[test]
fn every_argument_is_known_to_the_provider_and_none_is_missing() {
    assert_eq!(mistakes(&body()), Vec::<String>::new());
}

#[test]
fn what_the_provider_does_not_know_is_found() {
    let rows = [
        (r#"resource "alicloud_fc3_function" "x" {}"#, "unknown: alicloud_fc3_function"),
        (r#"data "alicloud_region" "x" {}"#, "unknown: alicloud_region"),
        (r#"resource "alicloud_ram_role" "x" { rolename = "x" }"#, "unknown: alicloud_ram_role.x.rolename"),
        (r#"resource "alicloud_ram_role" "x" { name = "x" }"#, "deprecated: alicloud_ram_role.x.name"),
        (
            r#"resource "alicloud_ram_role_policy_attachment" "x" {
              role_name   = "x"
              policy_name = "x"
            }"#,
            "missing: alicloud_ram_role_policy_attachment.x.policy_type",
        ),
        (
            r#"resource "alicloud_fcv3_async_invoke_config" "x" {
              function_name = "x"
              destination_config {
                on_failure { arn = "x" }
              }
            }"#,
            "unknown: alicloud_fcv3_async_invoke_config.x.destination_config.on_failure.arn",
        ),
        (
            r#"resource "alicloud_log_alert" "x" {
              alert_displayname = "x"
              alert_name        = "x"
              project_name      = "x"
              dynamic "annotations" {
                for_each = []
                content { key = "x" }
              }
            }"#,
            "missing: alicloud_log_alert.x.annotations.value",
        ),
    ];
    for (text, mistake) in rows {
        assert_eq!(mistakes(&hcl::parse(text).unwrap()), [mistake]);
    }
}

#[test]
fn the_guarded_role_belongs_to_no_state() {
    let text = serde_json::to_string(&everything()).unwrap();
    assert!(!text.contains("\"AliyunDTSDefaultRole\""), "Terraform would fight the guard");
}

/// With all that can be on at once.
fn everything() -> Made {
    made(&[
        ("organization", organization()),
        ("journal_oss", value!({ "bucket" = "example-bucket", "path" = "/dts-role-guard" })),
        ("reports", hcl::Value::Bool(true)),
        ("log_project", "example-project".into()),
        ("notify", "https://oapi.dingtalk.com/robot/send?access_token=x".into()),
        ("settings", value!({ "DTS_GUARD_STRATEGY" = "in-place" })),
    ])
}

pub(crate) fn organization() -> hcl::Value {
    value!({
        "member_role" = "ResourceDirectoryAccountAccessRole"
        "folders" = []
        "exclude_folders" = []
        "brake" = 20
        "concurrency" = 8
        "timeout" = 360
    })
}

pub(crate) fn documents(made: &Made) -> Map<String, Value> {
    let policies = made.iter().filter(|(address, _)| address.starts_with("alicloud_ram_policy."));
    let documents: Map<_, _> = policies
        .map(|(_, policy)| {
            let policy = serde_json::to_value(policy).unwrap();
            let document = policy["policy_document"].as_str().unwrap();
            (policy["policy_name"].as_str().unwrap().to_owned(), serde_json::from_str(document).unwrap())
        })
        .collect();
    for (address, _) in made.iter().filter(|(address, _)| address.starts_with("alicloud_ram_policy.")) {
        let attachment = &made[&address.replace("ram_policy", "ram_role_policy_attachment")];
        let attachment = serde_json::to_value(attachment).unwrap();
        assert!(documents.contains_key(attachment["policy_name"].as_str().unwrap()), "{address}");
        assert_eq!(attachment["role_name"], "dts-role-guard-role");
    }
    documents
}

pub(crate) fn all_documents() -> Map<String, Value> {
    documents(&everything())
}

/// In the words of `s.yaml`.
pub(crate) fn function(made: &Made) -> Value {
    let resource = |address: &str| camel(&serde_json::to_value(&made[address]).unwrap());
    let mut function = resource("alicloud_fcv3_function.guard");
    function["concurrencyConfig"] =
        json!({"reservedConcurrency": resource("alicloud_fcv3_concurrency_config.guard")["reservedConcurrency"]});
    function["asyncInvokeConfig"] = resource("alicloud_fcv3_async_invoke_config.guard");
    let addresses = ["nightly", "events[role-changes]", "events[new-accounts]"];
    function["triggers"] = addresses
        .map(|address| {
            let mut trigger = resource(&format!("alicloud_fcv3_trigger.{address}"));
            trigger["triggerConfig"] = serde_json::from_str(trigger["triggerConfig"].as_str().unwrap()).unwrap();
            trigger
        })
        .into();
    function
}

/// Keys as the platform spells them; a block that stands there once is no list.
fn camel(value: &Value) -> Value {
    match value {
        Value::Object(entries) => entries.iter().map(|(key, value)| (camel_key(key), one(key, camel(value)))).collect(),
        Value::Array(items) => items.iter().map(camel).collect(),
        other => other.clone(),
    }
}

fn one(key: &str, value: Value) -> Value {
    match value {
        Value::Array(mut items) if key != "mount_points" && items.len() == 1 && items[0].is_object() => items.remove(0),
        other => other,
    }
}

fn camel_key(key: &str) -> String {
    if key == "vswitch_ids" {
        return "vSwitchIds".to_owned();
    }
    let mut words = key.split('_');
    // The names of the settings stay.
    if key.starts_with("DTS_") {
        return key.to_owned();
    }
    let first = words.next().unwrap().to_owned();
    words.fold(first, |name, word| name + &word[..1].to_uppercase() + &word[1..])
}

#[test]
fn index_and_alerts_are_those_of_the_log_service() {
    let made = everything();
    let alerts: Vec<_> = made.keys().filter(|address| address.starts_with("alicloud_log_alert.")).collect();
    assert_eq!(alerts.len(), 5);
    for address in alerts {
        let file = address.split(['[', ']']).nth(1).unwrap();
        let body: Value = serde_json::from_str(&testkit::read(&format!("deploy/sls/{file}.json"))).unwrap();
        let alert = serde_json::to_value(&made[address]).unwrap();
        let configuration = &body["configuration"];
        assert_eq!(alert["query_list"][0]["query"], configuration["queryList"][0]["query"]);
        assert_eq!(alert["query_list"][0]["start"], configuration["queryList"][0]["start"]);
        assert_eq!(alert["query_list"][0]["project"], "example-project");
        let severity = &configuration["severityConfigurations"][0];
        assert_eq!(alert["severity_configurations"][0]["severity"], severity["severity"]);
        assert_eq!(
            alert["severity_configurations"][0]["eval_condition"]["condition"],
            severity["evalCondition"]["condition"]
        );
        assert_eq!(alert["no_data_fire"], configuration["noDataFire"]);
        assert_eq!(alert["schedule"][0], body["schedule"]);
        assert_eq!(alert["annotations"], configuration["annotations"]);
        let group = json!([configuration["groupConfiguration"]]);
        assert_eq!(alert["group_configuration"], group);
    }
    let index: Value = serde_json::from_str(&testkit::read("deploy/sls/index.json")).unwrap();
    let made = serde_json::to_value(&made["alicloud_log_store_index.guard"]).unwrap();
    assert_eq!(made["max_text_len"], index["max_text_len"]);
    for (name, key) in index["keys"].as_object().unwrap() {
        let field = made["field_search"].as_array().unwrap().iter().find(|field| field["name"] == *name).unwrap();
        assert_eq!(field["type"], key["type"]);
        let leaves = field.get("json_keys").map_or(0, |leaves| leaves.as_array().unwrap().len());
        assert_eq!(leaves, key.get("json_keys").map_or(0, |leaves| leaves.as_object().unwrap().len()), "{name}");
    }
}

#[test]
fn what_is_off_makes_nothing() {
    let nothing = made(&[("alerts", false.into()), ("event_bridge_role", false.into())]);
    let made_so = |kind: &str| nothing.keys().filter(|address| address.starts_with(kind)).count();
    assert_eq!(made_so("alicloud_log_alert."), 0);
    assert_eq!(made_so("alicloud_event_bridge_service_linked_role."), 0);
    assert_eq!(made_so("alicloud_message_service_queue."), 1);
    let function = function(&nothing);
    for key in ["vpcConfig", "nasConfig", "ossMountConfig"] {
        assert_eq!(function[key], Value::Null, "{key}");
    }
}

#[test]
#[should_panic(expected = "journal_nas")]
fn two_journal_folders_are_refused() {
    let nas = value!({
        "server_addr" = "a:/b"
        "vpc_id" = "vpc-example"
        "vswitch_ids" = []
        "security_group_id" = "sg-example"
        "user_id" = 0
        "group_id" = 0
    });
    made(&[("journal_nas", nas), ("journal_oss", value!({ "bucket" = "b", "path" = "/dts-role-guard" }))]);
}
