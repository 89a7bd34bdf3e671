//! Any bytes in the journal folder: what they may order, and that they do no harm. The promises stand in
//! `testkit/src/any_bytes/evidence.rs`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use testkit::any_bytes::bend;
use testkit::any_bytes::evidence::{VARIANTS, check};

/// The shapes of `fuzz/seeds-record`.
fn samples() -> Vec<Vec<u8>> {
    let folder = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds-record")).unwrap();
    folder.map(|file| fs::read(file.unwrap().path()).unwrap()).collect()
}

fn documents() -> Vec<Value> {
    samples().iter().map(|sample| serde_json::from_slice(sample).unwrap()).collect()
}

#[test]
fn the_samples_reach_everything() {
    let reached: BTreeSet<_> = samples().iter().flat_map(|sample| check(sample)).collect();
    assert_eq!(reached, BTreeSet::from(VARIANTS));
}

/// Values that mean something somewhere in a record, and some that do harm somewhere.
fn words() -> Vec<Value> {
    let policy = |kind: &str, name: &str| json!({"type": kind, "name": name});
    let mut words: Vec<_> = ["opened", "detaching", "replacing", "closed", "begun", "done", "1", "300000000000000001"]
        .into_iter()
        .chain([
            "2026-11-26T12:00:00Z",
            "1969-12-31T23:59:59Z",
            "9999-12-30T22:00:00.999999999Z",
            "-009999-01-02T01:59:59Z",
        ])
        .chain([
            "+010000-01-01T00:00:00Z",
            "AliyunRAMFullAccess",
            "",
            "\u{1b}[2J",
            "\u{202e}",
            "\u{9b}2J",
            "a/../b",
            "{}",
        ])
        .map(Value::from)
        .collect();
    words.extend([json!(null), json!(true), json!([]), json!({}), json!(0), json!(-1), json!(7), json!(u64::MAX)]);
    words.extend([json!(43200), json!("x".repeat(5000)), json!({"acs:\u{1b}": "x", "team": "\u{7}"})]);
    words.extend([policy("System", "ADMINISTRATORACCESS"), policy("Custom", "AdministratorAccess")]);
    words.push(json!([policy("System", "AliyunResourceDirectoryFullAccess"), policy("Custom", "TeamExtra")]));
    words
}

proptest! {
    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        check(&bytes);
    }

    #[test]
    fn a_sample_with_bytes_changed(
        sample in select(samples()), changes in prop::collection::vec((any::<Index>(), any::<u8>()), 1..8), cut: Index,
    ) {
        let mut sample = sample;
        for (place, byte) in changes {
            let place = place.index(sample.len());
            sample[place] = byte;
        }
        check(&sample);
        check(&sample[..cut.index(sample.len() + 1)]);
    }

    /// A forger chooses every field as he likes.
    #[test]
    fn a_forged_record(
        document in select(documents()), changes in prop::collection::vec((any::<usize>(), select(words())), 1..6),
    ) {
        let mut document = document;
        for (place, word) in changes {
            bend(&mut document, place, word);
        }
        check(document.to_string().as_bytes());
    }
}

/// Where no fuzzer can be had: `cargo test --release --test evidence -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn ten_million_times() {
    const TIMES: u64 = 10_000_000;
    let (samples, documents, words) = (samples(), documents(), words());
    let mut random = fastrand::Rng::with_seed(20_261_126);
    let mut reached: std::collections::BTreeMap<_, u64> = std::collections::BTreeMap::new();
    for time in 0..TIMES {
        let bytes = if time % 4 == 0 {
            let mut document = documents[random.usize(..documents.len())].clone();
            for _ in 0..random.usize(1..4) {
                bend(&mut document, random.usize(..), words[random.usize(..words.len())].clone());
            }
            serde_json::to_vec(&document).unwrap()
        } else {
            let mut sample = samples[random.usize(..samples.len())].clone();
            for _ in 0..random.usize(1..4) {
                let place = random.usize(..sample.len());
                match random.u8(..3) {
                    0 => sample[place] = random.u8(..),
                    1 => sample[place] = b"0123456789\"{}[]:,aZ-"[random.usize(..20)],
                    _ => drop(sample.remove(place)),
                }
            }
            sample
        };
        for word in check(&bytes) {
            *reached.entry(word).or_default() += 1;
        }
    }
    println!("{TIMES} records: {reached:?}");
    assert_eq!(reached.into_keys().collect::<BTreeSet<_>>(), BTreeSet::from(VARIANTS));
}
