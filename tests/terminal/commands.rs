//! What each command does: the report, the exit code, what is a mistake of usage.

use emulator::Rule;
use serde_json::Value;

use super::{MEMBERS, at_a_terminal, broken, command, members, named, outcome, run};

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
