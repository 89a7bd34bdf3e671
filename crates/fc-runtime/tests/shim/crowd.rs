//! Many connections at once, and connections of which only one half is open.

use std::net::Shutdown;

use fc_runtime::service_fn;

use crate::{
    client::{Client, invocation, request},
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
    let server = Server::start(platform().intake_limit(4 * MIB), service_fn(|_| async { Ok("{}") }));
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

#[test]
fn connections_beyond_the_limit_are_closed_at_once_and_logged_once() {
    let server = Server::start(platform().connection_limit(2), service_fn(|_| async { Ok("{}") }));
    let mut clients = [server.connect(), server.connect()];
    for client in &mut clients {
        assert_eq!(client.ask(invocation("")).status, 200);
    }
    assert!(server.connect().is_closed());
    assert!(server.connect().is_closed());
    assert_eq!(clients[0].ask(invocation("")).status, 200);
    assert_eq!(server.log.read().matches("too many connections").count(), 1);
    drop(clients);
    // The server sees at some time that they have gone.
    while server.connect().try_ask(request("GET /health", &[], "")).is_none() {}
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
