//! `s.yaml` as Serverless Devs reads it.
#![allow(dead_code, reason = "each test program uses a part of it")]

use std::fs;
use std::path::Path;

use serde_json::Value;

/// `s.yaml` with its variables filled in.
pub(crate) fn deployment() -> Value {
    filled_in(&read("s.yaml"))
}

/// Such a text with its variables filled in.
pub(crate) fn filled_in(text: &str) -> Value {
    let document: Value = serde_saphyr::from_str(text).unwrap();
    let variables = document["vars"].clone();
    filled(document, &variables)
}

/// The triggers of the guard, in their order.
pub(crate) fn triggers() -> Vec<Value> {
    deployment()["resources"]["guard"]["props"]["triggers"].as_array().unwrap().clone()
}

/// A file of the project.
pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
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
