//! Why the guard does not start, or stopped before the deletion and put everything back.

use super::PlanId;
use crate::target::AccountId;

/// Why the guard does not start, or stopped before the deletion and put everything back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The role belongs to a service.
    #[error("the role is service-linked: it is not ours to change; ask who made it")]
    ServiceLinked,
    /// The role holds an administrator's policy.
    #[error(
        "the role holds the privileged system policy `{0}`, which the guard never attaches: detach it by hand if it does not belong there, then run again"
    )]
    Privileged(String),
    /// What was detached would not all fit back.
    #[error(
        "the role holds {0} system policies and `AliyunDTSRolePolicy` is not among them; the cloud allows 20, so not all of them could be attached again: detach one that is not needed, then run again"
    )]
    NoRoom(usize),
    /// The trust policy holds what the guard does not understand.
    #[error(
        "the trust policy holds fragments that the guard does not understand (finding `trust-unreadable`), and it does not delete what it could not read: read it, then approve this very plan with its `planId`"
    )]
    UnreadableTrust,
    /// A policy would be attached to a role that others may assume.
    #[error(
        "others may assume the role ({0}), and `AliyunDTSRolePolicy` would give them its permissions: remove them from the trust policy, or approve this very plan with its `planId`"
    )]
    OthersMayAssume(String),
    /// The tags could not be read.
    #[error("the role's tags cannot be read, so they could not be brought back: {0}")]
    UnreadableTags(String),
    /// The trust policy cannot be extended.
    #[error("strategy `in-place` cannot mend this trust policy: {0}; mend it by hand or use strategy `recreate`")]
    InPlace(String),
    /// A repair needs a person's word.
    #[error(
        "`DTS_GUARD_APPROVAL` is `required`: invoke again with `{{\"mode\":\"remediate\",\"planId\":\"{0}\"}}` to carry out this plan"
    )]
    ApprovalRequired(PlanId),
    /// The role is not in the state that was approved.
    #[error(
        "the approved plan is another one: the role, the record or the settings changed since; look at the new plan `{0}` and approve that"
    )]
    OtherPlan(PlanId),
    /// A person approved a plan, and there is nothing left to plan.
    #[error(
        "the approved plan is carried out, and the role is still broken: look at the new plan `{0}` and approve that"
    )]
    NextPlan(PlanId),
    /// The keys belong to another account.
    #[error("the keys belong to account `{keys}`, not to the target's account `{target}`: nothing is written")]
    OtherAccount {
        /// The keys' account.
        keys: String,
        /// The target's account.
        target: AccountId,
    },
    /// The keys belong to the role itself.
    #[error(
        "the guard's own role is `AliyunDTSDefaultRole`: deleting it would lock the guard out; give the function a role of its own"
    )]
    OwnRole,
    /// The invocation ends too soon.
    #[error(
        "too little time is left: {needed_ms} ms are needed for the repair and its undo, {left_ms} ms are left; raise the function's timeout"
    )]
    TooLate {
        /// Milliseconds that the rest of the plan and its undo take.
        needed_ms: u128,
        /// Milliseconds left.
        left_ms: u128,
    },
    /// No record can be kept.
    #[error(
        "the journal folder cannot be used ({0}), and nothing is written without a record: mend the folder, or set `DTS_GUARD_JOURNAL_DIR` to another one (`off`: the log only)"
    )]
    Journal(String),
    /// What is on record is no order without a person's word.
    #[error(
        "an unfinished repair is on record, and it is only carried out with a person's word ({why}): look what is left of it with mode `plan` and approve that with its `planId`; to give it up: dts-role-guard clear --account {account} --unfinished"
    )]
    RecordInDoubt {
        /// Why.
        why: Doubt,
        /// Whose role it is.
        account: AccountId,
    },
    /// A write that must succeed after the deletion would not.
    #[error(
        "the role could be deleted but not be made again as it was: {0}; nothing was taken away. Grant what is missing, then run again"
    )]
    Rehearsal(String),
    /// Another run has this role in hand.
    #[error("another run {0}: this one stopped, and put back what it had taken away; no action is needed")]
    AnotherRun(&'static str),
    /// Repairs do not last.
    #[error(
        "the role was repaired {times} times within 24 hours (last at {last}) and broke again: something else changes it, and the guard does not fight it; find out what does, then run `dts-role-guard clear --account {account}`"
    )]
    TooManyAttempts {
        /// How often.
        times: usize,
        /// When last.
        last: String,
        /// Whose role it is.
        account: AccountId,
    },
    /// Somebody changed the role meanwhile.
    #[error(
        "the role changed between the look and the deletion ({0}): nothing was deleted; find out who is changing it, then run again"
    )]
    Changed(String),
    /// Somebody put another role in its place.
    #[error("{0}; nothing was attached to it: find out whose it is")]
    Stranger(String),
}

impl Refusal {
    /// Whether a person who approves this very plan lifts it.
    #[must_use]
    pub fn can_be_approved(&self) -> bool {
        match self {
            Self::UnreadableTrust
            | Self::OthersMayAssume(_)
            | Self::ApprovalRequired(_)
            | Self::RecordInDoubt { .. } => true,
            Self::ServiceLinked
            | Self::Privileged(_)
            | Self::NoRoom(_)
            | Self::UnreadableTags(_)
            | Self::InPlace(_)
            | Self::OtherPlan(_)
            | Self::NextPlan(_)
            | Self::OtherAccount { .. }
            | Self::OwnRole
            | Self::TooLate { .. }
            | Self::Journal(_)
            | Self::Rehearsal(_)
            | Self::AnotherRun(_)
            | Self::TooManyAttempts { .. }
            | Self::Changed(_)
            | Self::Stranger(_) => false,
        }
    }

    /// Whether nothing that anybody approves makes the guard begin: such a plan has no steps to show.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::ServiceLinked | Self::Privileged(_) | Self::NoRoom(_))
    }
}

/// Why a person has to approve what a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Doubt {
    /// A repair needs a person's word, and so does what somebody wrote about one.
    #[error("`DTS_GUARD_APPROVAL` is `required`, and the record is not signed")]
    Approval,
    /// It is older than a day, or of tomorrow.
    #[error("the record is not signed and not of the last 24 hours")]
    Age,
    /// What it watches over it would watch for longer than any run lives.
    #[error("the record is not signed and watches over the role for more than 24 hours")]
    Watch,
}
