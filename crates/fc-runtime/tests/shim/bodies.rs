//! Events that are too large or never complete.

use crate::{
    client::{Client, invocation, request},
    server::{Server, platform},
};

const MIB: usize = 1024 * 1024;
const FAILED: &str = "FC Invoke Start RequestId: 1-a\nFC Invoke End RequestId: 1-a, Error: Unhandled function error\n";

fn begin(client: &mut Client, length: &str) {
    let head = "POST /invoke HTTP/1.1\r\nhost: localhost\r\nx-fc-control-path: /invoke\r\nx-fc-request-id: 1-a\r\n";
    client.send(format!("{head}{length}\r\n\r\n"));
}

#[test]
fn an_event_of_the_largest_size_is_taken() {
    let answer = Server::platform().ask(invocation(&"a".repeat(MIB)));
    assert_eq!(answer.json()["echo"].as_str().unwrap().len(), MIB);
}

#[test]
fn a_larger_event_is_a_failure_that_says_both_sizes_and_runs_nothing() {
    let server = Server::platform();
    let answer = server.ask(invocation(&"a".repeat(MIB + 1)));
    assert_eq!((answer.status, &*answer.failure()), (413, "EventTooLarge"));
    let message = answer.json()["errorMessage"].to_string();
    assert!(message.contains("1048576") && message.contains("1048577"), "{message}");
    assert_eq!(server.markers.read(), FAILED);
}

#[test]
fn a_refused_event_is_read_to_its_end_so_that_the_connection_goes_on() {
    let server = Server::platform();
    let mut client = server.connect();
    assert_eq!(client.ask(invocation(&"a".repeat(8 * MIB))).status, 413);
    assert_eq!(client.ask(request("POST /unknown", &[], &"a".repeat(8 * MIB))).status, 404);
    assert_eq!(client.ask(invocation("small")).json()["echo"], "small");
}

#[test]
fn an_event_beyond_what_the_platform_sends_is_refused_unread() {
    let server = Server::platform();
    let mut client = server.connect();
    begin(&mut client, "content-length: 33554433");
    let answer = client.answer();
    assert_eq!((answer.status, &*answer.failure()), (413, "EventTooLarge"));
}

#[test]
fn an_event_may_come_in_chunks() {
    let server = Server::platform();
    let mut client = server.connect();
    begin(&mut client, "transfer-encoding: chunked");
    assert_eq!(client.ask("3\r\nver\r\n3\r\nify\r\n0\r\n\r\n").json()["echo"], "verify");
}

#[test]
fn the_limit_counts_chunks_and_can_be_set() {
    let handler = fc_runtime::service_fn(|_| async { Ok("{}") });
    let server = Server::start(platform().body_limit(5), handler);
    let mut client = server.connect();
    begin(&mut client, "transfer-encoding: chunked");
    let answer = client.ask("3\r\nver\r\n3\r\nify\r\n0\r\n\r\n");
    assert_eq!(answer.failure(), "EventTooLarge");
    let message = answer.json()["errorMessage"].to_string();
    assert!(message.contains("5 bytes") && message.contains("6 bytes"), "{message}");
}

#[test]
fn a_malformed_body_is_a_failure_and_runs_nothing() {
    let server = Server::platform();
    let mut client = server.connect();
    begin(&mut client, "transfer-encoding: chunked");
    let answer = client.ask("3\r\nver\r\nno chunk\r\n");
    assert_eq!((answer.status, &*answer.failure()), (400, "EventIncomplete"));
    assert_eq!(server.markers.read(), FAILED);
}

#[test]
fn a_body_that_breaks_off_runs_nothing_and_harms_nobody() {
    let server = Server::platform();
    let mut client = server.connect();
    begin(&mut client, "content-length: 100");
    client.send("verify");
    drop(client);
    assert_eq!(server.ask(request("GET /health", &[], "")).status, 200);
    server.stop();
    assert_eq!(server.markers.read(), FAILED);
}
