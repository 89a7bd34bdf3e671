//! Carries a plan out: the only writer.
//!
//! The order is the plan's. Before the deletion a failure puts back what was taken away; after it the only way is
//! forward. A lost reply is followed by a look, never by a guess (`step`). What is done is on record before it is done
//! ([`journal`]), so that a later run can finish it ([`recover`]).

mod attempts;
pub mod journal;
pub mod recover;
mod settled;
mod step;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::client::Session;
use crate::observe::{self, Role};
use crate::plan::{Refusal, Step, Undo};
use crate::target::PolicyRef;
use crate::telemetry::{chain, foreign};

use journal::{Act, Illegal, Journal, Phase};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepResult {
    /// Not carried out: the mode allows no write.
    Planned,
    /// It had its effect.
    Done,
    /// It was so before.
    Already,
    /// It had no effect.
    Failed,
    /// It was done and taken back.
    Undone,
    /// No reply came, and no look was possible.
    Unknown,
    /// It was left out: it cannot be done.
    Skipped,
}

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// The cloud's operation.
    #[serde(deserialize_with = "crate::report::known_action")]
    pub action: crate::report::Word,
    /// What it was about.
    pub target: String,
    /// How it ended.
    pub result: StepResult,
    /// How often it was sent.
    pub attempts: u32,
    /// The cloud's id of the last request.
    pub request_id: Option<String>,
    /// Milliseconds from the run's begin to the first try; absent where it was only planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<u64>,
    /// From the first try to the last reply.
    pub duration_ms: u64,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl StepRecord {
    /// Whether it is a creation that had its effect.
    pub(crate) fn has_created(&self) -> bool {
        self.action == "CreateRole" && matches!(self.result, StepResult::Done | StepResult::Already)
    }

    /// A step that is only intended.
    #[must_use]
    pub fn planned(step: &Step) -> Self {
        let result = if matches!(step, Step::LeaveTag(_)) { StepResult::Skipped } else { StepResult::Planned };
        Self {
            action: step.action(),
            target: step.target(),
            result,
            attempts: 0,
            request_id: None,
            started_ms: None,
            duration_ms: 0,
            error: None,
        }
    }
}

/// How a repair ended, as far as its own calls tell. Only a second look can confirm it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub enum Outcome {
    /// Every step that can be done is done.
    Applied,
    /// A step failed, and what was done is taken back.
    RolledBack(Cause),
    /// Stopped before the deletion, and what was done is taken back.
    Refused(Refusal),
    /// A step failed and could not be taken back.
    Stuck(Cause),
}

impl Outcome {
    /// Why it did not go through, in words.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        match self {
            Self::Applied => None,
            Self::RolledBack(cause) | Self::Stuck(cause) => Some(cause.text.clone()),
            Self::Refused(refusal) => Some(refusal.to_string()),
        }
    }

    /// Whether the next run may succeed without anybody doing anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::RolledBack(cause) | Self::Stuck(cause) => cause.may_pass,
            Self::Applied | Self::Refused(_) => false,
        }
    }
}

/// Why a repair did not go through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// In words, with the cloud's code.
    pub text: String,
    /// Whether it may pass without anybody doing anything.
    pub may_pass: bool,
}

/// What a repair left behind.
#[derive(Debug)]
#[must_use]
pub struct Applied {
    /// How it ended.
    pub outcome: Outcome,
    /// What became of each step, in the order of the writes.
    pub steps: Vec<StepRecord>,
}

/// One call takes at least this long in the estimate, so that a single slow one does not end a repair.
const CALL_FLOOR: Duration = Duration::from_millis(100);

/// A write is put on record, and before it takes something away the record's generation is looked up.
const FILES_A_WRITE: u32 = 2;

/// Why the first write must not start, if it must not: the rest of the plan, its undo and the looks need more time than
/// is left. `folder` is what an operation on the journal's files takes.
#[must_use]
pub fn too_late(session: &Session, steps: &[Step], folder: Duration) -> Option<Refusal> {
    lacks_time(session, steps.len() + undo_calls(steps), folder)
}

fn undo_calls(steps: &[Step]) -> usize {
    steps.iter().take_while(|step| !matches!(step, Step::Delete { .. })).count()
}

