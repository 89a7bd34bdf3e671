//! The journal's lines in the log.

use std::time::Duration;

use aliyun::clock::SharedClock;
use authorization::plan::{Plan, Step, StepRecord};
use authorization::role::{Role, RoleView, Tags, document_last};
use authorization::target::{AccountId, RoleName, Target};
use serde_json::{Map, Value, json};

use crate::telemetry::Log;

/// Writes the records of one account's repair into the log.
#[derive(Debug, Clone)]
pub struct JournalLog {
    log: Log,
    clock: SharedClock,
    target: Target,
    request_id: String,
    /// When the run began, as uptime.
    begun: Duration,
}

impl JournalLog {
    /// For one account and run.
    #[must_use]
    pub fn new(log: Log, clock: SharedClock, target: Target, request_id: String) -> Self {
        let begun = clock.uptime();
        Self { log, clock, target, request_id, begun }
    }

    /// The same for a run that began at another uptime.
    #[must_use]
    pub fn begun_at(self, begun: Duration) -> Self {
        Self { begun, ..self }
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.clock.uptime().saturating_sub(self.begun).as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    pub(super) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    pub(super) fn account(&self) -> &AccountId {
        &self.target.account
    }

    pub(super) fn role(&self) -> &RoleName {
        &self.target.role
    }

    pub(super) fn request_id(&self) -> &str {
        &self.request_id
    }

    pub(super) fn begin(&self, plan: &Plan, before: Option<&Role>, tags: Option<&Tags>) {
        let mut before = json!(RoleView::of(before, tags));
        document_last(&mut before);
        let steps: Vec<_> = plan.steps.iter().map(|step| StepRecord::planned(step, &self.target.role)).collect();
        self.write(json!({"event": "begin", "planId": plan.id.to_string(), "steps": steps, "before": before}));
    }

    pub(super) fn adopt(&self, generation: u64) {
        self.write(json!({"event": "adopt", "generation": generation}));
    }

    pub(super) fn begin_step(&self, step: &Step) {
        self.write(json!({"event": "step", "action": step.action(), "target": step.target(&self.target.role)}));
    }

    pub(super) fn rehearse(&self) {
        self.write(json!({"event": "rehearse"}));
    }

    pub(super) fn end_step(&self, record: &StepRecord) {
        self.write(json!({"event": "stepEnd", "step": record}));
    }

    pub(super) fn end(&self, outcome: &str) {
        self.write(json!({"event": "end", "outcome": outcome}));
    }

    fn write(&self, record: Value) {
        let mut line = Map::new();
        line.insert("requestId".to_owned(), json!(self.request_id));
        line.insert("accountId".to_owned(), json!(self.target.account));
        line.insert("roleName".to_owned(), json!(self.target.role));
        line.insert("journal".to_owned(), record);
        self.log.record(self.clock.now(), line);
    }
}
