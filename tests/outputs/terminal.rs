//! Where the report goes: formats, files, colours.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use emulator::Role;
use serde_json::Value;
use testkit::{Lab, program};

use crate::samples;

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(program());
    command.args(arguments).env_clear().stdin(Stdio::null());
    command
}

fn with_keys(lab: &Lab, arguments: &[&str]) -> Command {
    testkit::command(&lab.emulator, arguments)
}

fn render(arguments: &[&str], input: &str) -> Output {
    let mut command = command(&[&["render"], arguments].concat());
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // One that does not read to the end has seen enough.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn texts(output: &Output) -> (i32, &str, &str) {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
}

#[test]
fn a_saved_report_is_rendered_whatever_it_says() {
    for name in samples::names() {
        let output = render(&["--format", "human"], &samples::text(&name));
        let (code, stdout, stderr) = texts(&output);
        assert_eq!((code, stderr), (0, ""), "{name}");
        assert!(stdout.ends_with(" ms\n"), "{name}: {stdout}");
        let again = render(&["--format", "json"], &samples::text(&name));
        samples::assert_holds(texts(&again).1, &samples::text(&name), &name);
    }
}

#[test]
fn what_is_no_report_is_a_usage_mistake_that_says_where() {
    for (input, part) in [("no JSON", "no valid JSON"), ("{\"schema\":1}", "at `schema`")] {
        let output = render(&["--format", "human"], input);
        let (code, stdout, stderr) = texts(&output);
        assert_eq!((code, stdout), (2, ""));
        assert!(stderr.contains(part), "{stderr}");
    }
}

#[test]
fn a_place_that_cannot_be_written_to_ends_the_run_before_it_begins() {
    let lab = Lab::new(Some(Role::dts().trusting_service("ecs.aliyuncs.com")));
    let output = with_keys(&lab, &["remediate", "--yes", "--output", "/no/such/folder/report"]).output().unwrap();
    let (code, stdout, stderr) = texts(&output);
    assert_eq!((code, stdout), (3, ""), "{stderr}");
    assert!(stderr.contains("`/no/such/folder/report`"), "{stderr}");
    assert_eq!(lab.emulator.operations(), [""; 0]);
}

#[test]
fn a_file_gets_json_and_keeps_what_it_holds_until_there_is_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.json");
    let file = path.to_str().unwrap();
    std::fs::write(&path, "x".repeat(100_000)).unwrap();
    let output = command(&["verify", "--output", file]).output().unwrap();
    assert_eq!(texts(&output).0, 3, "no keys: {}", texts(&output).2);
    assert_eq!(std::fs::read(&path).unwrap().len(), 100_000);
    let lab = Lab::new(Some(Role::dts()));
    let output = with_keys(&lab, &["verify", "--output", file]).output().unwrap();
    let (code, stdout, stderr) = texts(&output);
    assert_eq!((code, stdout), (0, ""), "{stderr}");
    let report: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!(report["status"], "authorized");
    let missing = folder.path().join("missing.json");
    let output = command(&["verify", "--output", missing.to_str().unwrap()]).output().unwrap();
    assert_eq!((texts(&output).0, missing.exists()), (3, false), "no report, no file");
}

#[test]
fn a_full_disk_is_told_and_a_closed_pipe_is_not() {
    let full = |arguments: &[&str]| {
        let mut child = command(&[&["render"], arguments].concat());
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut child = child.stdin(Stdio::piped()).stdout(full).stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(samples::text("stuck.json").as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    };
    for output in [full(&["--format", "human"]), render(&["--output", "/dev/full"], &samples::text("stuck.json"))] {
        let (code, _, stderr) = texts(&output);
        assert_eq!(code, 3, "{stderr}");
        assert!(stderr.contains("cannot be written"), "{stderr}");
    }
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut child = command(&["render", "--format", "human"]).stdin(Stdio::piped()).stdout(writer).spawn().unwrap();
    child.stdin.take().unwrap().write_all(samples::text("stuck.json").as_bytes()).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn quiet_is_the_exit_code_and_nothing_else() {
    let lab = Lab::new(Some(Role::dts().trusting_service("ecs.aliyuncs.com")));
    for format in ["human", "json"] {
        let output = with_keys(&lab, &["verify", "--quiet", "--format", format]).output().unwrap();
        assert_eq!(texts(&output), (1, "", ""));
    }
}

#[test]
fn colours_are_for_those_who_want_them() {
    let has_colours = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = command(&[&["render", "--format", "human"], arguments].concat());
        let mut child =
            command.envs(variables.iter().copied()).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(samples::text("drifted.json").as_bytes()).unwrap();
        child.wait_with_output().unwrap().stdout.contains(&0x1b)
    };
    assert!(!has_colours(&[], &[("TERM", "xterm-256color")]), "a pipe is no terminal");
    assert!(has_colours(&["--color", "always"], &[]));
    assert!(!has_colours(&["--color", "always"], &[("TERM", "dumb")]));
    assert!(!has_colours(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}
