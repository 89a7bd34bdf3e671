//! One role, one run, against the emulator: what is found, what is done, what is said.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::time::Duration;

use authorization::settings::Mode;
use dts_role_guard::report::Status;
use emulator::{DTS_POLICY, DTS_ROLE, Role, Rule};
use testkit::{ACCOUNT, Lab, account, full, ids, json, other_trust, session_key};

const DENY_DTS: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["dts.aliyuncs.com"]}},{"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"Service":["dts.aliyuncs.com"]}}]}"#;
const UNREADABLE: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["*.aliyuncs.com"]}}]}"#;

/// Only DTS of another account may assume it: nobody else would get the DTS policy.
fn of_another_account() -> Role {
    full().trusting_service("2234567890123456@dts.aliyuncs.com")
}

#[tokio::test]
async fn a_healthy_role_costs_two_reads_in_every_mode() {
    for mode in [Mode::Verify, Mode::Plan, Mode::Remediate] {
        let lab = Lab::new(Some(Role::dts()));
        assert_eq!(lab.run(mode).await.status, Status::Authorized);
        let mut operations = lab.emulator.operations();
        operations.sort();
        assert_eq!(operations, ["GetRole", "ListPoliciesForRole"], "{mode}");
    }
}

#[tokio::test]
async fn verify_and_plan_only_read_whatever_is_broken() {
    for mode in [Mode::Verify, Mode::Plan] {
        for role in [None, Some(full()), Some(Role::dts().detach(DTS_POLICY))] {
            let lab = Lab::new(role);
            assert_eq!(lab.run(mode).await.status, Status::Drifted);
            assert_eq!(lab.writes(), [""; 0]);
            assert!(lab.emulator.operations().iter().all(|name| name.starts_with("Get") || name.starts_with("List")));
        }
    }
}

#[tokio::test]
async fn each_finding_is_repaired_and_the_next_run_writes_nothing() {
    for (role, finding) in [
        (None, "role-missing"),
        (Some(other_trust()), "trust-service-missing"),
        (Some(Role::dts().trust(DENY_DTS)), "trust-service-missing"),
        (Some(Role::dts().trusting_service("1234567890123456@dts.aliyuncs.com")), "trust-service-missing"),
        (Some(Role::dts().detach(DTS_POLICY)), "policy-missing"),
        (Some(other_trust().detach(DTS_POLICY)), "policy-missing"),
        (Some(full()), "trust-service-missing"),
    ] {
        let lab = Lab::new(role);
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{}", json(&report));
        assert!(ids(&account(&report)["findings"]).contains(&finding), "{}", json(&report));
        let writes = lab.writes().len();
        assert_eq!(lab.run(Mode::Remediate).await.status, Status::Authorized);
        assert_eq!(lab.writes().len(), writes, "a second run writes nothing");
    }
}

#[tokio::test]
async fn a_custom_policy_of_the_same_name_does_not_count() {
    let lab = Lab::new(Some(Role::dts().detach(DTS_POLICY)));
    lab.emulator.with_world(|world| world.attach_custom(ACCOUNT, DTS_ROLE, DTS_POLICY));
    let found = account(&lab.run(Mode::Verify).await);
    assert_eq!(found["status"], "drifted");
}

#[tokio::test]
async fn recreate_brings_everything_back_in_the_promised_order() {
    let lab = Lab::new(Some(full()));
    let before = lab.role().unwrap();
    let report = lab.run(Mode::Remediate).await;
    let after = lab.role().unwrap();
    assert_ne!(after.role_id, before.role_id);
    assert_eq!((&after.description, after.max_session_duration), (&before.description, before.max_session_duration));
    assert_eq!((&after.tags, after.console_login), (&before.tags, before.console_login));
    assert_eq!(after.policy_names().len(), 3);
    let writes = lab.writes();
    let mut rehearsed = writes[..5].to_vec();
    rehearsed.sort();
    let attach = "AttachPolicyToRole";
    assert_eq!(rehearsed, [attach, attach, attach, "CreateRole", "TagResources"], "the rehearsal has no effect");
    assert_eq!(writes[5..10], [vec!["DetachPolicyFromRole"; 3], vec!["DeleteRole", "CreateRole"]].concat());
    let mut built = writes[10..].to_vec();
    built.sort();
    assert_eq!(built, [attach, attach, attach, "TagResources"]);
    let said = account(&report);
    assert_eq!((&said["before"]["roleId"], &said["after"]["roleId"]), (&before.role_id.into(), &after.role_id.into()));
    assert!(ids(&said["residual"]).contains(&"trust-replaced"), "{said}");
}

