//! Takes back what was done, last first.

use authorization::plan::{Step, StepRecord, StepResult, Undo};
use authorization::record::Act;
use authorization::target::PolicyRef;
use authorization::text::chain;
use futures_util::future::join_all;

use super::step::{ReplyFact, TRIES_WITHOUT_WAY_BACK};
use super::{Cause, Course, Outcome, Run};
use crate::case::Case;
use crate::journal::OpenRepair;
use crate::observe;
use crate::refusal::Refusal;

/// A step to take back: its place among the items, and the reverse step.
type Reverse = (usize, Step);

impl Run<'_, '_> {
    /// Takes back what was done. Nothing is put back onto a role that is somebody's.
    pub(super) async fn back(&mut self, cause: Cause) -> Outcome {
        let reverse = self.reverse();
        let mut failure = None;
        if !reverse.is_empty() {
            match self.whose().await {
                Ok(()) => {}
                Err(stranger @ Cause::Stranger(_)) => return Outcome::RolledBack(stranger),
                Err(unknown) => return Outcome::Stuck(unknown),
            }
        }
        for group in reverse.chunk_by(|(_, before), (_, step)| step.joins(before)) {
            failure = failure.or(self.take_back(group).await);
        }
        failure = failure.or(self.withdraw_creation().await);
        self.mark_what_never_happened();
        failure.map_or(Outcome::RolledBack(cause), Outcome::Stuck)
    }

    fn reverse(&self) -> Vec<Reverse> {
        let reverse = |(index, item): (usize, &super::Item)| {
            let Some(record) = &item.record else {
                // Attached by the rehearsal, since somebody had just taken it away.
                let ours = matches!(&item.step, Step::Detach(policy) if self.not_held.contains(policy));
                return ours.then(|| (index, item.step.clone()));
            };
            let had_effect = !matches!(record.result, StepResult::Failed | StepResult::Skipped | StepResult::Planned);
            let is_ours = match &item.step {
                // What was attached already is not ours to detach, and what somebody took away is not ours to put back.
                Step::Attach(_) => record.result != StepResult::Already,
                Step::Detach(policy) => !self.not_held.contains(policy),
                _ => true,
            };
            match item.step.undo() {
                Undo::Step(undo) if had_effect && is_ours => Some((index, undo)),
                _ => None,
            }
        };
        self.items.iter().enumerate().rev().filter_map(reverse).collect()
    }

    /// Whether the role that is there may be written to.
    async fn whose(&self) -> Result<(), Cause> {
        let look = observe::facts(self.case).await;
        let role = look.map_err(|error| Cause::Unseen { error: chain(&error), may_pass: error.kind.may_pass() })?;
        let role = role.ok_or(Cause::Deleted)?;
        let is_known =
            self.open.repair().knows_as(&role.role_id, &role.assume_role_policy_document, self.case.baseline);
        // The old trust policy belongs to the old role alone.
        let changes_trust = self.items.iter().any(|item| matches!(item.step, Step::UpdateTrust { .. }));
        let is_found = self.found.as_ref().is_none_or(|found| found.id == role.role_id);
        if is_known && (is_found || !changes_trust) { Ok(()) } else { Err(Cause::Stranger(role.role_id)) }
    }

    async fn take_back(&mut self, group: &[Reverse]) -> Option<Cause> {
        let steps: Vec<_> = group.iter().map(|(_, step)| step.clone()).collect();
        if let Err(illegal) = self.open.advance(Act::Undo) {
            return Some(illegal.into());
        }
        let intent = self.open.begin_undo(self.case.session, &steps).await;
        // What this step added belongs to the run that has taken over.
        if steps.iter().any(Step::takes_away)
            && let Err(Refusal::AnotherRun(_)) = self.open.check_ours().await
        {
            return None;
        }
        let performed = join_all(steps.iter().map(|step| self.perform(&intent, step, TRIES_WITHOUT_WAY_BACK))).await;
        let mut failure = None;
        for ((index, step), done) in group.iter().zip(performed) {
            self.open.end_undo(&done.record);
            if let (Step::Attach(policy), StepResult::Done) = (step, done.record.result) {
                self.attached.insert(policy.clone());
            }
            for fact in done.learned {
                if let ReplyFact::Gone(policy) = fact {
                    self.open.gone(&policy);
                }
            }
            match done.cause {
                Some(Cause::Refused(Refusal::AnotherRun(_))) => {}
                Some(cause) => {
                    self.undone.push(done.record);
                    failure = failure.or(Some(cause));
                }
                None => self.mark_undone(*index),
            }
        }
        failure
    }

    fn mark_undone(&mut self, index: usize) {
        let Some(item) = self.items.get_mut(index) else { return };
        if let Some(record) = &mut item.record {
            record.result = StepResult::Undone;
            self.open.undone(item.line);
        }
    }

    /// Deletes the role that this run made where there was none, if it is still that one.
    async fn withdraw_creation(&mut self) -> Option<Cause> {
        let creation = |item: &super::Item| {
            let had_effect = |record: &StepRecord| matches!(record.result, StepResult::Done | StepResult::Unknown);
            matches!(item.step.undo(), Undo::DeleteCreated) && item.record.as_ref().is_some_and(had_effect)
        };
        let index = self.items.iter().position(creation)?;
        let now = match observe::facts(self.case).await {
            Ok(now) => now.map(|role| role.role_id),
            Err(error) => return Some(error.into()),
        };
        match (self.created.take(), now) {
            (Some(created), Some(now)) if created == now => {
                self.take_back(&[(index, Step::Delete { role_id: created })]).await
            }
            // Gone, or replaced by somebody.
            (Some(_), _) | (None, None) => {
                self.mark_undone(index);
                None
            }
            (None, Some(_)) => Some(Cause::UnknownOrigin),
        }
    }

    /// The role is still there: it was neither deleted nor created.
    fn mark_what_never_happened(&mut self) {
        for item in &mut self.items {
            if let (Undo::ForwardOnly, Some(record)) = (item.step.undo(), &mut item.record) {
                record.result = StepResult::Failed;
            }
        }
    }
}

/// Takes policies off a role that turned out to be somebody's: writes go by name, so they can hit another role than the one
/// that was looked at a moment before.
pub(crate) async fn take_off(case: Case<'_>, policies: &[PolicyRef], open: &mut OpenRepair<'_>) -> Vec<StepRecord> {
    let steps: Vec<_> = policies.iter().cloned().map(Step::Detach).collect();
    let run = Run::new(case, Course::Planned, &[], open);
    let intent = run.open.begin_undo(case.session, &steps).await;
    let performed = join_all(steps.iter().map(|step| run.perform(&intent, step, TRIES_WITHOUT_WAY_BACK))).await;
    let records: Vec<_> = performed.into_iter().map(|done| done.record).collect();
    for record in &records {
        run.open.end_undo(record);
    }
    records
}
