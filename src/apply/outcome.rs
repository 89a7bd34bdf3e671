//! How a repair ended, as far as its own calls tell.

use std::collections::BTreeSet;

use authorization::plan::{Step, StepRecord, StepResult};
use authorization::record::Illegal;
use authorization::target::PolicyRef;
use authorization::text::chain;

use super::Run;
use crate::refusal::Refusal;

/// How a repair ended, as far as its own calls tell. Only a second look can confirm it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) enum Outcome {
    /// Every step that can be done is done.
    Applied,
    /// It ended before there was no way back, and what was done is taken back. Of a role that is somebody's nothing is taken
    /// back: nothing was put onto it.
    RolledBack(Cause),
    /// A step failed and could not be taken back.
    Stuck(Cause),
}

impl Outcome {
    pub(crate) fn cause(&self) -> Option<&Cause> {
        match self {
            Self::Applied => None,
            Self::RolledBack(cause) | Self::Stuck(cause) => Some(cause),
        }
    }
}

/// Why a repair did not go through. The report has the sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Cause {
    Call {
        error: String,
        may_pass: bool,
    },
    /// The role could not be looked at before something was put back.
    Unseen {
        error: String,
        may_pass: bool,
    },
    /// The guard does not go on.
    Refused(Refusal),
    /// The role that is there now is somebody's; this is its id.
    Stranger(String),
    /// Somebody deleted the role.
    Deleted,
    /// The reply that would tell whether this run made the role was lost.
    UnknownOrigin,
    /// A mistake of this program.
    Illegal(Illegal),
}

impl From<Refusal> for Cause {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Illegal> for Cause {
    fn from(illegal: Illegal) -> Self {
        Self::Illegal(illegal)
    }
}

impl From<aliyun::Error> for Cause {
    fn from(error: aliyun::Error) -> Self {
        Self::Call { error: chain(&error), may_pass: error.kind.may_pass() }
    }
}

impl Cause {
    /// Whether the next run may succeed without anybody doing anything.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Call { may_pass, .. } | Self::Unseen { may_pass, .. } => *may_pass,
            Self::UnknownOrigin => true,
            Self::Refused(_) | Self::Stranger(_) | Self::Deleted | Self::Illegal(_) => false,
        }
    }
}

/// What a repair left behind.
#[derive(Debug)]
#[must_use]
pub(crate) struct Applied {
    pub(crate) outcome: Outcome,
    /// In the order of the plan.
    pub(crate) steps: Vec<StepRecord>,
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