#[tokio::test]
async fn the_role_is_looked_at_again_between_the_last_detach_and_the_deletion() {
    let lab = Lab::new(Some(full()));
    let _ = lab.run(Mode::Remediate).await;
    let operations = lab.emulator.operations();
    let at = |name: &str| operations.iter().rposition(|operation| operation == name).unwrap();
    let between = &operations[at("DetachPolicyFromRole") + 1..at("DeleteRole")];
    let mut between = between.to_vec();
    between.sort();
    assert_eq!(between, ["GetRole", "ListPoliciesForRole", "ListTagResources"]);
}

#[tokio::test]
async fn a_missing_role_is_created_under_either_strategy() {
    for strategy in ["recreate", "in-place", "least"] {
        let lab = Lab::new(None).set("DTS_GUARD_STRATEGY", strategy);
        assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
        assert_eq!(lab.writes(), ["CreateRole", "AttachPolicyToRole"], "{strategy}");
    }
}

#[tokio::test]
async fn in_place_never_deletes_and_keeps_the_other_statements() {
    let lab = Lab::new(Some(of_another_account().detach(DTS_POLICY))).set("DTS_GUARD_STRATEGY", "in-place");
    let before = lab.role().unwrap();
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
    let after = lab.role().unwrap();
    assert_eq!(lab.writes(), ["AttachPolicyToRole", "UpdateRole"]);
    assert_eq!(after.role_id, before.role_id);
    let statements = |trust: &str| serde_json::from_str::<serde_json::Value>(trust).unwrap()["Statement"].clone();
    assert_eq!(statements(&after.trust)[0], statements(&before.trust)[0]);
    assert_eq!(statements(&after.trust).as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn what_somebody_else_attached_meanwhile_is_not_taken_back() {
    let lab = Lab::new(Some(of_another_account().detach(DTS_POLICY))).set("DTS_GUARD_STRATEGY", "in-place");
    let _person = lab.emulator.on_call(Rule::on("AttachPolicyToRole").nth(1), |world| {
        world.attach_system(ACCOUNT, DTS_ROLE, DTS_POLICY);
    });
    let _denied = lab.emulator.fault(Rule::on("UpdateRole").every().deny());
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::RolledBack, "{}", json(&report));
    assert!(lab.role().unwrap().policy_names().contains(&DTS_POLICY));
    assert_eq!(account(&report)["steps"][0]["result"], "already");
}

#[tokio::test]
async fn what_must_not_be_deleted_is_refused_without_a_write() {
    for (role, strategy, word) in [
        (other_trust().service_linked(), "recreate", "service-linked"),
        (other_trust().attach_system("AdministratorAccess"), "recreate", "AdministratorAccess"),
        (other_trust().attach_system("AliyunRAMFullAccess"), "recreate", "AliyunRAMFullAccess"),
        (Role::dts().trust(UNREADABLE), "recreate", "trust-unreadable"),
        (Role::dts().trust(DENY_DTS), "in-place", "Deny"),
    ] {
        let lab = Lab::new(Some(role)).set("DTS_GUARD_STRATEGY", strategy);
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Refused, "{word}: {}", json(&report));
        assert!(account(&report)["next"].as_str().unwrap().contains(word), "{}", json(&report));
        assert_eq!(lab.writes(), [""; 0], "{word}");
        assert!(report.failure().is_some(), "a refusal in mode remediate must be noticed");
    }
}

#[tokio::test]
async fn a_person_can_approve_what_the_guard_could_not_read() {
    let lab = Lab::new(Some(Role::dts().trust(UNREADABLE)));
    let shown = account(&lab.run(Mode::Plan).await);
    assert_eq!(shown["status"], "drifted");
    assert!(shown["next"].as_str().unwrap().contains("would refuse"), "{shown}");
    let plan = shown["planId"].as_str();
    let report = lab.ask(Mode::Remediate, plan, Duration::from_mins(10)).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
}

#[tokio::test]
async fn with_approval_required_only_the_shown_plan_on_the_shown_state_is_carried_out() {
    let lab = Lab::new(Some(full())).set("DTS_GUARD_APPROVAL", "required");
    let first = account(&lab.run(Mode::Remediate).await);
    assert_eq!(first["status"], "refused");
    let plan = first["planId"].as_str().unwrap().to_owned();
    assert_eq!(account(&lab.run(Mode::Plan).await)["planId"], plan.as_str(), "the same state gives the same id");
    lab.emulator.with_world(|world| world.set_tag(ACCOUNT, DTS_ROLE, "team", "other"));
    let report = lab.ask(Mode::Remediate, Some(&plan), Duration::from_mins(10)).await;
    assert_eq!(report.status, Status::Refused, "{}", json(&report));
    assert_eq!(lab.writes(), [""; 0]);
    lab.emulator.with_world(|world| world.set_tag(ACCOUNT, DTS_ROLE, "team", "data"));
    let report = lab.ask(Mode::Remediate, Some(&plan), Duration::from_mins(10)).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
}