/// Two looks come on top: the one before the deletion and the one at the end.
fn lacks_time(session: &Session, writes: usize, folder: Duration) -> Option<Refusal> {
    let call = (session.slowest_call() * 2).max(CALL_FLOOR) + folder * FILES_A_WRITE;
    let needed = call.saturating_mul(u32::try_from(writes + 2).unwrap_or(u32::MAX));
    let left = session.remaining();
    (needed > left).then_some(Refusal::TooLate { needed_ms: needed.as_millis(), left_ms: left.as_millis() })
}

/// How steps are carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum How {
    /// As a plan: a failure before the deletion puts back what was taken away.
    Plan,
    /// What an earlier run took away is put back on the role that is still there.
    PutBack,
    /// The role is gone or new, and the only way is forward.
    Forward,
}

/// Carries steps out, as far as they go. `before` is the role that they were made for.
pub async fn run(session: &Session, how: How, steps: &[Step], before: Option<&Role>, journal: &mut Journal) -> Applied {
    let mut run = Run {
        session,
        journal,
        how,
        before,
        begun: Vec::new(),
        records: Vec::new(),
        created: None,
        forward_only: how != How::Plan,
    };
    let outcome = run.all(steps).await;
    Applied { outcome, steps: run.records }
}

/// A repair under way.
struct Run<'a> {
    session: &'a Session,
    journal: &'a mut Journal,
    how: How,
    before: Option<&'a Role>,
    /// Steps that may have had an effect, each with the place of its record.
    begun: Vec<(Step, usize)>,
    records: Vec<StepRecord>,
    /// The id of the role that this run made.
    created: Option<String>,
    /// The role may be deleted: there is no way back.
    forward_only: bool,
}

/// Why a run leaves the plan.
enum Stop {
    Failed(Cause),
    Refused(Refusal),
}

impl Applied {
    /// With what a further round did.
    pub(crate) fn then(self, next: Self) -> Self {
        let steps = self.steps.into_iter().chain(next.steps).collect();
        Self { outcome: next.outcome, steps }
    }
}

