//! A stop finishes what is in hand, and waits for nothing else.

use std::{
    net::{SocketAddr, TcpStream},
    process::Command,
    sync::mpsc,
    thread,
    time::Duration,
};

use fc_runtime::{Handler, Invocation, Markers, Runtime, service_fn};
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::{
    client::{Client, PATIENCE, invocation, request},
    server::{Server, Text, capture, platform, production_runtime, workstation},
};

/// A handler that waits for its gate, and tells when it starts and when it has finished.
fn gated() -> (CancellationToken, mpsc::Receiver<&'static str>, impl Handler) {
    let gate = CancellationToken::new();
    let (told, tell) = mpsc::channel();
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
    (gate, tell, handler)
}

/// So long a grace that a test which needed it would run out of patience.
fn patient() -> Runtime {
    platform().grace(PATIENCE * 10)
}

#[test]
fn an_invocation_in_hand_is_finished_and_answered_while_nobody_new_gets_in() {
    let (gate, tell, handler) = gated();
    let server = Server::start(patient(), handler);
    let mut client = server.connect();
    client.send(invocation(""));
    assert_eq!(tell.recv_timeout(PATIENCE), Ok("started"));
    server.begin_to_stop();
    while TcpStream::connect(server.address).is_ok() {
        thread::yield_now();
    }
    gate.cancel();
    assert_eq!(client.answer().status, 200);
    server.wait_for_its_end();
    assert!(server.markers.read().ends_with("FC Invoke End RequestId: 1-a\n"));
}

#[test]
fn an_invocation_whose_client_has_gone_is_finished_too() {
    let (gate, tell, handler) = gated();
    let server = Server::start(patient(), handler);
    let mut client = server.connect();
    client.send(invocation(""));
    assert_eq!(tell.recv_timeout(PATIENCE), Ok("started"));
    drop(client);
    server.begin_to_stop();
    while TcpStream::connect(server.address).is_ok() {
        thread::yield_now();
    }
    gate.cancel();
    server.wait_for_its_end();
    assert_eq!(tell.try_recv(), Ok("finished"));
    assert!(server.markers.read().ends_with("FC Invoke End RequestId: 1-a\n"));
}

#[test]
fn an_idle_connection_does_not_hold_the_exit() {
    let (_, _, handler) = gated();
    let server = Server::start(patient(), handler);
    let mut client = server.connect();
    assert_eq!(client.ask(request("GET /health", &[], "")).status, 200);
    server.stop();
    assert!(client.is_closed());
}

#[test]
fn a_connection_that_never_sent_a_byte_does_not_hold_the_exit() {
    let (_, _, handler) = gated();
    let server = Server::start(patient(), handler);
    let mut silent = server.connect();
    // Connections are accepted in order, so the silent one is in the server's hands now.
    assert_eq!(server.ask(request("GET /health", &[], "")).status, 200);
    server.stop();
    assert!(silent.is_closed());
}

#[test]
fn half_a_head_holds_the_exit_no_longer_than_the_grace() {
    let server = Server::start(platform().grace(Duration::ZERO), gated().2);
    let mut half = server.connect();
    half.send("POST /invoke HTTP/1.1\r\nhost:");
    assert_eq!(server.ask(request("GET /health", &[], "")).status, 200);
    server.stop();
    assert!(half.is_closed());
    assert_eq!(server.markers.read(), "");
}

#[test]
fn half_an_event_is_waited_for_no_longer_than_the_grace_and_runs_nothing() {
    let (_, tell, handler) = gated();
    let server = Server::start(platform().grace(Duration::from_millis(100)), handler);
    let mut half = server.connect();
    let whole = invocation("verify");
    half.send(&whole[..whole.len() - 1]);
    assert_eq!(server.ask(request("GET /health", &[], "")).status, 200);
    server.begin_to_stop();
    let answer = half.answer();
    assert_eq!((answer.status, &*answer.failure()), (503, "Stopping"));
    server.wait_for_its_end();
    assert!(tell.try_recv().is_err());
}

#[test]
fn an_invocation_outlives_the_grace() {
    let (gate, tell, handler) = gated();
    let server = Server::start(platform().grace(Duration::ZERO), handler);
    let mut client = server.connect();
    client.send(invocation(""));
    assert_eq!(tell.recv_timeout(PATIENCE), Ok("started"));
    server.begin_to_stop();
    while TcpStream::connect(server.address).is_ok() {
        thread::yield_now();
    }
    gate.cancel();
    server.wait_for_its_end();
    assert_eq!(tell.try_recv(), Ok("finished"));
}

/// One test for both, since a signal reaches every server of the process.
#[test]
fn sigterm_and_sigint_end_run_without_an_error() {
    for signal in ["TERM", "INT"] {
        let log = Text::default();
        let runtime = workstation().port(0).markers(Markers::silent());
        let writer = log.clone();
        let server = thread::spawn(move || {
            let _logged = capture(writer);
            let handler = service_fn(|_| async { Ok("{}") });
            production_runtime().block_on(runtime.run(handler))
        });
        let mut idle = Client::connect(logged_address(&log));
        assert_eq!(idle.ask(invocation("")).status, 200);
        let kill = format!("kill -{signal} {}", std::process::id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
        assert!(server.join().unwrap().is_ok(), "{signal}");
        assert!(idle.is_closed());
    }
}

fn logged_address(log: &Text) -> SocketAddr {
    loop {
        let text = log.read();
        if let Some(line) = text.lines().next() {
            let line: Value = serde_json::from_str(line).unwrap();
            return line["fields"]["address"].as_str().unwrap().parse().unwrap();
        }
        thread::yield_now();
    }
}
