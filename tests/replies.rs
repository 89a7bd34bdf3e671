//! Any bytes as the cloud's reply to any operation: what is believed of them, and what is said. The promises stand in
//! `testkit/src/any_bytes/replies.rs`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use testkit::any_bytes::bend;
use testkit::any_bytes::replies::{Answer, KINDS, OPERATIONS, check, hold};

/// The shapes of `fuzz/seeds-reply`.
fn samples() -> Vec<Vec<u8>> {
    let folder = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds-reply")).unwrap();
    let mut files: Vec<_> = folder.map(|file| file.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// Those whose bodies are documents.
fn documents() -> Vec<(Answer, Vec<Value>)> {
    let read = |sample: Vec<u8>| {
        let answer = Answer::read(&sample);
        let bodies: Result<Vec<Value>, _> = answer.bodies.iter().map(|body| serde_json::from_slice(body)).collect();
        Some((answer, bodies.ok()?))
    };
    samples().into_iter().filter_map(read).collect()
}

fn everything() -> BTreeSet<&'static str> {
    OPERATIONS.into_iter().chain(KINDS).collect()
}

#[test]
fn the_samples_reach_everything() {
    let reached: BTreeSet<_> = samples().iter().map(|sample| check(sample)).collect();
    assert_eq!(reached, everything());
}

/// Nothing is done where a reply says twice that it is not, and an empty list is no answer.
#[test]
fn a_success_that_cannot_be_told_from_a_failure_is_none() {
    for body in [r#"{"Code": "NoPermission", "Code": "NoPermission"}"#, "[]", r#"["NoPermission"]"#, ""] {
        for operation in ["DeleteRole", "AttachPolicyToRole"] {
            assert_ne!(check(format!("{operation} 200 - json\n{body}").as_bytes()), operation, "{body}");
        }
    }
}

/// The names that a reply to a question is held against, with the request quoted in their place.
#[test]
fn keys_that_are_quoted_in_the_place_of_a_name_are_not_shown() {
    for word in ["$SECRET", "$TOKEN", "$FORM", "x $TOKEN x"] {
        for (operation, body) in [
            ("GetRole", json!({"Role": {"RoleId": "1", "RoleName": word, "AssumeRolePolicyDocument": "{}"}})),
            ("GetCallerIdentity", json!({"AccountId": word, "Arn": "acs:ram::1:user/a"})),
            ("GetFolder", json!({"Folder": {"FolderId": word}})),
            ("GetAccount", json!({"Account": {"AccountId": word}})),
            ("ListAccounts", json!({"TotalCount": 1, "Accounts": {"Account": [{"AccountId": word}]}})),
        ] {
            let reached = check(format!("{operation} 200 - json\n{body}").as_bytes());
            assert_eq!(reached, if operation == "ListAccounts" { operation } else { "unrelated" }, "{body}");
        }
    }
}

/// Nobody's keys are those of the account that is meant.
#[test]
fn an_identity_without_an_account_is_none() {
    for arn in ["2J", "", "acs:ram:::user/a"] {
        let body = json!({"AccountId": "", "Arn": arn});
        assert_eq!(check(format!("GetCallerIdentity 200 - json\n{body}").as_bytes()), "unrelated", "{body}");
    }
}

/// Values that mean something somewhere in a reply, and some that do harm somewhere.
fn words() -> Vec<Value> {
    let mut words: Vec<_> =
        ["AliyunDTSDefaultRole", "aliyundtsdefaultrole", "OtherRole", "AliyunDTSDefaultRole2", "", " "]
            .into_iter()
            .chain([
                "acs:ram::1234567890123456:role/AliyunDTSDefaultRole",
                "acs:ram::9999999999999999:role/aliyundtsdefaultrole",
            ])
            .chain([
                "acs:ram::2234567890123456:role/x/s",
                "acs:ram::2234567890123456:assumed-role/x/s",
                "acs:ram:::",
                ":role/",
            ])
            .chain([
                "1234567890123456",
                "2234567890123456",
                "9999999999999999",
                "fd-u8B321****",
                "System",
                "Custom",
                "1",
                "a",
            ])
            .chain([
                "$SECRET",
                "$TOKEN",
                "$SIGNATURE",
                "$FORM",
                "a%2Fb $TOKEN",
                "x.$SECRET.x",
                "\u{1b}[2J",
                "\u{202e}",
                "\u{9b}2J",
            ])
            .chain([
                "\u{e0041}",
                "\u{ad}",
                "\n",
                "%1b%5B",
                "NoPermission",
                "EntityNotExist.Role",
                "Throttling",
                "InternalError",
            ])
            .chain([
                "InvalidTimeStamp.Expired",
                "InvalidAccessKeyId.NotFound",
                "SignatureDoesNotMatch",
                "ControlPolicy",
            ])
            .map(Value::from)
            .collect();
    words.extend([json!(null), json!(true), json!(false), json!([]), json!({}), json!(0), json!(-1), json!(1.5e300)]);
    words.extend([json!(1), json!(u64::MAX), json!("\u{1b}".repeat(3000)), json!("漢".repeat(3000)), json!([[]])]);
    words.push(
        json!({"Code": "NoPermission", "AccessDeniedDetail": {"AuthAction": "\u{7}$FORM", "PolicyType": "$TOKEN"}}),
    );
    words.push(json!({"TagKey": "k", "ResourceName": "OtherRole"}));
    words
}

/// A liar answers with fields as he likes, perhaps to another question.
fn bent(document: &(Answer, Vec<Value>), changes: &[(usize, Value)], operation: Option<&'static str>) -> Answer {
    let (answer, mut bodies) = document.clone();
    for (place, word) in changes {
        let which = place % bodies.len();
        if place % 7 == 0 && bodies[which].is_object() {
            let names =
                ["Code", "RequestId", "AccessDeniedDetail", "IsTruncated", "Marker", "NextToken", "PageNumber", "Role"];
            bodies[which][names[place / 7 % names.len()]] = word.clone();
        } else {
            bend(&mut bodies[which], place / 7, word.clone());
        }
    }
    let bodies = bodies.iter().map(|body| serde_json::to_vec(body).unwrap()).collect();
    Answer { operation: operation.unwrap_or(answer.operation), bodies, ..answer }
}

proptest! {
    #[test]
    fn any_bytes(bytes: Vec<u8>) {
        check(&bytes);
    }

    #[test]
    fn any_body_and_status(operation in select(&OPERATIONS[..]), status: u16, content_type: String, body: Vec<u8>) {
        hold(Answer { operation, status, date: None, content_type, bodies: vec![body] });
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

    #[test]
    fn a_lie(
        document in select(documents()), operation in prop::option::of(select(&OPERATIONS[..])),
        changes in prop::collection::vec((any::<usize>(), select(words())), 1..6),
    ) {
        hold(bent(&document, &changes, operation));
    }
}

/// Where no fuzzer can be had: `cargo test --release --test replies -- --ignored --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn ten_million_times() {
    const TIMES: u64 = 10_000_000;
    let (samples, documents, words) = (samples(), documents(), words());
    let mut random = fastrand::Rng::with_seed(20_261_126);
    let mut reached: BTreeMap<_, u64> = BTreeMap::new();
    for time in 0..TIMES {
        let found = if time % 2 == 0 {
            let changes: Vec<_> = (0..random.usize(1..4))
                .map(|_| (random.usize(..), words[random.usize(..words.len())].clone()))
                .collect();
            let operation = (random.u8(..16) == 0).then(|| OPERATIONS[random.usize(..OPERATIONS.len())]);
            let mut answer = bent(&documents[random.usize(..documents.len())], &changes, operation);
            if random.u8(..16) == 0 {
                answer.status = random.u16(..);
            }
            hold(answer)
        } else {
            check(&torn(&samples, &mut random))
        };
        *reached.entry(found).or_default() += 1;
        if (time + 1) % 100_000 == 0 {
            println!("{} replies", time + 1);
        }
    }
    println!("{TIMES} replies: {reached:?}");
    assert_eq!(reached.into_keys().collect::<BTreeSet<_>>(), everything());
}

/// A sample with bytes changed, taken away, said twice, or from another sample.
fn torn(samples: &[Vec<u8>], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut sample = samples[random.usize(..samples.len())].clone();
    for _ in 0..random.usize(1..4) {
        let place = random.usize(..sample.len());
        match random.u8(..5) {
            0 => sample[place] = random.u8(..),
            1 => sample[place] = b"0123456789\"{}[]:,aZ-$\n"[random.usize(..22)],
            2 => drop(sample.remove(place)),
            3 => sample.extend_from_within(place..),
            _ => {
                let other = &samples[random.usize(..samples.len())];
                let from = random.usize(..other.len());
                let to = (from + random.usize(1..64)).min(other.len());
                sample.splice(place..place, other[from..to].iter().copied());
            }
        }
    }
    sample
}
