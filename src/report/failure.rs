//! Whether the platform must count a run as failed: because trying again can help, or nobody would notice otherwise.

use authorization::settings::Mode;
use authorization::target::AccountId;

use super::{CallError, Report, Status, TriggerKind};
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
    // Accounts were to be judged and not a single one could be. Where members were meant, one of them: that the function's
    // keys work in their own account says nothing about the members.
    let meant = || outcomes.iter().filter(|outcome| outcome.status() != Status::Skipped);
    let is_member = |outcome: &AccountOutcome| outcome.account.as_ref() != own;
    let members_meant = meant().any(is_member);
    let judged = |outcome: &AccountOutcome| !matches!(outcome.status(), Status::Failed | Status::Pending);
    let nothing_judged = !meant().filter(|outcome| !members_meant || is_member(outcome)).any(judged);
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

impl Report {
    /// The failure of a run whose worst is `status`.
    pub(super) fn failed(&self, status: Status) -> Failure {
        let error_type = match status {
            Status::Stuck => "Stuck",
            Status::RolledBack => "RolledBack",
            Status::Refused => "Refused",
            Status::Pending => "Pending",
            Status::Rejected => "Rejected",
            _ => "Failed",
        };
        Failure { error_type, error_message: self.error_message() }
    }

    /// A timer drops the answer, and comes again with the same mistake.
    pub(super) fn mistyped_timer(&self) -> Option<Failure> {
        let name = self.trigger.name.as_deref().map(|name| format!(" `{name}`")).unwrap_or_default();
        let Failure { error_type, error_message } = self.failed(Status::Rejected);
        let error_message = format!("the event of the timer{name} is rejected: {error_message}");
        (self.trigger.kind == TriggerKind::Timer).then_some(Failure { error_type, error_message })
    }

    /// Every status with its count, what holds for the whole run, and the most urgent account.
    fn error_message(&self) -> String {
        let mut statuses: Vec<_> = self.accounts.iter().map(|account| account.status).collect();
        statuses.sort_unstable_by(|one, other| other.cmp(one));
        let counted = statuses.chunk_by(|one, other| one == other);
        let counts: Vec<_> =
            counted.filter_map(|same| Some(format!("{} {}", same.len(), same.first()?.as_str()))).collect();
        let run = self.errors.iter().map(ToString::to_string).chain(self.reason.clone());
        // Nothing is to be done about the others.
        let worst = statuses.first().filter(|worst| **worst > Status::Remediated);
        let urgent = self.accounts.iter().find(|account| Some(&account.status) == worst).map(|account| {
            let why = account.next.as_deref().unwrap_or("see the report");
            format!("account {}: {}: {why}", account.id_or("unknown"), account.status.as_str())
        });
        let counts = Some(counts.join(", ")).filter(|counts| !counts.is_empty());
        counts.into_iter().chain(run).chain(urgent).collect::<Vec<_>>().join("; ")
    }
}
