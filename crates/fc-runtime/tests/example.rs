//! A function that is not the guard, as a process of its own: `examples/greet.rs` lives a whole life.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, reason = "a test fails by panicking")]

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

const LINES: usize = 30;

/// Cargo builds the examples of a package with its tests, beside them.
fn program() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().parent().unwrap().join("examples/greet")
}

/// The process, once it listens.
fn start() -> (Child, SocketAddr) {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut command = Command::new(program());
    command.env_clear().env("FC_CUSTOM_LISTEN_PORT", address.port().to_string());
    let mut process = command.stdout(Stdio::piped()).spawn().unwrap();
    while TcpStream::connect(address).is_err() {
        assert!(process.try_wait().unwrap().is_none(), "it ended");
        std::thread::yield_now();
    }
    (process, address)
}

fn ask(address: SocketAddr, event: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /invoke HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\nx-fc-control-path: /invoke\r\n\
         x-fc-request-id: 1-a\r\nx-fc-region: cn-hangzhou\r\n\r\n",
        event.len()
    );
    stream.write_all(&[head.as_bytes(), event].concat()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn it_answers_marks_and_stops() {
    let (mut process, address) = start();
    let answer = ask(address, b"Ada");
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && !answer.contains("x-fc-status"), "{answer}");
    assert!(answer.ends_with(r#"{"greeting":"Hello Ada, from cn-hangzhou!"}"#), "{answer}");
    let answer = ask(address, b"\xff");
    assert!(answer.contains("\r\nx-fc-status: 404\r\n") && answer.contains(r#""errorType":"NotText""#), "{answer}");
    assert!(Command::new("kill").args(["-TERM", &process.id().to_string()]).status().unwrap().success());
    assert!(process.wait().unwrap().success());
    let mut markers = String::new();
    process.stdout.unwrap().read_to_string(&mut markers).unwrap();
    let once = "FC Invoke Start RequestId: 1-a\nFC Invoke End RequestId: 1-a";
    assert_eq!(markers, format!("{once}\n{once}, Error: Unhandled function error\n"));
}

#[test]
fn a_port_that_cannot_be_one_ends_it_with_the_reason() {
    let mut command = Command::new(program());
    let output = command.env_clear().env("FC_CUSTOM_LISTEN_PORT", "many").output().unwrap();
    assert!(!output.status.success());
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("FC_CUSTOM_LISTEN_PORT") && error.contains("many"), "{error}");
}

#[test]
fn it_is_short() {
    let source = include_str!("../examples/greet.rs");
    assert!(source.lines().count() < LINES, "an example is to be read at a glance");
}
