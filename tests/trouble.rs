//! Trouble of other people's tools, played on one role: what other hands do in the middle of a repair, what lists and replies
//! say that is not so, and what could be deleted but not be made again.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "tests")]

use std::time::Duration;

use authorization::settings::Mode;
use dts_role_guard::report::Status;
use emulator::{DTS_POLICY, DTS_ROLE, Role, Rule};
use testkit::{ACCOUNT, Lab, account, full, ids, json};

const ANYBODY: &str = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"},{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":["*.aliyuncs.com"]}}]}"#;
const TIME: Duration = Duration::from_mins(10);

fn next(report: &dts_role_guard::report::Report) -> String {
    account(report)["next"].as_str().unwrap_or_default().to_owned()
}

/// Everything of [`full`] but its trust policy.
fn is_whole(lab: &Lab) -> bool {
    lab.role().is_some_and(|role| {
        let policies = [DTS_POLICY, "AliyunOSSReadOnlyAccess", "TeamExtra"];
        let settings = (role.description.as_str(), role.max_session_duration, role.tags.len()) == ("ours", 7200, 2);
        role.trust.contains("\"dts.aliyuncs.com\"")
            && settings
            && policies.iter().all(|name| role.policy_names().contains(name))
    })
}

#[tokio::test]
async fn a_look_that_sees_no_role_is_a_look() {
    let lab = Lab::new(Some(Role::dts().trusting_service("ecs.aliyuncs.com").tag("team", "blue")));
    let _full = lab.emulator.fault(Rule::on("CreateRole").every().error(409, "LimitExceeded.Role"));
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Stuck, "{}", json(&report));
    assert!(ids(&account(&report)["residual"]).contains(&"role-missing"), "{}", json(&report));
    assert!(
        next(&report).starts_with("`CreateRole`") && !next(&report).contains("look at it failed"),
        "{}",
        next(&report)
    );
}

#[tokio::test]
async fn a_second_look_that_fails_does_not_hide_why_the_creation_failed() {
    let lab = Lab::new(Some(full()));
    let _denied = lab.emulator.fault(Rule::on("CreateRole").from(2).deny());
    let _blind = lab.emulator.fault(Rule::on("GetRole").from(3).unavailable());
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Stuck, "{}", json(&report));
    assert!(next(&report).contains("`CreateRole` was denied"), "{}", next(&report));
}

#[tokio::test]
async fn a_policy_that_is_gone_says_the_detachment_does_not_end_the_repair() {
    let lab = Lab::new(Some(full()));
    let _wrong = lab.emulator.fault(Rule::on("DetachPolicyFromRole").nth(1).error(404, "EntityNotExist.Policy"));
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    assert!(is_whole(&lab), "it was there after all: {:#?}", lab.role());
}

#[tokio::test]
async fn what_a_person_had_just_taken_away_is_not_brought_back_by_a_stale_list() {
    let lab = Lab::new(Some(full()));
    lab.emulator.with_world(|world| world.detach(ACCOUNT, DTS_ROLE, "TeamExtra"));
    let _stale = lab.emulator.fault(Rule::on("ListPoliciesForRole").nth(1).stale());
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    assert!(ids(&account(&report)["findings"]).contains(&"policy-extra"), "the list was stale: {}", json(&report));
    assert_eq!(lab.role().unwrap().policy_names(), [DTS_POLICY, "AliyunOSSReadOnlyAccess"]);
}

#[tokio::test]
async fn more_policies_than_fit_back_are_refused() {
    let role = (0..20).fold(Role::dts().detach(DTS_POLICY), |role, n| role.attach_system(&format!("Extra{n:02}")));
    for strategy in ["recreate", "in-place", "least"] {
        let lab = Lab::new(Some(role.clone())).set("DTS_GUARD_STRATEGY", strategy);
        let report = lab.run(Mode::Remediate).await;
        assert_eq!((report.status, lab.writes()), (Status::Refused, Vec::new()), "{strategy}: {}", json(&report));
        assert!(next(&report).contains("20 system policies"), "{}", next(&report));
    }
    let with = role.detach("Extra00").attach_system(DTS_POLICY).trusting_service("ecs.aliyuncs.com");
    assert_eq!(Lab::new(Some(with)).run(Mode::Remediate).await.status, Status::Remediated, "this one fits back");
}

