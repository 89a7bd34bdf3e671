//! One write: send it, and where the reply does not tell the truth, look.
//!
//! A write can be repeated safely, since each has a state that it leads to ([`super::settled`]). "It exists already" and
//! "it is gone already" are facts to check, neither errors nor successes.

use std::time::Duration;

use aliyun::{Error, Kind, Retry};
use authorization::plan::{StepRecord, StepResult};
use authorization::target::PolicyRef;
use authorization::text::{chain, sanitized};

use super::group::Now;
use super::settled;
use super::{Cause, Run, Step};
use crate::case::Case;
use crate::journal::Intent;
use crate::refusal::Refusal;

/// Tries while there is a way back.
pub(super) const TRIES: usize = 4;
/// Tries where giving up leaves a role half changed. With pauses of up to 3 s each that is about half a minute.
pub(super) const TRIES_WITHOUT_WAY_BACK: usize = 12;

/// What became of a step, and what its replies told beside.
pub(super) struct Performed {
    pub(super) record: StepRecord,
    pub(super) learned: Vec<Learned>,
    pub(super) cause: Option<Cause>,
}

/// What a reply tells beside the step.
pub(super) enum Learned {
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
                    performed.learned.extend(made.map(Learned::Made));
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
            let end = match next {
                Ok(next @ (Next::Again | Next::Blind)) => match self.wait(pauses.next(), step).await {
                    Ok(Wait::Over) => continue,
                    Ok(Wait::Settled) => End::settled(lost),
                    Ok(Wait::NoMore) if next == Next::Blind => End::Stopped(StepResult::Unknown, failed(&error)),
                    Ok(Wait::NoMore) => End::Stopped(StepResult::Failed, failed(&error)),
                    // Whether a write whose reply was lost had its effect is not known, whatever kept us from the next.
                    Err(Cause::Call { .. }) if lost => End::Stopped(StepResult::Unknown, failed(&error)),
                    Err(why) if lost => End::Stopped(StepResult::Unknown, why),
                    Err(why) => End::Stopped(StepResult::Failed, why),
                },
                Ok(next) => self.end(step, next, lost, &error, performed),
                Err(why) => End::Stopped(StepResult::Failed, why),
            };
            return performed.end(end);
        }
    }

    fn end(&self, step: &Step, next: Next, lost: bool, error: &Error, performed: &mut Performed) -> End {
        match (next, step) {
            (Next::Settled, _) => End::settled(lost),
            (Next::NotAttached, Step::Detach(policy)) => {
                // An own earlier try, or a run that was taken over, may have detached it. Else a person has.
                if !lost && !self.open.suspects(policy) {
                    performed.learned.push(Learned::NotHeld(policy.clone()));
                }
                End::settled(lost)
            }
            (Next::Gone, Step::Attach(policy)) if self.had(policy) && *policy != self.case.baseline.policy() => {
                performed.learned.push(Learned::Gone(policy.clone()));
                End::Over(StepResult::Skipped)
            }
            (Next::Gone, Step::Detach(policy)) => {
                performed.learned.push(Learned::Gone(policy.clone()));
                End::settled(lost)
            }
            _ => End::Stopped(StepResult::Failed, failed(error)),
        }
    }

    /// Waits before the next try. Much can happen meanwhile, so a role is looked at once more before it is deleted.
    async fn wait(&self, pause: Option<Duration>, step: &Step) -> Result<Wait, Cause> {
        let waited = match pause {
            Some(pause) => self.case.session.pause(pause).await,
            None => false,
        };
        if !waited {
            return Ok(Wait::NoMore);
        }
        if matches!(step, Step::Delete { .. }) {
            match self.look_again().await? {
                Now::Same => {}
                Now::Gone | Now::Replaced(_) => return Ok(Wait::Settled),
            }
        }
        if step.takes_away() {
            self.open.check_ours().await?;
        }
        Ok(Wait::Over)
    }

    /// Whether a policy was attached before the repair.
    fn had(&self, policy: &PolicyRef) -> bool {
        self.found.as_ref().is_some_and(|found| found.policies.contains(policy))
    }

    async fn look(&self, step: &Step, error: &Error, performed: &mut Performed) -> Result<Next, Cause> {
        // The cloud says that it is so, and an old reply that it is not: only the next try can tell.
        let not_yet = if error.retry() == Retry::Never { Next::Blind } else { Next::Again };
        if let Step::Create { replaces, .. } = step {
            return self.look_at_the_new(replaces.as_deref(), not_yet, performed).await;
        }
        Ok(match settled::is(self.case, step).await {
            Ok(true) => Next::Settled,
            Ok(false) => not_yet,
            Err(_) => Next::Blind,
        })
    }

    /// A role of that name is there, or may be. Whose is it?
    async fn look_at_the_new(
        &self,
        old: Option<&str>,
        not_yet: Next,
        performed: &mut Performed,
    ) -> Result<Next, Cause> {
        let role = match self.case.session.get_role(self.case.role()).await {
            Ok(role) => role,
            Err(error) if error.is_role_missing() => return Ok(not_yet),
            Err(_) => return Ok(Next::Blind),
        };
        if old == Some(role.role_id.as_str()) {
            return Ok(not_yet);
        }
        if !self.open.repair().knows_as(&role.role_id, &role.assume_role_policy_document, self.case.baseline) {
            return Err(Cause::Stranger(role.role_id));
        }
        performed.learned.push(Learned::Found(role.role_id));
        Ok(Next::Settled)
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
                performed.learned.push(Learned::Held(policy));
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

/// How waiting for the next try ended.
enum Wait {
    /// Try again.
    Over,
    /// No more tries, or no time.
    NoMore,
    /// Meanwhile it is so.
    Settled,
}

/// How a step ended.
enum End {
    Over(StepResult),
    Stopped(StepResult, Cause),
}

impl End {
    /// It is so; by our hand if a reply was lost.
    fn settled(lost: bool) -> Self {
        Self::Over(if lost { StepResult::Done } else { StepResult::Already })
    }
}

impl Performed {
    fn end(&mut self, end: End) -> Option<Cause> {
        let (result, why) = match end {
            End::Over(result) => (result, None),
            End::Stopped(result, why) => (result, Some(why)),
        };
        self.record.result = result;
        if self.record.holds() {
            self.record.error = None;
        }
        why
    }
}

pub(super) fn failed(error: &Error) -> Cause {
    Cause::Call { error: chain(error), may_pass: error.kind.may_pass() && error.kind != Kind::Unknown }
}
