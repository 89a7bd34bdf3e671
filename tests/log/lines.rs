//! Every line says what it is about, at its top and under one name.

use std::process::Stdio;

use emulator::{DTS_POLICY, Emulator, Member, Role, Rule};
use serde_json::{Value, json};
use testkit::{ACCOUNT, Guard, MEMBERS, REQUEST_ID, broken_cloud, cloud, members};

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "trace", "aliyun=debug"];

/// A member that is broken, one that cannot be entered, and one whose role cannot be read.
fn troubled() -> Emulator {
    members(MEMBERS.map(str::to_owned), |index, member: Member| match index {
        0 => member.role(Role::dts().detach(DTS_POLICY).tag("team", "data")),
        1 => member.without_access_role(),
        _ => member.role(Role::dts()),
    })
}

/// The lines of the log after one invocation, markers and what the process says of itself left out.
fn lines(emulator: &Emulator, settings: &[(&str, &str)], headers: &[(&str, &str)]) -> Vec<Value> {
    let guard = Guard::start_writing_to(emulator, settings, |command| {
        command.stdout(Stdio::piped()).stderr(Stdio::null());
    });
    let _ = guard.invoke_with("", headers);
    let (_, lines) = guard.stop();
    let begin = lines.iter().position(|line| line.starts_with("FC Invoke Start RequestId: ")).unwrap();
    let end = lines.iter().position(|line| line.starts_with("FC Invoke End RequestId: ")).unwrap();
    assert!(end == lines.len() - 1 || !lines[end + 1..].iter().any(|line| line.contains(REQUEST_ID)), "{lines:#?}");
    let parse = |line: &String| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    lines[begin + 1..end].iter().map(parse).collect()
}

fn of_accounts(lines: &[Value]) -> Vec<&Value> {
    lines.iter().filter(|line| line.get("account").is_some()).collect()
}

#[test]
fn every_line_of_a_run_names_its_request_and_every_line_of_a_role_its_account() {
    for level in LEVELS {
        let emulator = troubled();
        let _slow: Vec<_> =
            ["GetRole", "AssumeRole"].map(|operation| emulator.fault(Rule::on(operation).times(1).throttle())).into();
        let settings = [("DTS_GUARD_MODE", "remediate"), ("DTS_GUARD_SCOPE", "organization"), ("DTS_GUARD_LOG", level)];
        let trace = ("x-fc-tracing-opentracing-span-context", "5f22c1a6d1e3b04a:1a2b:0:1");
        let lines = lines(&emulator, &settings, &[trace]);
        assert!(lines.len() > 3, "{level}: {lines:#?}");
        for line in &lines {
            assert_eq!(line["requestId"], REQUEST_ID, "{level}: {line:#}");
            assert_eq!(line["traceId"], "5f22c1a6d1e3b04a", "{level}: {line:#}");
            let is_about_a_role = line["message"] == "not entered" || line.get("journal").is_some();
            if is_about_a_role || line.get("account").is_some() {
                assert!(line["accountId"].is_string(), "{level}: {line:#}");
                assert_eq!(line["roleName"], "AliyunDTSDefaultRole", "{level}: {line:#}");
            }
        }
        let warned = lines.iter().any(|line| line["message"] == "not entered" && line["accountId"] == MEMBERS[1]);
        assert_eq!(warned, !matches!(level, "off" | "error" | "aliyun=debug"), "{level}");
    }
}

#[test]
fn the_line_of_an_account_has_at_its_top_what_people_search_for() {
    let emulator = troubled();
    let settings = [("DTS_GUARD_MODE", "remediate"), ("DTS_GUARD_SCOPE", "organization")];
    let lines = lines(&emulator, &settings, &[]);
    let accounts = of_accounts(&lines);
    let repaired = accounts.iter().find(|line| line["accountId"] == MEMBERS[0]).unwrap();
    let keys = |line: &Value| line.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(repaired["status"], "remediated");
    assert_eq!(repaired["findingIds"], "policy-missing");
    assert_eq!(repaired["account"]["before"]["tags"], json!({"team": "data"}));
    let top = ["timestamp", "requestId", "accountId", "roleName", "status"];
    assert!(keys(repaired).starts_with(&top.map(str::to_owned)), "{repaired:#}");
    assert_eq!(keys(repaired).last().unwrap(), "account");
    assert_eq!(keys(&repaired["account"]["before"]).last().unwrap(), "trustPolicy", "{repaired:#}");
    assert_eq!(repaired.get("errorCode"), None, "{repaired:#}");
    let barred = accounts.iter().find(|line| line["accountId"] == MEMBERS[1]).unwrap();
    assert_eq!(barred["errorOperation"], "AssumeRole");
    assert!(barred["errorCode"].is_string() && barred["next"].is_string(), "{barred:#}");
    let summary = lines.last().unwrap();
    let expected = ["timestamp", "requestId", "status", "trigger", "mode", "durationMs", "summary"];
    assert!(keys(summary).starts_with(&expected.map(str::to_owned)), "{summary:#}");
    assert_eq!(summary["summary"]["accounts"], 4);
}

#[test]
fn a_long_trust_policy_does_not_cut_what_the_role_had() {
    for kib in [2, 8, 26] {
        let role = Role::dts().trust(&long_trust(kib * 1024)).attach_custom("TeamExtra").tag("team", "data");
        let emulator = cloud(role.description(&"d".repeat(900)).max_session_duration(7200));
        emulator.with_world(|world| world.attach_custom(ACCOUNT, emulator::DTS_ROLE, "TeamExtra"));
        let lines = lines(&emulator, &[("DTS_GUARD_MODE", "remediate")], &[]);
        let begin = lines.iter().find(|line| line["journal"]["event"] == "begin").unwrap();
        let before = &begin["journal"]["before"];
        assert_eq!(before["description"], "d".repeat(900), "{kib} KiB");
        assert_eq!((&before["maxSessionDuration"], &before["tags"]), (&json!(7200), &json!({"team": "data"})));
        let account = of_accounts(&lines)[0];
        assert_eq!(account["status"], "remediated", "{kib} KiB: {account:#}");
        assert_eq!(account["account"]["before"]["description"], "d".repeat(900), "{kib} KiB");
        assert_eq!(account["findingIds"], "trust-service-missing trust-extra-principal policy-extra", "each id once");
        assert_eq!(begin.get("cut").is_some(), kib == 26, "{kib} KiB");
        assert!(account.to_string().len() < 15 * 1024, "{kib} KiB");
    }
}

fn long_trust(bytes: usize) -> String {
    let principals: Vec<_> =
        (0..bytes / 40).map(|index| format!("acs:ram::2234567890123456:role/r{index:08}")).collect();
    json!({"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": principals}}]})
        .to_string()
}

#[test]
fn a_trace_that_is_none_is_left_out() {
    for header in ["", "x:y:z:w", "00:0:0:0"] {
        let lines = lines(&broken_cloud(), &[], &[("x-fc-tracing-opentracing-span-context", header)]);
        assert!(lines.iter().all(|line| line.get("traceId").is_none()), "{lines:#?}");
    }
}
