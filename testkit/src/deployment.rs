//! `s.yaml` as Serverless Devs reads it.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::read;

/// `s.yaml` with its variables filled in.
pub fn deployment() -> Value {
    filled_in(&read("s.yaml"))
}

/// Such a text with its variables filled in.
pub fn filled_in(text: &str) -> Value {
    let document = parse(text).unwrap();
    let variables = document["vars"].clone();
    filled(document, &variables)
}

/// Such a text as it stands, if it is one.
pub fn parse(text: &str) -> Option<Value> {
    serde_saphyr::from_str(text).ok()
}

/// What is commented out: the names of the marks, such as `#~nas `.
pub fn blocks() -> BTreeSet<String> {
    read("s.yaml").lines().filter_map(marked).map(|(name, _)| name.to_owned()).collect()
}

/// `s.yaml` with a block switched on.
pub fn with_block(block: &str) -> Value {
    filled_in(&switched_on(&read("s.yaml"), block))
}

/// What the command at the top of `s.yaml` makes of such a text, for this block.
pub fn switched_on(text: &str, block: &str) -> String {
    let command = text.split('`').find(|quoted| quoted.starts_with("sed ")).expect("a command at the top");
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("s.yaml"), text).unwrap();
    let command = command.replace("nas", block);
    let status = Command::new("sh").args(["-c", &command]).current_dir(folder.path()).status().unwrap();
    assert!(status.success(), "{command}");
    fs::read_to_string(folder.path().join("s.yaml")).unwrap()
}

/// Name and text of a line with a mark.
fn marked(line: &str) -> Option<(&str, &str)> {
    line.trim_start().strip_prefix("#~")?.split_once(' ')
}

/// The triggers of the guard, in their order.
pub fn triggers() -> Vec<Value> {
    deployment()["resources"]["guard"]["props"]["triggers"].as_array().unwrap().clone()
}

/// Puts the value of `x` in the place of `${vars.x}`, and nothing in that of a variable of the environment that has none.
fn filled(value: Value, variables: &Value) -> Value {
    match value {
        Value::String(text) if text.starts_with("${env('") && text.ends_with("', '')}") => json!(""),
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
