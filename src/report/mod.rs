//! What a run found and did. The [`Report`] is the model; [`Render`] turns it into a format.
//!
//! Its shape is fixed by `schema/report-v1.json`.

mod account;
mod compact;
mod csv;
mod cut;
mod difference;
mod failure;
mod html;
mod human;
mod log;
mod manual;
mod next;
mod ocsf;
mod question;
mod read;
mod view;

use std::collections::{BTreeMap, HashSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use account::AccountReport;
pub use compact::message as message_for_queues;
pub use csv::Csv;
pub use failure::Failure;
pub use html::Html;
pub use human::Human;
pub(crate) use manual::quote;
use manual::{QUICK_AUTHORIZATION, commands};
pub use ocsf::Ocsf;
pub(crate) use question::Question;
pub use read::{NoReport, read};
pub(crate) use view::Tone;

use authorization::plan::PlanId;
use authorization::settings::{Mode, Strategy};
use authorization::target::AccountId;

use crate::outcome::AccountOutcome;
pub use crate::outcome::{CallError, Status};

/// One of a few words. (`serde` takes a plain reference for a part of what it reads.)
type Word = &'static str;

const SCHEMA: &str = "dts-role-guard/report/v1";

/// Why a run was started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trigger {
    /// What kind of event.
    pub kind: TriggerKind,
    /// The trigger's name, where it has one.
    pub name: Option<String>,
}

/// The kind of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TriggerKind {
    /// A time trigger.
    Timer,
    /// A person or a program that invoked the function, or the terminal.
    Manual,
    /// A record of a change to the role.
    Audit,
    /// A new member account.
    Member,
}

/// A record of a batch that nothing was done about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its place in the batch, from 0.
    pub record: usize,
    /// Why.
    pub reason: String,
}

const LEFT_OUT_LISTED: usize = 100;

/// A batch could name so many that the report would outgrow its reader.
fn shortened(mut left_out: Vec<LeftOut>) -> Vec<LeftOut> {
    let more = left_out.len().saturating_sub(LEFT_OUT_LISTED);
    left_out.truncate(LEFT_OUT_LISTED);
    if more > 0
        && let Some(last) = left_out.last_mut()
    {
        last.reason = format!("{}; {more} more are not listed", last.reason);
    }
    left_out
}

/// How many accounts have which status.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "each field is the status of its name")]
pub struct Summary {
    pub accounts: usize,
    pub authorized: usize,
    pub drifted: usize,
    pub remediated: usize,
    pub rolled_back: usize,
    pub stuck: usize,
    pub refused: usize,
    pub failed: usize,
    pub pending: usize,
    pub skipped: usize,
}

impl Summary {
    fn of(accounts: &[AccountReport]) -> Self {
        let count = |status| accounts.iter().filter(|account| account.status == status).count();
        Self {
            accounts: accounts.len(),
            authorized: count(Status::Authorized),
            drifted: count(Status::Drifted),
            remediated: count(Status::Remediated),
            rolled_back: count(Status::RolledBack),
            stuck: count(Status::Stuck),
            refused: count(Status::Refused),
            failed: count(Status::Failed),
            pending: count(Status::Pending),
            skipped: count(Status::Skipped),
        }
    }
}

/// Where the write-ahead records of repairs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum JournalKind {
    /// In the log only: a later run cannot read them.
    Log,
    /// On the disk of the function's instance, and in the log: gone with the instance.
    Instance,
    /// In a folder, and in the log.
    Folder,
}

/// What a run is called and how it was started.
#[derive(Debug, Clone)]
pub(crate) struct Run {
    pub(crate) journal: JournalKind,
    /// The platform's id of the request, or a made-up one.
    pub(crate) request_id: String,
    pub(crate) trigger: Trigger,
    pub(crate) mode: Mode,
    pub(crate) strategy: Strategy,
    pub(crate) started_at: Timestamp,
    pub(crate) duration: std::time::Duration,
}

/// What a run found and did.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct Report {
    #[serde(deserialize_with = "read::schema")]
    schema: Word,
    /// The worst of the accounts, or `ignored` or `rejected`.
    pub status: Status,
    request_id: String,
    trigger: Trigger,
    mode: Mode,
    strategy: Strategy,
    started_at: String,
    duration_ms: u64,
    journal: JournalKind,
    /// Counts.
    pub summary: Summary,
    /// Each account once.
    pub accounts: Vec<AccountReport>,
    /// So many accounts are left out, since they did not fit.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub truncated: usize,
    /// What belongs to no account, such as a failure to list the members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<CallError>,
    /// Why an event was ignored or rejected, or what holds for the whole run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Records of a batch that nothing was done about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<LeftOut>,
    /// A right event, for one that was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
    /// Why the platform must count the run as failed, if it must.
    #[serde(skip)]
    failure: Option<Failure>,
    /// The plans that a person may approve: each would be carried out then.
    #[serde(skip)]
    pub(crate) approvable: BTreeMap<AccountId, PlanId>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A report as text.
