//! Accounts that are left alone for a time.

use dts_role_guard::config::{Config, Variables};
use serde_json::json;

use super::*;

/// A lab of three broken members, the first of them left alone until then.
fn with_exception(expires: &str) -> (Lab, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exceptions.toml");
    let account = id(1);
    let text =
        format!("[[exception]]\naccount = \"{account}\"\nreason = \"moves\u{202e} soon\"\nexpires = {expires}\n");
    std::fs::write(&path, text).unwrap();
    (organization(3, 3).set("DTS_GUARD_EXCEPTIONS", path.to_str().unwrap()), folder)
}

#[tokio::test]
async fn an_exception_protects_and_says_why_and_how_long() {
    let (lab, _folder) = with_exception("2099-12-31");
    let report = checked(&sweep(&lab).await);
    let line = line(&report, &id(1));
    assert_eq!(line["status"], "skipped", "{report}");
    assert_eq!(next(line), "left alone until 2099-12-31 by the file of `DTS_GUARD_EXCEPTIONS`: moves\\u{202e} soon");
    assert!(!entered(&lab).contains(&id(1)) && !is_authorized(&lab.emulator, &id(1)));
    assert_eq!(report["summary"]["remediated"], 2);
    let named = lab.invoke(&json!({"accounts": [id(1)]})).await;
    assert_eq!(named.summary.skipped, 1, "whoever names it");
}

#[tokio::test]
async fn an_expired_one_is_told_and_no_longer_protects() {
    let (lab, _folder) = with_exception("2026-01-31");
    for status in ["remediated", "authorized"] {
        let report = checked(&sweep(&lab).await);
        let line = line(&report, &id(1));
        let findings = line["findings"].as_array().unwrap();
        let told = findings.iter().find(|finding| finding["id"] == "exception-expired").unwrap();
        assert_eq!((&line["status"], &told["severity"]), (&json!(status), &json!("advisory")), "{report}");
        assert_eq!(told["evidence"]["expires"], "2026-01-31");
    }
    assert!(is_authorized(&lab.emulator, &id(1)));
}

#[test]
fn a_file_that_cannot_be_read_is_a_mistake_in_the_settings() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exceptions.toml");
    std::fs::write(&path, "[[exception]]\naccount = \"1234567890123456\"\nreason = \"x\"\nexpires = \"soon\"\n")
        .unwrap();
    let mistakes = |path: &str| {
        let variables = [("DTS_GUARD_EXCEPTIONS".to_owned(), path.to_owned())];
        Config::from_variables(&Variables::from(variables)).unwrap_err().to_string()
    };
    let found = mistakes(path.to_str().unwrap());
    assert!(found.contains("line 4") && found.contains("`soon`") && found.contains("2026-12-31"), "{found}");
    assert!(mistakes("no-such.toml").contains("`no-such.toml`"));
}

fn mistakes_of(path: &str) -> String {
    let variables = [("DTS_GUARD_EXCEPTIONS".to_owned(), path.to_owned())];
    Config::from_variables(&Variables::from(variables)).unwrap_err().to_string()
}

/// Each of them would hang the start of the function, or fill its memory.
#[test]
fn what_is_no_plain_file_of_a_sensible_size_is_a_mistake_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    assert!(std::process::Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
    let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
    for no_file in [path("pipe"), path("socket"), folder.path().to_str().unwrap().to_owned(), "/dev/zero".to_owned()] {
        let found = mistakes_of(&no_file);
        assert!(found.contains("`DTS_GUARD_EXCEPTIONS`"), "{no_file}: {found}");
    }
    // Sparse: it takes no room on the disk.
    std::fs::File::create(path("large")).unwrap().set_len(300 * 1024 * 1024).unwrap();
    assert!(mistakes_of(&path("large")).contains("larger than 1048576 bytes"));
    std::fs::write(path("latin"), b"# caf\xe9\n").unwrap();
    assert!(mistakes_of(&path("latin")).contains("UTF-8"));
}

/// A link to the file is fine: that is how files of a configuration are mounted.
#[tokio::test]
async fn a_link_to_the_file_is_followed() {
    let (lab, folder) = with_exception("2099-12-31");
    let link = folder.path().join("link.toml");
    std::os::unix::fs::symlink(folder.path().join("exceptions.toml"), &link).unwrap();
    let lab = lab.set("DTS_GUARD_EXCEPTIONS", link.to_str().unwrap());
    assert_eq!(line(&checked(&sweep(&lab).await), &id(1))["status"], "skipped");
}

/// A slip in an id leaves the account that was meant unprotected.
#[tokio::test]
async fn an_account_of_the_settings_that_is_no_member_is_told_once() {
    let (lab, folder) = with_exception("2099-12-31");
    let path = folder.path().join("exceptions.toml");
    let more = "[[exception]]\naccount = \"2999999999999999\"\nreason = \"typo\"\nexpires = 2026-01-01\n";
    std::fs::write(&path, std::fs::read_to_string(&path).unwrap() + more).unwrap();
    let excluded = format!("{},3999999999999999,{}", id(2), testkit::ACCOUNT);
    let lab = lab.set("DTS_GUARD_EXCLUDE_ACCOUNTS", &excluded);
    let report = checked(&sweep(&lab).await);
    let reason = report["reason"].as_str().unwrap();
    assert_eq!(report["status"], "remediated", "it is no failure: {report}");
    for words in ["`2999999999999999` of `DTS_GUARD_EXCEPTIONS`", "`3999999999999999` of `DTS_GUARD_EXCLUDE_ACCOUNTS`"]
    {
        assert_eq!(reason.matches(words).count(), 1, "{reason}");
    }
    for known in [id(1), id(2), testkit::ACCOUNT.to_owned()] {
        assert!(!reason.contains(&known), "{reason}");
    }
}

#[tokio::test]
async fn of_a_list_with_gaps_nobody_is_called_a_stranger() {
    let lab = organization(150, 0).set("DTS_GUARD_EXCLUDE_ACCOUNTS", "3999999999999999");
    let _denied = lab.emulator.fault(emulator::Rule::on("ListAccounts").from(2).unavailable());
    assert!(checked(&sweep(&lab).await)["reason"].is_null());
}
