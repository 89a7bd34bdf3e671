//! No secret in any log line, error, report or journal: everything that the real binary writes, at the chattiest log level,
//! is searched for what must not be there.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use emulator::{Fault, Role, Rule};
use testkit::{Folder, Guard, JOURNAL_DIR, KEY_ID, KEY_SECRET, TOKEN, broken_cloud, fixture, organization};

const SETTINGS: [(&str, &str); 2] = [("DTS_GUARD_MODE", "remediate"), ("DTS_GUARD_LOG", "trace")];

const FAULTS: [fn(Rule) -> Fault; 9] = [
    Rule::deny,
    Rule::expired_token,
    Rule::throttle,
    Rule::unavailable,
    Rule::half_body,
    Rule::lose_before,
    Rule::lose_after,
    |rule| rule.html(502),
    // Its message quotes the string to sign, with the token in it.
    |rule| rule.error(400, "SignatureDoesNotMatch"),
];

/// The secrets, as they are and as a form or a query carries them.
fn forbidden() -> Vec<String> {
    let encoded = |text: &str| text.replace('=', "%3D");
    let plain = [KEY_SECRET, TOKEN].map(str::to_owned);
    let twice = encoded(TOKEN).replace('%', "%25");
    plain
        .into_iter()
        .chain([encoded(TOKEN), twice, "Signature=".to_owned(), "server string to sign".to_owned()])
        .collect()
}

fn assert_clean(text: &str, case: &str) {
    for secret in forbidden() {
        assert!(!text.contains(&secret), "{case}: `{secret}` in {text}");
    }
}

/// Most of the time a guard waits for its deadline, so they wait together.
fn for_each_at_once(operations: &[&'static str], scan: impl Fn(&'static str) + Sync) {
    std::thread::scope(|scope| {
        for operation in operations {
            scope.spawn(|| scan(operation));
        }
    });
}

#[test]
fn the_scan_finds_what_it_looks_for() {
    for secret in forbidden() {
        assert!(std::panic::catch_unwind(|| assert_clean(&format!("x{secret}x"), "")).is_err(), "{secret}");
    }
}

#[test]
fn no_secret_is_written_whatever_goes_wrong() {
    for_each_at_once(
        &["GetRole", "GetCallerIdentity", "ListTagResources", "DetachPolicyFromRole", "CreateRole"],
        |operation| {
            let emulator = broken_cloud();
            let guard = Guard::start(&emulator, &SETTINGS);
            for (index, fault) in FAULTS.iter().enumerate() {
                let fault = emulator.fault(fault(Rule::on(operation).every()));
                let reply = guard.invoke_with("", &[("x-fc-function-timeout", "2")]);
                assert_clean(&reply.body, &format!("{operation} {index}: the answer"));
                drop(fault);
            }
            let (_, lines) = guard.stop();
            assert!(lines.len() > FAULTS.len(), "nothing was logged: {lines:?}");
            assert_clean(&lines.join("\n"), &format!("{operation}: the log"));
        },
    );
}

/// The keys of members are issued by `AssumeRole`, so that they stand in a reply.
#[test]
fn no_key_of_a_member_is_written_whatever_goes_wrong() {
    let moved = fixture("events/eventbridge-rd-MoveAccount.json");
    for_each_at_once(
        &["ListAccounts", "GetAccount", "AssumeRole", "GetRole", "GetCallerIdentity", "AttachPolicyToRole"],
        |operation| {
            // A run over all members, or over the one that moved.
            let event = if matches!(operation, "ListAccounts" | "AssumeRole") { "" } else { &moved };
            let emulator = organization(Role::dts());
            let settings = [SETTINGS.as_slice(), &[("DTS_GUARD_SCOPE", "organization")]].concat();
            let guard = Guard::start(&emulator, &settings);
            let mut written = String::new();
            for fault in FAULTS {
                let fault = emulator.fault(fault(Rule::on(operation).every()));
                written += &guard.invoke_with(event, &[("x-fc-function-timeout", "2")]).body;
                drop(fault);
            }
            written += &guard.invoke(event).body;
            written += &guard.stop().1.join("\n");
            assert_clean(&written, operation);
            assert!(emulator.secrets().len() > 2, "no member was entered");
            for secret in emulator.secrets() {
                assert!(!written.contains(&secret), "{operation}: {secret}");
            }
        },
    );
}

/// A repair that is half done leaves its record open, so the files are scanned while they say the most.
#[test]
fn no_secret_is_in_the_journals_files() {
    for_each_at_once(&["DetachPolicyFromRole", "DeleteRole", "CreateRole", "AttachPolicyToRole"], |operation| {
        let (emulator, folder) = (broken_cloud(), Folder::new());
        emulator.with_world(|world| world.attach_custom(testkit::ACCOUNT, emulator::DTS_ROLE, "TeamExtra"));
        let guard = Guard::start(&emulator, &[SETTINGS[0], SETTINGS[1], (JOURNAL_DIR, folder.text())]);
        for (index, fault) in FAULTS.iter().enumerate() {
            let _fault = emulator.fault(fault(Rule::on(operation).every()));
            let _ = guard.invoke_with("", &[("x-fc-function-timeout", "2")]);
            let case = format!("{operation} {index}: the journal");
            let text: String = folder.listing().values().map(testkit::Entry::text).collect();
            assert!(text.contains("TeamExtra"), "{case}: the scan reads the files: {text}");
            assert_clean(&text, &case);
            assert!(!text.contains(KEY_ID), "{case}: {text}");
        }
    });
}

#[test]
fn a_wrong_secret_is_not_written_although_the_cloud_quotes_the_request() {
    let emulator = broken_cloud();
    let guard = Guard::start(&emulator, &SETTINGS);
    let reply = guard.invoke_with("", &[("x-fc-access-key-secret", "WrongSecretWrongSecret")]);
    assert!(reply.body.contains("SignatureDoesNotMatch"), "{}", reply.body);
    let (_, lines) = guard.stop();
    let all = format!("{}\n{}", reply.body, lines.join("\n"));
    assert_clean(&all, "a wrong secret");
    assert!(!all.contains("WrongSecretWrongSecret") && !all.contains(KEY_ID), "{all}");
}

#[test]
fn partial_keys_are_not_written() {
    let emulator = broken_cloud();
    let guard = Guard::start(&emulator, &SETTINGS);
    let reply = guard.invoke_with("", &[("x-fc-security-token", "")]);
    let (_, lines) = guard.stop();
    assert!(reply.body.contains("x-fc-security-token"), "{}", reply.body);
    assert_clean(&format!("{}\n{}", reply.body, lines.join("\n")), "partial keys");
}
