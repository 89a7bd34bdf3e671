//! The organization: which of its members are broken, which may not be entered, and what must be said of each.

use std::collections::BTreeMap;

use emulator::{DTS_POLICY, DTS_ROLE, Emulator, Member, Rule, Seed, World, member_ids};
use testkit::platform::Failure;
use testkit::{ACCOUNT, key};

use crate::{Guard, ROUND_TRIP};

/// The cloud's own limit for `AssumeRole`, calls a second.
const THROTTLED_ABOVE: usize = 100;
const SHAPES: [Seed; 4] = [Seed::Missing, Seed::Trust, Seed::Policy, Seed::Extras];

pub(crate) struct Organization {
    pub(crate) cloud: Emulator,
    members: Vec<String>,
}

/// What is the matter with a member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Healthy,
    Broken(Seed),
    Denied,
}

impl Organization {
    pub(crate) fn of(members: usize, guard: Guard) -> Result<Self, Failure> {
        let members: Vec<_> = member_ids(members).collect();
        let world = World::new().seed(Seed::Healthy, ACCOUNT).key(key());
        let world = world.directory(ACCOUNT, |directory| directory.members(members.clone(), seeded));
        let cloud = Emulator::start(match guard {
            Guard::Real => world.assume_role_limit(THROTTLED_ABOVE),
            Guard::Unlimited => world,
        })?;
        cloud.set_latency(ROUND_TRIP);
        let organization = Self { cloud, members };
        for denied in organization.in_state(|state| state == State::Denied) {
            organization.cloud.fault(Rule::assume_role_in(denied).deny()).keep();
        }
        Ok(organization)
    }

    /// The status that the report must give each account.
    pub(crate) fn expected(&self) -> BTreeMap<&str, &'static str> {
        let members = self.members.iter().enumerate().map(|(index, id)| (id.as_str(), state(index).status()));
        members.chain([(ACCOUNT, "authorized")]).collect()
    }

    pub(crate) fn broken(&self) -> impl Iterator<Item = &str> {
        self.in_state(|state| matches!(state, State::Broken(_)))
    }

    /// Whether the cloud itself says that DTS can work there.
    pub(crate) fn is_authorized(&self, account: &str) -> bool {
        let role = self.cloud.role(account, DTS_ROLE);
        role.is_some_and(|role| role.trust.contains("dts.aliyuncs.com") && role.policy_names().contains(&DTS_POLICY))
    }

    fn in_state(&self, is_it: impl Fn(State) -> bool) -> impl Iterator<Item = &str> {
        let members = self.members.iter().enumerate();
        members.filter(move |(index, _)| is_it(state(*index))).map(|(_, id)| id.as_str())
    }
}

impl State {
    fn status(self) -> &'static str {
        match self {
            Self::Healthy => "authorized",
            Self::Broken(_) => "remediated",
            Self::Denied => "failed",
        }
    }
}

/// One in a hundred is broken, one in a hundred may not be entered.
fn state(index: usize) -> State {
    match index % 100 {
        17 => State::Broken(SHAPES.iter().copied().cycle().nth(index / 100).unwrap_or(Seed::Missing)),
        53 => State::Denied,
        _ => State::Healthy,
    }
}

fn seeded(index: usize, member: Member) -> Member {
    match state(index) {
        State::Broken(shape) => member.seed(shape),
        State::Healthy | State::Denied => member.seed(Seed::Healthy),
    }
}
