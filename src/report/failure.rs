//! Whether the platform must count a run as failed: because trying again can help, or nobody would notice otherwise.

use super::{AccountReport, CallError, Report, Status, Summary};

/// What the platform is told about a run that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// In the manner of a type name.
    pub error_type: &'static str,
    /// In one line.
    pub error_message: String,
}

impl Report {
    /// Why the platform must count the run as failed, if it must. The worst account says it; where no account is worse,
    /// what belongs to no account does.
    #[must_use]
    pub fn failure(&self) -> Option<Failure> {
        let accounts = self.accounts.iter().filter(|account| self.is_failure(account));
        let worst = accounts.max_by_key(|account| account.status);
        let error = self.errors.first();
        match worst.filter(|worst| error.is_none() || worst.status > Status::Failed) {
            Some(worst) => Some(Failure::of_account(worst)),
            None => error.map(Failure::of_run),
        }
    }

    fn is_failure(&self, account: &AccountReport) -> bool {
        match account.status {
            Status::Stuck => true,
            Status::RolledBack => account.may_pass,
            Status::Failed => account.may_pass || self.nothing_judged(),
            Status::Pending => self.nothing_judged(),
            Status::Refused => self.mode.writes(),
            _ => false,
        }
    }

    /// Accounts were to be judged and not a single one could be.
    fn nothing_judged(&self) -> bool {
        let Summary { accounts, failed, pending, skipped, .. } = self.summary;
        accounts == failed + pending + skipped
    }
}

impl Failure {
    fn of_account(worst: &AccountReport) -> Self {
        let why = worst.next.as_deref().unwrap_or("see the report");
        let account = worst.account_id.as_ref().map_or("unknown", |id| id.as_str());
        let error_message = format!("account {account}: {}: {why}", worst.status.word());
        Self { error_type: worst.status.failure_type(), error_message }
    }

    fn of_run(error: &CallError) -> Self {
        Self { error_type: Status::Failed.failure_type(), error_message: error.to_string() }
    }
}

impl Status {
    fn failure_type(self) -> &'static str {
        match self {
            Self::Stuck => "Stuck",
            Self::RolledBack => "RolledBack",
            Self::Refused => "Refused",
            Self::Pending => "Pending",
            _ => "Failed",
        }
    }
}
