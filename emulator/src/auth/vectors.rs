//! The signature checks against vectors from outside; `tests/vectors/README.md` names their origin.

use std::collections::BTreeMap;
use std::path::Path;

use axum::body::Bytes;
use serde_json::Value;

use super::{Claim, acs3, rpc_v1};
use crate::wire::Request;
use crate::wire::encoding::{canonical, parse};

fn vectors(prefix: &str) -> Vec<(String, Value)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
    let names = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let chosen = names.filter(|name| name.starts_with(prefix));
    chosen
        .map(|name| (name.clone(), serde_json::from_slice(&std::fs::read(folder.join(&name)).unwrap()).unwrap()))
        .collect()
}

fn text<'v>(vector: &'v Value, field: &str) -> &'v str {
    vector[field].as_str().unwrap()
}

fn map(value: &Value) -> BTreeMap<String, String> {
    let fields = value.as_object().unwrap();
    fields.iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
}

fn request(vector: &Value, query: BTreeMap<String, String>, headers: BTreeMap<String, String>) -> Request {
    Request {
        method: text(vector, "method").to_owned(),
        path: "/".to_owned(),
        query,
        form: BTreeMap::new(),
        headers,
        body: Bytes::from(vector["body"].as_str().unwrap_or_default().to_owned()),
    }
}

/// Each stage of one RPC 1.0 vector.
fn check_rpc_v1(name: &str, vector: &Value) {
    let (params, secret) = (map(&vector["params"]), text(vector, "accessKeySecret"));
    assert_eq!(canonical(&params), text(vector, "canonicalQuery"), "{name}");
    let string_to_sign = rpc_v1::string_to_sign(text(vector, "method"), &params);
    assert_eq!(string_to_sign, text(vector, "stringToSign"), "{name}");
    assert!(rpc_v1::verify(secret, &string_to_sign, text(vector, "signature")), "{name}");
    assert!(!rpc_v1::verify("another secret", &string_to_sign, text(vector, "signature")), "{name}");
}

/// Each stage of one ACS3 vector.
fn check_acs3(name: &str, vector: &Value) {
    let mut headers = map(&vector["headers"]);
    headers.insert("authorization".to_owned(), text(vector, "authorization").to_owned());
    let request = request(vector, map(&vector["query"]), headers);
    assert_eq!(canonical(&request.query), text(vector, "canonicalQuery"), "{name}");
    let mut signed: Vec<String> = map(&vector["headers"]).into_keys().collect();
    signed.sort();
    let canonical_request = acs3::canonical_request(&request, &signed.join(";"));
    assert_eq!(canonical_request, text(vector, "canonicalRequest"), "{name}");
    assert_eq!(acs3::string_to_sign(&canonical_request), text(vector, "stringToSign"), "{name}");
    let claim = Claim::read(&request).unwrap();
    assert_eq!(claim.signature, text(vector, "signature"), "{name}");
    assert!(claim.is_signed_with(text(vector, "accessKeySecret")), "{name}");
    assert!(!claim.is_signed_with("another secret"), "{name}");
}

#[test]
fn rpc_v1_matches_documented_examples() {
    let vectors = vectors("rpc-v1-documented");
    assert_eq!(vectors.len(), 3);
    for (name, vector) in &vectors {
        check_rpc_v1(name, vector);
    }
}

#[test]
fn rpc_v1_matches_recorded_requests() {
    let vectors = vectors("rpc-v1-recorded");
    assert_eq!(vectors.len(), 10);
    for (name, vector) in &vectors {
        check_rpc_v1(name, vector);
        let sent = request(vector, parse(text(&vector["recordedForm"], "text")), BTreeMap::new());
        let claim = Claim::read(&sent).unwrap();
        assert_eq!(claim.string_to_sign, text(vector, "stringToSign"), "{name}");
        assert!(claim.is_signed_with(text(vector, "accessKeySecret")), "{name}");
    }
}

#[test]
fn acs3_matches_the_documented_example() {
    let vectors = vectors("acs3-documented");
    assert_eq!(vectors.len(), 1);
    for (name, vector) in &vectors {
        check_acs3(name, vector);
    }
}

#[test]
fn acs3_matches_recorded_signatures() {
    let vectors = vectors("acs3-recorded");
    assert_eq!(vectors.len(), 4);
    for (name, vector) in &vectors {
        check_acs3(name, vector);
    }
}

#[test]
fn a_header_left_unsigned_is_refused() {
    let (_, vector) = vectors("acs3-recorded-getrole").remove(0);
    let mut headers = map(&vector["headers"]);
    headers.insert("authorization".to_owned(), text(&vector, "authorization").to_owned());
    headers.insert("x-acs-slipped-in".to_owned(), "later".to_owned());
    let claim = Claim::read(&request(&vector, map(&vector["query"]), headers)).unwrap();
    assert!(!claim.is_signed_with(text(&vector, "accessKeySecret")));
}

#[test]
fn a_changed_body_is_refused() {
    let (_, vector) = vectors("acs3-recorded-attachpolicy").remove(0);
    let mut headers = map(&vector["headers"]);
    headers.insert("authorization".to_owned(), text(&vector, "authorization").to_owned());
    let mut request = request(&vector, BTreeMap::new(), headers);
    request.body = Bytes::from("PolicyName=AdministratorAccess&PolicyType=System&RoleName=AliyunDTSDefaultRole");
    assert!(!Claim::read(&request).unwrap().is_signed_with(text(&vector, "accessKeySecret")));
}
