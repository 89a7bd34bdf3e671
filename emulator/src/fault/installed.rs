//! Rules in force, and what they decide about a call.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;

use super::rule::{Fault, Occurrence, Rule};
use super::verdict::{Moment, Verdict};
use crate::world::WorldState;

/// Something a person does at the moment of a call, given the account of its key.
pub(crate) type Hook = Arc<Mutex<dyn FnMut(&mut WorldState, &str) + Send>>;

/// What becomes of the body of a reply, given the call's own parameters.
pub(crate) type Rewrite = Arc<Mutex<dyn FnMut(&mut Value, &BTreeMap<String, String>) + Send>>;

/// What is decided about one call.
#[derive(Default)]
pub(crate) struct Plan {
    pub(crate) pause_before: Duration,
    pub(crate) pause_after: Duration,
    pub(crate) stale: usize,
    pub(crate) partial_list: bool,
    pub(crate) ending: Option<(Moment, Verdict)>,
    pub(crate) hooks_before: Vec<Hook>,
    pub(crate) hooks_after: Vec<Hook>,
    pub(crate) rewrites: Vec<Rewrite>,
}

enum Action {
    Fault(Verdict, Moment),
    Hook(Hook, Moment),
    Rewrite(Rewrite),
}

struct Installed {
    id: usize,
    rule: Rule,
    action: Action,
    seen: usize,
    hits: Arc<AtomicUsize>,
}

#[derive(Default)]
struct List {
    installed: Vec<Installed>,
    next_id: usize,
}

/// The rules in force.
#[derive(Clone, Default)]
pub(crate) struct Faults(Arc<Mutex<List>>);

impl Faults {
    pub(crate) fn install(&self, fault: Fault) -> FaultGuard {
        self.add(fault.rule, Action::Fault(fault.verdict, fault.moment))
    }

    pub(crate) fn install_hook(&self, rule: Rule, moment: Moment, hook: Hook) -> FaultGuard {
        self.add(rule, Action::Hook(hook, moment))
    }

    pub(crate) fn install_rewrite(&self, rule: Rule, rewrite: Rewrite) -> FaultGuard {
        self.add(rule, Action::Rewrite(rewrite))
    }

    fn add(&self, rule: Rule, action: Action) -> FaultGuard {
        let (mut list, hits) = (self.list(), Arc::new(AtomicUsize::new(0)));
        let id = list.next_id;
        list.next_id += 1;
        list.installed.push(Installed { id, rule, action, seen: 0, hits: Arc::clone(&hits) });
        FaultGuard { faults: self.clone(), id: Some(id), hits }
    }

    /// Every rule counts the call; the first that ends it wins, pauses add up.
    pub(crate) fn decide(&self, call: &Occurrence) -> Plan {
        let mut plan = Plan::default();
        for installed in &mut self.list().installed {
            if installed.is_hit(call) {
                plan.take(&installed.action);
            }
        }
        plan
    }

    fn list(&self) -> MutexGuard<'_, List> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Installed {
    fn is_hit(&mut self, call: &Occurrence) -> bool {
        if !self.rule.matches(call) {
            return false;
        }
        self.seen += 1;
        let hit = self.rule.covers(self.seen);
        self.hits.fetch_add(usize::from(hit), Ordering::SeqCst);
        hit
    }
}

impl Plan {
    fn take(&mut self, action: &Action) {
        match action {
            Action::Hook(hook, Moment::BeforeEffect) => self.hooks_before.push(Arc::clone(hook)),
            Action::Hook(hook, Moment::AfterEffect) => self.hooks_after.push(Arc::clone(hook)),
            Action::Rewrite(rewrite) => self.rewrites.push(Arc::clone(rewrite)),
            Action::Fault(Verdict::Latency(pause), Moment::BeforeEffect) => {
                self.pause_before += *pause;
            }
            Action::Fault(Verdict::Latency(pause), Moment::AfterEffect) => {
                self.pause_after += *pause;
            }
            Action::Fault(Verdict::Stale { writes }, _) => self.stale = self.stale.max(*writes),
            Action::Fault(Verdict::PartialList, _) => self.partial_list = true,
            Action::Fault(verdict, moment) => {
                self.ending = self.ending.take().or_else(|| Some((*moment, verdict.clone())));
            }
        }
    }
}

/// A rule in force; dropping it takes the rule back.
#[must_use = "the rule is taken back when this is dropped"]
pub struct FaultGuard {
    faults: Faults,
    id: Option<usize>,
    hits: Arc<AtomicUsize>,
}

impl FaultGuard {
    /// How many calls met it so far.
    #[must_use]
    pub fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// Leaves the rule in force for the emulator's life.
    pub fn keep(mut self) {
        self.id = None;
    }
}

impl Drop for FaultGuard {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.faults.list().installed.retain(|installed| installed.id != id);
        }
    }
}

impl fmt::Debug for FaultGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultGuard").field("hits", &self.hits()).finish_non_exhaustive()
    }
}
