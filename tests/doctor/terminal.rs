//! The command: formats, exit codes, what it takes.

use std::process::{Command, Output};

use emulator::{Emulator, Member, Role, Rule};
use serde_json::{Value, json};
use testkit::Lab;

use super::assert_follows_schema;

fn command(cloud: &Emulator, arguments: &[&str]) -> Command {
    testkit::command(cloud, &[&["doctor"], arguments].concat())
}

fn told(output: &Output) -> (i32, String) {
    let code = output.status.code().unwrap();
    (code, format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)))
}

fn report(output: &Output) -> Value {
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"));
    assert_follows_schema(&report);
    report
}

#[test]
fn the_exit_code_says_how_bad_it_is() {
    let lab = Lab::new(Some(Role::dts()));
    let output = command(&lab.emulator, &[]).output().unwrap();
    assert_eq!((output.status.code(), &report(&output)["status"]), (Some(0), &json!("ok")));
    let broken = Lab::new(None);
    let output = command(&broken.emulator, &[]).output().unwrap();
    assert_eq!((output.status.code(), &report(&output)["status"]), (Some(1), &json!("warning")));
    let _denied = lab.emulator.fault(Rule::on("GetRole").every().deny());
    let output = command(&lab.emulator, &[]).output().unwrap();
    assert_eq!((output.status.code(), &report(&output)["status"]), (Some(3), &json!("failed")));
}

/// A mistake in the settings is what the doctor is asked about, not a mistake of usage.
#[test]
fn wrong_settings_are_a_check_that_failed() {
    let lab = Lab::new(Some(Role::dts()));
    let output = command(&lab.emulator, &[]).env("DTS_GUARD_MODUS", "x").output().unwrap();
    let report = report(&output);
    assert_eq!((output.status.code(), &report["checks"][0]["status"]), (Some(3), &json!("failed")), "{report:#}");
    assert!(report["checks"][0]["message"].as_str().unwrap().contains("DTS_GUARD_MODUS"), "{report:#}");
    assert_eq!(lab.emulator.operations(), [""; 0]);
}

#[test]
fn without_keys_it_is_told_of_variables() {
    let lab = Lab::new(Some(Role::dts()));
    let output = command(&lab.emulator, &[]).env_remove("ALIBABA_CLOUD_ACCESS_KEY_SECRET").output().unwrap();
    let report = report(&output);
    assert_eq!((output.status.code(), &report["checks"][1]["status"]), (Some(3), &json!("failed")), "{report:#}");
    assert!(report["checks"][1]["message"].as_str().unwrap().contains("`ALIBABA_CLOUD_ACCESS_KEY_SECRET` missing"));
}

#[test]
fn a_person_reads_lines_with_the_verdict_at_the_end() {
    let lab = Lab::new(Some(Role::dts()));
    let _denied = lab.emulator.fault(Rule::on("ListTagResources").every().deny());
    let (code, text) = told(&command(&lab.emulator, &["--format", "human"]).output().unwrap());
    assert_eq!(code, 3, "{text}");
    let line = text.lines().find(|line| line.starts_with("✗ tags")).expect("a line of the check");
    assert!(line.contains("`ram:ListTagResources`"), "{text}");
    assert!(text.contains("→ attach the statements of `policies/verify.json`"), "{text}");
    assert!(text.trim_end().lines().last().unwrap().starts_with("failed: 1 failed, "), "{text}");
    assert!(!text.contains('\u{1b}'), "no terminal, no colours: {text}");
    for secret in lab.emulator.secrets() {
        assert!(!text.contains(&secret), "{text}");
    }
}

#[test]
fn it_takes_a_scope_a_file_and_quiet() {
    let lab = Lab::organization(|directory| directory.member(Member::new("2234567890123456")));
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("doctor.json");
    let arguments = ["--scope", "organization", "--output", file.to_str().unwrap(), "--timeout", "60"];
    let output = command(&lab.emulator, &arguments).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0), "{output:?}");
    let report: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
    assert!(report.to_string().contains("member-2234567890123456"), "{report:#}");
    let output = command(&lab.emulator, &["--quiet"]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len(), output.stderr.len()), (Some(0), 0, 0), "{output:?}");
    let (code, text) = told(&command(&lab.emulator, &["--format", "csv"]).output().unwrap());
    assert!(code == 2 && text.contains("possible values: human, json"), "{text}");
    let mut narrow = command(&lab.emulator, &["--scope", "organization"]);
    let (code, text) = told(&narrow.env("DTS_GUARD_SCOPE", "account").output().unwrap());
    assert!(code == 2 && text.contains("DTS_GUARD_SCOPE"), "{text}");
    let (code, text) = told(&command(&lab.emulator, &["--output", "/no/such/folder/x"]).output().unwrap());
    assert!(code == 3 && text.contains("cannot be written"), "{text}");
}
