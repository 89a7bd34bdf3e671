//! Visits every state, and says what must hold where it ends.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use dts_role_guard::report::Status;
use emulator::DTS_POLICY;

use super::cloud::{Cloud, Role, custom, system};
use super::process::Process;
use super::world::{Scenario, World};

const EXTRA: &str = "TeamExtra";

impl Scenario {
    fn loses_nothing(&self) -> bool {
        self.journal && self.cloud.role.is_some()
    }
}

/// How much was visited, how it may end, and what was wrong with it.
#[derive(Debug, Default)]
pub struct Explored {
    pub states: usize,
    pub ends: usize,
    /// What the role is and how the guards ended, each only once.
    pub outcomes: BTreeSet<String>,
    pub violations: Vec<String>,
}

/// Which orders are left out, since they lead to nothing that others do not lead to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// A state that was seen before is not visited again, and what nobody can come between with an effect is one step.
    Whole,
    /// Only what nobody can come between is one step.
    Steps,
    /// None.
    Nothing,
}

/// Visits every state. One that was seen before leads nowhere new.
pub fn explore(scenario: &Scenario) -> Explored {
    explore_by(Reduction::Whole, scenario)
}

/// The same with fewer orders left out, for small scenarios.
pub fn explore_by(reduction: Reduction, scenario: &Scenario) -> Explored {
    let mut explored = Explored { states: 1, ..Explored::default() };
    let mut seen = HashSet::new();
    let mut open = vec![Vec::new()];
    while let Some(mut path) = open.pop() {
        let mut world = World::new(scenario, reduction == Reduction::Nothing);
        for choice in &path {
            world.step(*choice);
        }
        loop {
            let mut new = world.choices();
            if reduction == Reduction::Whole {
                new.retain(|choice| seen.insert(world.key_after(*choice)));
            } else {
                explored.states += new.len();
            }
            if world.is_over() {
                open.extend(new.iter().map(|choice| [&path[..], &[*choice]].concat()));
                explored.ends += 1;
                explored.outcomes.insert(outcome(&world));
                let violations = violations(scenario, world);
                explored.violations.extend(violations.map(|what| format!("{what}: {path:?}")));
                break;
            }
            let Some(last) = new.pop() else { break };
            open.extend(new.iter().map(|choice| [&path[..], &[*choice]].concat()));
            world.step(last);
            path.push(last);
        }
    }
    explored.states += seen.len();
    explored
}

/// The guards are alike, so it does not matter which is which; nor does the number of a role, which tells how many there were
/// before.
fn outcome(world: &World) -> String {
    let role = world.shared.cloud.role.as_ref().map(|role| Role { id: 0, ..role.clone() });
    let mut guards = world.guards.each_ref().map(|guard| format!("{:?}", guard.ended()));
    guards.sort();
    format!("{role:?} {guards:?}")
}

/// What must hold once both guards have ended or died.
fn violations(scenario: &Scenario, mut world: World) -> impl Iterator<Item = String> + use<> {
    let mut found = Vec::new();
    if scenario.stranger {
        found.extend(strangers(&world));
        return found.into_iter();
    }
    let mut hold = |holds: bool, what: &str| found.extend((!holds).then(|| what.to_owned()));
    hold(scenario.crashes || world.shared.cloud.authorized(), "both have ended and the role is not authorized");
    hold(
        scenario.crashes || !scenario.loses_nothing() || kept(&world.shared.cloud),
        "both have ended and something is lost",
    );
    hold(world.guards.iter().all(refusal_is_harmless), "a guard refused and has taken something away");
    // Whatever was on the way arrives at last, and a run after that finds everything in order.
    for _ in 0..2 {
        let status = world.run_once_more();
        hold(matches!(status, Status::Authorized | Status::Remediated), "a later run does not end well");
        hold(world.shared.cloud.authorized(), "a later run ends and the role is not authorized");
        hold(!scenario.loses_nothing() || kept(&world.shared.cloud), "a later run ends and something is lost");
    }
    found.into_iter()
}

/// Whoever replaced the role has got nothing by it.
fn strangers(world: &World) -> Vec<String> {
    let Some(role) = world.shared.cloud.role.as_ref().filter(|role| role.strange) else { return Vec::new() };
    let bare = role.policies.is_empty() && role.tags.is_empty();
    if bare { Vec::new() } else { vec!["a stranger's role holds what the guards attached".to_owned()] }
}

fn kept(cloud: &Cloud) -> bool {
    cloud.role.as_ref().is_some_and(|role| role.policies.contains(&custom(EXTRA)) && role.description == "ours")
}

/// Who refuses has deleted nothing, and attached again what it had detached.
fn refusal_is_harmless(guard: &Process) -> bool {
    if guard.ended() != Some(Status::Refused) {
        return true;
    }
    let is = |write: &BTreeMap<String, String>, action: &str, policy: &str| {
        write["Action"] == action && write.get("PolicyName").is_some_and(|name| name == policy)
    };
    let deleted = guard.writes.iter().any(|(write, effect)| write["Action"] == "DeleteRole" && *effect);
    let mut detached = guard
        .writes
        .iter()
        .enumerate()
        .filter(|(_, (write, effect))| write["Action"] == "DetachPolicyFromRole" && *effect);
    let put_back = detached.all(|(index, (write, _))| {
        let policy = write["PolicyName"].as_str();
        let again = guard.writes[index..].iter().any(|(later, _)| is(later, "AttachPolicyToRole", policy));
        // A rehearsal had attached it, since somebody had just detached it: so it was before.
        let earlier = guard.writes[..index].iter();
        again || earlier.filter(|(_, effect)| *effect).any(|(write, _)| is(write, "AttachPolicyToRole", policy))
    });
    !deleted && put_back
}

/// Broken, and with something to lose.
pub fn broken(dts_policy: bool) -> Cloud {
    let held = dts_policy.then(|| system(DTS_POLICY));
    let policies = held.into_iter().chain([custom(EXTRA)]).collect();
    let description = "ours".to_owned();
    let tags = BTreeMap::new();
    Cloud::new(Some(Role { id: 1, trusts_dts: !dts_policy, strange: false, description, policies, tags }))
}
