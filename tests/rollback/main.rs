//! Every write of every plan × every fault: what is said is what is true, and the next run ends authorized.
//!
//! What must hold is computed from the emulator's state, never from a list of expected statuses.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::panic,
    missing_docs,
    reason = "tests"
)]

#[path = "support/lab.rs"]
mod lab;

use dts_role_guard::config::Mode;
use dts_role_guard::report::Status;
use emulator::{DTS_POLICY, Fault, Role, RoleSnapshot, Rule};
use lab::{CUSTOM, Lab, account, json};

type Seed = (&'static str, &'static str, fn() -> Option<Role>);

fn other_trust() -> Role {
    Role::dts().trusting_service("ecs.aliyuncs.com")
}

const SEEDS: [Seed; 7] = [
    ("missing", "recreate", || None),
    ("trust", "recreate", || Some(other_trust())),
    ("policy", "recreate", || Some(Role::dts().detach(DTS_POLICY))),
    ("one extra", "recreate", || Some(other_trust().attach_custom(CUSTOM[0]))),
    ("five extras and tags", "recreate", || {
        let custom = CUSTOM.into_iter().fold(other_trust().description("ours"), Role::attach_custom);
        let system = custom.attach_system("AliyunOSSReadOnlyAccess").attach_system("AliyunECSReadOnlyAccess");
        Some(system.max_session_duration(7200).tag("team", "data").tag("empty", ""))
    }),
    ("in place", "in-place", || Some(other_trust().detach(DTS_POLICY).attach_custom(CUSTOM[0]))),
    ("missing in place", "in-place", || None),
];

