//! The program: one line of output, every seed, and an end on SIGTERM.
#![expect(clippy::unwrap_used, reason = "a helper of a test may fail it")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStdout, Command, Stdio};

fn start(arguments: &[&str]) -> (Child, String, BufReader<ChildStdout>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_emulator"));
    let mut child = command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    (child, line.trim_end().to_owned(), output)
}

fn terminate(child: &Child) {
    assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
}

fn ask(url: &str) -> String {
    let mut stream = TcpStream::connect(url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(b"GET /?Format=json&Action=GetRole HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[test]
fn every_seed_serves_and_ends_on_sigterm() {
    for seed in ["healthy", "missing", "trust", "policy", "extras"] {
        let (mut child, url, mut output) = start(&["--port", "0", "--seed", seed]);
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        assert!(ask(&url).contains(r#""Code":"MissingParameter""#));
        terminate(&child);
        assert!(child.wait().unwrap().success());
        let mut more = String::new();
        output.read_to_string(&mut more).unwrap();
        assert_eq!(more, "", "only one line is printed");
    }
}

#[test]
fn calls_are_printed_when_asked_for() {
    let (mut child, url, _output) = start(&["--print-calls", "--latency-ms", "1"]);
    ask(&url);
    terminate(&child);
    child.wait().unwrap();
    let mut printed = String::new();
    child.stderr.take().unwrap().read_to_string(&mut printed).unwrap();
    assert!(printed.starts_with("0 GetRole - {} -> 400 MissingParameter"), "{printed}");
}

#[test]
fn a_seed_that_is_unknown_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_emulator")).args(["--seed", "x"]).output().unwrap();
    assert!(!output.status.success() && output.stdout.is_empty());
}
