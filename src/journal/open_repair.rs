//! A repair that is on record, and the intents without which nothing is written to the cloud.

use std::io::{self, ErrorKind};
use std::time::Duration;

use aliyun::{Session, Writer};
use authorization::plan::{Step, StepRecord, StepResult};
use authorization::record::{Act, Illegal, Phase, Repair, StepState};
use authorization::settings::Approval;
use authorization::target::PolicyRef;

use super::{Evidence, Journal};
use crate::refusal::Refusal;

/// Between the deletion and the last attachment a slower folder is not waited for: DTS cannot use the role until then.
const LONGEST_WAIT: Duration = Duration::from_millis(500);

/// A repair that is on record and has not ended. `Journal::open` and `Journal::adopt` make it.
#[derive(Debug)]
#[must_use]
pub struct OpenRepair<'a> {
    journal: &'a mut Journal,
    /// Whether this run has sent a write to the cloud.
    has_written: bool,
}

/// The permission to write to the cloud: what is about to be sent is on record. Only an [`OpenRepair`] gives one;
/// the doctor's rehearsal, which changes nothing, has one without a record.
#[derive(Debug)]
#[must_use]
pub struct Intent<'s>(Writer<'s>);

impl<'s> Intent<'s> {
    #[expect(clippy::disallowed_methods, reason = "here, after the record, is the one place that may")]
    fn new(session: &'s Session) -> Self {
        Self(session.writer())
    }

    /// For a rehearsal that no repair follows: its writes are answered "it is so already" or "denied", so there is nothing to
    /// put on record.
    pub(crate) fn to_rehearse(session: &'s Session) -> Self {
        Self::new(session)
    }

    pub(crate) fn writer(&self) -> &Writer<'s> {
        &self.0
    }
}

/// What follows where an intent cannot be put on record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unrecorded {
    /// Nothing is written to the cloud.
    Refuse,
    /// The work goes on: there is no way back, and the role comes first.
    GoOn,
}

impl<'a> OpenRepair<'a> {
    /// The journal has a repair on record.
    pub(super) fn of(journal: &'a mut Journal) -> Self {
        Self { journal, has_written: false }
    }

    /// The repair as it is on record.
    #[expect(clippy::expect_used, reason = "an invariant that this module keeps")]
    pub(crate) fn repair(&self) -> &Repair {
        // INVARIANT: `open` and `adopt` put a repair into the record, and nothing takes it out while `self` borrows it.
        self.journal.record.repair.as_ref().expect("an open repair is on record")
    }

    #[expect(clippy::expect_used, reason = "the same invariant")]
    fn repair_mut(&mut self) -> &mut Repair {
        self.journal.record.repair.as_mut().expect("an open repair is on record")
    }

    pub(crate) fn slowest(&self) -> Duration {
        self.journal.slowest()
    }

    pub(crate) fn evidence(&self, approval: Approval) -> Evidence {
        self.journal.evidence(approval)
    }

    /// Whether the role that was found may have been replaced.
    pub(crate) fn has_replaced(&self) -> bool {
        self.repair().phase == Phase::Replacing
    }

    /// Holds an act against the phase.
    pub(crate) fn advance(&mut self, act: Act) -> Result<(), Illegal> {
        let repair = self.repair_mut();
        repair.phase = repair.phase.next(act)?;
        Ok(())
    }

