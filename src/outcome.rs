//! What became of one account's role, as data: what was seen and done, and how it ended. The report makes lines and sentences
//! of it, nobody else.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::time::Duration;

use aliyun::Error;
use authorization::plan::{Difference, PlanId, StepRecord};
use authorization::role::{ObservedRole, RoleView};
use authorization::target::{AccountId, RoleName};
use authorization::text::{chain, sanitized};
use authorization::verify::Finding;
use serde::{Deserialize, Serialize};

use crate::apply::Cause;
use crate::members::{AccessDenied, FolderId};
use crate::observe::LookError;
use crate::refusal::{NotCleared, Refusal};

/// What became of one account's role.
#[derive(Debug)]
#[must_use]
pub struct AccountOutcome {
    /// `None` only where the keys' own account could not be found out.
    pub(crate) account: Option<AccountId>,
    /// Why it was looked at, where an event says it.
    pub(crate) reason: Option<String>,
    pub(crate) findings: Vec<Finding>,
    pub(crate) plan: Option<PlanId>,
    /// The role as it was found.
    pub(crate) before: Option<Box<RoleView>>,
    /// What was done, or would be.
    pub(crate) steps: Vec<StepRecord>,
    /// What the second look saw.
    pub(crate) after: Option<Box<RoleView>>,
    pub(crate) residual: Vec<Finding>,
    /// How long the work in it took, both phases of a run over many accounts together.
    pub(crate) took: Duration,
    pub(crate) ending: Ending,
}

/// How the work on one account ended.
#[derive(Debug)]
pub(crate) enum Ending {
    /// The role was looked at, and nothing was written. Its findings tell whether it is authorized or drifted.
    Judged(Option<Advice>),
    /// Authorized, as one of thousands: no more is kept of it than its findings.
    InOrder,
    /// It was repaired, and a second look confirmed it.
    Remediated,
    /// The repair failed, and the role is as it was.
    RolledBack(Cause),
    /// The guard did not begin, or put everything back before the deletion.
    Refused(Refused),
    Stuck {
        why: Stuck,
        role: RoleName,
        left: Box<Difference>,
    },
    /// A panic, which is a mistake of this program, in a run that may have written.
    Panicked,
    /// It could not be found out, and nothing was written.
    Failed(Failed),
    /// Not reached, or not finished: the next run does it.
    Pending(Pending),
    /// Left alone.
    Skipped(Skipped),
}

/// What a person can do about a role that was only looked at.
#[derive(Debug)]
pub(crate) enum Advice {
    /// Mode `remediate` repairs it.
    Repair {
        /// Whether there is a role that would have to be deleted.
        exists: bool,
        /// Whom the new role will not know, where a plan says it.
        loses: BTreeSet<String>,
    },
    /// Mode `remediate` would not begin.
    WouldRefuse { why: Refusal, loses: BTreeSet<String> },
    /// Mode `remediate` would finish what an earlier run left behind.
    WouldFinish,
    /// Mode `remediate` would leave a role of unknown origin alone.
    WouldLeaveAlone,
    /// The brake would hold the repair back.
    WouldHoldBack,
}

/// Why the guard did not begin, or put everything back.
#[derive(Debug)]
pub(crate) enum Refused {
    /// A reason of this account; and whom the new role would not know, where a person can approve the plan.
    For { why: Refusal, loses: BTreeSet<String> },
    /// Another role has taken the place of the one that was looked at; this is its id.
    Stranger(String),
    /// The brake holds the repair back.
    HeldBack,
    /// Nothing was forgotten.
    NotCleared(NotCleared),
}

/// Why a person must finish a repair.
#[derive(Debug)]
pub(crate) enum Stuck {
    /// Not everything that was written shows. `again`: the next run finishes what is on record.
    Unfinished { cause: Option<Cause>, again: bool },
    /// The look afterwards failed, with this error.
    Unseen { cause: Option<Cause>, error: String, again: bool },
    /// Another role has taken the place of the one that was looked at.
    Stranger {
        /// Where that showed, if before the second look.
        cause: Option<Cause>,
        /// What was attached to it by name and taken off again.
        taken_off: Vec<String>,
        /// What the old role had.
        had: String,
    },
    /// The unfinished repair does not know the role that is there.
    Unknown { account: AccountId, had: String },
}

/// Why it could not be found out. `may_pass`: the next run may succeed without anybody doing anything.
#[derive(Debug)]
pub(crate) enum Failed {
    Call {
        error: CallError,
        may_pass: bool,
    },
    /// A call to the directory failed, and what to do about it is known.
    Directory {
        error: CallError,
        advice: String,
        may_pass: bool,
    },
    AccessDenied(AccessDenied),
    /// The accounts of the run could not be found out.
    NotBegun {
        may_pass: bool,
    },
    /// A panic, which is a mistake of this program, in a run that does not write.
    Panicked,
}

/// What kept the run from an account.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pending {
    /// Too little time was left to look.
    TooLate,
    /// The run was stopped before the look.
    Stopped,
    /// Another run may write, and did not end in time.
    Behind,
    /// Broken, and too little time was left to repair it.
    TooLateToRepair,
    /// Broken, and the run was stopped before the repair.
    StoppedBeforeRepair,
}

/// Why an account was left alone.
#[derive(Debug)]
pub(crate) enum Skipped {
    /// The settings leave it alone, and why.
    LeftAlone(String),
    /// It is below a folder that the settings leave alone.
    InFolder(FolderId),
    /// The directory does not count it among its active members; the directory's word for it.
    NotActive(String),
    /// It left the directory during the run.
    Left,
    /// Only its record was cleared, and what of it.
    Cleared(String),
}

