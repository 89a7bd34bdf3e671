//! `s.yaml` against the vendor's own schema of a function, made strict: no key that the schema does not know.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may panic, its helpers too"
)]

use std::fs;
use std::path::Path;

use jsonschema::Validator;
use serde_json::{Value, json};

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
        ("/triggers/0/triggerConfig/enabled", json!(true)),
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
fn the_guard_is_deployed_as_it_is_documented() {
    let props = &deployment()["resources"]["guard"]["props"];
    assert_eq!(props["environmentVariables"], json!({"DTS_GUARD_MODE": "remediate"}));
    assert_eq!(props["concurrencyConfig"]["reservedConcurrency"], 1, "two guards must not work on one role at once");
    assert_eq!(props["instanceConcurrency"], 1);
    let role = props["role"].as_str().unwrap();
    assert_eq!(role, role.to_lowercase(), "fc3 lower-cases it");
    let memory_per_core = props["memorySize"].as_f64().unwrap() / 1024.0 / props["cpu"].as_f64().unwrap();
    assert!((1.0..=4.0).contains(&memory_per_core), "GB for each vCPU: {memory_per_core}");
}

/// `s.yaml` with its variables filled in.
fn deployment() -> Value {
    let document: Value = serde_saphyr::from_str(&read("s.yaml")).unwrap();
    let variables = document["vars"].clone();
    filled(document, &variables)
}

/// Puts the value of `x` in the place of `${vars.x}`.
fn filled(value: Value, variables: &Value) -> Value {
    match value {
        Value::String(text) => Value::String(filled_text(&text, variables)),
        Value::Array(items) => items.into_iter().map(|item| filled(item, variables)).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, value)| (key, filled(value, variables))).collect(),
        other => other,
    }
}

fn filled_text(text: &str, variables: &Value) -> String {
    let Some((before, rest)) = text.split_once("${vars.") else { return text.to_owned() };
    let (name, after) = rest.split_once('}').expect("a variable ends with a brace");
    let value = variables[name].as_str().unwrap_or_else(|| panic!("`vars` has no text `{name}`"));
    format!("{before}{value}{}", filled_text(after, variables))
}

fn strict_schema() -> Validator {
    let mut schema: Value = serde_json::from_str(&read("tests/fixtures/fc3-schema.json")).unwrap();
    close(&mut schema);
    // Any trigger may have the configuration of any kind, and one kind allows everything. Ours are timers.
    let trigger = &mut schema["definitions"]["ITrigger"]["properties"];
    trigger["triggerType"] = json!({"const": "timer"});
    trigger["triggerConfig"] = json!({"$ref": "#/definitions/ITimerTriggerConfig"});
    jsonschema::validator_for(&schema).unwrap()
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

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
