//! Two guards, what they share, and what may happen next.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use dts_role_guard::report::Status;

use super::bug::Bug;
use super::cloud::Cloud;
use super::process::{CRASHED, Process};
use super::shared::{Op, Shared};

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// The guard's next call is carried out and answered.
    Grant(usize),
    /// The guard dies; a call to the cloud that it had sent is still on the way.
    Crash(usize),
    /// The first of the dead guard's last calls arrives.
    Arrive,
    /// Somebody deletes the role, and makes one that he may assume.
    Replace,
}

/// What is explored.
#[derive(Clone)]
pub struct Scenario {
    pub cloud: Cloud,
    /// Whether the guards share a folder.
    pub journal: bool,
    /// Whether one of them may die.
    pub crashes: bool,
    /// Whether somebody replaces the role.
    pub stranger: bool,
    /// How often the turn may pass to the other guard while the one that had it could go on; without a number, always.
    pub switches: Option<usize>,
    /// What the guards do wrong.
    pub bug: Option<Bug>,
}

impl Scenario {
    /// Two guards that share nothing but the cloud, and nobody else.
    pub fn of(cloud: Cloud) -> Self {
        Self { cloud, journal: false, crashes: false, stranger: false, switches: None, bug: None }
    }
}

/// Two guards, what they share, and a dead guard's last call.
#[allow(clippy::struct_excessive_bools, reason = "each is a question of its own")]
pub(super) struct World {
    pub(super) shared: Shared,
    pub(super) guards: [Process; 2],
    on_the_way: Vec<Op>,
    turn: Option<Turn>,
    journal: bool,
    crashes: bool,
    stranger: bool,
    bug: Option<Bug>,
    /// Whether each call is a step of its own, whatever it is.
    single_steps: bool,
}

/// Whose turn it is, where that counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Turn {
    guard: Option<usize>,
    switches_left: usize,
}

impl Turn {
    fn pass_to(self, guard: usize, holder_could_go_on: bool) -> Self {
        let switch = holder_could_go_on && self.guard.is_some_and(|holder| holder != guard);
        Self { guard: Some(guard), switches_left: self.switches_left - usize::from(switch) }
    }
}

impl World {
    pub(super) fn new(scenario: &Scenario, single_steps: bool) -> Self {
        let Scenario { cloud, journal, crashes, stranger, switches, bug } = scenario.clone();
        // Whether two guards end well depends on how often they try; what a crash leaves behind does not.
        let patience = usize::from(!crashes);
        let shared = Shared { cloud, files: BTreeMap::new() };
        let guards = ["one", "one"].map(|name| Process::start(name, journal, patience, bug));
        let turn = switches.map(|switches_left| Turn { guard: None, switches_left });
        Self { shared, guards, on_the_way: Vec::new(), turn, journal, crashes, stranger, bug, single_steps }
    }

    pub(super) fn choices(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        // The record of a repair that another run has seen whole orders nothing more, so that what a person takes away stays
        // away. A run that takes something away after that, and dies before it gives it back, cannot be told from a person.
        let may_crash =
            self.crashes && !self.guards.iter().any(|guard| guard.has_crashed() || guard.has_seen_the_end());
        for (index, op) in self.guards.iter().map(Process::next).enumerate() {
            let Some(op) = op else { continue };
            if !self.may_take_the_turn(index) {
                continue;
            }
            choices.push(Choice::Grant(index));
            if may_crash && op.writes() {
                choices.push(Choice::Crash(index));
            }
        }
        choices.extend(self.may_arrive().then_some(Choice::Arrive));
        choices.extend((self.stranger && !self.is_over()).then_some(Choice::Replace));
        choices
    }

    /// Between two calls to the cloud it does not matter when. After the last look of a run that finishes the work it would be
    /// too late: see [`Self::step`].
    fn may_arrive(&self) -> bool {
        let calls = |guard: &Process| guard.next().is_some_and(|op| op.is_call());
        !self.on_the_way.is_empty() && (self.single_steps || self.is_over() || self.guards.iter().any(calls))
    }

