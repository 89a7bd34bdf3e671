//! Every stage of both signatures against the vendor's printed examples and against what the vendor's SDKs sent.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use aliyun::credentials::{Credentials, Source};
use aliyun::signing::{Call, Method, SignedForm, acs3, canonical_query, rpc_v1};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// One file of `tests/vectors`.
struct Vector {
    file: String,
    json: Value,
}

impl Vector {
    fn all(prefix: &str) -> Vec<Self> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors");
        let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        files.retain(|path| name(path).starts_with(prefix) && name(path) != "README.md");
        let read = |path: &Path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        files.iter().map(|path| Self { file: name(path), json: read(path) }).collect()
    }

    fn named(file: &str) -> Self {
        let mut found = Self::all(file);
        assert_eq!(found.len(), 1, "{file}");
        found.remove(0)
    }

    fn text(&self, key: &str) -> &str {
        self.json[key].as_str().unwrap_or_else(|| panic!("{}: no text `{key}`", self.file))
    }

    fn map(&self, key: &str) -> BTreeMap<&str, &str> {
        let object = self.json[key].as_object().unwrap();
        object.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap())).collect()
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        self.map("headers").into_iter().collect()
    }

    fn credentials(&self, access_key_id: &str, token: Option<&str>) -> Credentials {
        Credentials {
            access_key_id: access_key_id.to_owned(),
            access_key_secret: self.text("accessKeySecret").to_owned().into(),
            security_token: token.map(|token| token.to_owned().into()),
            source: Source::RequestHeaders,
        }
    }

    fn is(&self, stage: &str, actual: &str) {
        assert_eq!(actual, self.text(stage), "{}: {stage}", self.file);
    }
}

/// Each stage starts from the file's own earlier stage, so that a failure names the stage that is wrong.
fn check_rpc_v1(vector: &Vector) {
    vector.is("canonicalQuery", &canonical_query(vector.map("params")));
    vector.is("stringToSign", &rpc_v1::string_to_sign(vector.text("method"), vector.text("canonicalQuery")));
    vector.is("signature", &rpc_v1::signature(vector.text("stringToSign"), vector.text("accessKeySecret")));
}

fn check_acs3(vector: &Vector) {
    let (headers, secret) = (vector.headers(), vector.text("accessKeySecret"));
    let body_sha256 = hex::encode(Sha256::digest(vector.text("body").as_bytes()));
    let request = acs3::canonical_request(vector.text("method"), vector.text("canonicalQuery"), &headers, &body_sha256);
    let credentials = vector.credentials(vector.text("accessKeyId"), None);
    vector.is("canonicalQuery", &canonical_query(vector.map("query")));
    vector.is("canonicalRequest", &request);
    vector.is("stringToSign", &acs3::string_to_sign(vector.text("canonicalRequest")));
    vector.is("signature", &acs3::signature(vector.text("stringToSign"), secret));
    vector.is("authorization", &acs3::authorization(vector.text("canonicalRequest"), &headers, &credentials));
}

#[test]
fn matches_documented_examples_of_rpc_v1() {
    let vectors = Vector::all("rpc-v1-documented-");
    vectors.iter().for_each(check_rpc_v1);
    assert_eq!(vectors.len(), 3);
}

#[test]
fn matches_recorded_requests_of_rpc_v1() {
    let vectors = Vector::all("rpc-v1-recorded-");
    vectors.iter().for_each(check_rpc_v1);
    assert_eq!(vectors.len(), 10);
}

#[test]
fn matches_documented_example_of_acs3() {
    let vectors = Vector::all("acs3-documented-");
    vectors.iter().for_each(check_acs3);
    assert_eq!(vectors.len(), 1);
}

#[test]
fn matches_recorded_signatures_of_acs3() {
    let vectors = Vector::all("acs3-recorded-");
    vectors.iter().for_each(check_acs3);
    assert_eq!(vectors.len(), 4);
}

#[test]
fn every_vector_is_looked_at() {
    assert_eq!(Vector::all("").len(), 3 + 10 + 1 + 4);
}