impl AccountOutcome {
    /// An account that no look came to.
    pub(crate) fn new(account: Option<AccountId>, ending: Ending) -> Self {
        Self {
            account,
            reason: None,
            findings: Vec::new(),
            plan: None,
            before: None,
            steps: Vec::new(),
            after: None,
            residual: Vec::new(),
            took: Duration::ZERO,
            ending,
        }
    }

    /// An account whose role was looked at.
    pub(crate) fn judged(account: AccountId, observed: &ObservedRole, findings: Vec<Finding>) -> Self {
        let repair = Advice::Repair { exists: observed.present().is_some(), loses: BTreeSet::new() };
        let advice = findings.iter().any(Finding::failed).then_some(repair);
        let before = RoleView::of(observed.present(), None);
        Self { findings, before, ..Self::new(Some(account), Ending::Judged(advice)) }
    }

    /// The same, of which no more is kept than what thousands of accounts in order need.
    pub(crate) fn brief(self) -> Self {
        Self { findings: self.findings, ..Self::new(self.account, Ending::InOrder) }
    }

    /// The same account, which ended in another way.
    pub(crate) fn ending(self, ending: Ending) -> Self {
        Self { ending, ..self }
    }

    /// The word for it in the report.
    pub fn status(&self) -> Status {
        match &self.ending {
            Ending::Judged(_) if self.findings.iter().any(Finding::failed) => Status::Drifted,
            Ending::Judged(_) | Ending::InOrder => Status::Authorized,
            Ending::Remediated => Status::Remediated,
            Ending::RolledBack(_) => Status::RolledBack,
            Ending::Refused(_) => Status::Refused,
            Ending::Stuck { .. } | Ending::Panicked => Status::Stuck,
            Ending::Failed(_) => Status::Failed,
            Ending::Pending(_) => Status::Pending,
            Ending::Skipped(_) => Status::Skipped,
        }
    }

    /// Whether what went wrong may pass without anybody doing anything.
    pub(crate) fn may_pass(&self) -> bool {
        match &self.ending {
            Ending::RolledBack(cause) => cause.may_pass(),
            Ending::Failed(why) => why.may_pass(),
            Ending::Judged(_)
            | Ending::InOrder
            | Ending::Remediated
            | Ending::Refused(_)
            | Ending::Stuck { .. }
            | Ending::Panicked
            | Ending::Pending(_)
            | Ending::Skipped(_) => false,
        }
    }

    /// The plan that `remediate` would carry out, if nobody but a person stands in its way.
    pub(crate) fn approvable(&self) -> Option<(AccountId, PlanId)> {
        let is_held = match &self.ending {
            Ending::Judged(Some(Advice::WouldRefuse { why, .. })) => !why.can_be_approved(),
            Ending::Judged(Some(Advice::WouldHoldBack)) => true,
            _ => false,
        };
        Some((self.account.clone()?, self.plan.clone()?)).filter(|_| !is_held)
    }
}

impl Failed {
    fn may_pass(&self) -> bool {
        match self {
            Self::Call { may_pass, .. } | Self::Directory { may_pass, .. } | Self::NotBegun { may_pass } => *may_pass,
            Self::AccessDenied(denied) => denied.may_pass(),
            Self::Panicked => false,
        }
    }
}

impl From<Refusal> for Ending {
    fn from(why: Refusal) -> Self {
        Self::Refused(Refused::For { why, loses: BTreeSet::new() })
    }
}

impl From<&aliyun::Error> for Ending {
    fn from(error: &aliyun::Error) -> Self {
        Self::Failed(Failed::Call { error: error.into(), may_pass: error.kind.may_pass() })
    }
}

/// What became of an account, or of a run. The order is from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Status {
    /// The event is not for the guard.
    Ignored,
    /// The event is not understood or not allowed.
    Rejected,
    /// Left alone by the settings.
    Skipped,
    /// All conditions held; nothing was written.
    Authorized,
    /// It was repaired, and a second look confirmed it.
    Remediated,
    /// Not reached before the deadline.
    Pending,
    /// A condition failed and the mode allows no write.
    Drifted,
    /// The guard would not start, or put everything back before the deletion.
    Refused,
    /// A repair failed, and the role is as it was.
    RolledBack,
    /// Could not find out; nothing was written.
    Failed,
    /// A person must finish it.
    Stuck,
}

impl Status {
    /// The word in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ignored => "ignored",
            Self::Rejected => "rejected",
            Self::Skipped => "skipped",
            Self::Authorized => "authorized",
            Self::Remediated => "remediated",
            Self::Pending => "pending",
            Self::Drifted => "drifted",
            Self::Refused => "refused",
            Self::RolledBack => "rolledBack",
            Self::Failed => "failed",
            Self::Stuck => "stuck",
        }
    }
}

/// A cloud call that kept us from finding out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallError {
    pub(crate) operation: Cow<'static, str>,
    pub(crate) code: Option<String>,
    message: String,
    request_id: Option<String>,
}

impl From<&Error> for CallError {
    fn from(error: &Error) -> Self {
        Self {
            operation: error.operation.into(),
            code: error.code.as_deref().map(sanitized),
            message: chain(error),
            request_id: error.request_id.as_deref().map(sanitized),
        }
    }
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl CallError {
    /// The same call, with more to say about it.
    pub(crate) fn saying(self, message: String) -> Self {
        Self { message, ..self }
    }

    /// What went wrong beside the cloud's own errors.
    pub(crate) fn of_reply(operation: &'static str, message: String) -> Self {
        Self { operation: operation.into(), code: None, message, request_id: None }
    }
}

impl From<&LookError> for CallError {
    fn from(error: &LookError) -> Self {
        match error {
            LookError::Call(error) => error.into(),
            LookError::Disagree => Self::of_reply("GetRole", error.to_string()),
        }
    }
}
