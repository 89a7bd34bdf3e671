//! How a repair ended, as far as its own calls tell.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::plan::{Refusal, Step};
use crate::target::PolicyRef;

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
    /// It was left out: it cannot be done, or must not be.
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
    /// Milliseconds from the first try to the last reply, with everything that was waited for between them.
    pub duration_ms: u64,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
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
            started_ms: None,
            duration_ms: 0,
            error: None,
        }
    }

    /// A step that needed no call.
    pub(super) fn without_call(step: &Step, result: StepResult) -> Self {
        Self { result, ..Self::planned(step) }
    }

    /// Whether it had its effect, or it was so.
    #[must_use]
    pub fn holds(&self) -> bool {
        matches!(self.result, StepResult::Done | StepResult::Already)
    }

    /// Whether it is a creation that had its effect.
    pub(crate) fn has_created(&self) -> bool {
        self.action == "CreateRole" && self.holds()
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
}

impl Applied {
    /// With what a further round did.
    pub(crate) fn then(self, next: Self) -> Self {
        let steps = self.steps.into_iter().chain(next.steps).collect();
        let attached = self.attached.into_iter().chain(next.attached).collect();
        Self { outcome: next.outcome, steps, attached }
    }
}
