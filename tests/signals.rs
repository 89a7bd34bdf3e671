//! SIGINT, SIGTERM and SIGHUP in the middle of a terminal command: the real program, real signals, each kind of call.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use emulator::{DTS_POLICY, DTS_ROLE, Emulator, FaultGuard, Role, RoleSnapshot, Rule};
use serde_json::Value;
use testkit::{
    ACCOUNT, Folder, Guard, Hang, MEMBERS, cloud, command, command_on_a_terminal, organization, other_trust,
    with_default_signals,
};

/// Only reached if the process hangs.
const PATIENCE: Duration = Duration::from_secs(30);
const SIGNALS: [&str; 3] = ["INT", "TERM", "HUP"];

/// What a repair of [`broken`] asks the cloud, in the order in which it asks first.
const CALLS: [&str; 9] = [
    "GetCallerIdentity",
    "GetRole",
    "ListPoliciesForRole",
    "ListTagResources",
    "DetachPolicyFromRole",
    "DeleteRole",
    "CreateRole",
    "AttachPolicyToRole",
    "TagResources",
];

fn broken() -> Role {
    let role = other_trust().description("Used by team blue");
    role.attach_system("AliyunOSSReadOnlyAccess").tag("team", "blue")
}

fn role(emulator: &Emulator) -> RoleSnapshot {
    emulator.role(ACCOUNT, DTS_ROLE).expect("there is a role")
}

/// Everything but the trust policy and the role's id.
fn assert_kept(case: &str, emulator: &Emulator) {
    let now = role(emulator);
    let mut policies = now.policy_names();
    policies.sort_unstable();
    assert_eq!(policies, [DTS_POLICY, "AliyunOSSReadOnlyAccess"], "{case}");
    assert_eq!((&*now.description, now.tags["team"].as_str()), ("Used by team blue", "blue"), "{case}");
}

fn start(emulator: &Emulator, home: &Path, arguments: &[&str]) -> Child {
    let mut command = command(emulator, arguments);
    spawn(&mut with_default_signals(command.env("HOME", home)))
}

fn spawn(command: &mut Command) -> Child {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn send(signal: &str, process: u32) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status().unwrap().success());
}

/// Sends a signal while the call is under way: the cloud answers after that.
fn signal_at(emulator: &Emulator, rule: Rule, signal: &'static str) -> (FaultGuard, Arc<OnceLock<u32>>) {
    let process = Arc::new(OnceLock::new());
    let whom = process.clone();
    (emulator.on_call(rule, move |_| send(signal, *whom.wait())), process)
}

/// How it ended, its report, and what it told.
fn end(child: Child) -> (Option<i32>, Value, String) {
    let output = child.wait_with_output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap_or(Value::Null);
    (output.status.code(), report, String::from_utf8(output.stderr).unwrap())
}

#[test]
fn at_each_call_the_role_is_finished_or_not_begun() {
    for (call, nth) in CALLS.into_iter().map(|call| (call, 1)).chain([("GetRole", 2), ("AttachPolicyToRole", 2)]) {
        for signal in SIGNALS {
            let case = format!("{signal} at {nth}. {call}");
            let (emulator, home) = (cloud(broken()), Folder::new());
            let before = role(&emulator);
            let (fault, process) = signal_at(&emulator, Rule::on(call).nth(nth), signal);
            let child = start(&emulator, home.path(), &["remediate", "--yes"]);
            process.set(child.id()).unwrap();
            let (code, report, said) = end(child);
            assert_eq!(fault.hits(), 1, "{case}: {said}");
            assert_eq!(code, Some(1), "{case}: {report:#} {said}");
            assert!(
                said.contains("Stopping") && report["reason"].as_str().unwrap().contains("signal"),
                "{case}: {said}"
            );
            assert_kept(&case, &emulator);
            match report["status"].as_str().unwrap() {
                "pending" => assert_eq!((emulator.writes().len(), role(&emulator)), (0, before), "{case}"),
                status => {
                    assert_eq!(status, "remediated", "{case}: {report:#}");
                    assert!(role(&emulator).trust.contains("dts.aliyuncs.com"), "{case}");
                }
            }
        }
    }
}

/// A look may be given up at once: nobody waits for a cloud that does not answer.
#[tokio::test]
async fn a_look_is_given_up() {
    for call in ["GetCallerIdentity", "GetRole"] {
        let (emulator, home) = (cloud(broken()), Folder::new());
        let hang = Hang::at(&emulator, Rule::on(call).every(), false);
        let child = start(&emulator, home.path(), &["verify"]);
        tokio::time::timeout(PATIENCE, hang.reached()).await.expect("the call arrives");
        send("INT", child.id());
        let (code, report, said) = end(child);
        assert_eq!((code, &report["status"]), (Some(1), &"pending".into()), "{call}: {report:#} {said}");
    }
}

#[test]
fn of_many_accounts_no_further_one_is_begun() {
    let emulator = organization(Role::dts().detach(DTS_POLICY));
    let home = Folder::new();
    let (_fault, process) = signal_at(&emulator, Rule::on("DeleteRole"), "TERM");
    let mut command = command(&emulator, &["remediate", "--yes", "--scope", "organization"]);
    command.env("HOME", home.path()).env("DTS_GUARD_CONCURRENCY", "1");
    let child = spawn(&mut with_default_signals(&command));
    process.set(child.id()).unwrap();
    let (code, report, said) = end(child);
    assert_eq!(code, Some(1), "{said}");
    let summary = &report["summary"];
    assert_eq!((&summary["remediated"], &summary["pending"]), (&1.into(), &MEMBERS.len().into()), "{report:#}");
    let pending = report["accounts"].as_array().unwrap().iter().find(|line| line["status"] == "pending").unwrap();
    assert!(pending["next"].as_str().unwrap().contains("stopped"), "{pending}");
    assert_eq!(emulator.writes().iter().filter(|call| call.operation == "DeleteRole").count(), 1);
}

