//! The record of a repair, written before each write: what it would take to finish by hand.
//!
//! In this version the records go to the log, one line of JSON each, whatever the log filter. A person at a terminal gets
//! the first and the last one only: the report tells the steps. A folder that a later run reads has its place here.

use serde_json::{Map, Value, json};

use super::{Outcome, StepRecord};
use crate::clock::SharedClock;
use crate::observe::{Role, Tags};
use crate::plan::{Plan, Step};
use crate::target::AccountId;
use crate::telemetry::Log;

/// Where a repair's records go.
#[derive(Debug)]
pub struct Journal {
    log: Log,
    clock: SharedClock,
    account: AccountId,
    request_id: String,
    tags: Option<Tags>,
}

impl Journal {
    /// A journal in the log, for one account.
    #[must_use]
    pub fn in_log(log: Log, clock: SharedClock, account: AccountId, request_id: String, tags: Option<Tags>) -> Self {
        Self { log, clock, account, request_id, tags }
    }

    pub(super) fn begin(&self, plan: &Plan, before: Option<&Role>) {
        let before = crate::report::Before::of(before, self.tags.as_ref());
        let steps: Vec<_> = plan.steps.iter().map(StepRecord::planned).collect();
        self.write(json!({"event": "begin", "planId": plan.id.to_string(), "before": before, "steps": steps}));
    }

    /// Deletion and creation are one intent: nothing is written between them.
    pub(super) fn begin_step(&self, step: &Step) {
        if !self.log.is_terminal() && !matches!(step, Step::Create { replaces: Some(_), .. }) {
            self.write(json!({"event": "step", "action": step.action(), "target": step.target()}));
        }
    }

    pub(super) fn end_step(&self, step: &Step, record: &StepRecord) {
        if !self.log.is_terminal() && !matches!(step, Step::Delete { .. }) {
            self.write(json!({"event": "stepEnd", "step": record}));
        }
    }

    pub(super) fn end(&self, outcome: &Outcome) {
        let (word, why) = match outcome {
            Outcome::Applied => ("applied", None),
            Outcome::RolledBack(cause) => ("rolledBack", Some(cause.text.clone())),
            Outcome::Refused(refusal) => ("refused", Some(refusal.to_string())),
            Outcome::Stuck(cause) => ("stuck", Some(cause.text.clone())),
        };
        self.write(json!({"event": "end", "outcome": word, "why": why}));
    }

    fn write(&self, record: Value) {
        let mut line = Map::new();
        line.insert("requestId".to_owned(), json!(self.request_id));
        line.insert("accountId".to_owned(), json!(self.account));
        line.insert("journal".to_owned(), record);
        self.log.line(self.clock.now(), line);
    }
}
