//! One write: send it, and where the reply does not tell the truth, look.
//!
//! A write can be repeated safely, since each has a state that it leads to (`postcondition_holds`). "It exists already" and
//! "it is gone already" are facts to check, neither errors nor successes.

use std::time::Duration;

use aliyun::{Error, Kind, Retry};
use authorization::plan::{Step, StepRecord, StepResult};
use authorization::policy;
use authorization::target::PolicyRef;
use authorization::text::{chain, sanitized};

use super::group::LastLook;
use super::{Cause, Run};
use crate::case::Case;
use crate::journal::Intent;
use crate::observe;
use crate::refusal::Refusal;

/// Tries while there is a way back.
pub(super) const TRIES: usize = 4;
/// Tries where giving up leaves a role half changed. With pauses of up to 3 s each that is about half a minute.
pub(super) const TRIES_WITHOUT_WAY_BACK: usize = 12;

/// What became of a step, and what its replies told beside.
pub(super) struct Performed {
    pub(super) record: StepRecord,
    pub(super) learned: Vec<ReplyFact>,
    pub(super) cause: Option<Cause>,
}

/// What a reply tells beside the step.
pub(super) enum ReplyFact {
    /// This run made the role with this id.
    Made(String),
    /// The role with this id is there, with the vendor's default trust policy.
    Found(String),
    /// The policy no longer exists.
    Gone(PolicyRef),
    /// The policy was not attached.
    NotHeld(PolicyRef),
    /// The policy was attached after all.
    Held(PolicyRef),
}

/// What follows an error.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Send it once more: it had no effect.
    Again,
    /// Send it once more: whether it had its effect cannot be seen.
    Blind,
    /// Only a look can tell.
    Look,
    /// The cloud is in the state that the step leads to.
    Settled,
    /// The policy is not attached, says the detachment itself.
    NotAttached,
    /// What the step names no longer exists.
    Gone,
    /// The role holds policies: detach what this repair detached.
    Clear,
    /// Stop here.
    Fail,
}

/// What follows an error, as a table. `is_made`: the role was made a moment ago, and may not be visible everywhere.
fn next(step: &Step, error: &Error, is_made: bool) -> Next {
    match (error.retry(), step) {
        (Retry::After(_), _) => Next::Again,
        (Retry::ObserveFirst, _) => Next::Look,
        (Retry::Never, Step::Detach(_)) if error.is("EntityNotExist.Role.Policy") => Next::NotAttached,
        (Retry::Never, Step::Detach(_) | Step::Attach(_)) if error.is("EntityNotExist.Policy") => Next::Gone,
        // With the role its policies are gone too: there is nothing to detach, and no hint that somebody detached this one.
        (Retry::Never, Step::Detach(_)) if error.is_role_missing() && !is_made => Next::Settled,
        (Retry::Never, Step::Delete { .. }) if error.is_role_missing() => Next::Look,
        (Retry::Never, Step::Delete { .. }) if error.is("DeleteConflict.Role.Policy") => Next::Clear,
        (Retry::Never, Step::Create { .. }) if error.is("EntityAlreadyExists.Role") => Next::Look,
        (Retry::Never, Step::Attach(_)) if error.is("EntityAlreadyExists.Role.Policy") => Next::Look,
        (Retry::Never, _) if error.is_role_missing() && is_made => Next::Again,
        (Retry::Never, _) => Next::Fail,
    }
}

impl Run<'_, '_> {
    pub(super) async fn perform(&self, intent: &Intent<'_>, step: &Step, tries: usize) -> Performed {
        let begin = self.case.session.clock().uptime();
        let record = StepRecord::planned(step, &self.case.target.role);
        let mut performed = Performed { record, learned: Vec::new(), cause: None };
        if matches!(step, Step::LeaveTag(_)) {
            return performed;
        }
        performed.record.started_ms = Some(self.open.elapsed_ms());
        performed.cause = self.attempts(intent, step, tries, &mut performed).await;
        let took = self.case.session.clock().uptime().saturating_sub(begin);
        performed.record.duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        performed
    }

