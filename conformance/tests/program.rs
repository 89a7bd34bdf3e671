//! The real program, against an emulator: the question on a terminal, exit codes, signals.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::io::{Read as _, Write as _};
use std::process::{Command, Output, Stdio};

use emulator::{AccessKey, DTS_ROLE, Emulator, Role, Rule, World};
use pty_process::blocking;

const ACCOUNT: &str = "1234567890123456";

fn cloud() -> Emulator {
    let key = AccessKey::session("STS.Program", "program-secret-0123456789", "program-token-0123456789");
    let world = World::new().account(ACCOUNT, |account| account.role(Role::dts()));
    Emulator::start(world.key(key.of_role(ACCOUNT, "somebody", "session"))).unwrap()
}

fn variables(cloud: &Emulator) -> [(&'static str, String); 6] {
    [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.Program".to_owned()),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "program-secret-0123456789".to_owned()),
        ("ALIBABA_CLOUD_SECURITY_TOKEN", "program-token-0123456789".to_owned()),
        ("DTS_GUARD_RAM_ENDPOINT", cloud.url()),
        ("DTS_GUARD_STS_ENDPOINT", cloud.url()),
        ("DTS_GUARD_RESOURCE_MANAGER_ENDPOINT", cloud.url()),
    ]
}

fn command(cloud: &Emulator, arguments: &[&str]) -> Command {
    // A signal that whoever runs the tests ignores would stay ignored.
    let mut command = Command::new("/usr/bin/env");
    command.args(["--default-signal", env!("CARGO_BIN_EXE_conformance")]).args(arguments);
    command.env_clear().envs(variables(cloud)).stdin(Stdio::null());
    command
}

fn run(cloud: &Emulator, arguments: &[&str]) -> Output {
    command(cloud, arguments).output().unwrap()
}

fn roles(cloud: &Emulator) -> Vec<String> {
    cloud.with_world(|world| world.roles(ACCOUNT).map(|role| role.name.clone()).collect())
}

/// Types an answer to the question.
fn answer(cloud: &Emulator, text: &str) -> (i32, String) {
    let (mut terminal, end) = blocking::open().unwrap();
    let program = blocking::Command::new(env!("CARGO_BIN_EXE_conformance")).arg("--real");
    let mut program = program.env_clear().envs(variables(cloud)).spawn(end).unwrap();
    terminal.write_all(text.as_bytes()).unwrap();
    let mut seen = Vec::new();
    // A terminal whose other side is closed is an error.
    let _ = terminal.read_to_end(&mut seen);
    (program.wait().unwrap().code().unwrap(), String::from_utf8_lossy(&seen).into_owned())
}

#[test]
fn without_a_word_it_asks_its_own_emulator() {
    let output = Command::new(env!("CARGO_BIN_EXE_conformance")).env_clear().stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.lines().last().unwrap().starts_with("agrees: 89 confirmed, 0 contradicted, 1 not tried"), "{text}");
}

#[test]
fn only_yes_is_taken() {
    let cloud = cloud();
    for text in ["no\n", "y\n", "\n", "\u{4}"] {
        let (code, seen) = answer(&cloud, text);
        assert_eq!(code, 2, "{seen}");
        assert!(
            seen.contains(&format!("In account {ACCOUNT}")) && seen.contains("dts-role-guard-conformance-"),
            "{seen}"
        );
        assert_eq!(cloud.operations().last().map(String::as_str), Some("GetCallerIdentity"));
    }
    assert!(cloud.writes().is_empty());
}

#[test]
fn without_a_terminal_nothing_is_asked_of_anybody() {
    let cloud = cloud();
    let output = run(&cloud, &["--real"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8(output.stderr).unwrap().contains("--yes"));
    assert!(cloud.calls().is_empty());
    assert_eq!(run(&cloud, &["--yes"]).status.code(), Some(2), "--yes belongs to --real");
}

#[test]
fn keys_and_endpoints_that_are_wrong_are_told() {
    let cloud = cloud();
    let output = command(&cloud, &["--real", "--yes"]).env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "").output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8(output.stderr).unwrap().contains("ALIBABA_CLOUD_ACCESS_KEY_SECRET"));
    let output =
        command(&cloud, &["--real", "--yes"]).env("DTS_GUARD_RAM_ENDPOINT", "https://evil.example").output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(cloud.calls().is_empty());
}

#[test]
fn a_script_gets_json_and_an_exit_code() {
    let cloud = cloud();
    let bent = cloud.fault(Rule::on("TagResources").nth(3).error(200, ""));
    let output = run(&cloud, &["--real", "--yes", "--format", "json", "--signature", "acs3"]);
    drop(bent);
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((output.status.code(), json["status"].as_str()), (Some(1), Some("contradicted")), "{json:#}");
    assert_eq!(json["summary"]["contradicted"], 1);
    assert_eq!(roles(&cloud), [DTS_ROLE]);
}

/// A signal while a call hangs: it ends with the call, and what was made is removed.
#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_the_run_in_order() {
    for signal in ["INT", "TERM", "HUP"] {
        let cloud = cloud();
        let slow = cloud.fault(Rule::on("TagResources").nth(1).latency(std::time::Duration::from_millis(300)));
        let program =
            command(&cloud, &["--real", "--yes"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        cloud.wait_for_call("TagResources", 1).await;
        assert!(roles(&cloud).len() > 1);
        send(signal, program.id());
        let output = program.wait_with_output().unwrap();
        drop(slow);
        assert_eq!(output.status.code(), Some(3), "{signal}");
        assert!(String::from_utf8(output.stdout).unwrap().contains("incomplete: "), "{signal}");
        assert_eq!(roles(&cloud), [DTS_ROLE], "{signal}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_signal_stops_at_once_and_tells_what_is_left() {
    let cloud = cloud();
    let hang = cloud.fault(Rule::on("TagResources").nth(1).hang());
    let mut program =
        command(&cloud, &["--real", "--yes"]).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    cloud.wait_for_call("TagResources", 1).await;
    send("INT", program.id());
    let mut errors = program.stderr.take().unwrap();
    let mut text = String::new();
    let mut byte = [0];
    while !text.contains("A second signal") && errors.read(&mut byte).unwrap() == 1 {
        text.push(char::from(byte[0]));
    }
    send("INT", program.id());
    errors.read_to_string(&mut text).unwrap();
    assert_eq!(program.wait().unwrap().code(), Some(130), "{text}");
    drop(hang);
    let left: Vec<_> = roles(&cloud).into_iter().filter(|name| name != DTS_ROLE).collect();
    assert_eq!(left.len(), 1);
    assert!(left.iter().all(|name| text.contains(name)), "{text}");
}

fn send(signal: &str, process: u32) {
    assert!(Command::new("kill").args([&format!("-{signal}"), &process.to_string()]).status().unwrap().success());
}
