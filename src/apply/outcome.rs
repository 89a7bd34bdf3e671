//! How a repair ended, as far as its own calls tell.

use std::collections::BTreeSet;

use authorization::plan::{Step, StepRecord, StepResult};
use authorization::target::PolicyRef;

use super::Run;
use crate::refusal::Refusal;

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
    /// The role that is there now is somebody's, and nothing was put onto it.
    Stranger(String),
}

impl Outcome {
    /// Why it did not go through, in words.
    #[must_use]
    pub fn cause(&self) -> Option<String> {
        match self {
            Self::Applied => None,
            Self::RolledBack(cause) | Self::Stuck(cause) => Some(cause.text.clone()),
            Self::Refused(refusal) => Some(refusal.to_string()),
            Self::Stranger(text) => Some(text.clone()),
        }
    }

    /// Whether the next run may succeed without anybody doing anything.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::RolledBack(cause) | Self::Stuck(cause) => cause.may_pass,
            Self::Applied | Self::Refused(_) | Self::Stranger(_) => false,
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
    /// What became of each step, in the order of the plan.
    pub steps: Vec<StepRecord>,
    /// Policies that were attached, to whatever role bore the name.
    pub(crate) attached: BTreeSet<PolicyRef>,
    /// Whether a role was made, or was there already.
    pub(crate) has_created: bool,
    /// Whether the old role was deleted.
    pub(crate) has_deleted: bool,
    /// Whether something was taken away, or may have been.
    pub(crate) has_taken_away: bool,
}

impl Applied {
    pub(super) fn new(outcome: Outcome, run: Run<'_, '_>) -> Self {
        let records = || run.items.iter().filter_map(|item| Some((&item.step, item.record.as_ref()?)));
        let taken = |record: &StepRecord| matches!(record.result, StepResult::Done | StepResult::Unknown);
        Self {
            outcome,
            has_created: records().any(|(step, record)| matches!(step, Step::Create { .. }) && record.holds()),
            has_deleted: records().any(|(step, record)| matches!(step, Step::Delete { .. }) && record.holds()),
            has_taken_away: records().any(|(step, record)| step.takes_away() && taken(record)),
            attached: run.attached,
            steps: run.items.into_iter().filter_map(|item| item.record).chain(run.undone).collect(),
        }
    }

    /// With what a further round did.
    pub(crate) fn then(self, next: Self) -> Self {
        Self {
            outcome: next.outcome,
            steps: self.steps.into_iter().chain(next.steps).collect(),
            attached: self.attached.into_iter().chain(next.attached).collect(),
            has_created: self.has_created || next.has_created,
            has_deleted: self.has_deleted || next.has_deleted,
            has_taken_away: self.has_taken_away || next.has_taken_away,
        }
    }
}