    async fn attempts(
        &self,
        intent: &Intent<'_>,
        step: &Step,
        tries: usize,
        performed: &mut Performed,
    ) -> Option<Cause> {
        let mut pauses = self.case.session.pauses(tries - 1);
        let mut lost = false;
        loop {
            performed.record.attempts += 1;
            let error = match send(self.case, intent, step, &mut performed.record).await {
                Ok(made) => {
                    performed.learned.extend(made.map(ReplyFact::Made));
                    return None;
                }
                Err(error) => error,
            };
            lost |= error.retry() == Retry::ObserveFirst;
            performed.record.request_id.clone_from(&error.request_id);
            performed.record.error = Some(chain(&error));
            let next = match next(step, &error, self.is_made()) {
                Next::Look => self.look(step, &error, performed).await,
                Next::Clear => self.clear(intent, performed).await,
                next => Ok(next),
            };
            let (result, cause) = match next {
                Ok(next @ (Next::Again | Next::Blind)) => match self.wait(next, pauses.next(), step).await {
                    Ok(Next::Again) => continue,
                    Ok(next) => self.end(step, next, lost, &error, performed),
                    // Whether a write whose reply was lost had its effect is not known, whatever kept us from the next.
                    Err(Cause::Call { .. }) if lost => (StepResult::Unknown, Some(failed(&error))),
                    Err(why) => (if lost { StepResult::Unknown } else { StepResult::Failed }, Some(why)),
                },
                Ok(next) => self.end(step, next, lost, &error, performed),
                Err(why) => (StepResult::Failed, Some(why)),
            };
            performed.record.result = result;
            if performed.record.holds() {
                performed.record.error = None;
            }
            return cause;
        }
    }

    /// How the step ended, and why it did if it did not succeed.
    fn end(
        &self,
        step: &Step,
        next: Next,
        lost: bool,
        error: &Error,
        performed: &mut Performed,
    ) -> (StepResult, Option<Cause>) {
        // By our hand if a reply was lost.
        let settled = if lost { StepResult::Done } else { StepResult::Already };
        match (next, step) {
            (Next::Settled, _) => (settled, None),
            (Next::NotAttached, Step::Detach(policy)) => {
                // An own earlier try, or a run that was taken over, may have detached it. Else a person has.
                if !lost && !self.open.suspects(policy) {
                    performed.learned.push(ReplyFact::NotHeld(policy.clone()));
                }
                (settled, None)
            }
            (Next::Gone, Step::Attach(policy)) if self.had(policy) && *policy != self.case.baseline.policy() => {
                performed.learned.push(ReplyFact::Gone(policy.clone()));
                (StepResult::Skipped, None)
            }
            (Next::Gone, Step::Detach(policy)) => {
                performed.learned.push(ReplyFact::Gone(policy.clone()));
                (settled, None)
            }
            (Next::Blind, _) => (StepResult::Unknown, Some(failed(error))),
            _ => (StepResult::Failed, Some(failed(error))),
        }
    }

    /// Waits before the next try. Much can happen meanwhile, so a role is looked at once more before it is deleted.
    async fn wait(&self, next: Next, pause: Option<Duration>, step: &Step) -> Result<Next, Cause> {
        if !self.case.session.pause(pause).await {
            return Ok(if next == Next::Blind { Next::Blind } else { Next::Fail });
        }
        if matches!(step, Step::Delete { .. }) {
            match self.look_again().await? {
                LastLook::Same => {}
                LastLook::Gone | LastLook::Replaced(_) => return Ok(Next::Settled),
            }
        }
        if step.takes_away() {
            self.open.check_ours().await?;
        }
        Ok(Next::Again)
    }

    /// Whether a policy was attached before the repair.
    fn had(&self, policy: &PolicyRef) -> bool {
        self.found.as_ref().is_some_and(|found| found.policies.contains(policy))
    }

