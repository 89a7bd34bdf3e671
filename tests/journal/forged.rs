//! Whoever can write to the folder can write a record: what it says is checked before it is believed.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;

use authorization::record::Record;
use authorization::settings::Mode;
use dts_role_guard::report::Status;
use emulator::{DTS_ROLE, DTS_TRUST, Role, Rule};
use serde_json::{Value, json};
use testkit::{ACCOUNT, Folder, Lab, json as shown, other_trust};

use crate::{has, kill, lab_with, notes, nothing_is_open, silent};

const LIMIT: usize = 64 * 1024;

fn name() -> String {
    format!("{ACCOUNT}.7.json")
}

fn holder() -> Role {
    other_trust().attach_custom("TeamExtra")
}

/// What a run leaves behind that is killed after it took `TeamExtra` away: whoever believes it attaches that policy again.
async fn record() -> Value {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(holder()));
    kill(&lab, Rule::on("DetachPolicyFromRole").param("PolicyName", "TeamExtra"), true).await;
    let mut record = folder.newest();
    record["generation"] = json!(7);
    record
}

fn bytes(record: &Value) -> Vec<u8> {
    serde_json::to_vec_pretty(record).unwrap()
}

/// The role that the record is about, without the policy that it names.
fn robbed(folder: &Folder) -> Lab {
    let lab = lab_with(folder, Some(holder()));
    assert!(lab.emulator.with_world(|world| world.detach(ACCOUNT, DTS_ROLE, "TeamExtra")));
    lab
}

async fn is_believed(record: &[u8]) -> bool {
    let folder = Folder::new();
    let lab = robbed(&folder);
    fs::write(folder.path().join(name()), record).unwrap();
    let report = lab.run(Mode::Remediate).await;
    assert!(lab.authorized(), "{}", shown(&report));
    has(&lab.role().unwrap(), "TeamExtra")
}

/// What is planted is noted by every run, touched by none that only looks, set aside by one that writes, and believed by
/// none.
async fn is_set_aside(case: &str, plant: impl FnOnce(&Path)) {
    let folder = Folder::new();
    let lab = robbed(&folder);
    plant(&folder.path().join(name()));
    let planted = folder.listing()[&name()].clone();
    for mode in [Mode::Verify, Mode::Plan] {
        let report = silent(&lab, &folder, mode).await;
        let notes = notes(&report);
        assert_eq!(notes.len(), 1, "{case}: {}", shown(&report));
        assert_eq!(notes[0]["evidence"], json!({"generation": 7, "keptAs": null}), "{case}");
    }
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{case}: {}", shown(&report));
    assert!(lab.authorized() && !has(&lab.role().unwrap(), "TeamExtra"), "{case}: {:#?}", lab.role());
    let notes = notes(&report);
    let aside = notes[0]["evidence"]["keptAs"].as_str().unwrap_or_else(|| panic!("{case}: {notes:?}"));
    assert!(folder.listing()[aside] == planted, "{case}: it is kept as it was");
    assert!(!folder.names().contains(&name()), "{case}: {:?}", folder.names());
    nothing_is_open(&lab, &folder).await;
    assert!(folder.listing()[aside] == planted, "{case}: it stays");
}

#[tokio::test]
async fn the_record_that_is_forged_below_is_believed_as_it_stands() {
    let record = bytes(&record().await);
    assert!(is_believed(&record).await);
    let mut large = record.clone();
    large.resize(LIMIT, b' ');
    assert!(is_believed(&large).await, "up to the limit");
}

#[tokio::test]
async fn a_torn_record_is_not_believed_wherever_it_ends() {
    let record = bytes(&record().await);
    let account = ACCOUNT.parse().unwrap();
    assert!(Record::read(&record, &account, 7).is_ok());
    for length in 0..record.len() {
        assert!(Record::read(&record[..length], &account, 7).is_err(), "{length}");
    }
    for length in (0..record.len()).step_by(record.len() / 8) {
        is_set_aside(&format!("{length} bytes"), |path| fs::write(path, &record[..length]).unwrap()).await;
    }
}