#[tokio::test]
async fn another_description_is_told_and_another_duration_has_its_command() {
    let built = || Rule::on("AttachPolicyToRole").param("PolicyName", DTS_POLICY).nth(2);
    let lab = Lab::new(Some(full()));
    let tool = lab.emulator.after_call(built(), |world| {
        world.set_description(ACCOUNT, DTS_ROLE, "managed elsewhere");
    });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    assert!(ids(&account(&report)["residual"]).contains(&"description-differs"), "{}", json(&report));
    drop(tool);

    let lab = Lab::new(Some(full()));
    let _tool = lab.emulator.after_call(built(), |world| {
        world.set_max_session_duration(ACCOUNT, DTS_ROLE, 3600);
    });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Stuck, "{}", json(&report));
    let command = "aliyun ram UpdateRole --RoleName AliyunDTSDefaultRole --NewMaxSessionDuration '7200'";
    assert!(next(&report).lines().any(|line| line == command), "{}", next(&report));
}

#[tokio::test]
async fn more_tags_than_one_call_takes_come_back() {
    let role = (0..45).fold(full(), |role, n| role.tag(&format!("key{n}"), "value"));
    let lab = Lab::new(Some(role));
    assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
    assert_eq!(lab.role().unwrap().tags.len(), 47);
}

#[tokio::test]
async fn whoever_loses_the_role_is_named_before_and_after() {
    let lab = Lab::new(Some(Role::dts().trust(ANYBODY)));
    let shown = lab.run(Mode::Plan).await;
    for name in ["*", "Service *.aliyuncs.com"] {
        let text = next(&shown);
        let line = text.lines().find(|line| line.starts_with("the new role can no longer be assumed by"));
        assert!(line.unwrap().contains(name), "{text}");
    }
    let plan = account(&shown)["planId"].as_str().unwrap().to_owned();
    let report = lab.ask(Mode::Remediate, Some(&plan), TIME).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    let residual = account(&report)["residual"].clone();
    let replaced = residual.as_array().unwrap().iter().find(|finding| finding["id"] == "trust-replaced").unwrap();
    assert_eq!(replaced["evidence"]["principals"], serde_json::json!(["*", "Service *.aliyuncs.com"]));
}

