//! What the doctor found: the model, as JSON and for a person. Its shape is fixed by `schema/doctor-v1.json`.

use std::fmt::Write as _;
use std::time::Duration;

use anstyle::{AnsiColor, Style};
use authorization::text::{escape_invisible, escaped};
use serde::Serialize;

use super::facts::Fact;

/// The name of the report's shape.
pub const SCHEMA: &str = "dts-role-guard/doctor/v1";

/// What a check found. The order is from best to worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It was not looked at; the message says why.
    Skipped,
    /// It is as it should be.
    Ok,
    /// The guard works, but not in every case.
    Warning,
    /// The guard does not work, or not as the settings say.
    Failed,
}

/// What one check found, before it has its place in the report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(super) status: Status,
    pub(super) message: String,
    pub(super) next: Option<String>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its stable name.
    pub id: String,
    /// What it found.
    pub status: Status,
    /// The same for a person.
    pub message: String,
    /// What to do about it.
    pub next: Option<String>,
    /// How long it took.
    pub duration_ms: u64,
}

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct Report {
    schema: &'static str,
    /// The worst of the checks.
    pub status: Status,
    /// In the order in which they were made.
    pub checks: Vec<Check>,
    /// What the replies said about facts that no document states.
    pub facts: Vec<Fact>,
}

impl Answer {
    pub(super) fn ok(message: impl Into<String>) -> Self {
        Self { status: Status::Ok, message: message.into(), next: None }
    }

    pub(super) fn warning(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { status: Status::Warning, message: message.into(), next: Some(next.into()) }
    }

    pub(super) fn failed(message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { status: Status::Failed, message: message.into(), next: Some(next.into()) }
    }

    pub(super) fn skipped(why: impl Into<String>) -> Self {
        Self { status: Status::Skipped, message: why.into(), next: None }
    }

    /// The same with something to do all the same.
    pub(super) fn but(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }

    pub(super) fn is_failed(&self) -> bool {
        self.status == Status::Failed
    }
}

impl Check {
    pub(super) fn new(id: impl Into<String>, answer: Answer, took: Duration) -> Self {
        let Answer { status, message, next } = answer;
        // What the cloud or a file system says stands in these texts, too.
        let (message, next) = (escaped(&message), next.map(|next| escaped(&next)));
        Self { id: id.into(), status, message, next, duration_ms: u64::try_from(took.as_millis()).unwrap_or(u64::MAX) }
    }
}

impl Report {
    pub(super) fn new(checks: Vec<Check>, facts: Vec<Fact>) -> Self {
        let worst = checks.iter().map(|check| check.status).max().unwrap_or(Status::Ok);
        Self { schema: SCHEMA, status: worst.max(Status::Ok), checks, facts }
    }

    /// The exit code of the terminal command.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.status {
            Status::Skipped | Status::Ok => 0,
            Status::Warning => 1,
            Status::Failed => 3,
        }
    }

    /// The first check that failed.
    #[must_use]
    pub fn failed(&self) -> Option<&Check> {
        self.checks.iter().find(|check| check.status == Status::Failed)
    }

    /// Indented JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        // A report is made of strings, numbers and booleans: it always serializes.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The same in one line, as triggers and the log get it.
    #[must_use]
    pub fn to_line(&self) -> String {
        escape_invisible(&serde_json::to_string(self).unwrap_or_default())
    }

    /// How many checks found what, the worst first.
    #[must_use]
    pub fn counts(&self) -> String {
        let count = |status| self.checks.iter().filter(|check| check.status == status).count();
        let all = [Status::Failed, Status::Warning, Status::Ok, Status::Skipped].map(|status| (status, count(status)));
        let some = all.into_iter().filter(|(_, count)| *count > 0);
        some.map(|(status, count)| format!("{count} {}", status.as_str())).collect::<Vec<_>>().join(", ")
    }

    /// For a person at a terminal: a line for each check, what to do below it, and the verdict in the last line.
    #[must_use]
    pub fn to_human(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            let (style, mark) = (check.status.style(), check.status.mark());
            let _ = writeln!(text, "{style}{mark}{style:#} {:<22} {}", check.id, check.message);
            for line in check.next.iter().flat_map(|next| next.lines()) {
                let _ = writeln!(text, "  {:<22} → {line}", "");
            }
        }
        let (agreed, contradicted): (Vec<_>, Vec<_>) = self.facts.iter().partition(|fact| fact.agrees);
        if !contradicted.is_empty() {
            text.push_str("\nThe cloud contradicts what no document states; please report it:\n");
        }
        for Fact { id, expected, seen, .. } in contradicted {
            let _ = writeln!(text, "  {id}: expected {expected}; seen {seen}");
        }
        let style = self.status.style();
        let agreed = agreed.len();
        let _ = writeln!(
            text,
            "\n{style}{}{style:#}: {}; {agreed} of {} inferred facts agree",
            self.status.as_str(),
            self.counts(),
            self.facts.len()
        );
        text
    }
}

impl Status {
    /// The word in the report.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Skipped => "skipped",
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }

    fn mark(self) -> char {
        match self {
            Self::Skipped => '–',
            Self::Ok => '✓',
            Self::Warning => '!',
            Self::Failed => '✗',
        }
    }

    fn style(self) -> Style {
        let colour = match self {
            Self::Skipped => return Style::new().dimmed(),
            Self::Ok => AnsiColor::Green,
            Self::Warning => AnsiColor::Yellow,
            Self::Failed => AnsiColor::Red,
        };
        Style::new().fg_color(Some(colour.into()))
    }
}