    async fn look(&self, step: &Step, error: &Error, performed: &mut Performed) -> Result<Next, Cause> {
        match self.postcondition_holds(step, performed).await {
            Ok(true) => Ok(Next::Settled),
            // The cloud says that it is so, and an old reply that it is not: only the next try can tell.
            Ok(false) if error.retry() != Retry::Never => Ok(Next::Again),
            Err(stranger @ Cause::Stranger(_)) => Err(stranger),
            Ok(false) | Err(_) => Ok(Next::Blind),
        }
    }

    /// Whether the cloud is in the state that a step leads to.
    async fn postcondition_holds(&self, step: &Step, performed: &mut Performed) -> Result<bool, Cause> {
        let (case, session) = (self.case, self.case.session);
        Ok(match step {
            Step::Detach(policy) => !session.list_policies_for_role(case.role()).await?.contains(policy),
            Step::Attach(policy) => session.list_policies_for_role(case.role()).await?.contains(policy),
            Step::Delete { role_id } => observe::facts(case).await?.is_none_or(|role| role.role_id != *role_id),
            Step::Create { replaces, .. } => match observe::facts(case).await? {
                Some(role) if replaces.as_ref() != Some(&role.role_id) => {
                    if !self.open.repair().knows_as(&role.role_id, &role.assume_role_policy_document, case.baseline) {
                        return Err(Cause::Stranger(role.role_id));
                    }
                    performed.learned.push(ReplyFact::Found(role.role_id));
                    true
                }
                Some(_) | None => false,
            },
            Step::UpdateTrust { to, .. } => {
                policy::same_document(&session.get_role(case.role()).await?.assume_role_policy_document, &to.trust)
            }
            Step::Tag(tags) => {
                let now = observe::tags(case).await?.unwrap_or_default();
                tags.iter().all(|(key, value)| now.get(key) == Some(value))
            }
            Step::LeaveTag(_) => true,
        })
    }

    /// The cloud will not delete a role that holds policies. One that we detached is detached again (the first reply may
    /// have been early, or wrong); one that somebody attached meanwhile stops the deletion.
    async fn clear(&self, intent: &Intent<'_>, performed: &mut Performed) -> Result<Next, Cause> {
        let Ok(attached) = self.case.session.list_policies_for_role(self.case.role()).await else {
            return Ok(Next::Again);
        };
        if let Some(added) = attached.iter().find(|policy| !self.had(policy)) {
            let what = format!("policy `{}` was attached", sanitized(&added.to_string()));
            return Err(Refusal::Changed(what).into());
        }
        self.open.check_ours().await?;
        for policy in attached {
            if intent.writer().detach_policy_from_role(self.case.role(), &policy).await.is_ok() {
                performed.learned.push(ReplyFact::Held(policy));
            }
        }
        Ok(Next::Again)
    }
}

/// Sends once; of a creation it tells the id of the role.
pub(super) async fn send(
    case: Case<'_>,
    intent: &Intent<'_>,
    step: &Step,
    record: &mut StepRecord,
) -> Result<Option<String>, Error> {
    let writer = intent.writer();
    let mut made = None;
    let done = match step {
        Step::Detach(policy) => writer.detach_policy_from_role(case.role(), policy).await?,
        Step::Attach(policy) => writer.attach_policy_to_role(case.role(), policy).await?,
        Step::Delete { .. } => writer.delete_role(case.role()).await?,
        Step::UpdateTrust { to, .. } => writer.update_role(case.role(), to).await?,
        Step::Tag(tags) => writer.tag_role(case.role(), tags).await?,
        Step::LeaveTag(_) => return Ok(None),
        Step::Create { role, .. } => {
            let (facts, done) = writer.create_role(case.role(), role).await?;
            made = Some(facts.role_id);
            done
        }
    };
    record.result = StepResult::Done;
    record.request_id = done.request_id;
    record.error = None;
    Ok(made)
}

pub(super) fn failed(error: &Error) -> Cause {
    Cause::Call { error: chain(error), may_pass: error.kind.may_pass() && error.kind != Kind::Unknown }
}
