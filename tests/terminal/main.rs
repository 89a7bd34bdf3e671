//! The terminal commands of the real binary: arguments, exit codes, what goes to stdout and what to stderr.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod keys;
mod network;
mod proxy;
mod shell;

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

use authorization::settings::Mode;
use emulator::{Member, Role, Rule, Seed};
use serde_json::Value;
use testkit::{Folder, Hang, JOURNAL_DIR, KEYS, Lab, command_on_a_terminal, other_trust};

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

#[test]
fn stdout_holds_the_report_alone_and_the_exit_code_its_status() {
    let lab = broken();
    for (arguments, code, status) in [
        (&["verify"][..], 1, "drifted"),
        (&["plan"], 1, "drifted"),
        (&["remediate", "--yes"], 0, "remediated"),
        (&["verify", "--account", testkit::ACCOUNT, "--scope", "account", "--timeout", "30"], 0, "authorized"),
    ] {
        let (found, report, stderr) = run(&lab, arguments);
        assert_eq!((found, &report["status"]), (code, &status.into()), "{arguments:?}: {report:#} {stderr}");
        assert_eq!(report["mode"], arguments[0]);
    }
}

#[test]
fn without_a_terminal_and_without_yes_nothing_is_called() {
    let lab = broken();
    let (code, report, stderr) = run(&lab, &["remediate"]);
    assert_eq!((code, report), (2, Value::Null));
    assert!(stderr.contains("--yes"), "{stderr}");
    assert_eq!(lab.emulator.operations(), [""; 0]);
}

#[test]
fn usage_mistakes_say_what_would_be_right_and_call_nothing() {
    let lab = broken();
    for (arguments, part) in [
        (&["repair"][..], "unrecognized subcommand"),
        (&["verify", "--format", "xml"], "possible values: human, json"),
        (&["verify", "--scope", "world"], "possible values: account, organization"),
        (&["verify", "--account", "me"], "5 to 20 digits"),
        (&["verify", "--yes"], "unexpected argument"),
        (&["verify", "--timeout", "soon"], "invalid digit"),
    ] {
        let (code, _, stderr) = run(&lab, arguments);
        assert_eq!(code, 2, "{arguments:?}: {stderr}");
        assert!(stderr.contains(part), "{arguments:?}: {stderr}");
    }
    assert_eq!(lab.emulator.operations(), [""; 0]);
}

#[test]
fn settings_mistakes_are_all_named() {
    let lab = broken();
    let mut command = command(&lab, &["verify"]);
    command.env("DTS_GUARD_BRAKE", "20").env("DTS_GUARD_RATE", "many").env("DTS_GUARD_MODUS", "x");
    let (code, _, stderr) = outcome(&command.output().unwrap());
    assert_eq!(code, 2);
    for name in ["DTS_GUARD_BRAKE", "DTS_GUARD_RATE", "DTS_GUARD_MODUS"] {
        assert!(stderr.contains(name), "{stderr}");
    }
}

#[test]
fn a_narrower_mode_in_the_settings_wins() {
    let lab = broken();
    let (code, _, stderr) =
        outcome(&command(&lab, &["remediate", "--yes"]).env("DTS_GUARD_MODE", "plan").output().unwrap());
    assert_eq!(code, 2);
    assert!(stderr.contains("DTS_GUARD_MODE"), "{stderr}");
    assert_eq!(lab.emulator.operations(), [""; 0]);
}

#[test]
fn another_account_is_rejected() {
    let (code, report, _) = run(&broken(), &["verify", "--account", "2234567890123456"]);
    assert_eq!((code, &report["status"]), (2, &"rejected".into()), "{report}");
}

const MEMBERS: [&str; 2] = ["2234567890123456", "3234567890123456"];

fn members() -> Lab {
    let broken = |_, member: Member| member.seed(Seed::Policy);
    Lab::organization(|directory| directory.members(MEMBERS.map(str::to_owned), broken))
}