    /// Puts steps on record that are about to be carried out at the same time, as one intent.
    pub(crate) async fn begin<'s>(
        &mut self,
        session: &'s Session,
        act: Act,
        steps: &[(usize, &Step)],
        unrecorded: Unrecorded,
    ) -> Result<Intent<'s>, Refusal> {
        let lines = &self.repair().steps;
        let has_begun = |line: &usize| lines.get(*line).is_some_and(|line| line.state == StepState::Begun);
        // Deletion and creation are one intent: nothing is written between them.
        if steps.iter().any(|(line, step)| matches!(step, Step::Create { .. }) && has_begun(line)) {
            return Ok(Intent::new(session));
        }
        for (line, step) in steps {
            self.journal.log.begin_step(step);
            self.mark(*line, StepState::Begun);
        }
        if act == Act::Replace
            && let Some(line) = self.repair_mut().steps.iter_mut().find(|line| line.action == "CreateRole")
        {
            line.state = StepState::Begun;
        }
        if act == Act::Build && self.has_replaced() && self.slowest() > LONGEST_WAIT {
            return Ok(Intent::new(session));
        }
        match self.put_on_record().await {
            Err(why) if unrecorded == Unrecorded::GoOn => {
                tracing::warn!(%why, "going on without a record: the role comes first");
            }
            recorded => recorded?,
        }
        Ok(Intent::new(session))
    }

    /// Puts on record that steps are about to be taken back. That is done in any case: the role comes first.
    pub(crate) async fn begin_undo<'s>(&mut self, session: &'s Session, steps: &[Step]) -> Intent<'s> {
        for step in steps {
            self.journal.log.begin_step(step);
        }
        if let Err(why) = self.put_on_record().await {
            tracing::warn!(%why, "going on without a record: the role comes first");
        }
        Intent::new(session)
    }

    pub(crate) async fn begin_rehearsal<'s>(&mut self, session: &'s Session) -> Result<Intent<'s>, Refusal> {
        self.journal.log.rehearse();
        self.put_on_record().await?;
        Ok(Intent::new(session))
    }

    async fn put_on_record(&self) -> Result<(), Refusal> {
        match self.journal.write().await {
            // A folder that does not answer does not stop a repair that has begun: what the role had is on record.
            Err(error) if !self.is_late(&error) => Err(Refusal::Journal(error.to_string())),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn is_late(&self, error: &io::Error) -> bool {
        self.has_written && error.kind() == ErrorKind::TimedOut
    }

    /// A step has ended. The file says so with the next record: an end needs no flush of its own.
    pub(crate) fn end(&mut self, line: usize, record: &StepRecord) {
        self.has_written |= record.attempts > 0;
        self.mark(line, StepState::Is(record.result));
        self.journal.log.end_step(record);
    }

    pub(crate) fn undone(&mut self, line: usize) {
        self.mark(line, StepState::Is(StepResult::Undone));
    }

    /// A step that took another one back has ended.
    pub(crate) fn end_undo(&self, record: &StepRecord) {
        self.journal.log.end_step(record);
    }

    /// The role that this repair made.
    pub(crate) fn created(&mut self, role_id: &str) {
        self.repair_mut().created = Some(role_id.to_owned());
    }

    pub(crate) fn gone(&mut self, policy: &PolicyRef) {
        let gone = &mut self.repair_mut().gone;
        if !gone.contains(policy) {
            gone.push(policy.clone());
        }
    }

    /// A policy was not attached after all: a write's own reply counts more than the list. A person may have taken it away,
    /// so it does not come back.
    pub(crate) fn not_held(&mut self, policy: &PolicyRef) {
        if let Some(before) = &mut self.repair_mut().before {
            before.forget(policy);
        }
    }

    /// A policy was attached after all.
    pub(crate) fn held(&mut self, policy: &PolicyRef) {
        let repair = self.repair_mut();
        repair.gone.retain(|gone| gone != policy);
        if let Some(before) = &mut repair.before {
            before.remember(policy);
        }
    }

    /// Whether a run that was taken over may have detached a policy.
    pub(crate) fn suspects(&self, policy: &PolicyRef) -> bool {
        self.journal.suspects.contains(policy)
    }

    pub(crate) fn elapsed_ms(&self) -> u64 {
        self.journal.log.elapsed_ms()
    }

    /// Whether no other run has taken the repair over.
    pub(crate) async fn check_ours(&self) -> Result<(), Refusal> {
        match self.journal.newest_generation().await {
            Ok(Some(newest)) if newest > self.journal.record.generation => {
                Err(Refusal::AnotherRun("took this repair over"))
            }
            Err(error) if !self.is_late(&error) => Err(Refusal::Journal(error.to_string())),
            Ok(_) | Err(_) => Ok(()),
        }
    }

    pub(crate) fn extend(&mut self, steps: &[Step]) {
        let lines = self.journal.lines(steps);
        self.repair_mut().steps.extend(lines);
    }

    /// The repair has ended, everything was seen back, and from now on the record orders nothing.
    pub(crate) async fn close(mut self, word: &str, remediated: bool) {
        // A repair that is closed already stays so.
        let _ = self.advance(Act::Close);
        let journal = self.journal;
        if remediated {
            journal.record.count_repair(journal.log.now());
        }
        journal.record.watch = None;
        journal.log.end(word);
        if let Err(why) = journal.write().await {
            tracing::warn!(%why, "the journal entry stays open: the next run closes it");
        }
    }

    /// The repair has ended and a later run must finish it.
    pub(crate) fn leave_open(self, word: &str) {
        self.journal.log.end(word);
    }

    fn mark(&mut self, line: usize, state: StepState) {
        if let Some(line) = self.repair_mut().steps.get_mut(line) {
            line.state = state;
        }
    }
}