#[tokio::test]
async fn too_little_time_is_refused_before_the_first_write() {
    let lab = Lab::new(Some(full()));
    let report = lab.ask(Mode::Remediate, None, Duration::from_millis(700)).await;
    assert_eq!(report.status, Status::Refused, "{}", json(&report));
    assert!(account(&report)["next"].as_str().unwrap().contains("too little time"));
    assert_eq!(lab.emulator.operations().len(), 4, "two looks, identity, tags: no second look is due");
    assert_eq!(lab.writes(), [""; 0]);
}

#[tokio::test]
async fn keys_of_another_account_or_of_the_role_itself_write_nothing() {
    let key = |account: &str, role: &str| session_key().of_role(account, role, "lab");
    for (account_id, role_name, word) in
        [("2234567890123456", "guard", "2234567890123456"), (ACCOUNT, "aliyundtsdefaultrole", "lock the guard out")]
    {
        let lab = Lab::with_key(None, key(account_id, role_name));
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Refused, "{}", json(&report));
        assert!(account(&report)["next"].as_str().unwrap().contains(word), "{}", json(&report));
        assert_eq!(lab.writes(), [""; 0]);
    }
}

#[tokio::test]
async fn tags_that_cannot_be_read_are_refused() {
    let lab = Lab::new(Some(full()));
    let _denied = lab.emulator.fault(Rule::on("ListTagResources").every().deny());
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Refused);
    assert_eq!(lab.writes(), [""; 0]);
}

#[tokio::test]
async fn a_change_between_look_and_deletion_is_refused_and_everything_is_put_back() {
    type Change = fn(&mut emulator::WorldState);
    let changes: [(&str, Change); 4] = [
        ("tag", |world| {
            world.set_tag(ACCOUNT, DTS_ROLE, "team", "theirs");
        }),
        ("policy", |world| {
            world.attach_custom(ACCOUNT, DTS_ROLE, "TeamAudit");
        }),
        ("trust", |world| {
            world.set_trust(ACCOUNT, DTS_ROLE, UNREADABLE);
        }),
        ("description", |world| {
            world.set_description(ACCOUNT, DTS_ROLE, "theirs");
        }),
    ];
    for (word, change) in changes {
        let lab = Lab::new(Some(full()));
        let before = lab.role().unwrap();
        let _person = lab.emulator.on_call(Rule::on("DetachPolicyFromRole").nth(3), change);
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Refused, "{word}: {}", json(&report));
        assert!(account(&report)["next"].as_str().unwrap().contains(word), "{}", json(&report));
        assert!(!lab.writes().contains(&"DeleteRole".to_owned()), "{word}");
        let now = lab.role().unwrap();
        assert!(before.policy_names().iter().all(|name| now.policy_names().contains(name)), "{word}");
    }
}

#[tokio::test]
async fn a_policy_attached_at_the_last_moment_stops_the_deletion() {
    let lab = Lab::new(Some(full()));
    let _person = lab.emulator.on_call(Rule::on("DeleteRole").nth(1), |world| {
        world.attach_custom(ACCOUNT, DTS_ROLE, "TeamAudit");
    });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Refused, "{}", json(&report));
    assert_eq!(lab.role().unwrap().policy_names().len(), 4);
}

#[tokio::test]
async fn a_change_while_the_deletion_waits_to_be_repeated_stops_it() {
    let lab = Lab::new(Some(full()));
    let _throttled = lab.emulator.fault(Rule::on("DeleteRole").nth(1).throttle());
    let _person = lab.emulator.on_call(Rule::on("DeleteRole").nth(1), |world| {
        world.set_trust(ACCOUNT, DTS_ROLE, UNREADABLE);
    });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Refused, "{}", json(&report));
    assert_eq!(lab.writes().iter().filter(|name| *name == "DeleteRole").count(), 1);
    assert_eq!(lab.role().unwrap().trust, UNREADABLE);
}