fn named(command: &'static str) -> Vec<&'static str> {
    vec![command, "--scope", "organization", "--account", MEMBERS[0], "--account", MEMBERS[1], "--account", MEMBERS[0]]
}

#[test]
fn members_are_entered_with_the_scope_organization() {
    let lab = members();
    for (arguments, code, status) in [
        (named("verify"), 1, "drifted"),
        ([named("remediate"), vec!["--yes"]].concat(), 0, "remediated"),
        (named("verify"), 0, "authorized"),
    ] {
        let (found, report, stderr) = run(&lab, &arguments);
        assert_eq!((found, &report["status"]), (code, &status.into()), "{report:#} {stderr}");
        assert_eq!(report["summary"]["accounts"], 2);
    }
    let mut outside = command(&lab, &["verify", "--account", MEMBERS[0]]);
    assert_eq!(outcome(&outside.output().unwrap()).0, 2);
    outside.env("DTS_GUARD_SCOPE", "organization");
    assert_eq!(outcome(&outside.output().unwrap()).0, 0);
}

#[test]
fn a_narrower_scope_in_the_settings_wins() {
    let lab = members();
    let (code, _, stderr) =
        outcome(&command(&lab, &named("verify")).env("DTS_GUARD_SCOPE", "account").output().unwrap());
    assert_eq!(code, 2);
    assert!(stderr.contains("DTS_GUARD_SCOPE"), "{stderr}");
    assert_eq!(lab.emulator.operations(), [""; 0]);
}

#[test]
fn what_could_not_be_found_out_and_what_is_stuck_have_codes_of_their_own() {
    let lab = broken();
    let denied = lab.emulator.fault(Rule::on("GetRole").every().deny());
    assert_eq!(run(&lab, &["verify"]).0, 3);
    drop(denied);
    let _denied = lab.emulator.fault(Rule::on("CreateRole").from(2).deny());
    let (code, report, _) = run(&lab, &["remediate", "--yes"]);
    assert_eq!((code, &report["status"]), (4, &"stuck".into()), "{report:#}");
    assert!(report["accounts"][0]["next"].as_str().unwrap().contains("aliyun ram CreateRole"), "{report:#}");
}

#[test]
fn no_secret_is_printed() {
    let lab = broken();
    let _fault = lab.emulator.fault(Rule::on("DetachPolicyFromRole").every().error(400, "SignatureDoesNotMatch"));
    for format in ["human", "json"] {
        let mut command = command(&lab, &["remediate", "--yes", "--format", format]);
        let output = command.env("DTS_GUARD_LOG", "trace").output().unwrap();
        let text = [output.stdout, output.stderr].concat();
        let text = String::from_utf8_lossy(&text);
        assert!(text.contains("SignatureDoesNotMatch"), "{text}");
        for secret in lab.emulator.secrets() {
            assert!(!text.contains(&secret), "{secret} in {text}");
        }
        assert!(!text.contains("Signature="), "{text}");
    }
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

#[test]
fn remediate_shows_the_plan_and_asks() {
    let lab = broken();
    for no in ["no\n", "\n", "y\n"] {
        let (code, seen) = answer(&lab, &["remediate"], no);
        assert_eq!(code, 1, "{seen}");
        assert!(seen.contains("DeleteRole") && seen.contains("Nothing was written"), "{seen}");
        assert_eq!(lab.writes(), [""; 0]);
    }
    let (code, seen) = answer(&lab, &["remediate"], "yes\n");
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("remediated"), "{seen}");
    assert!(seen.contains("\u{1b}["), "a terminal gets colours: {seen}");
}

#[test]
fn what_was_shown_is_what_is_done_or_nothing_is() {
    let lab = broken();
    let _person = lab.emulator.on_call(Rule::on("GetRole").nth(2), |world| {
        world.set_description(testkit::ACCOUNT, emulator::DTS_ROLE, "changed while the question stood");
    });
    let (code, seen) = answer(&lab, &["remediate"], "yes\n");
    assert_eq!(code, 1, "{seen}");
    assert!(seen.contains("refused"), "{seen}");
    assert_eq!(lab.writes(), [""; 0]);
}

#[test]
fn of_several_accounts_each_gets_the_plan_that_was_shown_for_it() {
    let lab = members();
    let _person = lab.emulator.on_call(Rule::on("GetRole").account(MEMBERS[1]).nth(2), |world| {
        world.set_description(MEMBERS[1], emulator::DTS_ROLE, "changed while the question stood");
    });
    let (code, seen) = answer(&lab, &named("remediate"), "2\n");
    assert_eq!(code, 1, "{seen}");
    assert!(seen.contains("remediated") && seen.contains("refused"), "{seen}");
    assert!(lab.emulator.writes().iter().all(|call| call.account.as_deref() == Some(MEMBERS[0])));
}

/// `clear` for the lab's account; returns the exit code and what it said.
fn clear(lab: &Lab, folder: Option<&str>, more: &[&str]) -> (i32, String) {
    let mut command = command(lab, &[&["clear", "--account", testkit::ACCOUNT], more].concat());
    command.envs(folder.map(|path| (JOURNAL_DIR, path)));
    let output = command.output().unwrap();
    assert!(output.stdout.is_empty(), "{output:?}");
    let (code, _, said) = outcome(&output);
    (code, said)
}

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

#[test]
fn clear_needs_the_folder_and_never_calls_the_cloud() {
    let (lab, folder) = (broken(), Folder::new());
    let (code, said) = clear(&lab, None, &[]);
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("`DTS_GUARD_JOURNAL_DIR` is not set"), "{said}");
    for more in [&[][..], &["--unfinished"]] {
        let (code, said) = clear(&lab, Some(folder.text()), more);
        assert_eq!(code, 1, "{more:?}: {said}");
        assert!(said.contains("no record") && said.contains(testkit::ACCOUNT), "{more:?}: {said}");
        assert_eq!(folder.names(), [""; 0], "a mistyped account gets no file");
    }
    let absent = folder.path().join("absent");
    let (code, said) = clear(&lab, absent.to_str(), &[]);
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("the journal folder cannot be used") && !absent.exists(), "{said}");
    assert_eq!(lab.emulator.operations(), [""; 0]);
}

