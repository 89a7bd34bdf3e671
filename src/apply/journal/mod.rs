//! The record of a repair, written before each write: what it takes to finish the work after a crash.
//!
//! Every record goes to the log, one line of JSON each, whatever the log filter (a person at a terminal gets the first and
//! the last one only: the report tells the steps). With a folder ([`Folder`]) it goes there too, flushed before the first
//! write to the cloud, and a later run finishes what it says is unfinished.
//!
//! A run that takes a role in hand claims the next generation. Before it takes anything away it looks whether its
//! generation is still the newest, after its intent is on record: whoever adopts the record sees the intent, or the run
//! sees the adoption.

mod bounded;
pub(crate) mod file;
mod files;
mod history;
mod log;
mod own;
mod phase;
mod record;
mod store;
pub(crate) mod thread;
mod timed;
mod trust;

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

pub use bounded::{Bounded, PATIENCE};
pub use history::History;
pub use log::LogBook;
pub use phase::{Act, Illegal, Phase};
pub use record::{Format, Line, Record, Repair, SIZE_LIMIT, Snapshot, State, Unreadable, Watch};
pub use store::{Doing, Folder, Records, Store};
pub use trust::{Doubt, Evidence, KEY_LENGTH, Key, Seal, ShortKey};

use timed::Timed;

use crate::observe::ObservedRole;
use crate::plan::{Refusal, Step};
use crate::target::PolicyRef;
use crate::verify::Finding;

use super::{StepRecord, StepResult};

/// Between the deletion and the last attachment a slower folder is not waited for: DTS cannot use the role until then.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// The record of one repair.
#[derive(Debug)]
pub struct Journal {
    log: LogBook,
    store: Option<Arc<Timed>>,
    record: Record,
    repair: Repair,
    /// Whether this run has sent a write to the cloud.
    has_written: bool,
}

impl Journal {
    /// The repair as it is on record.
    #[must_use]
    pub fn repair(&self) -> &Repair {
        &self.repair
    }

    /// The longest that an operation on its files has taken so far.
    #[must_use]
    pub fn slowest(&self) -> Duration {
        self.store.as_ref().map_or(Duration::ZERO, |store| store.slowest())
    }

    /// The advisory that it is unfinished.
    #[must_use]
    pub fn note(&self, what: &str) -> Finding {
        Finding::journal_open(&self.repair.request_id, self.repair.begun_at, what)
    }

    /// The advisory that it was unfinished.
    #[must_use]
    pub fn note_closed(&self) -> Finding {
        Finding::journal_closed(&self.repair.request_id, self.repair.begun_at)
    }

    /// Whether the role that was found may have been replaced.
    #[must_use]
    pub fn has_replaced(&self) -> bool {
        self.repair.phase == Phase::Replacing
    }

    /// Holds an act against the phase.
    pub(super) fn advance(&mut self, act: Act) -> Result<(), Illegal> {
        self.repair.phase = self.repair.phase.next(act)?;
        Ok(())
    }

    /// Puts a step on record that is about to be carried out.
    pub(super) async fn begin_step(&mut self, act: Act, step: &Step) -> Result<(), Refusal> {
        // Deletion and creation are one intent: nothing is written between them.
        if self.has_begun(step) {
            return Ok(());
        }
        self.log.begin_step(step);
        if act != Act::Undo {
            self.mark(step, State::Begun);
        }
        if act == Act::Replace {
            self.mark_creation();
        }
        if act == Act::Build && self.has_replaced() && self.slowest() > LONGEST_WAIT {
            return Ok(());
        }
        self.write().await.or_else(|error| self.go_on(&error))
    }

    /// A folder that does not answer keeps no repair from its end that has begun: what the role had is on record already.
    fn go_on(&self, error: &io::Error) -> Result<(), Refusal> {
        if self.has_written && error.kind() == ErrorKind::TimedOut {
            return Ok(());
        }
        Err(Refusal::Journal(error.to_string()))
    }

    /// A step has ended. The file tells so with the next record: an end needs no flush of its own.
    pub(super) fn end_step(&mut self, act: Act, step: &Step, record: &StepRecord) {
        self.has_written |= record.attempts > 0;
        if act == Act::Undo {
            if let Some(taken_back) = undone(step) {
                self.mark(&taken_back, State::Is(StepResult::Undone));
            }
        } else {
            self.mark(step, State::Is(record.result));
        }
        if act != Act::Replace {
            self.log.end_step(record);
        }
    }

    /// The role that this repair made.
    pub(super) fn created(&mut self, role_id: &str) {
        self.repair.created = Some(role_id.to_owned());
    }

    /// A policy no longer exists.
    pub(super) fn gone(&mut self, policy: &PolicyRef) {
        self.repair.gone.push(policy.clone());
    }

    /// Whether no other run has taken the repair over.
    pub(super) async fn check_ours(&self) -> Result<(), Refusal> {
        let Some(store) = &self.store else { return Ok(()) };
        match store.timed(store.generations(&self.record.account_id)).await {
            Ok(generations) if generations.last().is_some_and(|newest| *newest > self.record.generation) => {
                Err(Refusal::AnotherRun("took this repair over"))
            }
            Ok(_) => Ok(()),
            Err(error) => self.go_on(&error),
        }
    }

    /// More steps turned out to be needed.
    pub fn extend(&mut self, steps: &[Step]) {
        self.repair.steps.extend(steps.iter().map(Line::planned));
    }

    /// The repair has ended and is confirmed; a later run has nothing to finish. `now` is the role at the end.
    pub async fn close(&mut self, word: &str, remediated: bool, now: &ObservedRole) {
        if let Ok(phase) = self.repair.phase.next(Act::Close) {
            self.repair.phase = phase;
        }
        if remediated {
            super::attempts::count(&mut self.record.remediated, self.log.now());
        }
        if let (Some(watch), Some(role)) = (&mut self.record.watch, now.present()) {
            watch.role_id.clone_from(&role.id);
            watch.policies = role.policies.iter().cloned().collect();
        }
        self.log.end(word);
        if let Err(why) = self.write().await {
            tracing::warn!(%why, "the journal entry stays open: the next run closes it");
        }
    }

    /// The repair has ended and a later run must finish it.
    pub fn leave_open(&self, word: &str) {
        self.log.end(word);
    }

    fn has_begun(&self, step: &Step) -> bool {
        let creates = matches!(step, Step::Create { .. });
        creates && self.repair.steps.iter().any(|line| line.action == "CreateRole" && line.state == State::Begun)
    }

    fn mark_creation(&mut self) {
        if let Some(line) = self.repair.steps.iter_mut().find(|line| line.action == "CreateRole") {
            line.state = State::Begun;
        }
    }

    /// The last line that names the step: a later round repeats the names of an earlier one.
    fn mark(&mut self, step: &Step, state: State) {
        let mut lines = self.repair.steps.iter_mut().rev();
        if let Some(line) = lines.find(|line| line.names(step)) {
            line.state = state;
        }
    }

    async fn write(&self) -> io::Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        let record = Record { repair: Some(self.repair.clone()), ..self.record.clone() };
        let (account, generation) = (record.account_id.clone(), record.generation);
        store.timed(store.replace(&account, generation, store.seal().bytes(record))).await
    }
}

/// The step that this one takes back.
fn undone(step: &Step) -> Option<Step> {
    match step {
        Step::Attach(policy) => Some(Step::Detach(policy.clone())),
        Step::Detach(policy) => Some(Step::Attach(policy.clone())),
        _ => None,
    }
}
