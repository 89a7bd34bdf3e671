//! `clear`: forgets what is on record about an account.

use authorization::settings::Mode;
use emulator::Rule;
use serde_json::Value;
use testkit::{Folder, Hang, JOURNAL_DIR, KEYS, Lab};

use super::{broken, command, outcome};

/// `clear` for the lab's account; returns the exit code and what it said.
fn clear(lab: &Lab, folder: Option<&str>, more: &[&str]) -> (i32, String) {
    let mut command = command(lab, &[&["clear", "--account", testkit::ACCOUNT], more].concat());
    command.envs(folder.map(|path| (JOURNAL_DIR, path)));
    let output = command.output().unwrap();
    assert!(output.stdout.is_empty(), "{output:?}");
    let (code, _, said) = outcome(&output);
    (code, said)
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