#[tokio::test]
async fn the_least_repair_deletes_only_what_it_cannot_mend_in_place() {
    let deny = ANYBODY.replace("Allow", "Deny").replace("\"*\"", r#"{"Service":["dts.aliyuncs.com"]}"#);
    let deny = deny.replace("*.aliyuncs.com", "dts.aliyuncs.com");
    for (role, deletes) in [
        (Role::dts().detach(DTS_POLICY).attach_custom("TeamExtra"), false),
        (Role::dts().trusting_service("ecs.aliyuncs.com"), false),
        (Role::dts().trust(&deny).attach_custom("TeamExtra"), true),
    ] {
        let lab = Lab::new(Some(role)).set("DTS_GUARD_STRATEGY", "least");
        let shown = account(&lab.run(Mode::Plan).await);
        let planned = shown["steps"].as_array().unwrap().iter().any(|step| step["action"] == "DeleteRole");
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{}", json(&report));
        assert_eq!(account(&report)["planId"], shown["planId"], "its decision is in the plan");
        assert_eq!((planned, lab.writes().contains(&"DeleteRole".to_owned())), (deletes, deletes));
    }
}

#[tokio::test]
async fn nothing_is_attached_to_a_role_that_others_may_assume_without_a_persons_word() {
    for strategy in ["in-place", "least"] {
        let anybody = Lab::new(Some(Role::dts().trust(ANYBODY).detach(DTS_POLICY))).set("DTS_GUARD_STRATEGY", strategy);
        let report = anybody.run(Mode::Remediate).await;
        assert_eq!((report.status, anybody.writes()), (Status::Refused, Vec::new()), "{}", json(&report));
        let lab = Lab::new(Some(full().detach(DTS_POLICY))).set("DTS_GUARD_STRATEGY", strategy);
        let report = lab.run(Mode::Remediate).await;
        assert_eq!((report.status, lab.writes()), (Status::Refused, Vec::new()), "{}", json(&report));
        let plan = account(&report)["planId"].as_str().unwrap().to_owned();
        let report = lab.ask(Mode::Remediate, Some(&plan), TIME).await;
        assert_eq!(report.status, Status::Remediated, "{strategy}: {}", json(&report));
    }
}

#[tokio::test]
async fn a_plan_that_nobody_can_approve_lists_nothing_as_planned() {
    let lab = Lab::new(Some(full().attach_system("AdministratorAccess")));
    for mode in [Mode::Plan, Mode::Remediate] {
        let shown = account(&lab.run(mode).await);
        assert_eq!(shown["steps"], serde_json::json!([]), "{shown}");
        assert!(shown["next"].as_str().unwrap().contains("AdministratorAccess"), "{shown}");
    }
}

#[tokio::test]
async fn the_own_rate_limit_counts_in_the_estimate() {
    let role = (0..10).fold(full(), |role, n| role.attach_system(&format!("Extra{n}")));
    for seconds in [8, 15, 20] {
        let lab = Lab::new(Some(role.clone())).set("DTS_GUARD_RATE", "1");
        let before = lab.role();
        let report = lab.ask(Mode::Remediate, None, Duration::from_secs(seconds)).await;
        assert_eq!((report.status, lab.role()), (Status::Refused, before), "{seconds} s: {}", json(&report));
        assert!(next(&report).contains("too little time"), "{}", next(&report));
    }
    let lab = Lab::new(Some(role)).set("DTS_GUARD_RATE", "1");
    let report = lab.ask(Mode::Remediate, None, Duration::from_mins(5)).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
}

#[tokio::test]
async fn a_role_that_somebody_made_where_there_was_none_gets_nothing() {
    for (trust, status) in [("acs:ram::6666666666666666:root", Status::Refused), ("", Status::Remediated)] {
        let lab = Lab::new(None);
        let theirs = Role::dts().detach(DTS_POLICY);
        let theirs = if trust.is_empty() { theirs } else { theirs.trusting_account("6666666666666666") };
        let _somebody = lab.emulator.on_call(Rule::on("CreateRole").nth(1), move |world| {
            world.put_role(ACCOUNT, theirs.clone());
        });
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, status, "{}", json(&report));
        let attached = lab.role().unwrap().policies.len();
        assert_eq!(attached, usize::from(trust.is_empty()), "only what a repair makes gets the policy");
    }
}

#[tokio::test]
async fn a_role_that_appears_between_deletion_and_creation_gets_nothing() {
    let lab = Lab::new(Some(full()));
    let _somebody = lab.emulator.after_call(Rule::on("DeleteRole"), |world| {
        world.put_role(ACCOUNT, Role::named(DTS_ROLE).trusting_account("6666666666666666"));
    });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Stuck, "{}", json(&report));
    let role = lab.role().unwrap();
    assert_eq!((role.policies.len(), role.tags.len()), (0, 0), "{role:#?}");
    assert!(next(&report).contains("TeamExtra") && next(&report).contains("Find out whose it is"), "{}", next(&report));
}

#[tokio::test]
async fn what_hit_another_role_by_name_is_taken_off_again_and_said() {
    let lab = Lab::new(Some(full()));
    let _somebody = lab.emulator.after_call(Rule::on("CreateRole").nth(2), |world| {
        world.delete_role(ACCOUNT, DTS_ROLE);
        world.put_role(ACCOUNT, Role::named(DTS_ROLE).trusting_account("6666666666666666"));
    });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Stuck, "{}", json(&report));
    assert_eq!(lab.role().unwrap().policies.len(), 0, "{:#?}", lab.role());
    assert!(next(&report).contains("taken off again"), "{}", next(&report));
}

