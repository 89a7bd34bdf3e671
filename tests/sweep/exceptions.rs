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
