//! The report for a person: short, the verdict last, nothing in it that draws on the terminal.

use anstream::adapter::strip_str;
use dts_role_guard::report::{Human, Render, Report};
use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use crate::samples::{self, WORST};

fn text(report: &Report) -> String {
    strip_str(&Human::default().render(report)).to_string()
}

/// Each kind as a person sees it.
#[test]
fn every_kind_of_report() {
    for name in samples::names() {
        insta::assert_snapshot!(format!("human-{}", name.trim_end_matches(".json")), text(&samples::report(&name)));
    }
}

#[test]
fn ten_thousand_accounts_are_250_lines_and_the_verdict_is_the_last() {
    let whole = samples::organization(10_000, 1500);
    let report = samples::of(&whole);
    let text = text(&report);
    assert!(text.lines().count() <= 250, "{}", text.lines().count());
    assert_eq!(text.lines().last(), Some("1,500 of 10,000 drifted, 8,500 authorized, 2 min 19 s"));
    let line = |number: usize| format!("  ! {}     drifted", whole["accounts"][number]["accountId"].as_str().unwrap());
    assert!(text.contains(&line(0)), "the first has a line");
    assert!(text.contains("  and 1,470 more\n"), "{text}");
    let verbose = strip_str(&Human { verbose: true, width: 80 }.render(&report)).to_string();
    assert!(verbose.contains(&line(1499)) && !verbose.contains("more: --verbose"));
}

/// Timeouts of a whole organization once were 27,984 lines.
#[test]
fn what_was_not_reached_is_one_line() {
    let pending = |number: usize| {
        json!({"accountId": format!("{}", 1_000_000_000_000_000_usize + number), "roleName": "AliyunDTSDefaultRole",
        "status": "pending", "next": "too little time was left to look at it: the next run does"})
    };
    let accounts: Vec<_> = (0..9000).map(pending).collect();
    let text = text(&samples::of(&samples::run("timer", &accounts)));
    assert!(text.contains("9,000 pending, such as 1000000000000000: too little time"), "{text}");
    assert!(text.lines().count() < 6, "{text}");
}

#[test]
fn the_most_urgent_account_comes_first_wherever_it_stands() {
    let statuses = ["drifted", "refused", "stuck", "failed", "rolledBack", "remediated"];
    let accounts: Vec<_> = (0..6).map(|number| samples::broken(number, statuses[number], "x")).collect();
    let text = text(&samples::of(&samples::run("manual", &accounts)));
    let lines: Vec<_> =
        text.lines().rev().skip(1).take(6).map(|line| line.split_whitespace().nth(2).unwrap()).collect();
    assert_eq!(lines, ["remediated", "drifted", "refused", "rolledBack", "failed", "stuck"], "{text}");
    assert!(text.ends_with("1 of 6 stuck, 1 failed, 1 rolledBack, 1 refused, 1 drifted, 1 remediated, 2 min 19 s\n"));
}

#[test]
fn eighty_columns_hold_every_line_but_what_is_to_be_pasted() {
    let report = samples::of(&samples::organization(100, 20));
    for line in text(&report).lines().filter(|line| !line.starts_with("aliyun ") && !line.contains("sha256:")) {
        assert!(line.width() <= 80, "{line}");
    }
}

#[test]
fn commands_stand_in_lines_of_their_own_as_they_are() {
    let mut account = samples::broken(1, "stuck", "x");
    let commands = ["aliyun ram CreateRole --RoleName AliyunDTSDefaultRole", "https://ram.console.aliyun.com/role"];
    account["next"] = json!(format!("`CreateRole` was denied: finish it\n{}\n{}", commands[0], commands[1]));
    let text = text(&samples::of(&samples::run("manual", &[account])));
    for command in commands {
        assert!(text.lines().any(|line| line == command), "{text}");
    }
}

#[test]
fn what_is_destroyed_is_said_in_red_and_in_words() {
    let text = Human::default().render(&samples::report("drifted.json"));
    let red = "\u{1b}[1m\u{1b}[31m";
    assert!(text.contains(&format!("{red}will be destroyed for good:")), "{text}");
    assert!(text.contains(&format!("{red}the role id 300123456789012345")), "{text}");
    assert!(text.contains("Service ecs.aliyuncs.com can no longer assume the role"), "{text}");
}

/// Nobody asked for a plan: the difference is the one between what is and what should be.
#[test]
fn a_role_that_was_only_judged_is_shown_beside_the_wanted_one() {
    let judged = |finding: &str, before: Value| {
        let mut account = samples::broken(1, "drifted", "x");
        account["findings"] = json!([{"id": finding, "severity": "failed", "message": "it is so", "evidence": {}}]);
        (account["planId"], account["steps"], account["before"]) = (Value::Null, json!([]), before);
        text(&samples::of(&samples::run("manual", &[account])))
    };
    let missing = judged("role-missing", Value::Null);
    let policy = "  + policy System/AliyunDTSRolePolicy: should be attached";
    for part in ["  wanted     + role: should exist\n", policy, "+           \"dts.aliyuncs.com\"\n"] {
        assert!(missing.contains(part), "{part}: {missing}");
    }
    let role = samples::broken(1, "drifted", "x")["before"].clone();
    let bare = judged("policy-missing", role.clone());
    assert!(bare.contains(policy) && !bare.contains("  trust "), "{bare}");
    let shut = judged("trust-service-missing", role.clone());
    assert!(shut.contains("~ trust policy: should be as below") && !shut.contains(policy), "{shut}");
    assert!(
        shut.contains("  \"ecs.aliyuncs.com\"") && !shut.contains("-           \"ecs"),
        "nobody else loses it: {shut}"
    );
    let mut denied = role;
    denied["trustPolicy"] = json!("no document");
    let denied = judged("trust-service-missing", denied);
    assert!(denied.contains("- no document\n"), "{denied}");
}

/// Neither the terminal nor the eye is led astray.
#[test]
fn foreign_text_is_harmless() {
    for worst in WORST {
        for text in [worst.to_owned(), worst.repeat(10_000)] {
            let report = samples::of(&samples::run(
                "manual",
                &[samples::broken(1, "stuck", &text), samples::broken(2, "failed", &text)],
            ));
            let shown = strip_str(&Human { verbose: true, width: 80 }.render(&report)).to_string();
            let is_bad = |character: char| {
                (character.is_control() && character != '\n')
                    || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
            };
            assert!(!shown.contains(is_bad), "{worst:?}");
            assert_eq!(shown.lines().last(), Some("1 of 2 stuck, 1 failed, 2 min 19 s"));
        }
    }
}

#[test]
fn what_was_left_out_or_cut_is_told() {
    let mut report = samples::run("timer", &[samples::broken(1, "stuck", "x")]);
    report["accounts"][0]["cut"] = json!(true);
    report["truncated"] = json!(1234);
    report["summary"]["accounts"] = json!(1235);
    report["summary"]["drifted"] = json!(1234);
    let text = text(&samples::of(&report));
    assert!(text.contains("1,234 more accounts are missing here"), "{text}");
    assert!(text.contains("the whole did not fit"), "{text}");
    assert!(text.ends_with("1 of 1,235 stuck, 1,234 drifted, 2 min 19 s\n"), "{text}");
}
