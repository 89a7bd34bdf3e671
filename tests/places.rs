//! Where the journal is when nobody names a folder: the real program, on a terminal and as a function.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use emulator::{DTS_POLICY, DTS_ROLE, Emulator, Role, RoleSnapshot, Rule};
use serde_json::Value;
use testkit::{ACCOUNT, Folder, Guard, Hang, JOURNAL_DIR, cloud, command, fixture, other_trust};

/// Only reached if the process hangs.
const PATIENCE: Duration = Duration::from_secs(30);
const REMEDIATE: (&str, &str) = ("DTS_GUARD_MODE", "remediate");
const TMPDIR: &str = "TMPDIR";

fn broken() -> Role {
    let role = other_trust().description("ours");
    role.attach_system("AliyunOSSReadOnlyAccess").tag("team", "data")
}

fn role(emulator: &Emulator) -> RoleSnapshot {
    emulator.role(ACCOUNT, DTS_ROLE).expect("there is a role")
}

fn assert_whole(emulator: &Emulator) {
    let now = role(emulator);
    assert_eq!(now.policy_names(), [DTS_POLICY, "AliyunOSSReadOnlyAccess"]);
    assert_eq!((&*now.description, now.tags.get("team").map(String::as_str)), ("ours", Some("data")));
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

/// A terminal command of a user with this home.
fn terminal(emulator: &Emulator, home: &Path, arguments: &[&str]) -> Command {
    let mut command = command(emulator, arguments);
    command.env("HOME", home);
    command
}

fn report(command: &mut Command) -> Value {
    let output = command.output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[tokio::test]
async fn a_repair_that_was_killed_on_a_terminal_is_finished_by_the_next_one() {
    let (emulator, home) = (cloud(broken()), Folder::new());
    let hang = Hang::at(&emulator, Rule::on("CreateRole").nth(2), false);
    let mut killed =
        terminal(&emulator, home.path(), &["remediate", "--yes"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    tokio::time::timeout(PATIENCE, hang.reached()).await.expect("the call arrives");
    killed.as_mut().unwrap().kill().unwrap();
    killed.unwrap().wait().unwrap();
    drop(hang);
    let report = report(&mut terminal(&emulator, home.path(), &["remediate", "--yes"]));
    assert_eq!((&report["status"], &report["journal"]), (&"remediated".into(), &"folder".into()), "{report:#}");
    assert_whole(&emulator);
    let folder = home.path().join(".local/state/dts-role-guard");
    assert_eq!((mode(&folder), fs::read_dir(&folder).unwrap().count()), (0o700, 1));
}

#[test]
fn a_look_makes_no_folder_and_neither_does_off() {
    let (emulator, home, state) = (cloud(broken()), Folder::new(), Folder::new());
    for arguments in [&["verify"][..], &["plan"]] {
        let report = report(&mut terminal(&emulator, home.path(), arguments));
        assert_eq!((&report["status"], &report["journal"]), (&"drifted".into(), &"folder".into()), "{report:#}");
    }
    let report = report(terminal(&emulator, home.path(), &["remediate", "--yes"]).env(JOURNAL_DIR, "off"));
    assert_eq!((&report["status"], &report["journal"]), (&"remediated".into(), &"log".into()), "{report:#}");
    assert_eq!(home.names(), [""; 0]);
    let emulator = cloud(broken());
    let mut elsewhere = terminal(&emulator, home.path(), &["remediate", "--yes"]);
    assert_eq!(self::report(elsewhere.env("XDG_STATE_HOME", state.path()))["status"], "remediated");
    assert_eq!((home.names(), state.names()), (vec![], vec!["dts-role-guard".to_owned()]));
}

/// As shipped: the process is killed, and the next one on the same instance finishes the repair.
#[tokio::test]
async fn a_repair_that_was_killed_in_a_function_is_finished_on_the_same_instance() {
    let (emulator, disk) = (cloud(broken()), Folder::new());
    let settings = [REMEDIATE, (TMPDIR, disk.text())];
    let hang = Hang::at(&emulator, Rule::on("CreateRole").nth(2), true);
    let guard = Guard::start(&emulator, &settings);
    let _answer = guard.begin("remediate");
    tokio::time::timeout(PATIENCE, hang.reached()).await.expect("the call arrives");
    let _log = guard.kill();
    drop(hang);
    assert_eq!(mode(&disk.path().join("dts-role-guard")), 0o700);
    let report = Guard::start(&emulator, &settings).invoke("remediate").report();
    assert_eq!((&report["status"], &report["journal"]), (&"remediated".into(), &"instance".into()), "{report:#}");
    assert_whole(&emulator);
}

/// A folder of that name which somebody else may have put there is not used, and nothing is written without a record.
#[test]
fn a_folder_that_is_not_the_guards_alone_is_refused() {
    let make = |path: &Path, mode| {
        fs::create_dir(path).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    };
    for case in ["link", "others"] {
        let (emulator, disk) = (cloud(broken()), Folder::new());
        let place = disk.path().join("dts-role-guard");
        if case == "link" {
            make(&disk.path().join("elsewhere"), 0o700);
            symlink(disk.path().join("elsewhere"), &place).unwrap();
        } else {
            make(&place, 0o777);
        }
        let failure = Guard::start(&emulator, &[REMEDIATE, (TMPDIR, disk.text())]).invoke("remediate").failure();
        let account = &failure["report"]["accounts"][0];
        assert_eq!(account["status"], "refused", "{case}: {failure:#}");
        let next = account["next"].as_str().unwrap();
        assert!(next.contains(place.to_str().unwrap()) && next.contains(JOURNAL_DIR), "{case}: {next}");
        assert!(emulator.writes().is_empty() && testkit::listing(&place).is_empty(), "{case}");
    }
}

/// Another tool undoes each repair, and its write wakes the guard each time. Nobody named a folder.
#[test]
fn a_fight_ends_as_shipped() {
    let emulator = cloud(broken());
    let foreign = role(&emulator).trust;
    let guard = Guard::start(&emulator, &[REMEDIATE]);
    let mut statuses = Vec::new();
    for _ in 0..7 {
        let body = guard.invoke(fixture("events/eventbridge-single.json")).json();
        let report = body.get("report").unwrap_or(&body);
        statuses.push(report["accounts"][0]["status"].as_str().unwrap().to_owned());
        emulator.with_world(|world| world.set_trust(ACCOUNT, DTS_ROLE, &foreign));
    }
    assert_eq!(statuses, [["remediated"; 3].as_slice(), &["refused"; 4]].concat());
    let deletions = emulator.writes().iter().filter(|call| call.operation == "DeleteRole").count();
    assert_eq!(deletions, 3);
}