#[test]
fn clear_takes_one_account_and_no_keys() {
    let (lab, folder) = (broken(), Folder::new());
    for (arguments, part) in [
        (&["clear"][..], "--account"),
        (&["clear", "--account", "me"], "5 to 20 digits"),
        (&["clear", "--account", "../1234567890123456"], "5 to 20 digits"),
        (&["clear", "--account", "1234567890123456", "--yes"], "unexpected argument"),
    ] {
        let (code, _, said) = outcome(&command(&lab, arguments).env(JOURNAL_DIR, folder.path()).output().unwrap());
        assert_eq!(code, 2, "{arguments:?}: {said}");
        assert!(said.contains(part), "{arguments:?}: {said}");
    }
    assert_eq!(folder.names(), [""; 0]);
    let mut command = command(&lab, &["clear", "--account", "2234567890123456"]);
    command.env(JOURNAL_DIR, folder.path());
    for (name, _) in KEYS {
        command.env_remove(name);
    }
    let (code, _, said) = outcome(&command.output().unwrap());
    assert!(code == 1 && said.contains("no record of account `2234567890123456`"), "{said}");
}

#[test]
fn clear_forgets_the_repairs_that_were_counted() {
    let (lab, folder) = (broken(), Folder::new());
    let repair = || command(&lab, &["remediate", "--yes"]).env(JOURNAL_DIR, folder.path()).output().unwrap();
    assert_eq!(outcome(&repair()).1["status"], "remediated");
    let (code, said) = clear(&lab, Some(folder.text()), &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("1 repair"), "{said}");
    assert_eq!(folder.newest()["remediated"], serde_json::json!([]));
    let (code, said) = clear(&lab, Some(folder.text()), &["--unfinished"]);
    assert!(code == 0 && said.contains("0 repairs") && said.contains("No unfinished repair was on record"), "{said}");
}

