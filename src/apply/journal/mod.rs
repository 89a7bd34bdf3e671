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
mod store;
pub(crate) mod thread;
mod timed;
mod trust;

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

pub use bounded::{Bounded, PATIENCE};
pub use history::History;
pub use log::LogBook;
pub use store::{Doing, Folder, Records, Store};
pub use trust::{Evidence, KEY_LENGTH, Key, Seal, ShortKey};

use authorization::plan::{Refusal, Step, StepRecord, StepResult};
use authorization::record::{Act, Illegal, Line, Phase, Record, Repair, State};
use authorization::target::PolicyRef;
use authorization::verify::Finding;
use timed::Timed;

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
    /// Policies that a run which was taken over may have detached.
    suspects: BTreeSet<PolicyRef>,
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

    /// Puts steps on record that are about to be carried out at the same time, as one intent.
    pub(super) async fn begin(&mut self, act: Act, steps: &[(usize, &Step)]) -> Result<(), Refusal> {
        // Deletion and creation are one intent: nothing is written between them.
        if steps.iter().any(|(line, step)| matches!(step, Step::Create { .. }) && self.has_begun(*line)) {
            return Ok(());
        }
        for (line, step) in steps {
            self.log.begin_step(step);
            self.mark(*line, State::Begun);
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

    /// Puts on record that steps are about to be taken back.
    pub(super) async fn begin_undo(&mut self, steps: &[Step]) -> Result<(), Refusal> {
        for step in steps {
            self.log.begin_step(step);
        }
        self.write().await.or_else(|error| self.go_on(&error))
    }

    /// Puts the rehearsal on record.
    pub(super) async fn begin_rehearsal(&mut self) -> Result<(), Refusal> {
        self.log.rehearse();
        self.write().await.map_err(|error| Refusal::Journal(error.to_string()))
    }

    /// A step has ended. The file tells so with the next record: an end needs no flush of its own.
    pub(super) fn end(&mut self, line: usize, record: &StepRecord) {
        self.has_written |= record.attempts > 0;
        self.mark(line, State::Is(record.result));
        self.log.end_step(record);
    }

    /// A step was taken back.
    pub(super) fn undone(&mut self, line: usize) {
        self.mark(line, State::Is(StepResult::Undone));
    }

    /// A step that took another one back has ended.
    pub(super) fn end_undo(&self, record: &StepRecord) {
        self.log.end_step(record);
    }

    /// The role that this repair made.
    pub(super) fn created(&mut self, role_id: &str) {
        self.repair.created = Some(role_id.to_owned());
    }

    /// A policy no longer exists.
    pub(super) fn gone(&mut self, policy: &PolicyRef) {
        if !self.repair.gone.contains(policy) {
            self.repair.gone.push(policy.clone());
        }
    }

    /// A policy was not attached after all: a write's own reply counts more than the list. A person may have taken it away,
    /// so it does not come back.
    pub(super) fn not_held(&mut self, policy: &PolicyRef) {
        if let Some(before) = &mut self.repair.before {
            before.forget(policy);
        }
    }

    /// A policy was attached after all.
    pub(super) fn held(&mut self, policy: &PolicyRef) {
        self.repair.gone.retain(|gone| gone != policy);
        if let Some(before) = &mut self.repair.before {
            before.remember(policy);
        }
    }

    /// Whether a run that was taken over may have detached a policy.
    pub(super) fn suspects(&self, policy: &PolicyRef) -> bool {
        self.suspects.contains(policy)
    }

    /// Milliseconds since the run's begin.
    pub(super) fn elapsed_ms(&self) -> u64 {
        self.log.elapsed_ms()
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

    /// The repair has ended, everything was seen back, and from now on the record orders nothing.
    pub async fn close(&mut self, word: &str, remediated: bool) {
        if let Ok(phase) = self.repair.phase.next(Act::Close) {
            self.repair.phase = phase;
        }
        if remediated {
            super::attempts::count(&mut self.record.remediated, self.log.now());
        }
        self.record.watch = None;
        self.log.end(word);
        if let Err(why) = self.write().await {
            tracing::warn!(%why, "the journal entry stays open: the next run closes it");
        }
    }

    /// The repair has ended and a later run must finish it.
    pub fn leave_open(&self, word: &str) {
        self.log.end(word);
    }

    fn has_begun(&self, line: usize) -> bool {
        self.repair.steps.get(line).is_some_and(|line| line.state == State::Begun)
    }

    fn mark_creation(&mut self) {
        if let Some(line) = self.repair.steps.iter_mut().find(|line| line.action == "CreateRole") {
            line.state = State::Begun;
        }
    }

    fn mark(&mut self, line: usize, state: State) {
        if let Some(line) = self.repair.steps.get_mut(line) {
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