pub trait Render {
    /// The whole text, with a line break at its end.
    fn render(&self, report: &Report) -> String;
}

/// Indented JSON: what an invocation answers.
#[derive(Debug, Clone, Copy)]
pub struct Json;

impl Render for Json {
    fn render(&self, report: &Report) -> String {
        // A report is made of strings, numbers and maps with string keys: it always serializes.
        serde_json::to_string_pretty(report).unwrap_or_default() + "\n"
    }
}

/// What a run brings together for its report.
#[derive(Debug, Default)]
pub(crate) struct Results {
    pub(crate) accounts: Vec<AccountOutcome>,
    /// Records of a batch that are not for the guard.
    pub(crate) left_out: Vec<LeftOut>,
    /// What belongs to no account.
    pub(crate) errors: Vec<CallError>,
    /// What holds for the whole run.
    pub(crate) reason: Option<String>,
    /// The function's own account, where it is known.
    pub(crate) own: Option<AccountId>,
}

impl Report {
    pub(crate) fn of(run: Run, results: Results) -> Self {
        let Results { accounts: outcomes, left_out, errors, reason, own } = results;
        let failing = failure::worst(&outcomes, &errors, own.as_ref(), run.mode);
        let approvable = outcomes.iter().filter_map(AccountOutcome::approvable).collect();
        let accounts: Vec<_> = outcomes.into_iter().map(AccountReport::of).collect();
        let (status, summary) = (worst(&accounts, &errors), Summary::of(&accounts));
        let report = Self {
            summary,
            accounts,
            errors,
            reason,
            approvable,
            ignored: shortened(left_out),
            ..Self::empty(run, status)
        };
        Self { failure: failing.map(|status| report.failed(status)), ..report }
    }

    /// This run carried out what an earlier one showed: whomever it did not look at is as it was shown.
    pub(crate) fn after(self, shown: Self) -> Self {
        if matches!(self.status, Status::Ignored | Status::Rejected) {
            return self;
        }
        let again: HashSet<_> = self.accounts.iter().map(|account| account.account_id.clone()).collect();
        let others = shown.accounts.into_iter().filter(|account| !again.contains(&account.account_id));
        let mut accounts: Vec<_> = self.accounts.into_iter().chain(others).collect();
        accounts.sort_by(|one, other| one.account_id.cmp(&other.account_id));
        let mut errors = shown.errors;
        errors.extend(self.errors.into_iter().filter(|error| !errors.contains(error)).collect::<Vec<_>>());
        Self {
            status: worst(&accounts, &errors),
            summary: Summary::of(&accounts),
            duration_ms: self.duration_ms.saturating_add(shown.duration_ms),
            reason: self.reason.or(shown.reason),
            accounts,
            errors,
            ..self
        }
    }

    pub(crate) fn ignored(run: Run, reason: String, ignored: Vec<LeftOut>) -> Self {
        Self { reason: Some(reason), ignored: shortened(ignored), ..Self::empty(run, Status::Ignored) }
    }

    pub(crate) fn rejected(run: Run, reason: String, example: Value) -> Self {
        let report = Self { reason: Some(reason), example: Some(example), ..Self::empty(run, Status::Rejected) };
        Self { failure: report.mistyped_timer(), ..report }
    }

    fn empty(run: Run, status: Status) -> Self {
        Self {
            schema: SCHEMA,
            status,
            request_id: run.request_id,
            trigger: run.trigger,
            mode: run.mode,
            strategy: run.strategy,
            started_at: run.started_at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
            duration_ms: u64::try_from(run.duration.as_millis()).unwrap_or(u64::MAX),
            journal: run.journal,
            summary: Summary::default(),
            accounts: Vec::new(),
            truncated: 0,
            errors: Vec::new(),
            reason: None,
            ignored: Vec::new(),
            example: None,
            failure: None,
            approvable: BTreeMap::new(),
        }
    }

    /// Why the platform must count the run as failed, if it must.
    pub fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// The exit code of a terminal command.
    pub fn exit_code(&self) -> u8 {
        match self.status {
            Status::Authorized | Status::Remediated | Status::Skipped | Status::Ignored => 0,
            Status::Drifted | Status::RolledBack | Status::Refused | Status::Pending => 1,
            Status::Rejected => 2,
            Status::Failed => 3,
            Status::Stuck => 4,
        }
    }
}

fn worst(accounts: &[AccountReport], errors: &[CallError]) -> Status {
    let least = if errors.is_empty() { Status::Skipped } else { Status::Failed };
    accounts.iter().map(|account| account.status).max().unwrap_or(least).max(least)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_thousands_of_records_a_hundred_are_listed() {
        let left_out = |record| LeftOut { record, reason: "no event of the bus".to_owned() };
        let list = shortened((0..3000).map(left_out).collect());
        assert_eq!(list.len(), LEFT_OUT_LISTED);
        assert!(list[99].reason.ends_with("; 2900 more are not listed"), "{}", list[99].reason);
    }
}
