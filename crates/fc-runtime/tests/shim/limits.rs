//! Many connections at once, and connections of which only one half is open.

use std::{net::Shutdown, sync::mpsc};

use fc_runtime::service_fn;
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Client, PATIENCE, invocation, request},
    server::{Server, platform},
};

const MIB: usize = 1024 * 1024;

/// Sends all of an invocation but its last byte.
fn all_but_a_byte(client: &mut Client, size: usize) {
    let whole = invocation(&"a".repeat(size));
    client.send(&whole[..whole.len() - 1]);
}

#[test]
fn of_many_incomplete_events_the_oldest_are_given_up_and_told() {
    let server = Server::start(platform().buffer_limit(4 * MIB), service_fn(|_| async { Ok("{}") }));
    let mut clients: Vec<_> = (0..16).map(|_| server.connect()).collect();
    for client in &mut clients {
        // Four of them fit, and a small one.
        all_but_a_byte(client, MIB - 100);
        // Requests are read in the order in which they came, so this one is in the server's hands now.
        assert_eq!(server.ask(request("GET /health", &[], "")).status, 200);
    }
    assert_eq!(server.ask(invocation("small")).status, 200);
    let (old, young) = clients.split_at_mut(12);
    for client in old {
        let answer = client.answer();
        assert_eq!((answer.status, &*answer.failure()), (503, "Overloaded"));
        assert!(answer.json()["errorMessage"].as_str().unwrap().contains("4194304 bytes"));
        assert!(client.is_closed());
    }
    for client in young {
        assert_eq!(client.ask("a").status, 200);
    }
}

#[test]
fn four_hundred_unfinished_connections_stop_nobody() {
    let server = Server::platform();
    let mut clients: Vec<_> = (0..400).map(|_| server.connect()).collect();
    for client in &mut clients {
        all_but_a_byte(client, MIB / 8);
    }
    assert_eq!(server.ask(invocation("through")).json()["echo"], "through");
}

/// The server is in the middle of an invocation for it.
fn hold(server: &Server, started: &mpsc::Receiver<()>) -> Client {
    let mut client = server.connect();
    client.send(invocation(""));
    started.recv_timeout(PATIENCE).unwrap();
    client
}

#[test]
fn beyond_the_limit_the_connection_that_has_waited_longest_is_closed() {
    let server = Server::start(platform().connection_limit(3), service_fn(|_| async { Ok("{}") }));
    let mut idle = server.connect();
    assert_eq!(idle.ask(invocation("")).status, 200);
    let mut half_head = server.connect();
    half_head.send("POST /invoke HTTP/1.1\r\nhost:");
    let mut half_event = server.connect();
    all_but_a_byte(&mut half_event, 10);
    // Each new one takes the place of one that waits.
    let mut new = Vec::new();
    for waits in [&mut idle, &mut half_head, &mut half_event] {
        new.push(server.connect());
        assert_eq!(new.last_mut().unwrap().ask(invocation("")).status, 200);
        assert!(waits.is_closed());
    }
    assert_eq!(server.log.read().matches("too many connections").count(), 1);
    server.stop();
    let half = "FC Invoke End RequestId: 1-a, Error: Unhandled function error\n";
    assert_eq!(server.markers.read().matches(half).count(), 1, "half an event ran nothing");
}

#[test]
fn a_connection_with_work_in_hand_is_not_closed_for_another() {
    let gate = CancellationToken::new();
    let (told, started) = mpsc::channel();
    let opened = gate.clone();
    let handler = service_fn(move |_| {
        let (told, opened) = (told.clone(), opened.clone());
        async move {
            told.send(()).unwrap();
            opened.cancelled().await;
            Ok("{}")
        }
    });
    let server = Server::start(platform().connection_limit(2), handler);
    let mut clients = [hold(&server, &started), hold(&server, &started)];
    assert!(server.connect().is_closed());
    gate.cancel();
    assert!(clients.iter_mut().all(|client| client.answer().status == 200));
    assert_eq!(server.ask(invocation("")).status, 200);
}

#[test]
fn connections_whose_clients_say_nothing_keep_nobody_out() {
    let server = Server::start(platform().connection_limit(20), service_fn(|_| async { Ok("{}") }));
    let _silent: Vec<_> = (0..60).map(|_| server.connect()).collect();
    assert_eq!(server.ask(invocation("")).status, 200);
}

#[test]
fn a_client_that_has_said_all_it_has_to_say_still_gets_its_answer() {
    let server = Server::platform();
    let mut client = server.connect();
    client.send(invocation("last words"));
    client.shut(Shutdown::Write);
    assert_eq!(client.answer().json()["echo"], "last words");
    assert!(client.is_closed());
}

#[test]
fn a_client_that_stops_in_the_middle_of_an_event_is_told() {
    let server = Server::platform();
    let mut client = server.connect();
    all_but_a_byte(&mut client, 10);
    client.shut(Shutdown::Write);
    let answer = client.answer();
    assert_eq!((answer.status, &*answer.failure()), (400, "EventIncomplete"));
    assert!(client.is_closed());
}

#[test]
fn a_connection_whose_client_says_nothing_more_is_closed() {
    let server = Server::platform();
    for beginning in ["", "POST /inv", "POST /invoke HTTP/1.1\r\nhost:"] {
        let mut client = server.connect();
        client.send(beginning);
        client.shut(Shutdown::Write);
        assert!(client.is_closed(), "{beginning}");
    }
    assert_eq!(server.markers.read(), "");
}
