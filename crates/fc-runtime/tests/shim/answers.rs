//! What becomes of an invocation: success, failure, panic, and the lines that mark it.

use std::{
    panic,
    sync::{Once, mpsc},
};

use fc_runtime::{Diagnostic, Invocation, service_fn};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use crate::{
    client::{PATIENCE, invocation, request, sample},
    server::{Server, platform},
};

/// Succeeds, fails or panics, as the event says.
async fn obey(invocation: Invocation) -> Result<String, Diagnostic> {
    match &*invocation.event {
        b"fail" => Err(Diagnostic::new("Throttled", "slow down")),
        b"report" => Err(Diagnostic::new("Stuck", "see `next`").with_report(json!({ "a": 1 }))),
        b"panic" => panic!("a secret: hunter2"),
        _ => Ok("{}".to_owned()),
    }
}

fn obedient() -> Server {
    Server::start(platform(), service_fn(obey))
}

#[test]
fn a_diagnostic_is_a_failure_in_both_places() {
    let answer = obedient().ask(invocation("fail"));
    assert_eq!((answer.status, answer.header("x-fc-status")), (404, Some("404")));
    let body = json!({ "errorMessage": "slow down", "errorType": "Throttled", "stackTrace": [] });
    assert_eq!(answer.json(), body);
}

#[test]
fn a_failure_can_carry_a_report() {
    let answer = obedient().ask(invocation("report"));
    assert_eq!(answer.failure(), "Stuck");
    assert_eq!(answer.json()["report"], json!({ "a": 1 }));
}

#[test]
fn a_panic_is_a_failure_that_quotes_nothing_and_the_process_lives_on() {
    let server = obedient();
    let mut client = server.connect();
    let answer = client.ask(invocation("panic"));
    assert_eq!((answer.status, &*answer.failure()), (404, "Panic"));
    assert_eq!(answer.json()["errorMessage"], "the handler panicked; see the log");
    assert!(!String::from_utf8(answer.body).unwrap().contains("hunter2"));
    assert_eq!(client.ask(invocation("")).status, 200);
}

/// Two lines: that of the program's hook, and that of the runtime.
#[test]
fn the_log_says_where_a_panic_was_and_what_it_said_and_in_which_request() {
    log_panics();
    let server = obedient();
    server.ask(invocation("panic"));
    let log = server.log.read();
    let lines = log.lines().filter(|line| line.contains("panic"));
    let [hook, runtime] = lines.collect::<Vec<_>>().try_into().unwrap();
    for (line, parts) in
        [(hook, ["ERROR", "hunter2", "answers.rs"]), (runtime, ["ERROR", "the handler panicked", "1-a"])]
    {
        for part in parts {
            assert!(line.contains(part), "{part} is not in {line}");
        }
    }
}

/// As a program does it. Once for all tests, since the hook is the process's.
fn log_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let location = info.location().map(ToString::to_string);
            tracing::error!(location, text = info.payload_as_str(), "a panic");
            previous(info);
        }));
    });
}

#[test]
fn a_panic_before_the_first_await_is_no_different() {
    #[expect(clippy::unused_async, reason = "the panic comes before a future exists")]
    async fn never() -> Result<String, Diagnostic> {
        Ok(String::new())
    }
    let handler = service_fn(|invocation: Invocation| {
        assert!(!invocation.event.is_empty(), "no event");
        never()
    });
    assert_eq!(Server::start(platform(), handler).ask(invocation("")).failure(), "Panic");
}

#[test]
fn the_markers_of_an_invocation_are_there_when_its_answer_is() {
    for (event, suffix) in
        [("", ""), ("fail", ", Error: Unhandled function error"), ("panic", ", Error: Unhandled function error")]
    {
        let server = obedient();
        server.ask(invocation(event));
        let expected = format!("FC Invoke Start RequestId: 1-a\nFC Invoke End RequestId: 1-a{suffix}\n");
        assert_eq!(server.markers.read(), expected);
    }
}

#[test]
fn a_request_id_that_could_forge_a_marker_is_replaced() {
    let server = obedient();
    let headers = ["x-fc-control-path: /invoke", "x-fc-request-id: 1-a, Error: none"];
    server.ask(request("POST /invoke", &headers, ""));
    let markers = server.markers.read();
    assert!(markers.starts_with("FC Invoke Start RequestId: generated-"), "{markers}");
    assert!(!markers.contains("Error"), "{markers}");
}

#[test]
fn credentials_are_in_no_line() {
    let server = Server::platform();
    assert_eq!(server.ask(sample("request-invoke.json")).status, 200);
    server.stop();
    let written = server.log.read() + &server.markers.read();
    assert!(written.contains("listening"));
    assert!(!written.contains("EXAMPLE"), "{written}");
}

#[test]
fn two_invocations_run_at_the_same_time() {
    let met = CancellationToken::new();
    let handler = service_fn(move |invocation: Invocation| {
        let met = met.clone();
        async move {
            if &*invocation.event == b"second" {
                met.cancel();
            }
            // The first one ends only if the second one runs meanwhile.
            met.cancelled().await;
            Ok("{}")
        }
    });
    let server = Server::start(platform(), handler);
    let mut first = server.connect();
    first.send(invocation("first"));
    assert_eq!(server.ask(invocation("second")).status, 200);
    assert_eq!(first.answer().status, 200);
}

#[test]
fn a_client_that_goes_away_does_not_cancel_the_work() {
    let (told, tell) = mpsc::channel();
    let gate = CancellationToken::new();
    let opened = gate.clone();
    let handler = service_fn(move |_: Invocation| {
        let (told, opened) = (told.clone(), opened.clone());
        async move {
            told.send("started").unwrap();
            opened.cancelled().await;
            told.send("finished").unwrap();
            Ok("{}")
        }
    });
    let server = Server::start(platform(), handler);
    let mut client = server.connect();
    client.send(invocation(""));
    assert_eq!(tell.recv_timeout(PATIENCE), Ok("started"));
    drop(client);
    // Once another request was served, the server has seen that the first client is gone.
    assert_eq!(server.ask(request("GET /health", &[], "")).status, 200);
    gate.cancel();
    assert_eq!(tell.recv_timeout(PATIENCE), Ok("finished"));
    server.stop();
    assert_eq!(server.markers.read(), "FC Invoke Start RequestId: 1-a\nFC Invoke End RequestId: 1-a\n");
}
