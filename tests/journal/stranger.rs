//! After a kill somebody else made a role of that name: it is not the guard's to change, until a person says so.

use authorization::settings::Mode;
use dts_role_guard::report::Status;
use emulator::{Role, Rule};
use testkit::{ACCOUNT, Folder, full, json, other_trust};

use crate::{has, kill, lab_with, next, notes, nothing_is_open, silent, type_clear};

/// Authorized, and for somebody else too.
const BOTH: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["dts.aliyuncs.com","ecs.aliyuncs.com"]}}]}"#;

#[tokio::test]
async fn it_is_left_alone_until_a_person_gives_the_record_up() {
    for (theirs, then) in [
        (Role::dts().trust(BOTH).description("theirs"), Status::Authorized),
        (other_trust().description("theirs"), Status::Remediated),
    ] {
        let folder = Folder::new();
        let lab = lab_with(&folder, Some(full()));
        kill(&lab, Rule::on("DeleteRole"), true).await;
        lab.emulator.with_world(|world| world.put_role(ACCOUNT, theirs));
        let (there, writes) = (lab.role(), lab.writes().len());
        let noted = notes(&silent(&lab, &folder, Mode::Verify).await);
        assert!(noted[0]["message"].as_str().unwrap().contains("somebody's"), "{noted:?}");

        let mut report = lab.run(Mode::Remediate).await;
        for _ in 0..2 {
            assert_eq!(report.status, Status::Stuck, "{}", json(&report));
            assert_eq!((lab.role(), lab.writes().len()), (there.clone(), writes));
            let next = next(&report);
            for part in ["aliyun ram AttachPolicyToRole ", "'TeamExtra'", "aliyun ram TagResources "] {
                assert!(next.contains(part), "{part}: {next}");
            }
            assert!(
                next.lines().any(|line| line == format!("dts-role-guard clear --account {ACCOUNT} --unfinished")),
                "{next}"
            );
            assert!(report.failure().is_some(), "the platform must not call this a success");
            report = lab.run(Mode::Remediate).await;
        }

        let record = folder.newest();
        let said = type_clear(&folder, &report);
        let aside =
            folder.listing().into_iter().find(|(name, _)| said.contains(name.as_str())).expect("it tells where");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&aside.1.text()).unwrap(), record, "nothing is lost");
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, then, "{}", json(&report));
        assert!(lab.authorized() && !has(&lab.role().unwrap(), "TeamExtra"));
        nothing_is_open(&lab, &folder).await;
    }
}

/// Nothing had been taken away yet, so nothing is lost that the record could tell.
#[tokio::test]
async fn a_role_that_was_replaced_before_the_first_write_had_its_effect_is_judged_like_any_other() {
    let folder = Folder::new();
    let lab = lab_with(&folder, Some(other_trust()));
    kill(&lab, Rule::on("ListTagResources"), false).await;
    assert_eq!(folder.names(), [""; 0], "nothing is on record before the plan is");
    kill(&lab, Rule::writes().nth(1), false).await;
    lab.emulator.with_world(|world| world.put_role(ACCOUNT, other_trust().description("theirs")));
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    assert_eq!(lab.role().unwrap().description, "theirs");
    nothing_is_open(&lab, &folder).await;
}