/// What the signer adds by itself.
const COMMON: [&str; 9] = [
    "AccessKeyId",
    "Action",
    "Format",
    "SecurityToken",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

/// The pairs of a form, decoded, as a set: their order is free.
fn pairs(form: &str) -> BTreeSet<(String, String)> {
    let decode = |text: &str| percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let split = form.split('&').map(|pair| pair.split_once('=').unwrap());
    split.map(|(name, value)| (decode(name), decode(value))).collect()
}

fn sign_rpc_v1(vector: &Vector) -> SignedForm {
    let params = vector.map("params");
    let own = params.iter().filter(|(name, _)| !COMMON.contains(name));
    let own: Vec<(&str, String)> = own.map(|(name, value)| (*name, (*value).to_owned())).collect();
    let call = Call {
        action: params["Action"],
        version: params["Version"],
        host: "ram.aliyuncs.com",
        params: &own,
        time: params["Timestamp"].parse().unwrap(),
        nonce: params["SignatureNonce"],
    };
    let credentials = vector.credentials(params["AccessKeyId"], params.get("SecurityToken").copied());
    Method::HmacSha1.sign(&call, &credentials)
}

#[test]
fn matches_recorded_form_bodies_of_rpc_v1_end_to_end() {
    let posts = Vector::all("rpc-v1-recorded-").into_iter().filter(|vector| vector.text("method") == "POST");
    let mut seen = 0;
    for vector in posts {
        let signed = sign_rpc_v1(&vector);
        let (ours, theirs) = (pairs(&signed.body), pairs(vector.json["recordedForm"]["text"].as_str().unwrap()));
        assert_eq!(ours, theirs, "{}", vector.file);
        assert!(ours.contains(&("Signature".to_owned(), vector.text("signature").to_owned())), "{}", vector.file);
        assert_eq!(signed.headers, [], "{}", vector.file);
        seen += 1;
    }
    assert_eq!(seen, 9);
}

fn sign_acs3(vector: &Vector, credentials: &Credentials) -> SignedForm {
    let headers = vector.map("headers");
    let own: Vec<(&str, String)> = vector
        .text("body")
        .split('&')
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name, value.to_owned()))
        .collect();
    let call = Call {
        action: headers["x-acs-action"],
        version: headers["x-acs-version"],
        host: headers["host"],
        params: &own,
        time: headers["x-acs-date"].parse().unwrap(),
        nonce: headers["x-acs-signature-nonce"],
    };
    Method::Acs3.sign(&call, credentials)
}

/// The recorder did not sign `x-acs-accesskey-id`; we do, so that header alone is added to what was recorded.
#[test]
fn matches_recorded_form_of_acs3_end_to_end() {
    let vector = Vector::named("acs3-recorded-attachpolicy-form.json");
    let credentials = vector.credentials(vector.text("accessKeyId"), None);
    let signed = sign_acs3(&vector, &credentials);
    assert_eq!(signed.body.as_str(), vector.text("body"));

    let mut expected = vector.map("headers");
    expected.insert("x-acs-accesskey-id", vector.text("accessKeyId"));
    let content_hash = expected["x-acs-content-sha256"];
    let all: Vec<_> = expected.iter().map(|(name, value)| (*name, *value)).collect();
    let request = acs3::canonical_request("POST", "", &all, content_hash);
    let authorization = acs3::authorization(&request, &all, &credentials);
    // The transport sends these two itself.
    expected.retain(|name, _| !["host", "content-type"].contains(name));
    expected.insert("authorization", &authorization);
    let sent: BTreeMap<_, _> = signed.headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(sent, expected);
}

#[test]
fn acs3_signs_the_security_token_and_sends_it_in_its_header() {
    let vector = Vector::named("acs3-recorded-attachpolicy-form.json");
    let signed = sign_acs3(&vector, &vector.credentials("STS.x", Some("to+ken/=")));
    let header = |wanted| signed.headers.iter().find(|(name, _)| *name == wanted).unwrap().1.clone();
    assert_eq!(header("x-acs-security-token").as_str(), "to+ken/=");
    assert!(header("authorization").contains(";x-acs-security-token;"), "{}", header("authorization").as_str());
}

#[test]
fn the_secret_is_in_no_part_of_a_signed_request() {
    let mut vectors = Vector::all("rpc-v1-recorded-");
    vectors.push(Vector::named("acs3-recorded-attachpolicy-form.json"));
    for vector in &vectors {
        let signed = if vector.file.starts_with("acs3") {
            sign_acs3(vector, &vector.credentials("id", None))
        } else {
            sign_rpc_v1(vector)
        };
        assert!(!format!("{signed:?}").contains(vector.text("accessKeySecret")), "{}", vector.file);
    }
    assert_eq!(vectors.len(), 11);
}
