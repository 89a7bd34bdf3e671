//! Why the guard does not start, or stopped before the deletion and put everything back. The report has the sentences.

use authorization::plan::{PlanId, Unplannable};
use authorization::record::TooManyRepairs;
use authorization::target::AccountId;

/// Why the guard does not start, or stopped before the deletion and put everything back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The role itself forbids the plan.
    Plan(Unplannable),
    /// A repair needs a person's approval.
    ApprovalRequired(PlanId),
    /// The role is not in the state that was approved.
    OtherPlan(PlanId),
    /// What a person approved is done, and the role is still broken.
    NextPlan(PlanId),
    /// The keys belong to another account, and to which.
    OtherAccount { keys: String, target: AccountId },
    /// The keys belong to the role itself.
    OwnRole,
    /// The invocation ends before the rest of the plan and its undo would be done.
    TooLate { needed_ms: u128, left_ms: u128 },
    /// No record can be kept, and why.
    Journal(String),
    /// What is on record is not carried out without a person's approval.
    RecordInDoubt { why: Doubt, account: AccountId },
    /// A write that must succeed after the deletion would not, and why.
    Rehearsal(String),
    /// Another run works on this role, and what it did.
    AnotherRun(&'static str),
    /// Repairs do not last.
    TooManyAttempts { times: TooManyRepairs, account: AccountId },
    /// Somebody changed the role meanwhile, and what of it.
    Changed(String),
}

impl Refusal {
    /// Whether a person who approves this very plan lifts it.
    pub(crate) fn can_be_approved(&self) -> bool {
        match self {
            Self::Plan(why) => why.can_be_approved(),
            Self::ApprovalRequired(_) | Self::RecordInDoubt { .. } => true,
            Self::OtherPlan(_)
            | Self::NextPlan(_)
            | Self::OtherAccount { .. }
            | Self::OwnRole
            | Self::TooLate { .. }
            | Self::Journal(_)
            | Self::Rehearsal(_)
            | Self::AnotherRun(_)
            | Self::TooManyAttempts { .. }
            | Self::Changed(_) => false,
        }
    }
}

impl std::error::Error for Refusal {}

/// Why nothing was forgotten.
#[derive(Debug)]
pub(crate) enum NotCleared {
    /// Nothing is kept that could be forgotten.
    NoFolder,
    /// Most likely a typing mistake.
    NoRecord(AccountId),
    /// Another run repairs in this very process.
    Busy,
    /// The folder or another run stands in the way.
    Refused(Refusal),
}

impl std::error::Error for NotCleared {}

impl From<Refusal> for NotCleared {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Why a person has to approve what a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doubt {
    /// A repair needs a person's approval, and so does what somebody wrote about one.
    Approval,
    /// It is older than a day, or of tomorrow.
    Age,
    /// What it watches over it would watch for longer than any run lives.
    Watch,
}