type Forgery = (&'static str, fn(&mut Value));

const FORGERIES: [Forgery; 28] = [
    ("another account", |record| record["accountId"] = json!("2234567890123456")),
    ("no account", |record| record["accountId"] = json!("../1234567890123456")),
    ("another generation", |record| record["generation"] = json!(8)),
    ("another format", |record| record["format"] = json!("dts-role-guard/journal/v2")),
    ("an unknown field", |record| record["x"] = json!(1)),
    ("an unknown field of the repair", |record| record["repair"]["roleName"] = json!("Admin")),
    ("an unknown field of the role", |record| record["repair"]["before"]["roleName"] = json!("Admin")),
    ("an unknown field of a policy", |record| record["repair"]["before"]["policies"][0]["document"] = json!("{}")),
    ("an unknown phase", |record| record["repair"]["phase"] = json!("deleting")),
    ("an unknown type of policy", |record| record["repair"]["before"]["policies"][0]["type"] = json!("system")),
    ("no phase", |record| drop(record["repair"].as_object_mut().unwrap().remove("phase"))),
    ("a session that is too short", |record| record["repair"]["before"]["maxSessionDuration"] = json!(60)),
    ("a session that is too long", |record| record["repair"]["before"]["maxSessionDuration"] = json!(86400)),
    ("a description that is too long", |record| record["repair"]["before"]["description"] = json!("x".repeat(1025))),
    ("no role id", |record| record["repair"]["before"]["roleId"] = json!("")),
    ("a policy name that is none", |record| record["repair"]["before"]["policies"][0]["name"] = json!("a/../b")),
    ("too many policies", |record| {
        let policy = |n| json!({"type": "Custom", "name": format!("P{n}")});
        record["repair"]["before"]["policies"] = (0..101).map(policy).collect();
    }),
    ("a plan id that is none", |record| record["repair"]["planId"] = json!("\u{1b}[2Jsha256:")),
    ("an empty plan id", |record| record["repair"]["planId"] = json!("")),
    ("a request id that does harm", |record| record["repair"]["requestId"] = json!("run\u{1b}[2J")),
    ("an endless request id", |record| record["repair"]["requestId"] = json!("x".repeat(400))),
    ("a step that does harm", |record| record["repair"]["steps"][0]["target"] = json!("\u{202e}")),
    ("an action that does harm", |record| record["repair"]["steps"][0]["action"] = json!("\u{9b}2J")),
    ("a role id that is none", |record| record["repair"]["before"]["roleId"] = json!("1; reboot")),
    ("a made role whose id is none", |record| record["repair"]["created"] = json!("\u{1b}[2J")),
    ("a policy that is gone and none", |record| {
        record["repair"]["gone"] = json!([{"type": "Custom", "name": "\u{1b}[2J"}]);
    }),
    ("a tag without a key", |record| record["repair"]["before"]["tags"] = json!({"": "x"})),
    ("a watch that names a policy that is none", |record| {
        record["watch"] =
            json!({"until": "2099-01-01T00:00:00Z", "roleId": "1", "policies": [{"type": "Custom", "name": "a/../b"}]});
    }),
];

#[tokio::test]
async fn a_forged_record_is_not_believed() {
    let record = record().await;
    for (case, forge) in FORGERIES {
        let mut forged = record.clone();
        forge(&mut forged);
        assert_ne!(forged, record, "{case}");
        is_set_aside(case, |path| fs::write(path, bytes(&forged)).unwrap()).await;
    }
}

#[tokio::test]
async fn what_is_no_record_at_all_is_not_believed() {
    let record = bytes(&record().await);
    let mut large = record.clone();
    large.resize(LIMIT + 1, b' ');
    let deep = "[".repeat(LIMIT).into_bytes();
    for (case, bytes) in [
        ("too large", large),
        ("deep", deep),
        ("zeros", vec![0; 4096]),
        ("no text", vec![0xff; 100]),
        ("null", b"null".to_vec()),
        ("two of them", [&record[..], &record[..]].concat()),
    ] {
        is_set_aside(case, |path| fs::write(path, bytes).unwrap()).await;
    }
}

#[tokio::test]
async fn only_a_plain_file_is_read() {
    let record = bytes(&record().await);
    let elsewhere = Folder::new();
    let target = elsewhere.path().join("target");
    fs::write(&target, &record).unwrap();
    let before = elsewhere.listing();
    is_set_aside("a link", |path| symlink(&target, path).unwrap()).await;
    is_set_aside("a link to nothing", |path| symlink("/absent", path).unwrap()).await;
    is_set_aside("a link to a device", |path| symlink("/dev/zero", path).unwrap()).await;
    is_set_aside("a folder", |path| fs::create_dir(path).unwrap()).await;
    is_set_aside("a socket", |path| drop(UnixListener::bind(path).unwrap())).await;
    is_set_aside("a pipe", |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success())).await;
    assert!(elsewhere.listing() == before, "the target of the link is untouched");
}

#[tokio::test]
async fn an_older_record_counts_where_the_newest_is_not_believed() {
    let folder = Folder::new();
    let lab = robbed(&folder);
    fs::write(folder.path().join(name()), bytes(&record().await)).unwrap();
    fs::write(folder.path().join(format!("{ACCOUNT}.8.json")), "torn").unwrap();
    let report = lab.run(Mode::Remediate).await;
    assert_eq!((report.status, notes(&report).len()), (Status::Remediated, 2), "{}", shown(&report));
    assert!(has(&lab.role().unwrap(), "TeamExtra"));
    assert!(folder.newest()["generation"].as_u64() > Some(8), "no generation is used twice: {:?}", folder.names());
}

