//! Whether the platform must count a run as failed: because trying again can help, or nobody would notice otherwise.

use super::{AccountReport, Report, Status, TriggerKind};

/// What the platform is told about a run that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In the manner of a type name.
    pub error_type: &'static str,
    /// In one line.
    pub error_message: String,
}

impl Report {
    /// Why the platform must count the run as failed, if it must. The type is that of the worst account for which it must;
    /// where none is worse than what belongs to no account, it is that one's.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        // A timer drops the answer, and comes again with the same mistake.
        if self.status == Status::Rejected && self.trigger.kind == TriggerKind::Timer {
            return Some(self.mistyped_timer());
        }
        let nothing_judged = self.nothing_judged();
        let failing = self.accounts.iter().filter(|account| self.is_failure(account, nothing_judged));
        let worst = failing.map(|account| account.status).max();
        let worst = worst.max((!self.errors.is_empty()).then_some(Status::Failed))?;
        Some(Failure { error_type: worst.failure_type(), error_message: self.error_message() })
    }

    fn mistyped_timer(&self) -> Failure {
        let name = self.trigger.name.as_deref().map(|name| format!(" `{name}`")).unwrap_or_default();
        let error_message = format!("the event of the timer{name} is rejected: {}", self.error_message());
        Failure { error_type: self.status.failure_type(), error_message }
    }

    fn is_failure(&self, account: &AccountReport, nothing_judged: bool) -> bool {
        match account.status {
            Status::Stuck => true,
            Status::RolledBack => account.may_pass,
            Status::Failed => account.may_pass || nothing_judged,
            Status::Pending => nothing_judged,
            Status::Refused => self.mode.writes(),
            _ => false,
        }
    }

    /// Accounts were to be judged and not a single one could be. Where members were meant, one of them: that the function's
    /// keys work in their own account says nothing about the members.
    fn nothing_judged(&self) -> bool {
        let meant = || self.accounts.iter().filter(|account| account.status != Status::Skipped);
        let is_member = |account: &AccountReport| account.account_id != self.own;
        let members_meant = meant().any(is_member);
        let judged = |account: &AccountReport| !matches!(account.status, Status::Failed | Status::Pending);
        !meant().filter(|account| !members_meant || is_member(account)).any(judged)
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
