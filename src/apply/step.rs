//! One write: send it, and where the reply does not tell the truth, look.
//!
//! A write can be repeated safely, since each has a state that it leads to ([`super::settled`]). "It exists already" and
//! "it is gone already" are facts to check, neither errors nor successes.

use std::time::Duration;

use super::journal::Act;
use super::settled;
use super::{Cause, Run, Step, StepRecord, StepResult, Stop};
use crate::client::{Error, Kind, Retry};
use crate::plan::Refusal;
use crate::target::{PolicyRef, ROLE_NAME};
use crate::telemetry::{chain, foreign};

/// Tries while there is a way back.
const TRIES: usize = 4;
/// Tries where giving up leaves a role half changed. With pauses of up to 3 s each that is about half a minute.
const TRIES_WITHOUT_WAY_BACK: usize = 12;

/// What to do after an error.
enum Next {
    /// The cloud is in the state that the step leads to.
    Settled,
    /// Send it once more: a look showed that it had no effect, or it was never carried out.
    Again,
    /// Send it once more: whether it had its effect cannot be seen.
    Blind,
    /// What the step names no longer exists.
    Gone,
    /// Stop here.
    Stop(Stop),
}

impl Run<'_> {
    /// Carries one step of the plan out and keeps its record.
    pub(super) async fn carry_out(&mut self, step: &Step) -> Result<(), Stop> {
        self.forward_only |= matches!(step, Step::Delete { .. });
        let tries = if self.forward_only { TRIES_WITHOUT_WAY_BACK } else { TRIES };
        let (record, mut end) = self.perform(step, tries).await;
        if matches!(step, Step::Delete { .. }) {
            match record.result {
                StepResult::Failed => self.forward_only = false,
                // The creation tells: it succeeds only if the role is gone.
                StepResult::Unknown => end = Ok(()),
                _ => {}
            }
        }
        if record.result != StepResult::Failed {
            self.begun.push((step.clone(), self.records.len()));
        }
        self.journal.end_step(self.act(step), step, &record);
        self.records.push(record);
        end
    }

    /// Carries a reverse step out. It is on record only if it fails: the step that it takes back is marked instead.
    pub(super) async fn undo(&mut self, step: &Step) -> Result<(), Stop> {
        self.intend(Act::Undo, step).await?;
        let (record, end) = self.perform(step, TRIES_WITHOUT_WAY_BACK).await;
        self.journal.end_step(Act::Undo, step, &record);
        if end.is_err() {
            self.records.push(record);
        }
        end
    }

    async fn perform(&mut self, step: &Step, tries: usize) -> (StepRecord, Result<(), Stop>) {
        let begin = self.session.clock().uptime();
        let mut record = StepRecord::planned(step);
        let end =
            if matches!(step, Step::LeaveTag(_)) { Ok(()) } else { self.attempts(step, tries, &mut record).await };
        let took = self.session.clock().uptime().saturating_sub(begin);
        record.duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        (record, end)
    }

    async fn attempts(&mut self, step: &Step, tries: usize, record: &mut StepRecord) -> Result<(), Stop> {
        let mut pauses = self.session.pauses(tries - 1);
        let mut lost = false;
        loop {
            if takes_away(step)
                && let Err(refusal) = self.journal.check_ours().await
            {
                record.result = if lost { StepResult::Unknown } else { StepResult::Failed };
                return Err(Stop::Refused(refusal));
            }
            record.attempts += 1;
            let error = match self.send(step, record).await {
                Ok(()) => return Ok(()),
                Err(error) => error,
            };
            lost |= error.retry() == Retry::ObserveFirst;
            record.request_id.clone_from(&error.request_id);
            record.error = Some(chain(&error));
            let (result, end) = match self.next(step, &error).await {
                Next::Settled => (if lost { StepResult::Done } else { StepResult::Already }, Ok(())),
                Next::Gone => (StepResult::Skipped, Ok(())),
                Next::Stop(why) => (StepResult::Failed, Err(why)),
                next @ (Next::Again | Next::Blind) => match self.wait(pauses.next(), step).await {
                    Ok(true) => continue,
                    Ok(false) if matches!(next, Next::Blind) => (StepResult::Unknown, Err(failed(&error))),
                    Ok(false) => (StepResult::Failed, Err(failed(&error))),
                    Err(Stop::Failed(_)) if lost => (StepResult::Unknown, Err(failed(&error))),
                    Err(why) => (StepResult::Failed, Err(why)),
                },
            };
            record.result = result;
            if matches!(result, StepResult::Done | StepResult::Already) {
                record.error = None;
            }
            return end;
        }
    }

    /// Waits before the next try; says whether there is one. Much can happen meanwhile, so a role is looked at once more
    /// before it is deleted.
    async fn wait(&self, pause: Option<Duration>, step: &Step) -> Result<bool, Stop> {
        let waited = match pause {
            Some(pause) => self.session.pause(pause).await,
            None => false,
        };
        if waited && matches!(step, Step::Delete { .. }) {
            self.look_again().await?;
        }
        Ok(waited)
    }

    async fn send(&mut self, step: &Step, record: &mut StepRecord) -> Result<(), Error> {
        let session = self.session;
        let done = match step {
            Step::Detach(policy) => session.detach_policy_from_role(ROLE_NAME, policy).await?,
            Step::Attach(policy) => session.attach_policy_to_role(ROLE_NAME, policy).await?,
            Step::Delete { .. } => session.delete_role(ROLE_NAME).await?,
            Step::UpdateTrust { to, .. } => session.update_role(ROLE_NAME, to).await?,
            Step::Tag(tags) => session.tag_role(ROLE_NAME, tags).await?,
            Step::LeaveTag(_) => return Ok(()),
            Step::Create { role, .. } => {
                let (facts, done) = session.create_role(ROLE_NAME, role).await?;
                self.journal.created(&facts.role_id);
                self.created = Some(facts.role_id);
                done
            }
        };
        record.result = StepResult::Done;
        record.request_id = done.request_id;
        record.error = None;
        Ok(())
    }

    async fn next(&mut self, step: &Step, error: &Error) -> Next {
        match error.retry() {
            Retry::After(_) => Next::Again,
            Retry::ObserveFirst => self.look(step).await,
            Retry::Never if says_settled(step, error) => match self.look(step).await {
                // The cloud says that it is so, and an old reply that it is not: only the next try can tell.
                Next::Again => Next::Blind,
                next => next,
            },
            Retry::Never if error.is("DeleteConflict.Role.Policy") => self.clear().await,
            // A role that was just made may not be visible everywhere yet.
            Retry::Never if error.is_role_missing() && self.has_created() => Next::Again,
            Retry::Never => match step {
                Step::Attach(policy) if error.is("EntityNotExist.Policy") && self.had(policy) => {
                    self.journal.gone(policy);
                    Next::Gone
                }
                _ => Next::Stop(failed(error)),
            },
        }
    }

    fn has_created(&self) -> bool {
        self.forward_only || self.created.is_some()
    }

    /// Whether a policy was attached before the repair.
    fn had(&self, policy: &PolicyRef) -> bool {
        self.before.is_some_and(|before| before.policies.contains(policy))
    }

    async fn look(&self, step: &Step) -> Next {
        match settled::is(self.session, step).await {
            Ok(true) => Next::Settled,
            Ok(false) => Next::Again,
            Err(_) => Next::Blind,
        }
    }

    /// The cloud will not delete a role that holds policies. One that we detached is detached again (the first reply may
    /// have been early); one that somebody attached meanwhile stops the deletion.
    async fn clear(&self) -> Next {
        let Ok(attached) = self.session.list_policies_for_role(ROLE_NAME).await else { return Next::Again };
        if let Some(added) = attached.iter().find(|policy| !self.had(policy)) {
            let what = format!("policy `{}` was attached", foreign(&added.to_string()));
            return Next::Stop(Stop::Refused(Refusal::Changed(what)));
        }
        if let Err(refusal) = self.journal.check_ours().await {
            return Next::Stop(Stop::Refused(refusal));
        }
        for policy in &attached {
            let _ = self.session.detach_policy_from_role(ROLE_NAME, policy).await;
        }
        Next::Again
    }
}

/// A run whose repair another one has taken over does no more of these.
fn takes_away(step: &Step) -> bool {
    matches!(step, Step::Detach(_) | Step::Delete { .. })
}

/// Whether the cloud says that it was so before.
fn says_settled(step: &Step, error: &Error) -> bool {
    match step {
        Step::Attach(_) => error.is("EntityAlreadyExists.Role.Policy"),
        Step::Detach(_) => error.is("EntityNotExist.Role.Policy"),
        Step::Delete { .. } => error.is_role_missing(),
        Step::Create { .. } => error.is("EntityAlreadyExists.Role"),
        Step::UpdateTrust { .. } | Step::Tag(_) | Step::LeaveTag(_) => false,
    }
}

fn failed(error: &Error) -> Stop {
    let may_pass = error.kind.may_pass() && error.kind != Kind::Unknown;
    Stop::Failed(Cause { text: chain(error), may_pass })
}
