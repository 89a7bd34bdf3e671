//! A check: its name, what it found, and what to do about it. And the list of those that were made.

use std::time::Duration;

use aliyun::clock::{Clock, SharedClock};
use authorization::text::escaped;
use serde::Serialize;

/// What a check found. The order is from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum CheckStatus {
    /// It was not looked at; the message says why.
    Skipped,
    /// It is as it should be.
    Ok,
    /// The guard works, but not in every case.
    Warning,
    /// The guard does not work, or not as the settings say.
    Failed,
}

impl CheckStatus {
    /// The word in the report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its stable name.
    pub id: String,
    /// What it found.
    pub status: CheckStatus,
    /// The same for a person.
    pub message: String,
    /// What to do about it.
    pub next: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
}

/// What a check found, before it has its name.
pub(super) struct CheckResult {
    pub(super) status: CheckStatus,
    message: String,
    next: Option<String>,
}

impl CheckResult {
    pub(super) fn ok(message: impl Into<String>) -> Self {
        Self { status: CheckStatus::Ok, message: message.into(), next: None }
    }

    pub(super) fn warning(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { status: CheckStatus::Warning, message: message.into(), next: Some(next.into()) }
    }

    pub(super) fn failed(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { status: CheckStatus::Failed, message: message.into(), next: Some(next.into()) }
    }

    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self { status: CheckStatus::Skipped, message: why.into(), next: None }
    }

    pub(super) fn with_next(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }
}

pub(super) struct Checks {
    clock: SharedClock,
    pub(super) made: Vec<Check>,
}

impl Checks {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, made: Vec::new() }
    }

    pub(super) fn put(&mut self, id: impl Into<String>, result: CheckResult) {
        self.put_timed(id, (result, Duration::ZERO));
    }

    pub(super) fn put_timed(&mut self, id: impl Into<String>, (result, took): (CheckResult, Duration)) {
        let CheckResult { status, message, next } = result;
        // The messages also quote what the cloud or a file system says.
        let (message, next) = (escaped(&message), next.map(|next| escaped(&next)));
        let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        self.made.push(Check { id: id.into(), status, message, next, duration_ms });
    }

    pub(super) async fn time<T>(&mut self, id: &str, work: impl Future<Output = (CheckResult, T)>) -> T {
        let ((result, found), took) = timed(&*self.clock, work).await;
        self.put_timed(id, (result, took));
        found
    }

    pub(super) fn skip(&mut self, ids: &[&str], why: &str) {
        for id in ids {
            if self.made.iter().all(|check| check.id != *id) {
                self.put(*id, CheckResult::skipped(why));
            }
        }
    }

    /// A group that ended early says why: what was not made yet is skipped for that reason.
    pub(super) fn close<T>(&mut self, ids: &[&str], group: Result<T, String>) -> Option<T> {
        group.map_err(|why| self.skip(ids, &why)).ok()
    }
}

pub(super) async fn timed<T>(clock: &dyn Clock, work: impl Future<Output = T>) -> (T, Duration) {
    let begin = clock.uptime();
    let done = work.await;
    (done, clock.uptime().saturating_sub(begin))
}
