//! Whether the platform must count a run as failed: because trying again can help, or nobody would notice otherwise.

use authorization::settings::Mode;
use authorization::target::AccountId;

use super::{AccountReport, CallError, Report, Status, TriggerKind};
use crate::outcome::AccountOutcome;

/// What the platform is told about a run that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In the manner of a type name.
    pub error_type: &'static str,
    /// In one line.
    pub error_message: String,
}

/// The worst of what must be noticed: of the accounts, and of what belongs to no account.
pub(super) fn worst(
    outcomes: &[AccountOutcome],
    errors: &[CallError],
    own: Option<&AccountId>,
    mode: Mode,
) -> Option<Status> {
    let nothing_judged = nothing_judged(outcomes, own);
    let failing = outcomes.iter().filter(|outcome| match outcome.status() {
        Status::Stuck => true,
        Status::RolledBack => outcome.may_pass(),
        Status::Failed => outcome.may_pass() || nothing_judged,
        Status::Pending => nothing_judged,
        Status::Refused => mode.writes(),
        _ => false,
    });
    failing.map(AccountOutcome::status).max().max((!errors.is_empty()).then_some(Status::Failed))
}

/// Accounts were to be judged and not a single one could be. Where members were meant, one of them: that the function's keys
/// work in their own account says nothing about the members.
fn nothing_judged(outcomes: &[AccountOutcome], own: Option<&AccountId>) -> bool {
    let meant = || outcomes.iter().filter(|outcome| outcome.status() != Status::Skipped);
    let is_member = |outcome: &AccountOutcome| outcome.account.as_ref() != own;
    let members_meant = meant().any(is_member);
    let judged = |outcome: &AccountOutcome| !matches!(outcome.status(), Status::Failed | Status::Pending);
    !meant().filter(|outcome| !members_meant || is_member(outcome)).any(judged)
}

impl Report {
    /// The failure of a run whose worst is `status`.
    pub(super) fn failed(&self, status: Status) -> Failure {
        Failure { error_type: status.failure_type(), error_message: self.error_message() }
    }

    /// A timer drops the answer, and comes again with the same mistake.
    pub(super) fn mistyped_timer(&self) -> Option<Failure> {
        let name = self.trigger.name.as_deref().map(|name| format!(" `{name}`")).unwrap_or_default();
        let error_message = format!("the event of the timer{name} is rejected: {}", self.error_message());
        let failure = Failure { error_type: self.status.failure_type(), error_message };
        (self.trigger.kind == TriggerKind::Timer).then_some(failure)
    }

    /// Every status with its count, what holds for the whole run, and the most urgent account.
    fn error_message(&self) -> String {
        let mut statuses: Vec<_> = self.accounts.iter().map(|account| account.status).collect();
        statuses.sort_unstable_by(|one, other| other.cmp(one));
        let counted = statuses.chunk_by(|one, other| one == other);
        let counts: Vec<_> =
            counted.filter_map(|same| Some(format!("{} {}", same.len(), same.first()?.as_str()))).collect();
        let run = self.errors.iter().map(ToString::to_string).chain(self.reason.clone());
        let urgent = self.most_urgent().map(AccountReport::in_one_line);
        let counts = Some(counts.join(", ")).filter(|counts| !counts.is_empty());
        counts.into_iter().chain(run).chain(urgent).collect::<Vec<_>>().join("; ")
    }

    /// The first of those with the worst status, if that is one to do something about.
    fn most_urgent(&self) -> Option<&AccountReport> {
        let worst = self.accounts.iter().map(|account| account.status).max()?;
        let is_urgent = worst > Status::Remediated;
        self.accounts.iter().find(|account| is_urgent && account.status == worst)
    }
}

impl AccountReport {
    fn in_one_line(&self) -> String {
        let account = self.account_id.as_ref().map_or("unknown", |id| id.as_str());
        let why = self.next.as_deref().unwrap_or("see the report");
        format!("account {account}: {}: {why}", self.status.as_str())
    }
}

impl Status {
    fn failure_type(self) -> &'static str {
        match self {
            Self::Stuck => "Stuck",
            Self::RolledBack => "RolledBack",
            Self::Refused => "Refused",
            Self::Pending => "Pending",
            Self::Rejected => "Rejected",
            _ => "Failed",
        }
    }
}