#[tokio::test]
async fn what_could_not_be_made_again_is_refused_before_anything_is_taken_away() {
    for operation in ["CreateRole", "AttachPolicyToRole", "TagResources"] {
        for control in [false, true] {
            let lab = Lab::new(Some(full()));
            let before = lab.role();
            let rule = Rule::on(operation).every();
            let _denied = lab.emulator.fault(if control { rule.deny_by_control_policy() } else { rule.deny() });
            let report = lab.run(Mode::Remediate).await;
            assert_eq!((report.status, lab.role()), (Status::Refused, before), "{operation}: {}", json(&report));
            assert!(next(&report).contains(&format!("ram:{operation}")), "{}", next(&report));
            assert_eq!(next(&report).contains("control policy"), control, "{}", next(&report));
            assert!(!lab.writes().contains(&"DetachPolicyFromRole".to_owned()), "{operation}");
        }
    }
}

#[tokio::test]
async fn parameters_that_the_cloud_refuses_are_found_before_the_deletion() {
    let lab = Lab::new(Some(full()));
    let before = lab.role();
    let _refused = lab.emulator.fault(Rule::on("CreateRole").every().error(400, "InvalidParameter.Description.Length"));
    let report = lab.run(Mode::Remediate).await;
    assert_eq!((report.status, lab.role()), (Status::Refused, before), "{}", json(&report));
    assert!(next(&report).contains("InvalidParameter.Description.Length"), "{}", next(&report));
}

#[tokio::test]
async fn a_role_that_was_deleted_before_the_rehearsal_is_made_by_it() {
    let lab = Lab::new(Some(full()));
    let _person = lab.emulator.on_call(Rule::writes().nth(1), |world| {
        world.delete_role(ACCOUNT, DTS_ROLE);
    });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    assert!(is_whole(&lab), "{:#?}", lab.role());
    let writes = lab.writes();
    assert!(
        !writes.contains(&"DeleteRole".to_owned()) && !writes.contains(&"DetachPolicyFromRole".to_owned()),
        "{writes:?}"
    );
}

#[tokio::test]
async fn what_a_person_takes_away_before_the_rehearsal_stays_away() {
    let lab = Lab::new(Some(full()));
    let _person =
        lab.emulator.on_call(Rule::on("AttachPolicyToRole").param("PolicyName", "TeamExtra").nth(1), |world| {
            world.detach(ACCOUNT, DTS_ROLE, "TeamExtra");
        });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{}", json(&report));
    assert!(!lab.role().unwrap().policy_names().contains(&"TeamExtra"), "{:#?}", lab.role());
}

/// More policies that exist.
const SYSTEM: [&str; 8] = [
    "AliyunDTSReadOnlyAccess",
    "AliyunECSReadOnlyAccess",
    "AliyunFCFullAccess",
    "AliyunLogReadOnlyAccess",
    "AliyunOSSFullAccess",
    "AliyunRAMReadOnlyAccess",
    "AliyunRDSReadOnlyAccess",
    "AliyunVPCReadOnlyAccess",
];

/// Nine round trips, whatever the number of policies and tags.
#[tokio::test]
async fn a_recreation_takes_nine_trips() {
    let many = SYSTEM.into_iter().fold(full(), Role::attach_system);
    let many = (0..18).fold(many, |role, n| role.tag(&format!("key{n}"), "v"));
    for role in [full(), many] {
        let lab = Lab::new(Some(role));
        lab.emulator.set_latency(Duration::from_millis(250));
        assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated);
        assert_eq!(trips(&lab), 9);
    }
}

/// A call that begins after all earlier ones have ended begins a trip.
fn trips(lab: &Lab) -> usize {
    let mut calls = lab.emulator.calls();
    calls.sort_by_key(|call| call.started);
    let mut end = Duration::ZERO;
    let mut trips = 0;
    for call in calls {
        if call.started >= end {
            trips += 1;
        }
        end = end.max(call.finished.unwrap());
    }
    trips
}