impl Run<'_> {
    async fn all(&mut self, steps: &[Step]) -> Outcome {
        let mut failure = None;
        for (index, step) in steps.iter().enumerate() {
            if let Err(stop) = self.one(step, steps.get(index..).unwrap_or_default()).await {
                if !self.forward_only || settled::still_there(self.session, step).await {
                    return self.back(stop).await;
                }
                failure.get_or_insert(stop.into_cause());
                if matches!(step, Step::Create { .. }) {
                    break;
                }
            }
        }
        failure.map_or(Outcome::Applied, Outcome::Stuck)
    }

    async fn one(&mut self, step: &Step, rest: &[Step]) -> Result<(), Stop> {
        if !self.forward_only {
            self.check_time(rest)?;
        }
        self.intend(self.act(step), step).await?;
        if matches!(step, Step::Delete { .. } | Step::UpdateTrust { .. }) {
            self.look_again().await?;
        }
        self.carry_out(step).await
    }

    fn act(&self, step: &Step) -> Act {
        match (self.how, step) {
            (How::PutBack, _) => Act::Undo,
            // Somebody else has deleted the role that this repair had begun with.
            (_, Step::Create { replaces: Some(_), .. }) if self.journal.repair().phase != Phase::Replacing => {
                Act::Replace
            }
            _ => Act::of(step),
        }
    }

    /// Puts the step on record. Where there is no way back, a record that cannot be written does not keep the role from
    /// being finished.
    async fn intend(&mut self, act: Act, step: &Step) -> Result<(), Stop> {
        self.journal.advance(act).map_err(Stop::illegal)?;
        match self.journal.begin_step(act, step).await {
            Err(why) if self.forward_only || act == Act::Undo => {
                tracing::warn!(%why, "going on without a record: the role comes first");
                Ok(())
            }
            recorded => recorded.map_err(Stop::Refused),
        }
    }

    fn check_time(&self, rest: &[Step]) -> Result<(), Stop> {
        let writes = rest.len() + undo_calls(rest) + self.begun.len();
        lacks_time(self.session, writes, self.journal.slowest()).map_or(Ok(()), |refusal| Err(Stop::Refused(refusal)))
    }

    /// The last look before the deletion. A role that is gone meanwhile needs no protection, only a new one.
    async fn look_again(&self) -> Result<(), Stop> {
        let now = observe::role(self.session)
            .await
            .map_err(|error| Stop::Failed(Cause { text: chain(&error), may_pass: error.may_pass() }))?;
        let change = match (self.before, now.present()) {
            (Some(before), Some(now)) => self.changed(before, now),
            (None, _) | (_, None) => None,
        };
        change.map_or(Ok(()), |what| Err(Stop::Refused(Refusal::Changed(what))))
    }

    /// What of the role is not as it was, leaving out what this run did to it.
    fn changed(&self, before: &Role, now: &Role) -> Option<String> {
        let difference = now.difference(before).map(str::to_owned);
        difference.or_else(|| {
            let ours = |policy: &PolicyRef| self.begun.iter().any(|(step, _)| *step == Step::Attach(policy.clone()));
            let added = now.policies.difference(&before.policies).find(|policy| !ours(policy))?;
            Some(format!("policy `{}` was attached", foreign(&added.to_string())))
        })
    }

    /// Takes back what was done, last first.
    async fn back(&mut self, stop: Stop) -> Outcome {
        let mut failure = None;
        for (step, index) in std::mem::take(&mut self.begun).into_iter().rev() {
            if self.is_of_another_hand(&step, index) {
                continue;
            }
            match self.take_back(&step).await {
                Ok(()) => self.mark_taken_back(&step, index),
                // What this step added belongs to the run that has taken over.
                Err(Stop::Refused(Refusal::AnotherRun(_))) => {}
                Err(stop) => failure = failure.or(Some(stop.into_cause())),
            }
        }
        match (failure, stop) {
            (Some(cause), _) => Outcome::Stuck(cause),
            (None, Stop::Failed(cause)) => Outcome::RolledBack(cause),
            (None, Stop::Refused(refusal)) => Outcome::Refused(refusal),
        }
    }

    async fn take_back(&mut self, step: &Step) -> Result<(), Stop> {
        match step.undo() {
            Undo::Step(undo) => self.undo(&undo).await,
            Undo::DeleteCreated => match self.created.take() {
                Some(role_id) => self.withdraw(&Step::Delete { role_id }).await,
                None if settled::is_missing(self.session).await => Ok(()),
                None => Err(Stop::unknown_origin()),
            },
            Undo::ForwardOnly | Undo::Nothing => Ok(()),
        }
    }

    /// Deletes the role that this run made, if it is still that one.
    async fn withdraw(&mut self, delete: &Step) -> Result<(), Stop> {
        match settled::is(self.session, delete).await {
            Ok(true) => Ok(()),
            Ok(false) => self.undo(delete).await,
            Err(error) => Err(Stop::Failed(Cause { text: chain(&error), may_pass: error.kind.may_pass() })),
        }
    }

    /// What was attached already is not ours to detach.
    fn is_of_another_hand(&self, step: &Step, index: usize) -> bool {
        let already = self.records.get(index).is_some_and(|record| record.result == StepResult::Already);
        already && matches!(step, Step::Attach(_))
    }

    fn mark_taken_back(&mut self, step: &Step, index: usize) {
        if let Some(record) = self.records.get_mut(index) {
            record.result = match step.undo() {
                // The role is still there: it was neither deleted nor created.
                Undo::ForwardOnly => StepResult::Failed,
                Undo::Step(_) | Undo::DeleteCreated | Undo::Nothing => StepResult::Undone,
            };
        }
    }
}

impl Stop {
    fn into_cause(self) -> Cause {
        match self {
            Self::Failed(cause) => cause,
            Self::Refused(refusal) => Cause { text: refusal.to_string(), may_pass: false },
        }
    }

    fn illegal(illegal: Illegal) -> Self {
        Self::Failed(Cause { text: illegal.to_string(), may_pass: false })
    }

    fn unknown_origin() -> Self {
        let text = "the role exists, but the reply that would tell whether this run made it was lost: it is left alone";
        Self::Failed(Cause { text: text.to_owned(), may_pass: true })
    }
}