/// The highest number leaves none for the next run.
#[tokio::test]
async fn a_record_of_the_last_generation_is_refused_and_not_counted_over() {
    for written in ["torn".to_owned(), {
        let mut record = record().await;
        record["generation"] = json!(u64::MAX);
        record.to_string()
    }] {
        let folder = Folder::new();
        let lab = robbed(&folder);
        fs::write(folder.path().join(format!("{ACCOUNT}.{}.json", u64::MAX)), written).unwrap();
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Refused, "{}", shown(&report));
        assert_eq!(lab.writes(), [""; 0]);
    }
}

/// The worst that a record can ask for.
fn greedy(record: &mut Value) {
    let before = &mut record["repair"]["before"];
    before["policies"] =
        ["AdministratorAccess", "AliyunRAMFullAccess", "administratoraccess", "AliyunOSSReadOnlyAccess"]
            .map(|name| json!({"type": "System", "name": name}))
            .into_iter()
            .collect();
    before["trustPolicy"] = json!(DTS_TRUST.replace("dts.aliyuncs.com", "evil.example.com"));
    before["description"] = json!("forged");
}

/// No call asked for an administrator, or for another trust policy than the constant.
fn nothing_privileged_was_asked_for(lab: &Lab) {
    for call in lab.emulator.writes() {
        let policy = call.params.get("PolicyName").map(|name| name.to_lowercase());
        let privileged = ["administratoraccess", "aliyunramfullaccess"];
        let attached =
            call.operation == "AttachPolicyToRole" && policy.is_some_and(|name| privileged.contains(&&*name));
        assert!(!attached, "{call:#?}");
        assert!(!format!("{:?}", call.params).contains("evil"), "{call:#?}");
    }
    let trust = lab.role().unwrap().trust;
    assert_eq!(serde_json::from_str::<Value>(&trust).unwrap(), serde_json::from_str::<Value>(DTS_TRUST).unwrap());
}

#[tokio::test]
async fn a_record_makes_nobody_an_administrator_and_nobody_else_assume_the_role() {
    let mut forged = record().await;
    greedy(&mut forged);
    for phase in ["opened", "detaching", "replacing"] {
        for missing in [false, true] {
            let folder = Folder::new();
            let lab = robbed(&folder);
            forged["repair"]["phase"] = json!(phase);
            fs::write(folder.path().join(name()), bytes(&forged)).unwrap();
            if missing {
                lab.emulator.with_world(|world| world.delete_role(ACCOUNT, DTS_ROLE));
            }
            let report = lab.run(Mode::Remediate).await;
            assert_eq!(report.status, Status::Remediated, "{phase} {missing}: {}", shown(&report));
            assert!(has(&lab.role().unwrap(), "AliyunOSSReadOnlyAccess"), "the record was believed: {phase} {missing}");
            nothing_privileged_was_asked_for(&lab);
            nothing_is_open(&lab, &folder).await;
        }
    }
}

/// A watch that ends within a day of its begin orders something.
fn tomorrow() -> String {
    crate::trusted::hours_ago(-23)
}

#[tokio::test]
async fn a_watch_of_a_closed_record_orders_nothing() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(Role::dts()));
    let mut forged = record().await;
    let policies = ["AdministratorAccess", "administratoraccess", "AliyunOSSReadOnlyAccess"];
    let policies = policies.map(|name| json!({"type": "System", "name": name}));
    forged["repair"]["phase"] = json!("closed");
    forged["watch"] = json!({"until": tomorrow(), "roleId": lab.role().unwrap().role_id, "policies": policies});
    fs::write(folder.path().join(name()), bytes(&forged)).unwrap();
    let report = lab.run(Mode::Remediate).await;
    assert_eq!((report.status, lab.writes()), (Status::Authorized, Vec::new()), "{}", shown(&report));
}

/// A role that the record does not know is not changed to what it says.
#[tokio::test]
async fn a_forged_record_about_another_role_writes_nothing() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(Role::dts()));
    let mut forged = record().await;
    greedy(&mut forged);
    forged["repair"]["phase"] = json!("replacing");
    forged["repair"]["before"]["roleId"] = json!("300000000000000777");
    fs::write(folder.path().join(name()), bytes(&forged)).unwrap();
    let role = lab.role();
    // Its owner has authorized it by the vendor's quick authorization, so the record is closed.
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Authorized);
    assert_eq!((lab.writes(), lab.role()), (Vec::new(), role));
}
