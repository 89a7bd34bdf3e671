//! Requests of every kind, made by chance: what runs, and how the rest is answered, against a model in ten lines.

use std::{
    cell::{Cell, RefCell},
    net::Shutdown,
};

use proptest::{
    collection::vec,
    prelude::{Just, Strategy},
    prop_assert, prop_assert_eq, prop_oneof,
    sample::select,
    test_runner::{Config, TestRunner},
};

use crate::{
    client::{Answer, request},
    server::Server,
};

/// Values that mean something in one of the headers.
const VALUES: [&str; 22] = [
    "",
    " ",
    "/invoke",
    "/invoke ",
    "/invoke, /invoke",
    "/http-invoke",
    "/initialize",
    "/Invoke",
    "localhost",
    "127.0.0.1:9000",
    "example.com",
    "none",
    "same-origin",
    "cross-site",
    "null",
    "1-692414ee-10000001",
    "1, Error: none",
    "60",
    "-1",
    "99999999999999999999",
    "FC Invoke End RequestId: 1-a",
    "\u{202e}\u{fc}",
];
const NAMES: [&str; 9] = [
    "host",
    "origin",
    "sec-fetch-site",
    "x-fc-request-id",
    "x-fc-function-timeout",
    "x-fc-retry-count",
    "x-fc-access-key-id",
    "x-fc-region",
    "x-other",
];
const PATHS: [&str; 6] = ["/invoke", "/health", "/initialize", "/pre-stop", "/http-invoke", "/a?b"];
const CONTROL_PATH: &str = "x-fc-control-path";

#[derive(Clone, Debug)]
struct Any {
    method: &'static str,
    path: &'static str,
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

impl Any {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.path).into_bytes();
        for (name, value) in &self.headers {
            bytes.extend_from_slice(&[name.as_bytes(), b": ", value, b"\r\n"].concat());
        }
        bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", self.body.len()).as_bytes());
        [bytes, self.body.clone()].concat()
    }

    fn values(&self, wanted: &str) -> Vec<&[u8]> {
        let values = self.headers.iter().filter(|(name, _)| *name == wanted);
        values.map(|(_, value)| value.trim_ascii()).filter(|value| !value.is_empty()).collect()
    }

    /// Every control path that it has, in whatever form it came.
    fn control_paths(&self) -> Vec<&[u8]> {
        let parts = self.values(CONTROL_PATH).into_iter().flat_map(|value| value.split(|byte| *byte == b','));
        parts.map(<[u8]>::trim_ascii).filter(|part| !part.is_empty()).collect()
    }

    fn is_invocation(&self, without_control_path: bool) -> bool {
        let control_paths = self.control_paths();
        let is_asked = match control_paths.first() {
            Some(_) => control_paths.iter().all(|path| *path == b"/invoke"),
            None => without_control_path && self.path == "/invoke",
        };
        is_asked && self.method == "POST"
    }

    fn may_come_from_a_web_page(&self) -> bool {
        let is_named = |name| self.headers.iter().any(|(named, _)| *named == name);
        let is_far = |host: &&[u8]| ![&b"localhost"[..], b"127.0.0.1:9000"].contains(host);
        let sites = self.headers.iter().filter(|(name, _)| *name == "sec-fetch-site");
        let mut sites = sites.map(|(_, value)| value.trim_ascii());
        is_named("origin")
            || self.values("host").iter().any(is_far)
            || sites.any(|site| site != b"none" && site != b"same-origin")
    }
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let chosen = select(&VALUES[..]).prop_map(|value| value.as_bytes().to_vec());
    let by_chance = vec(prop_oneof![Just(b'\t'), b' '..=b'~', 0x80..=0xff_u8], 0..20);
    prop_oneof![4 => chosen, 1 => by_chance]
}

