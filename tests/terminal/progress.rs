//! The bar of a run over several accounts.

use std::io::Read;
use std::process::Stdio;

use testkit::command_on_a_terminal;

use super::{MEMBERS, TEMP, answer, members};

/// The answer is `no`: by then both runs' bars are gone again, and the plans stand on lines of their own.
#[test]
fn a_run_over_the_organization_shows_a_bar_and_then_asks() {
    let lab = members();
    let (code, seen) = answer(&lab, &["remediate", "--scope", "organization"], "no\n");
    assert_eq!(code, 1, "{seen}");
    let bar = seen.find("judging: ").unwrap();
    let report = seen.find("drifted").unwrap();
    assert!(bar < report && !seen[report..].contains("judging"), "{seen}");
    assert!(seen.contains("2 of 3 drifted") && seen.contains("1 authorized"), "{seen}");
    assert!(seen.contains("Nothing was written"), "{seen}");
    assert_eq!(lab.writes(), [""; 0]);
}

#[test]
fn the_run_that_carries_the_plan_out_has_its_bar_too() {
    let (code, seen) = answer(&members(), &["remediate", "--scope", "organization"], "2\n");
    assert_eq!(code, 0, "{seen}");
    let (_, carried_out) = seen.split_once("Type the number of accounts").unwrap();
    assert!(carried_out.contains(" judging: "), "{carried_out}");
    assert!(!carried_out.contains("3 of 2"), "{carried_out}");
}

#[test]
fn a_log_line_takes_the_place_of_the_bar() {
    let lab = members();
    let (mut pty, pts) = pty_process::blocking::open().unwrap();
    let command = command_on_a_terminal(&lab.emulator, &["verify", "--scope", "organization"])
        .env("DTS_GUARD_EXCLUDE_ACCOUNTS", MEMBERS[0])
        .env("DTS_GUARD_MEMBER_ROLE", "NoSuchRole");
    let mut child = command.spawn(pts).unwrap();
    let mut seen = Vec::new();
    let _ = pty.read_to_end(&mut seen);
    child.wait().unwrap();
    let seen = String::from_utf8(seen).unwrap();
    let (before, _) = seen.split_once("not entered").unwrap();
    let line = before.rsplit('\n').next().unwrap();
    assert!(line.contains("\r\x1b[2K"), "the bar's line is erased first: {line:?}");
}

/// Ctrl-S, or a connection that has stalled.
#[test]
fn a_terminal_that_is_paused_holds_up_no_repair() {
    let lab = members();
    let (pty, pts) = pty_process::blocking::open().unwrap();
    let command = command_on_a_terminal(&lab.emulator, &["remediate", "--yes", "--scope", "organization"])
        .env("DTS_GUARD_LOG", "trace")
        .env("DTS_GUARD_JOURNAL_DIR", "off")
        .env("TMPDIR", TEMP)
        .stdout(Stdio::null());
    let status = command.spawn(pts).unwrap().wait().unwrap();
    assert_eq!(status.code(), Some(0));
    assert!(lab.emulator.role(MEMBERS[0], emulator::DTS_ROLE).is_some_and(|role| !role.policies.is_empty()));
    drop(pty);
}
