//! What is in order is `ok`, and stays as it is.

use dts_role_guard::doctor::{CheckStatus, DoctorReport};
use emulator::{Member, Role};
use testkit::{ACCOUNT, Folder, JOURNAL_DIR, Lab, key};

use super::{assert_follows_schema, check, troubles};

fn role() -> Role {
    Role::dts().attach_custom("TeamExtra").tag("team", "data")
}

fn assert_ok(report: &DoctorReport) {
    assert_eq!((troubles(report), report.status, report.exit_code()), (Vec::new(), CheckStatus::Ok, 0), "{report:#?}");
    assert!(report.facts.iter().all(|fact| fact.agrees), "{:#?}", report.facts);
    assert_follows_schema(&serde_json::from_str(&report.to_json()).unwrap());
}

#[tokio::test]
async fn in_mode_remediate_each_write_is_tried_and_none_has_an_effect() {
    let lab = Lab::new(Some(role()));
    let before = lab.role();
    let report = lab.doctor().await;
    assert_ok(&report);
    for (id, says) in [("rehearsal-create", "1 times"), ("rehearsal-attach", "2 times"), ("rehearsal-tag", "1 times")] {
        assert!(check(&report, id).message.contains(says), "{report:#?}");
    }
    let mut writes = lab.writes();
    writes.sort();
    assert_eq!(writes, ["AttachPolicyToRole", "AttachPolicyToRole", "CreateRole", "TagResources"]);
    assert!(lab.emulator.calls().iter().all(|call| !call.effect));
    assert_eq!(lab.role(), before);
}

#[tokio::test]
async fn in_other_modes_nothing_is_written_at_all() {
    for mode in ["verify", "plan"] {
        let lab = Lab::new(Some(role())).set("DTS_GUARD_MODE", mode);
        let report = lab.doctor().await;
        assert_ok(&report);
        assert_eq!(lab.writes(), [""; 0], "{mode}");
        assert!(check(&report, "rehearsal-create").message.contains("writes nothing"), "{report:#?}");
    }
}

#[tokio::test]
async fn an_organization_is_looked_at_by_both_signatures() {
    for signature in ["hmac-sha1", "acs3"] {
        let members = |directory: emulator::DirectorySeed| {
            directory.member(Member::new("2234567890123456").role(Role::dts())).member(Member::new("3234567890123456"))
        };
        let lab = Lab::organization(members).set("DTS_GUARD_SIGNATURE", signature);
        let report = lab.doctor().await;
        assert_ok(&report);
        assert!(check(&report, "directory").message.contains(&format!("`{ACCOUNT}` is the management account")));
        assert!(
            check(&report, "member-3234567890123456").message.contains("is entered"),
            "a missing role is no trouble"
        );
        assert!(lab.emulator.calls().iter().all(|call| !call.effect));
        let facts: Vec<_> = report.facts.iter().map(|fact| fact.id).collect();
        for id in ["date-of-replies", "session-duration", "members-counted", "management-account-is-no-member"] {
            assert!(facts.contains(&id), "{signature}: {facts:?}");
        }
    }
}

/// Whatever is tried in the folder goes away again, and so does a folder that was not there.
#[tokio::test]
async fn the_folder_is_left_as_it_was() {
    let folder = Folder::new();
    std::fs::write(folder.path().join("1234567890123456.1.json"), "{}").unwrap();
    let before = folder.listing();
    let report = Lab::new(Some(role())).set(JOURNAL_DIR, folder.text()).doctor().await;
    let ids = ["folder", "write", "exclusive", "replace", "flush", "space"].map(|id| format!("journal-{id}"));
    for id in &ids {
        assert_eq!(check(&report, id).status, CheckStatus::Ok, "{report:#?}");
    }
    assert_eq!(folder.listing(), before);
    let home = folder.path().join("home");
    std::fs::create_dir(&home).unwrap();
    let lab = Lab::new(Some(role())).set("XDG_STATE_HOME", home.to_str().unwrap());
    let report = lab.doctor().await;
    assert_ok(&report);
    assert_eq!(check(&report, "journal-write").status, CheckStatus::Ok, "{report:#?}");
    assert_eq!(std::fs::read_dir(&home).unwrap().count(), 0);
}

#[tokio::test]
async fn checks_come_in_their_order_whatever_is_skipped() {
    let order = |report: &DoctorReport| report.checks.iter().map(|check| check.id.clone()).collect::<Vec<_>>();
    let whole = order(&Lab::new(Some(role())).doctor().await);
    let expected = [
        "settings",
        "credentials",
        "clock",
        "endpoint-sts",
        "endpoint-ram",
        "caller",
        "role",
        "policies",
        "tags",
        "directory",
        "members",
        "folders",
        "member-roles",
        "journal-folder",
        "journal-write",
        "journal-exclusive",
        "journal-replace",
        "journal-flush",
        "journal-space",
        "journal-filesystem",
        "journal-case",
        "queue",
        "log",
        "rehearsal-create",
        "rehearsal-attach",
        "rehearsal-tag",
        "rehearsal-rest",
    ];
    assert_eq!(whole, expected);
    let wrong = Lab::new(Some(role())).set("DTS_GUARD_MODE", "x").doctor().await;
    assert_eq!(order(&wrong), expected);
    let skipped: Vec<_> = wrong.checks.iter().filter(|check| check.status == CheckStatus::Skipped).collect();
    assert_eq!(skipped.len(), expected.len() - 2, "credentials are looked at all the same");
    assert!(skipped.iter().all(|check| check.message.contains("`settings`")), "{skipped:#?}");
}

/// The documents are enough for the doctor, too.
#[tokio::test]
async fn with_the_policies_that_are_shipped_all_is_in_order() {
    let statements = |document: &str| {
        let document: serde_json::Value = serde_json::from_str(document).unwrap();
        document["Statement"].as_array().unwrap().clone()
    };
    let verify = statements(include_str!("../../policies/verify.json"));
    let remediate = statements(include_str!("../../policies/remediate.json"));
    let organization = statements(include_str!("../../policies/organization.json"));
    for (mode, documents) in
        [("verify", [&verify[..], &organization].concat()), ("remediate", [&remediate[..], &organization].concat())]
    {
        let document = serde_json::json!({"Version": "1", "Statement": documents}).to_string();
        let lab = Lab::organization_with_key(key().policy(&document), |directory| {
            directory.member(Member::new("2234567890123456").role(Role::dts()))
        });
        assert_ok(&lab.set("DTS_GUARD_MODE", mode).doctor().await);
    }
}
