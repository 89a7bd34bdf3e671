//! The terminal commands of the real binary: arguments, exit codes, what goes to stdout and what to stderr.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod clear;
mod commands;
mod keys;
mod network;
mod progress;
mod proxy;
mod question;
mod shell;

use std::io::{Read, Write};
use std::process::{Command, Output};

use emulator::{Member, Seed};
use serde_json::Value;
use testkit::{Lab, command_on_a_terminal, other_trust};

/// Where the journal's lines go when a terminal has no home.
const TEMP: &str = env!("CARGO_TARGET_TMPDIR");

fn broken() -> Lab {
    Lab::new(Some(other_trust().attach_custom("TeamExtra").tag("team", "data")))
}

fn command(lab: &Lab, arguments: &[&str]) -> Command {
    testkit::command(&lab.emulator, arguments)
}

fn run(lab: &Lab, arguments: &[&str]) -> (i32, Value, String) {
    outcome(&command(lab, arguments).output().unwrap())
}

fn outcome(output: &Output) -> (i32, Value, String) {
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code().unwrap(), report, String::from_utf8(output.stderr.clone()).unwrap())
}

const MEMBERS: [&str; 2] = ["2234567890123456", "3234567890123456"];

fn members() -> Lab {
    let broken = |_, member: Member| member.seed(Seed::Policy);
    Lab::organization(|directory| directory.members(MEMBERS.map(str::to_owned), broken))
}

fn named(command: &'static str) -> Vec<&'static str> {
    vec![command, "--scope", "organization", "--account", MEMBERS[0], "--account", MEMBERS[1], "--account", MEMBERS[0]]
}

/// Types an answer to the question; returns the exit code and what the person saw.
fn answer(lab: &Lab, arguments: &[&str], answer: &str) -> (i32, String) {
    answer_with(lab, arguments, &[], answer)
}

fn answer_with(lab: &Lab, arguments: &[&str], variables: &[(&str, &str)], answer: &str) -> (i32, String) {
    let (mut pty, pts) = pty_process::blocking::open().unwrap();
    let command = command_on_a_terminal(&lab.emulator, arguments).env("DTS_GUARD_LOG", "off").env("TMPDIR", TEMP);
    let command = command.envs(variables.iter().copied());
    let mut child = command.spawn(pts).unwrap();
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(b"`: ") && matches!(pty.read(&mut byte), Ok(1)) {
        seen.push(byte[0]);
    }
    pty.write_all(answer.as_bytes()).unwrap();
    // The terminal is closed when the program ends, which reads as an error.
    let _ = pty.read_to_end(&mut seen);
    (child.wait().unwrap().code().unwrap(), String::from_utf8(seen).unwrap())
}

/// What the program says at a terminal, and its exit code.
fn at_a_terminal(lab: &Lab, arguments: &[&str], more: &[(&str, &str)]) -> (i32, String) {
    let (mut pty, pts) = pty_process::blocking::open().unwrap();
    let command = command_on_a_terminal(&lab.emulator, arguments).envs(more.iter().copied());
    let mut child = command.spawn(pts).unwrap();
    let mut seen = Vec::new();
    let _ = pty.read_to_end(&mut seen);
    (child.wait().unwrap().code().unwrap(), String::from_utf8(seen).unwrap())
}
