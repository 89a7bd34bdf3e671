//! A person has a record forgotten by an event, which reaches the function's own folder.

use authorization::settings::Mode;
use dts_role_guard::report::{Report, Status};
use emulator::{DTS_ROLE, Role, Rule};
use serde_json::{Value, json};
use testkit::{ACCOUNT, Folder, Hang, JOURNAL_DIR, Lab, account};

const OTHER: &str = "2234567890123456";

fn event(what: &str, account: &str) -> Value {
    json!({"clear": what, "accounts": [account]})
}

fn next(report: &Report) -> String {
    account(report)["next"].as_str().unwrap().to_owned()
}

fn lab(folder: &Folder) -> Lab {
    Lab::new(Some(Role::dts().attach_custom("TeamExtra"))).set(JOURNAL_DIR, folder.text())
}

async fn repair(lab: &Lab) -> Status {
    lab.emulator.with_world(|world| world.set_trust(ACCOUNT, DTS_ROLE, r#"{"Statement":[],"Version":"1"}"#));
    lab.run(Mode::Remediate).await.status
}

#[tokio::test]
async fn the_attempts_are_forgotten_without_a_call_and_in_any_mode() {
    let folder = Folder::new();
    let lab = lab(&folder);
    for _ in 0..3 {
        assert_eq!(repair(&lab).await, Status::Remediated);
    }
    assert_eq!(repair(&lab).await, Status::Refused);
    let calls = lab.emulator.operations().len();
    let lab = lab.set("DTS_GUARD_MODE", "verify");
    let report = lab.invoke(&event("attempts", ACCOUNT)).await;
    assert_eq!((report.status, report.failure()), (Status::Skipped, None));
    assert!(next(&report).contains("3 repairs forgotten"), "{}", next(&report));
    assert_eq!(lab.emulator.operations().len(), calls);
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
}

#[tokio::test]
async fn an_unfinished_repair_is_given_up_only_when_that_is_said() {
    let folder = Folder::new();
    let lab = lab(&folder);
    let hang = Hang::at(&lab.emulator, Rule::on("DeleteRole"), true);
    tokio::select! {
        () = hang.reached() => {}
        _ = repair(&lab) => panic!("it ended before it was killed"),
    }
    let open = folder.newest()["repair"].clone();
    assert_ne!(open, Value::Null);
    let report = lab.invoke(&event("attempts", ACCOUNT)).await;
    assert!(next(&report).contains("unfinished repair stays on record"), "{}", next(&report));
    assert_eq!(folder.newest()["repair"], open);
    let report = lab.invoke(&event("unfinished", ACCOUNT)).await;
    assert_eq!(report.status, Status::Skipped);
    let aside = folder.listing().into_iter().find(|(name, _)| next(&report).contains(name)).expect("it tells where");
    assert!(aside.1.text().contains("TeamExtra"), "what the role had can still be read");
    assert_eq!(folder.newest()["repair"], Value::Null);
}

#[tokio::test]
async fn an_account_without_a_record_is_said_to_have_none_and_gets_no_file() {
    let folder = Folder::new();
    let lab = lab(&folder).set("DTS_GUARD_SCOPE", "organization");
    for what in ["attempts", "unfinished"] {
        let report = lab.invoke(&event(what, OTHER)).await;
        assert_eq!((report.status, report.exit_code()), (Status::Refused, 1));
        assert!(next(&report).contains(&format!("no record of account `{OTHER}`")), "{}", next(&report));
        assert!(report.failure().is_some(), "whoever asked must notice");
    }
    assert_eq!(folder.names(), [""; 0]);
    assert_eq!(lab.emulator.operations(), [""; 0]);
}

#[tokio::test]
async fn without_a_folder_nothing_can_be_forgotten() {
    let report = Lab::new(None).invoke(&event("attempts", ACCOUNT)).await;
    assert_eq!(report.status, Status::Refused);
    assert!(next(&report).contains("there is no journal folder (`DTS_GUARD_JOURNAL_DIR`)"), "{}", next(&report));
    let folder = Folder::new();
    let gone = folder.path().join("gone");
    let report = Lab::new(None).set(JOURNAL_DIR, gone.to_str().unwrap()).invoke(&event("attempts", ACCOUNT)).await;
    assert!(next(&report).contains("the journal folder cannot be used"), "{}", next(&report));
    assert!(!gone.exists());
}

#[tokio::test]
async fn an_account_outside_the_scope_is_rejected() {
    let folder = Folder::new();
    let report = lab(&folder).invoke(&event("attempts", OTHER)).await;
    assert_eq!(report.status, Status::Rejected);
    assert!(report.reason.unwrap().contains(&format!("`{OTHER}` is not the own account `{ACCOUNT}`")));
}

/// The record belongs to the run until it ends.
#[tokio::test]
async fn nothing_is_forgotten_under_the_hands_of_a_repair() {
    let folder = Folder::new();
    let lab = lab(&folder);
    lab.emulator.with_world(|world| world.set_trust(ACCOUNT, DTS_ROLE, r#"{"Statement":[],"Version":"1"}"#));
    let (app, time) = (lab.app(), std::time::Duration::from_mins(10));
    let hang = Hang::at(&lab.emulator, Rule::on("DeleteRole"), true);
    let repair = lab.ask_app(&app, Mode::Remediate, None, time);
    let meanwhile = async {
        hang.reached().await;
        let files = folder.listing();
        let report = lab.invoke_app(&app, &event("unfinished", ACCOUNT), time).await;
        assert_eq!((report.status, folder.listing()), (Status::Refused, files));
        assert!(next(&report).contains("under way"), "{}", next(&report));
    };
    tokio::select! {
        () = meanwhile => {}
        _ = repair => panic!("it ended before it was asked"),
    }
}
