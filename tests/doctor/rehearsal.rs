//! The rehearsal: what a repair would be refused, and what other hands do at that moment.

use dts_role_guard::doctor::CheckStatus;
use emulator::{DTS_POLICY, DTS_ROLE, Emulator, Role, Rule};
use testkit::{ACCOUNT, Lab};

use super::case::{Case, all, healthy};
use super::{check, troubles};

#[tokio::test]
async fn a_repair_that_would_be_refused() {
    let denied = |operation: &'static str| move |cloud: &Emulator| cloud.fault(Rule::on(operation).every().deny());
    let remediate = "policies/remediate.json";
    let privileged = Lab::new(Some(Role::dts().attach_system("AdministratorAccess")));
    all(vec![
        Case::failed("CreateRole", healthy(), "rehearsal-create", "`ram:CreateRole`", remediate)
            .with(denied("CreateRole")),
        Case::failed("AttachPolicyToRole", healthy(), "rehearsal-attach", "`ram:AttachPolicyToRole`", remediate)
            .with(denied("AttachPolicyToRole")),
        Case::failed("TagResources", healthy(), "rehearsal-tag", "`ram:TagResources`", remediate)
            .with(denied("TagResources")),
        Case::failed("control policy", healthy(), "rehearsal-create", "a control policy", "control policies")
            .with(|cloud| cloud.fault(Rule::on("CreateRole").every().deny_by_control_policy())),
        Case::failed("not answered", healthy(), "rehearsal-create", "was not answered", "run the doctor again")
            .with(|cloud| cloud.fault(Rule::on("CreateRole").every().unavailable())),
        Case::warning("privileged", privileged, "rehearsal-attach", "AdministratorAccess", "detach it by hand"),
    ])
    .await;
}

/// The one moment in which a rehearsal can have an effect is told, and what was taken away by somebody stays away.
#[tokio::test]
async fn somebody_who_works_on_the_role_at_that_moment_is_noticed() {
    let lab = Lab::new(Some(Role::dts().attach_custom("TeamExtra")));
    let rule = Rule::on("AttachPolicyToRole").param("PolicyName", "TeamExtra").nth(1);
    let _person = lab.emulator.on_call(rule, |world| {
        world.detach(ACCOUNT, DTS_ROLE, "TeamExtra");
    });
    let report = lab.doctor().await;
    assert_eq!(troubles(&report), ["rehearsal-attach"], "{report:#?}");
    assert!(check(&report, "rehearsal-attach").message.contains("took it off again"), "{report:#?}");
    assert_eq!(lab.role().unwrap().policy_names(), [DTS_POLICY]);
}

/// Between the first look and the rehearsal much can happen: nothing is set back, and what is broken by then is left to a run.
#[tokio::test]
async fn what_somebody_changed_since_the_first_look_stays_as_it_is_now() {
    let lab = healthy();
    let _person = lab.emulator.on_call(Rule::on("ListTagResources").nth(2), |world| {
        world.set_tag(ACCOUNT, DTS_ROLE, "team", "logs");
    });
    let report = lab.doctor().await;
    assert_eq!(troubles(&report), [""; 0], "{report:#?}");
    assert_eq!(check(&report, "rehearsal-tag").status, CheckStatus::Ok);
    assert_eq!(lab.role().unwrap().tags["team"], "logs");

    let lab = healthy();
    let _person = lab.emulator.on_call(Rule::on("ListPoliciesForRole").nth(2), |world| {
        world.detach(ACCOUNT, DTS_ROLE, DTS_POLICY);
    });
    let report = lab.doctor().await;
    assert!(check(&report, "rehearsal-create").message.contains("somebody has changed the role"), "{report:#?}");
    assert_eq!(lab.writes(), [""; 0]);
}
