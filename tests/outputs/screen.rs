//! What a person at a terminal sees, and what goes elsewhere.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use emulator::{DTS_ROLE, Member, Seed};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{ACCOUNT, Lab, command_on_a_terminal, other_trust};

/// Runs the program on a terminal, and types `answer` when it asks; returns the exit code and what the person saw.
fn on_a_screen(lab: &Lab, arguments: &[&str], variables: &[(&str, &Path)], answer: Option<&str>) -> (i32, String) {
    let (mut pty, pts) = pty_process::blocking::open().unwrap();
    pty.resize(pty_process::Size::new(50, 200)).unwrap();
    let command = command_on_a_terminal(&lab.emulator, arguments).envs(variables.iter().copied());
    let mut child = command.spawn(pts).unwrap();
    let (mut seen, mut byte) = (Vec::new(), [0]);
    if let Some(answer) = answer {
        while !seen.ends_with(b"`: ") && matches!(pty.read(&mut byte), Ok(1)) {
            seen.push(byte[0]);
        }
        pty.write_all(answer.as_bytes()).unwrap();
    }
    // The terminal is closed when the program ends, which reads as an error.
    let _ = pty.read_to_end(&mut seen);
    (child.wait().unwrap().code().unwrap(), String::from_utf8(seen).unwrap())
}

fn broken() -> Lab {
    Lab::new(Some(other_trust().attach_custom("TeamExtra").tag("team", "data")))
}

fn logs(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).into_iter().flatten().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|extension| extension == "log")).collect()
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o777
}

/// The only file of lines in a folder: its path was told once, and the lines themselves were not.
fn lines_told(folder: &Path, seen: &str) -> Vec<Value> {
    let [path] = &logs(folder)[..] else { panic!("{:?}: {seen}", logs(folder)) };
    assert_eq!(seen.matches(path.to_str().unwrap()).count(), 1, "{seen}");
    for part in ["\"journal\"", "stepEnd"] {
        assert!(!seen.contains(part), "{part}: {seen}");
    }
    assert_eq!(mode(path), 0o600);
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

const REPAIR: [&str; 4] = ["remediate", "--yes", "--format", "human"];

#[test]
fn the_journals_lines_go_to_a_file_whose_path_is_told_once() {
    for setting in ["", "off"] {
        let (lab, home) = (broken(), TempDir::new().unwrap());
        let variables = [("HOME", home.path()), ("DTS_GUARD_JOURNAL_DIR", Path::new(setting))];
        let (code, seen) = on_a_screen(&lab, &REPAIR, &variables, None);
        assert_eq!(code, 0, "{seen}");
        let folder = home.path().join(".local/state/dts-role-guard/log");
        assert_eq!(mode(&folder), 0o700);
        let lines = lines_told(&folder, &seen);
        let events: Vec<_> = lines.iter().map(|line| line["journal"]["event"].as_str().unwrap()).collect();
        assert_eq!((events[0], events[events.len() - 1]), ("begin", "end"), "{events:?}");
        assert!(events.contains(&"step") && events.contains(&"stepEnd"), "{events:?}");
        assert!(lines[0]["journal"]["before"].to_string().contains("TeamExtra"), "what the role had");
        assert!(lines.iter().all(|line| line["accountId"] == ACCOUNT && line["requestId"].is_string()));
    }
}

#[test]
fn without_a_home_it_is_a_file_for_temporary_ones() {
    let (lab, temp) = (broken(), TempDir::new().unwrap());
    let (code, seen) = on_a_screen(&lab, &REPAIR, &[("TMPDIR", temp.path())], None);
    assert_eq!(code, 0, "{seen}");
    assert!(!lines_told(temp.path(), &seen).is_empty());
}

#[test]
fn a_run_that_repairs_nothing_makes_no_file() {
    let (lab, home) = (broken(), TempDir::new().unwrap());
    let (code, seen) = on_a_screen(&lab, &["remediate"], &[("HOME", home.path())], Some("no\n"));
    assert_eq!((code, home.path().join(".local").exists()), (1, false), "{seen}");
}

#[test]
fn a_file_that_cannot_be_made_ends_no_repair() {
    let (lab, place) = (broken(), TempDir::new().unwrap());
    let file = place.path().join("file");
    fs::write(&file, "").unwrap();
    let variables = [("HOME", &*file), ("TMPDIR", &*file), ("DTS_GUARD_JOURNAL_DIR", Path::new("off"))];
    let (code, seen) = on_a_screen(&lab, &REPAIR, &variables, None);
    assert_eq!(code, 0, "{seen}");
    assert_eq!(seen.matches("no file can be made for the journal's lines").count(), 1, "{seen}");
    assert!(lab.emulator.role(ACCOUNT, DTS_ROLE).is_some_and(|role| role.trust.contains("dts.aliyuncs.com")));
}

#[test]
fn quiet_tells_no_path_and_writes_the_lines_all_the_same() {
    let (lab, home) = (broken(), TempDir::new().unwrap());
    let (code, seen) = on_a_screen(&lab, &["remediate", "--yes", "--quiet"], &[("HOME", home.path())], None);
    assert_eq!((code, seen.as_str()), (0, ""));
    assert_eq!(logs(&home.path().join(".local/state/dts-role-guard/log")).len(), 1);
}

const MEMBERS: [&str; 2] = ["2234567890123456", "3234567890123456"];

#[test]
fn a_run_over_accounts_that_were_named_shows_how_far_it_is_and_what_is_left() {
    let broken = |_, member: Member| member.seed(Seed::Policy);
    let lab = Lab::organization(|directory| directory.members(MEMBERS.map(str::to_owned), broken));
    let temp = TempDir::new().unwrap();
    let named = |command: &'static str| {
        let accounts = ["--account", MEMBERS[0], "--account", MEMBERS[1], "--scope", "organization"];
        [vec![command], accounts.to_vec(), vec!["--yes"; usize::from(command == "remediate")]].concat()
    };
    for (command, code, shown) in [
        ("verify", 1, "1 of 2 judging: 1 broken, 0 failed, about "),
        ("remediate", 0, "1 of 2 repairing: 1 broken, 0 failed, about "),
        ("verify", 0, "1 of 2 judging: 0 broken, 0 failed, about "),
    ] {
        let (found, seen) = on_a_screen(&lab, &named(command), &[("TMPDIR", temp.path())], None);
        assert!(found == code && seen.contains(shown), "{command}: {seen}");
    }
}

#[test]
fn a_run_over_one_account_shows_no_bar() {
    let (_, seen) = on_a_screen(&broken(), &["verify"], &[], None);
    assert!(!seen.contains("judging"), "{seen}");
}