#[tokio::test]
async fn what_the_second_look_does_not_show_is_not_called_remediated() {
    let lab = Lab::new(Some(full()));
    let _person = lab.emulator.after_call(Rule::on("TagResources").nth(2), |world| {
        world.detach(ACCOUNT, DTS_ROLE, DTS_POLICY);
    });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Stuck, "{}", json(&report));
    let said = account(&report);
    assert!(said["steps"].as_array().unwrap().iter().all(|step| step["result"] == "done"), "{said}");
    assert!(said["next"].as_str().unwrap().contains("AttachPolicyToRole"), "{said}");
}

#[tokio::test]
async fn a_policy_that_no_longer_exists_is_named() {
    let lab = Lab::new(Some(full()));
    let _person = lab.emulator.on_call(Rule::on("CreateRole").nth(2), |world| {
        world.delete_custom_policy(ACCOUNT, "TeamExtra");
    });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    assert!(ids(&account(&report)["residual"]).contains(&"policy-gone"), "{}", json(&report));
}

#[tokio::test]
async fn advisories_are_said_and_cause_no_write() {
    let role = Role::dts().attach_custom("TeamExtra").trust(
        r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:*","Principal":{"Service":"dts.aliyuncs.com","RAM":["acs:ram::1234567890123456:root"]},"Condition":{"Bool":{"acs:MFAPresent":"true"}}}]}"#,
    );
    let lab = Lab::new(Some(role));
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Authorized);
    let said = account(&report);
    let mut found = ids(&said["findings"]);
    found.sort_unstable();
    assert_eq!(found, ["policy-extra", "trust-conditional", "trust-extra-principal"]);
    assert_eq!(lab.writes(), [""; 0]);
}

#[tokio::test]
async fn what_could_not_be_seen_is_failed_and_nothing_is_written() {
    for operation in ["GetRole", "ListPoliciesForRole"] {
        let lab = Lab::new(Some(full()));
        let _fault = lab.emulator.fault(Rule::on(operation).every().unavailable());
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Failed, "{}", json(&report));
        let tries = lab.emulator.operations().iter().filter(|name| *name == operation).count();
        assert_eq!((tries, lab.writes()), (4, vec![]), "{operation}");
        assert!(report.failure().is_some());
    }
}

#[tokio::test]
async fn both_signatures_do_the_whole_job() {
    for method in ["hmac-sha1", "acs3"] {
        let lab = Lab::new(Some(full())).set("DTS_GUARD_SIGNATURE", method);
        assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated, "{method}");
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_set_by_the_clouds_answer() {
    let lab = Lab::new(Some(Role::dts()));
    lab.emulator.shift_clock(3600);
    assert_eq!(lab.run(Mode::Verify).await.status, Status::Authorized);
}

#[tokio::test]
async fn two_runs_in_one_process_do_not_undo_each_others_work() {
    let lab = Lab::new(Some(full()));
    let (before, app) = (lab.role().unwrap(), lab.app());
    let run = || lab.ask_app(&app, Mode::Remediate, None, Duration::from_mins(10));
    let (one, two) = tokio::join!(run(), run());
    let mut ends = [one.status, two.status];
    ends.sort();
    assert_eq!(ends, [Status::Authorized, Status::Remediated]);
    assert_eq!(lab.role().unwrap().policy_names().len(), before.policy_names().len());
}

#[tokio::test]
async fn what_drifted_says_what_to_do() {
    for (role, hand) in [(None, "by hand: open https://ram.console"), (Some(full()), "delete the role, then open")] {
        let said = account(&Lab::new(role).run(Mode::Verify).await);
        assert!(said["next"].as_str().unwrap().contains(hand), "{said}");
    }
}

#[tokio::test]
async fn a_tag_that_only_the_vendor_may_write_is_reported_and_not_restored() {
    let lab = Lab::new(Some(full().tag("acs:rm:owner", "vendor")));
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    let steps = account(&report)["steps"].clone();
    let left = steps.as_array().unwrap().iter().find(|step| step["target"] == "acs:rm:owner").unwrap();
    assert_eq!((&left["result"], &left["attempts"]), (&"skipped".into(), &0.into()));
    let tags = lab.role().unwrap().tags;
    assert!(tags.contains_key("team") && !tags.contains_key("acs:rm:owner"), "{tags:?}");
}

#[tokio::test]
async fn only_the_code_for_a_missing_role_makes_it_missing() {
    for code in ["EntityNotExist.User", "EntityNotExists.Account", "InvalidAction.NotFound"] {
        let lab = Lab::new(Some(Role::dts()));
        let _faults = ["GetRole", "ListPoliciesForRole"]
            .map(|operation| lab.emulator.fault(Rule::on(operation).every().error(404, code)));
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Failed, "{code}: {}", json(&report));
        assert_eq!(lab.writes(), [""; 0], "{code}");
    }
}