type Hit = (&'static str, fn(Rule) -> Fault);

const FAULTS: [Hit; 10] = [
    ("denied", Rule::deny),
    ("throttled", Rule::throttle),
    ("unavailable", Rule::unavailable),
    ("effect, then 500", Rule::internal_error_after_effect),
    ("lost before", Rule::lose_before),
    ("lost after", Rule::lose_after),
    ("half a reply before", |rule| rule.half_body().before_effect()),
    ("half a reply after", |rule| rule.half_body().after_effect()),
    ("a page of HTML", |rule| rule.html(502)),
    ("expired token", Rule::expired_token),
];

/// Whether trying again helps.
fn passes(fault: &Hit) -> bool {
    !matches!(fault.0, "denied" | "expired token")
}

/// The writes of a plan that nothing disturbs: each as the n-th call of its operation.
async fn writes(seed: &Seed) -> Vec<(String, usize)> {
    let lab = Lab::new((seed.2)()).set("DTS_GUARD_STRATEGY", seed.1);
    let _ = lab.run(Mode::Remediate).await;
    let names = lab.writes();
    let nth = |index: usize| names[..=index].iter().filter(|name| **name == names[index]).count();
    (0..names.len()).map(|index| (names[index].clone(), nth(index))).collect()
}

fn authorized(role: Option<&RoleSnapshot>) -> bool {
    role.is_some_and(|role| role.trust.contains("\"dts.aliyuncs.com\"") && role.policy_names().contains(&DTS_POLICY))
}

/// Everything that the role had, it has.
fn kept(before: Option<&RoleSnapshot>, now: Option<&RoleSnapshot>) -> bool {
    let Some(before) = before else { return true };
    now.is_some_and(|now| {
        before.policy_names().iter().all(|name| now.policy_names().contains(name))
            && before.description == now.description
            && before.max_session_duration == now.max_session_duration
            && before.tags == now.tags
    })
}

fn unchanged(before: Option<&RoleSnapshot>, now: Option<&RoleSnapshot>) -> bool {
    match (before, now) {
        (None, None) => true,
        (Some(before), Some(now)) => {
            let sorted = |role: &RoleSnapshot| {
                let mut names: Vec<_> = role.policy_names().into_iter().map(str::to_owned).collect();
                names.sort();
                names
            };
            before.role_id == now.role_id && before.trust == now.trust && sorted(before) == sorted(now)
        }
        _ => false,
    }
}

/// Holds the report against the truth.
fn check(case: &str, lab: &Lab, before: Option<&RoleSnapshot>, report: &dts_role_guard::report::Report) {
    let now = lab.role();
    let repaired = authorized(now.as_ref()) && kept(before, now.as_ref());
    let context = || format!("{case}: {}\n{now:#?}", json(report));
    match report.status {
        Status::Remediated => assert!(repaired, "{}", context()),
        Status::RolledBack | Status::Refused | Status::Failed => {
            assert!(unchanged(before, now.as_ref()), "{}", context());
        }
        Status::Stuck => {
            assert!(!repaired && !unchanged(before, now.as_ref()), "{}", context());
            assert!(account(report)["next"].as_str().unwrap().contains("aliyun ram "), "{}", context());
            assert!(report.failure().is_some(), "{}", context());
        }
        other => panic!("{other:?} after a write: {}", context()),
    }
}

async fn one(seed: &Seed, fault: &Hit, rule: Rule, case: &str) -> Status {
    let lab = Lab::new((seed.2)()).set("DTS_GUARD_STRATEGY", seed.1);
    let before = lab.role();
    let guard = lab.emulator.fault(fault.1(rule));
    let report = lab.run(Mode::Remediate).await;
    assert!(guard.hits() > 0, "{case}: the fault was never met");
    check(case, &lab, before.as_ref(), &report);
    drop(guard);
    let second = lab.run(Mode::Remediate).await;
    assert!(matches!(second.status, Status::Authorized | Status::Remediated), "{case}: {}", json(&second));
    assert!(authorized(lab.role().as_ref()), "{case}");
    report.status
}

#[tokio::test]
async fn every_write_of_every_plan_meets_every_fault() {
    let (mut cases, mut statuses) = (0, std::collections::BTreeMap::new());
    for seed in &SEEDS {
        for (operation, nth) in writes(seed).await {
            for fault in &FAULTS {
                for (often, rule) in
                    [("once", Rule::on(&operation).nth(nth)), ("always", Rule::on(&operation).from(nth))]
                {
                    let case = format!("{} / {operation} {nth} / {} {often}", seed.0, fault.0);
                    let status = one(seed, fault, rule, &case).await;
                    if often == "once" && passes(fault) {
                        assert_eq!(status, Status::Remediated, "{case}: what passes does not end a repair");
                    }
                    *statuses.entry(status.word()).or_insert(0) += 1;
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} cases: {statuses:?}");
    let writes_of_all_plans = 2 + 4 + 3 + 6 + 15 + 2 + 2;
    assert_eq!(cases, writes_of_all_plans * FAULTS.len() * 2);
    assert_eq!(statuses.len(), 3, "every kind of end is met: {statuses:?}");
}

#[tokio::test]
async fn a_write_whose_effect_was_lost_from_sight_is_not_repeated_blindly() {
    for seed in &SEEDS {
        for (operation, nth) in writes(seed).await {
            let lab = Lab::new((seed.2)()).set("DTS_GUARD_STRATEGY", seed.1);
            let _fault = lab.emulator.fault(Rule::on(&operation).nth(nth).lose_after());
            assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated, "{} {operation} {nth}", seed.0);
            assert_eq!(lab.writes().len(), writes(seed).await.len(), "{} {operation} {nth}", seed.0);
        }
    }
}

#[tokio::test]
async fn stale_reads_after_the_last_write_are_waited_for() {
    for seed in &SEEDS {
        let lab = Lab::new((seed.2)()).set("DTS_GUARD_STRATEGY", seed.1);
        let reads_before_the_end = if seed.0.starts_with("missing") { 1 } else { 2 };
        let _stale = ["GetRole", "ListPoliciesForRole"]
            .map(|read| lab.emulator.fault(Rule::on(read).from(reads_before_the_end + 1).times(3).stale_writes(2)));
        assert_eq!(lab.run(Mode::Remediate).await.status, Status::Remediated, "{}", seed.0);
        assert_eq!(lab.writes().len(), writes(seed).await.len(), "{}", seed.0);
    }
}

#[tokio::test]
async fn without_a_second_look_nothing_is_called_remediated() {
    for seed in &SEEDS {
        let lab = Lab::new((seed.2)()).set("DTS_GUARD_STRATEGY", seed.1);
        let reads_before_the_end = if seed.0.starts_with("missing") { 1 } else { 2 };
        let _blind = lab.emulator.fault(Rule::on("GetRole").from(reads_before_the_end + 1).unavailable());
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Stuck, "{}: {}", seed.0, json(&report));
        assert!(authorized(lab.role().as_ref()), "{}", seed.0);
    }
}

#[tokio::test]
async fn every_read_of_every_repair_may_fail_once() {
    let mut cases = 0;
    for seed in &SEEDS {
        let undisturbed = Lab::new((seed.2)()).set("DTS_GUARD_STRATEGY", seed.1);
        let _ = undisturbed.run(Mode::Remediate).await;
        for operation in ["GetRole", "ListPoliciesForRole", "ListTagResources", "GetCallerIdentity"] {
            let count = undisturbed.emulator.operations().iter().filter(|name| *name == operation).count();
            for nth in 1..=count {
                for fault in &FAULTS {
                    let case = format!("{} / {operation} {nth} / {} once", seed.0, fault.0);
                    one(seed, fault, Rule::on(operation).nth(nth), &case).await;
                    cases += 1;
                }
            }
        }
    }
    println!("{cases} cases");
    assert!(cases >= 300, "{cases}");
}

/// A kill is the future dropped while a write is under way, before or after its effect.
#[tokio::test]
async fn whenever_it_is_killed_the_next_run_ends_authorized() {
    for seed in &SEEDS {
        for (operation, nth) in writes(seed).await {
            for after_effect in [false, true] {
                let case = format!("{} / {operation} {nth} / killed, effect: {after_effect}", seed.0);
                let lab = Lab::new((seed.2)()).set("DTS_GUARD_STRATEGY", seed.1);
                let hang = Rule::on(&operation).nth(nth).hang();
                let hang = lab.emulator.fault(if after_effect { hang.after_effect() } else { hang.before_effect() });
                tokio::select! {
                    () = lab.emulator.wait_for_call(&operation, nth) => {}
                    report = lab.run(Mode::Remediate) => panic!("{case}: {}", json(&report)),
                }
                drop(hang);
                let report = lab.run(Mode::Remediate).await;
                assert!(matches!(report.status, Status::Authorized | Status::Remediated), "{case}: {}", json(&report));
                assert!(authorized(lab.role().as_ref()), "{case}");
            }
        }
    }
}