/// The second one does not wait for the cloud, and what it says to type finishes the repair.
#[tokio::test]
async fn the_second_signal_stops_at_once_and_says_what_to_type() {
    for (signal, call) in SIGNALS.into_iter().zip(["DeleteRole", "CreateRole", "AttachPolicyToRole"]) {
        let (emulator, home) = (cloud(broken()), Folder::new());
        let hang = Hang::at(&emulator, Rule::on(call).every(), true);
        let mut child = start(&emulator, home.path(), &["remediate", "--yes"]);
        tokio::time::timeout(PATIENCE, hang.reached()).await.expect("the call arrives");
        let mut told = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        send(signal, child.id());
        while !line.contains("Stopping") {
            line.clear();
            assert_ne!(told.read_line(&mut line).unwrap(), 0, "{signal}");
        }
        send(signal, child.id());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{signal}");
        let mut said = String::new();
        told.read_to_string(&mut said).unwrap();
        let advice = said.lines().find(|line| line.contains(ACCOUNT)).expect("a line for the role in hand");
        assert!(advice.contains(&format!("dts-role-guard verify --account {ACCOUNT}")), "{advice}");
        let to_finish = format!("dts-role-guard remediate --account {ACCOUNT}");
        assert!(advice.contains(&to_finish) && advice.contains(home.text()), "{advice}");
        drop(hang);
        let (code, report, said) = end(start(&emulator, home.path(), &["remediate", "--account", ACCOUNT, "--yes"]));
        assert_eq!(code, Some(0), "{signal}: {report:#} {said}");
        assert_kept(signal, &emulator);
    }
}

/// A person at a terminal; what stands there is read up to the question.
fn at_the_question(emulator: &Emulator, home: &Path) -> (Child, pty_process::blocking::Pty, Vec<u8>) {
    let (mut pty, pts) = pty_process::blocking::open().unwrap();
    let command = command_on_a_terminal(emulator, &["remediate"]).env("HOME", home).env("DTS_GUARD_LOG", "off");
    let child = command.spawn(pts).unwrap();
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(b"Type `yes`: ") && matches!(pty.read(&mut byte), Ok(1)) {
        seen.push(byte[0]);
    }
    (child, pty, seen)
}

#[test]
fn a_signal_at_the_question_is_a_no() {
    let (emulator, home) = (cloud(broken()), Folder::new());
    let (mut child, mut pty, mut seen) = at_the_question(&emulator, home.path());
    // Ctrl-C: the terminal makes a signal of it.
    pty.write_all(b"\x03").unwrap();
    let _ = pty.read_to_end(&mut seen);
    let seen = String::from_utf8(seen).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(1), "{seen}");
    assert!(seen.contains("Nothing was written"), "{seen}");
    assert_eq!(emulator.writes().len(), 0);
}

#[test]
fn a_terminal_that_is_closed_at_the_question_is_a_no() {
    let (emulator, home) = (cloud(broken()), Folder::new());
    let (mut child, pty, _) = at_the_question(&emulator, home.path());
    drop(pty);
    assert_eq!(child.wait().unwrap().code(), Some(1));
    assert_eq!(emulator.writes().len(), 0);
}

/// The work goes on in order though nobody can read any more what it says.
#[test]
fn a_terminal_that_is_closed_during_a_repair_leaves_the_role_whole() {
    for call in ["DetachPolicyFromRole", "DeleteRole", "CreateRole", "AttachPolicyToRole"] {
        let (emulator, home) = (cloud(broken()), Folder::new());
        let (mut child, mut pty, _) = at_the_question(&emulator, home.path());
        pty.write_all(b"yes\n").unwrap();
        let mut terminal = Some(pty);
        let _closed = emulator.on_call(Rule::on(call), move |_| drop(terminal.take()));
        assert!(child.wait().unwrap().code().is_some_and(|code| code > 0), "{call}: ended in order");
        assert_kept(call, &emulator);
        assert!(role(&emulator).trust.contains("dts.aliyuncs.com"), "{call}");
    }
}

/// `nohup` ignores the signal before the program begins: it stays ignored.
#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let (emulator, home) = (cloud(broken()), Folder::new());
    let (_fault, process) = signal_at(&emulator, Rule::on("DeleteRole"), "HUP");
    let direct = command(&emulator, &["remediate", "--yes"]);
    let mut command = Command::new("nohup");
    command.arg(direct.get_program()).args(direct.get_args()).env_clear();
    command.envs(direct.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let child = spawn(command.env("HOME", home.path()).env("PATH", "/usr/bin:/bin"));
    process.set(child.id()).unwrap();
    let (code, report, said) = end(child);
    assert_eq!((code, &report["status"], &report["reason"]), (Some(0), &"remediated".into(), &Value::Null), "{said}");
}

/// A function's process is told by SIGTERM; on a workstation the terminal may go away.
#[test]
fn serve_ends_by_sighup_as_by_sigterm() {
    let emulator = cloud(broken());
    for signal in ["HUP", "TERM"] {
        let guard = Guard::start_writing_to(&emulator, &[], |command| {
            *command = with_default_signals(command);
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        });
        let (status, lines) = guard.stop_by(signal);
        assert_eq!(status.code(), Some(0), "{signal}: {lines:#?}");
    }
}
