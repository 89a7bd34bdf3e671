//! Carries a plan out: the only writer.
//!
//! The order is the plan's. Before the deletion a failure puts back what was taken away; after it the only way is
//! forward. A lost reply is followed by a look, never by a guess (`step`). What is done is on record before it is done
//! ([`journal`]).
//!
//! Crash recovery from a journal folder and the cap on attempts will live beside these as `recover` and `attempts`.

pub mod journal;
mod settled;
mod step;

use std::time::Duration;

use serde::Serialize;

use crate::client::Session;
use crate::observe::{self, Role};
use crate::plan::{Plan, Refusal, Step, Undo};
use crate::target::PolicyRef;
use crate::telemetry::{chain, foreign};

use journal::Journal;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// The cloud's operation.
    pub action: &'static str,
    /// What it was about.
    pub target: String,
    /// How it ended.
    pub result: StepResult,
    /// How often it was sent.
    pub attempts: u32,
    /// The cloud's id of the last request.
    pub request_id: Option<String>,
    /// From the first try to the last reply.
    pub duration_ms: u64,
    /// What went wrong last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl StepRecord {
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
    /// Policies that no longer exist and so could not come back.
    pub gone: Vec<PolicyRef>,
}

/// One call takes at least this long in the estimate, so that a single slow one does not end a repair.
const CALL_FLOOR: Duration = Duration::from_millis(100);

/// Why the first write must not start, if it must not: the rest of the plan, its undo and the looks need more time than
/// is left.
#[must_use]
pub fn too_late(session: &Session, plan: &Plan) -> Option<Refusal> {
    lacks_time(session, plan.steps.len() + undo_calls(&plan.steps))
}

fn undo_calls(steps: &[Step]) -> usize {
    steps.iter().take_while(|step| !matches!(step, Step::Delete { .. })).count()
}

/// Two looks come on top: the one before the deletion and the one at the end.
fn lacks_time(session: &Session, writes: usize) -> Option<Refusal> {
    let call = (session.slowest_call() * 2).max(CALL_FLOOR);
    let needed = call.saturating_mul(u32::try_from(writes + 2).unwrap_or(u32::MAX));
    let left = session.remaining();
    (needed > left).then_some(Refusal::TooLate { needed_ms: needed.as_millis(), left_ms: left.as_millis() })
}

/// Carries the plan out, as far as it goes. `before` is the role that the plan was made for.
pub async fn run(session: &Session, plan: &Plan, before: Option<&Role>, journal: &Journal) -> Applied {
    journal.begin(plan, before);
    let mut run = Run {
        session,
        journal,
        before,
        begun: Vec::new(),
        records: Vec::new(),
        gone: Vec::new(),
        created: None,
        forward_only: false,
    };
    let outcome = run.all(&plan.steps).await;
    journal.end(&outcome);
    Applied { outcome, steps: run.records, gone: run.gone }
}

/// A repair under way.
struct Run<'a> {
    session: &'a Session,
    journal: &'a Journal,
    before: Option<&'a Role>,
    /// Steps that may have had an effect, each with the place of its record.
    begun: Vec<(Step, usize)>,
    records: Vec<StepRecord>,
    gone: Vec<PolicyRef>,
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
        if matches!(step, Step::Delete { .. }) {
            self.look_again().await?;
        }
        self.carry_out(step).await
    }

    fn check_time(&self, rest: &[Step]) -> Result<(), Stop> {
        let writes = rest.len() + undo_calls(rest) + self.begun.len();
        lacks_time(self.session, writes).map_or(Ok(()), |refusal| Err(Stop::Refused(refusal)))
    }

    /// The last look before the deletion. A role that is gone meanwhile needs no protection, only a new one.
    async fn look_again(&self) -> Result<(), Stop> {
        let now = observe::role(self.session)
            .await
            .map_err(|error| Stop::Failed(Cause { text: chain(&error), may_pass: error.may_pass() }))?;
        let change = match (self.before, now.present()) {
            (Some(before), Some(now)) => changed(before, now),
            (None, _) | (_, None) => None,
        };
        change.map_or(Ok(()), |what| Err(Stop::Refused(Refusal::Changed(what))))
    }

    /// Takes back what was done, last first.
    async fn back(&mut self, stop: Stop) -> Outcome {
        let mut failure = None;
        for (step, index) in std::mem::take(&mut self.begun).into_iter().rev() {
            match self.take_back(&step).await {
                Ok(()) => self.mark_undone(index),
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
                Some(role_id) => self.undo(&Step::Delete { role_id }).await,
                None if settled::is_missing(self.session).await => Ok(()),
                None => Err(Stop::unknown_origin()),
            },
            Undo::ForwardOnly | Undo::Nothing => Ok(()),
        }
    }

    fn mark_undone(&mut self, index: usize) {
        if let Some(record) = self.records.get_mut(index) {
            record.result = StepResult::Undone;
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

    fn unknown_origin() -> Self {
        let text = "the role exists, but the reply that would tell whether this run made it was lost: it is left alone";
        Self::Failed(Cause { text: text.to_owned(), may_pass: true })
    }
}

/// What of the role is not as it was, leaving out the policies that were just detached.
fn changed(before: &Role, now: &Role) -> Option<String> {
    let difference = now.difference(before).map(str::to_owned);
    difference.or_else(|| {
        let added = now.policies.difference(&before.policies).next()?;
        Some(format!("policy `{}` was attached", foreign(&added.to_string())))
    })
}
