//! Any bytes give a decision within the settings; every sample and what becomes of it when it is bent.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use testkit::any_bytes::decision::{VARIANTS, check};

/// Every sample event, and the further shapes of `fuzz/seeds`.
fn samples() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = ["tests/fixtures/events", "fuzz/seeds"].map(|folder| fs::read_dir(root.join(folder)).unwrap());
    folders.into_iter().flatten().map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

#[test]
fn the_samples_reach_every_decision() {
    let reached: BTreeSet<_> = samples().iter().flat_map(|sample| check(sample)).collect();
    assert_eq!(reached, BTreeSet::from(VARIANTS));
}

/// Values that mean something somewhere in a record.
fn word() -> impl Strategy<Value = Value> {
    let words = [
        json!("AliyunDTSDefaultRole"),
        json!("aliyundtsdefaultrole"),
        json!("OtherRole"),
        json!("DeleteRole"),
        json!("GetRole"),
        json!("AcceptHandshake"),
        json!("CreateResourceAccount"),
        json!("MoveAccount"),
        json!("Abnormal.RamCheckUserRole"),
        json!("NoPermission"),
        json!(""),
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!("{}"),
        json!("2234567890123456"),
        json!(2_234_567_890_123_456_u64),
        json!("12"),
        json!("Resource"),
        json!("\u{1b}[31m\u{202e}"),
        json!("x".repeat(5000)),
        json!("verify"),
        json!("organization"),
        json!("EntityNotExist.Role"),
        json!("role/aliyundtsdefaultrole."),
        json!("AliyunDTSDefaultRole@role.1.onaliyunservice.com"),
        json!("{\"RoleName\":\"AliyunDTSDefaultRole\"}"),
        json!("a;AliyunDTSDefaultRole,b"),
        json!("\u{ad}\u{e0041}\u{fe0f}"),
        json!("attempts"),
    ];
    select(words.to_vec())
}

/// Puts a word in the place of some value of a document.
fn bend(value: &mut Value, place: Index, word: Value) {
    let mut places = Vec::new();
    collect(value, String::new(), &mut places);
    if let Some(slot) = value.pointer_mut(&places[place.index(places.len())]) {
        *slot = word;
    }
}

fn collect(value: &Value, path: String, places: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, inner)| {
            collect(inner, format!("{path}/{}", name.replace('~', "~0").replace('/', "~1")), places);
        }),
        Value::Array(items) => items.iter().enumerate().for_each(|(index, inner)| {
            collect(inner, format!("{path}/{index}"), places);
        }),
        _ => {}
    }
    places.push(path);
}

fn documents() -> impl Strategy<Value = Value> {
    let samples = samples();
    select(samples.iter().filter_map(|sample| serde_json::from_slice(sample).ok()).collect::<Vec<Value>>())
}

proptest! {
    #[test]
    fn any_bytes(body: Vec<u8>) {
        check(&body);
    }

    #[test]
    fn any_text_in_a_known_shape(
        mode in "verify|plan|remediate|[a-z]{0,9}", id in "[0-9]{0,20}", key in "mode|scope|planId|accounts|clear|x",
    ) {
        check(json!({"mode": mode, "accounts": [id]}).to_string().as_bytes());
        check(json!({&key: mode}).to_string().as_bytes());
        check(json!({&key: null, "accounts": [id]}).to_string().as_bytes());
        check(json!({"clear": "attempts", "accounts": [id], &key: mode}).to_string().as_bytes());
        check(json!({"triggerTime": id, "triggerName": key, "payload": mode}).to_string().as_bytes());
    }

    #[test]
    fn a_sample_with_bytes_changed(
        sample in select(samples()), changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8), cut: Index,
    ) {
        let mut sample = sample;
        for (place, byte) in changes {
            let place = place.index(sample.len().max(1));
            sample.get_mut(place).into_iter().for_each(|slot| *slot = byte);
        }
        check(&sample);
        check(&sample[..cut.index(sample.len() + 1)]);
    }

    #[test]
    fn a_sample_with_values_changed(
        document in documents(), changes in prop::collection::vec((any::<Index>(), word()), 1..6),
    ) {
        let mut document = document;
        for (place, word) in changes {
            bend(&mut document, place, word);
        }
        check(document.to_string().as_bytes());
    }

    #[test]
    fn a_batch_of_samples_as_objects_and_as_strings(
        documents in prop::collection::vec((prop_oneof![4 => documents(), 1 => word()], any::<bool>()), 1..6),
    ) {
        let item = |(document, text): (Value, bool)| if text { json!(document.to_string()) } else { document };
        check(Value::Array(documents.into_iter().map(item).collect()).to_string().as_bytes());
    }
}