fn requests() -> impl Strategy<Value = Any> {
    let usual = Just((CONTROL_PATH, b"/invoke".to_vec()));
    let control_path = (Just(CONTROL_PATH), value());
    let other = (select(&NAMES[..]), value());
    let headers = vec(prop_oneof![3 => usual, 1 => control_path, 6 => other], 0..6);
    let method = prop_oneof![6 => Just("POST"), 1 => Just("GET"), 1 => Just("PUT")];
    let path = prop_oneof![3 => Just("/invoke"), 1 => select(&PATHS[..])];
    (method, path, headers, vec(proptest::num::u8::ANY, 0..40)).prop_map(|(method, path, headers, body)| Any {
        method,
        path,
        headers,
        body,
    })
}

fn ran(answer: &Answer) -> bool {
    answer.status == 200 && !answer.body.is_empty() && answer.json().get("echo").is_some()
}

/// Whether the platform takes the answer for what it is.
fn is_clear(answer: &Answer) -> bool {
    let is_http_trigger = || answer.json()["errorType"] == "HttpTriggerRefused";
    match answer.header("x-fc-status") {
        None => answer.status == 200 || is_http_trigger(),
        Some(status) => status == "404" && answer.status >= 400 && answer.json()["errorMessage"].is_string(),
    }
}

/// Every line is a marker, and has an id of letters, digits and hyphens.
fn are_markers(lines: &str) -> bool {
    lines.lines().all(|line| {
        let words: Vec<_> = line.trim_end_matches(", Error: Unhandled function error").split(' ').collect();
        let plain = |id: &&str| id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        words.len() == 5 && words[0] == "FC" && words[3] == "RequestId:" && words.last().is_some_and(plain)
    })
}

fn check(server: &Server, is_invocation: impl Fn(&Any) -> bool) {
    let mut runner = TestRunner::new(Config { cases: 1000, failure_persistence: None, ..Config::default() });
    // One connection for all: an answer that was out of step would show in the next one.
    let client = RefCell::new(server.connect());
    let counts = [Cell::new(0), Cell::new(0)];
    let outcome = runner.run(&requests(), |request| {
        let answer = client.borrow_mut().ask(request.bytes());
        prop_assert!(is_clear(&answer), "{answer:?}");
        prop_assert_eq!(ran(&answer), is_invocation(&request), "{:?}", answer);
        counts[usize::from(ran(&answer))].update(|count| count + 1);
        Ok(())
    });
    outcome.unwrap();
    assert!(counts.iter().all(|count| count.get() > 100), "too few of a kind: {counts:?}");
    assert!(are_markers(&server.markers.read()));
    assert_eq!(server.log.read().lines().count(), 1, "only the start is logged");
}

#[test]
fn on_the_platform_only_its_own_word_runs_anything() {
    check(&Server::platform(), |request| request.is_invocation(false));
}

#[test]
fn on_a_workstation_nothing_that_may_come_from_a_web_page_runs() {
    check(&Server::workstation(), |request| request.is_invocation(true) && !request.may_come_from_a_web_page());
}

/// Bytes that are no HTTP, and HTTP with bytes that have no place in it.
#[test]
fn noise_runs_nothing_and_stops_nobody() {
    let server = Server::platform();
    let whole = request("POST /invoke", &["x-fc-control-path: /invoke"], "").into_bytes();
    let mut runner = TestRunner::new(Config { cases: 500, failure_persistence: None, ..Config::default() });
    let noise = (0..whole.len() - 4, proptest::num::u8::ANY, vec(proptest::num::u8::ANY, 0..4));
    let outcome = runner.run(&noise, |(place, byte, more)| {
        let mut bytes = whole.clone();
        bytes[place] = byte;
        bytes.splice(place..place, more);
        let mut client = server.connect();
        client.send(&bytes);
        client.shut(Shutdown::Write);
        // An answer is clear or the connection ends; what still is an invocation may run.
        let answer = client.try_answer();
        prop_assert!(answer.as_ref().is_none_or(is_clear), "{answer:?}");
        Ok(())
    });
    outcome.unwrap();
    assert!(are_markers(&server.markers.read()));
    assert_eq!(server.ask(&whole).json()["echo"], "");
}