#[tokio::test]
async fn clear_gives_an_unfinished_repair_up_only_when_told_to() {
    let folder = Folder::new();
    let lab = broken().set(JOURNAL_DIR, folder.text());
    let hang = Hang::at(&lab.emulator, Rule::on("DeleteRole"), true);
    tokio::select! {
        () = hang.reached() => {}
        _ = lab.run(Mode::Remediate) => panic!("it ended before it was killed"),
    }
    let (open, calls) = (folder.newest(), lab.emulator.operations().len());
    let (code, said) = clear(&lab, Some(folder.text()), &[]);
    assert!(code == 0 && said.contains("unfinished repair stays on record"), "{said}");
    assert_eq!(folder.newest()["repair"], open["repair"]);
    let (code, said) = clear(&lab, Some(folder.text()), &["--unfinished"]);
    assert_eq!(code, 0, "{said}");
    let aside = folder.listing().into_iter().find(|(name, _)| said.contains(name)).expect("it tells where");
    assert!(aside.1.text().contains("TeamExtra"), "what the role had can still be read");
    assert_eq!(folder.newest()["repair"], Value::Null);
    assert_eq!(lab.emulator.operations().len(), calls);
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

#[test]
fn without_a_command_a_person_gets_the_help() {
    let lab = broken();
    let (code, seen) = at_a_terminal(&lab, &[], &[]);
    assert_eq!(code, 2, "{seen}");
    assert!(seen.contains("remediate") && seen.contains("Exit codes"), "{seen}");
    assert_eq!(lab.emulator.operations(), [""; 0]);
}

/// It tries to serve, which a wrong port keeps it from.
#[test]
fn without_a_command_a_function_serves_wherever_its_input_comes_from() {
    let lab = broken();
    let (code, seen) = at_a_terminal(&lab, &[], &[("FC_CUSTOM_LISTEN_PORT", "none")]);
    assert_eq!(code, 1, "{seen}");
    assert!(seen.contains("FC_CUSTOM_LISTEN_PORT") && !seen.contains("Usage"), "{seen}");
}

#[test]
fn a_wrong_endpoint_is_shown_without_what_may_be_a_secret() {
    let lab = broken();
    let mut command = command(&lab, &["verify"]);
    command.env("DTS_GUARD_RAM_ENDPOINT", "https://me:hunter2@evil.aliyuncs.com/hunter2?hunter2#hunter2");
    let (code, _, said) = outcome(&command.output().unwrap());
    assert_eq!(code, 2, "{said}");
    assert!(said.contains("https://evil.aliyuncs.com`") && !said.contains("hunter2"), "{said}");
}

#[test]
fn the_question_says_what_is_destroyed_and_what_comes_back() {
    let trust = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ecs.aliyuncs.com","RAM":"acs:ram::2234567890123456:root"}}]}"#;
    let role = Role::dts().trust(trust).attach_custom("TeamExtra").tag("team", "data").description("ours");
    let lab = Lab::new(Some(role));
    let (code, seen) = answer(&lab, &["remediate"], "no\n");
    assert_eq!(code, 1, "{seen}");
    let (_, question) = seen.split_once("This deletes and recreates 1 role in 1 account").expect(&seen);
    for part in [
        "Lose the role for good: ",
        "ecs.aliyuncs.com",
        "acs:ram::2234567890123456:root",
        "Come back: ",
        "policy Custom/TeamExtra",
        "tag team",
        "description",
    ] {
        assert!(question.contains(part), "{part}: {seen}");
    }
}

/// What the guard does not understand of a trust policy is lost as well.
#[test]
fn the_question_names_everybody_who_loses_the_role() {
    let allow = |principal: &str| format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal}}}"#);
    for (principal, name) in [
        (r#""*""#, "Lose the role for good: *."),
        (r#"{"Service":"*.aliyuncs.com"}"#, "Service *.aliyuncs.com"),
        (r#"{"Unheard":["of"]}"#, "Unheard of"),
    ] {
        let trust = format!(r#"{{"Version":"1","Statement":[{}]}}"#, allow(principal));
        let lab = Lab::new(Some(Role::dts().trust(&trust)));
        let report = run(&lab, &["plan"]).1;
        let next = report["accounts"][0]["next"].as_str().unwrap();
        assert!(report["accounts"][0]["steps"][0].is_object(), "{report:#}");
        let (code, seen) = answer(&lab, &["remediate"], "no\n");
        assert!(code == 1 && seen.contains(name), "{name}: {next}: {seen}");
        assert!(!seen.contains("Nobody else loses the role"), "{seen}");
    }
}

/// Nobody says yes to a number of accounts without having read it.
#[test]
fn of_several_accounts_their_number_is_the_answer() {
    let lab = members();
    for no in ["yes\n", "3\n", "\n"] {
        let (code, seen) = answer(&lab, &["remediate", "--scope", "organization"], no);
        assert_eq!(code, 1, "{seen}");
        assert!(seen.contains("2 accounts") && seen.contains("Nothing was written"), "{seen}");
    }
    assert_eq!(lab.writes(), [""; 0]);
    let looks = |account: &str| {
        let calls = lab.emulator.calls();
        calls.iter().filter(|call| call.operation == "GetRole" && call.account.as_deref() == Some(account)).count()
    };
    let (own, broken) = (looks(testkit::ACCOUNT), looks(MEMBERS[0]));
    let (code, seen) = answer(&lab, &["remediate", "--scope", "organization"], "2\n");
    assert_eq!(code, 0, "{seen}");
    assert_eq!(looks(testkit::ACCOUNT) - own, 1, "what is in order is not looked at again");
    assert!(looks(MEMBERS[0]) - broken > 1, "{seen}");
    assert!(seen.contains("2 of 3 remediated") && seen.contains("1 authorized"), "{seen}");
}

/// The plan says that it would be refused without a person's word; the answer is that word.
#[tokio::test]
async fn what_finishes_an_unfinished_repair_is_asked_about_and_then_done() {
    let folder = Folder::new();
    let lab = broken().set(JOURNAL_DIR, folder.text());
    let hang = Hang::at(&lab.emulator, Rule::on("CreateRole").nth(2), true);
    tokio::select! {
        () = hang.reached() => {}
        _ = lab.run(Mode::Remediate) => panic!("it ended before it was killed"),
    }
    drop(hang);
    let variables = [(JOURNAL_DIR, folder.text()), ("DTS_GUARD_APPROVAL", "required")];
    let writes = lab.writes().len();
    let (code, seen) = answer_with(&lab, &["remediate"], &variables, "no\n");
    assert_eq!((code, lab.writes().len()), (1, writes), "{seen}");
    assert!(seen.contains("with a person's word"), "{seen}");
    let (code, seen) = answer_with(&lab, &["remediate"], &variables, "yes\n");
    assert_eq!(code, 0, "{seen}");
    assert!(seen.contains("1 of 1 remediated") && !seen.contains("1 of 1 refused"), "{seen}");
}