    fn may_take_the_turn(&self, guard: usize) -> bool {
        self.turn.is_none_or(|turn| {
            let switch = turn.guard != Some(guard) && self.could_go_on(turn.guard);
            !switch || turn.switches_left > 0
        })
    }

    fn could_go_on(&self, holder: Option<usize>) -> bool {
        holder.is_some_and(|holder| self.guards[holder].next().is_some())
    }

    fn turn_after(&self, choice: Choice) -> Option<Turn> {
        match choice {
            Choice::Grant(index) => self.turn.map(|turn| turn.pass_to(index, self.could_go_on(turn.guard))),
            Choice::Crash(_) | Choice::Arrive | Choice::Replace => self.turn,
        }
    }

    pub(super) fn step(&mut self, choice: Choice) {
        let folder = match choice {
            Choice::Grant(index) => self.guards[index].next().is_some_and(|op| !op.is_call()),
            Choice::Crash(_) | Choice::Arrive | Choice::Replace => false,
        };
        self.turn = self.turn_after(choice);
        self.take(choice);
        if let Choice::Grant(index) = choice {
            if !self.single_steps {
                self.guards[index].settle(&mut self.shared, folder);
            }
            // What a finishing run has seen back, the record orders no more: a call that is later than that is a person's.
            if self.guards[index].has_seen_the_end() {
                self.on_the_way.clear();
            }
        }
    }

    fn take(&mut self, choice: Choice) {
        match choice {
            Choice::Grant(index) if self.single_steps => self.guards[index].grant_first(&mut self.shared),
            Choice::Grant(index) => self.guards[index].grant(&mut self.shared, false),
            Choice::Crash(index) => {
                self.on_the_way = self.guards[index].sent();
                self.guards[index].crash();
            }
            Choice::Arrive => self.arrive(),
            Choice::Replace => {
                self.stranger = false;
                self.shared.cloud.replace();
            }
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.guards.iter().all(|guard| guard.next().is_none())
    }

    /// What decides about everything that can still happen, after a choice that is not made yet: what a guard is told can
    /// be foretold without it.
    pub(super) fn key_after(&self, choice: Choice) -> u64 {
        let mut shared = self.shared.clone();
        let mut keys = [self.guards[0].key(), self.guards[1].key()];
        let (mut on_the_way, mut stranger) = (self.on_the_way.clone(), self.stranger);
        match choice {
            Choice::Grant(index) => keys[index] = self.guards[index].foretell(&mut shared),
            Choice::Crash(index) => {
                on_the_way = self.guards[index].sent();
                keys[index] = CRASHED;
            }
            Choice::Arrive => {
                shared.perform(&on_the_way.remove(0));
            }
            Choice::Replace => {
                stranger = false;
                shared.cloud.replace();
            }
        }
        let mut turn = self.turn_after(choice);
        // The guards are alike, so it does not matter which is which.
        if keys[0] > keys[1] {
            keys.swap(0, 1);
            turn = turn.map(|turn| Turn { guard: turn.guard.map(|guard| 1 - guard), ..turn });
        }
        let mut hasher = DefaultHasher::new();
        (shared, keys, on_the_way, stranger, turn).hash(&mut hasher);
        hasher.finish()
    }

    /// The dead guard's last call arrives, if it had sent one.
    pub(super) fn arrive(&mut self) {
        if !self.on_the_way.is_empty() {
            self.shared.perform(&self.on_the_way.remove(0));
        }
    }

    /// One more run, alone.
    pub(super) fn run_once_more(&mut self) -> Status {
        let mut process = Process::start("third", self.journal, 3, self.bug);
        while process.next().is_some() {
            process.grant(&mut self.shared, true);
        }
        process.ended().unwrap()
    }
}
