//! What the doctor found, as JSON and for a person. Its shape is fixed by `schema/doctor-v1.json`.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use authorization::text::escape_invisible;
use serde::Serialize;

use super::checks::{Check, CheckStatus};
use super::facts::Fact;

/// What the doctor found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[must_use]
pub struct DoctorReport {
    schema: &'static str,
    /// The worst of the checks.
    pub status: CheckStatus,
    /// In the order in which they were made.
    pub checks: Vec<Check>,
    /// What the replies said about facts that no document states.
    pub facts: Vec<Fact>,
}

impl DoctorReport {
    pub(super) fn new(checks: Vec<Check>, facts: Vec<Fact>) -> Self {
        let worst = checks.iter().map(|check| check.status).max().unwrap_or(CheckStatus::Ok);
        Self { schema: "dts-role-guard/doctor/v1", status: worst.max(CheckStatus::Ok), checks, facts }
    }

    /// The exit code of the terminal command.
    pub fn exit_code(&self) -> u8 {
        match self.status {
            CheckStatus::Skipped | CheckStatus::Ok => 0,
            CheckStatus::Warning => 1,
            CheckStatus::Failed => 3,
        }
    }

    /// Indented JSON.
    pub fn to_json(&self) -> String {
        // A report is made of strings, numbers and booleans: it always serializes.
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The same in one line, as triggers get it.
    pub(crate) fn to_line(&self) -> String {
        escape_invisible(&serde_json::to_string(self).unwrap_or_default())
    }

    pub(crate) fn counts(&self) -> String {
        let mut parts = Vec::new();
        for status in [CheckStatus::Failed, CheckStatus::Warning, CheckStatus::Ok, CheckStatus::Skipped] {
            let count = self.checks.iter().filter(|check| check.status == status).count();
            if count > 0 {
                parts.push(format!("{count} {}", status.as_str()));
            }
        }
        parts.join(", ")
    }

    /// For a person at a terminal: a line for each check, what to do below it, and the verdict in the last line.
    pub fn to_human(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            let (mark, style) = mark(check.status);
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
        let (status, (_, style), counts) = (self.status.as_str(), mark(self.status), self.counts());
        let (agreed, facts) = (agreed.len(), self.facts.len());
        let _ = writeln!(text, "\n{style}{status}{style:#}: {counts}; {agreed} of {facts} inferred facts agree");
        text
    }
}

fn mark(status: CheckStatus) -> (char, Style) {
    let colour = |colour: AnsiColor| Style::new().fg_color(Some(colour.into()));
    match status {
        CheckStatus::Skipped => ('–', Style::new().dimmed()),
        CheckStatus::Ok => ('✓', colour(AnsiColor::Green)),
        CheckStatus::Warning => ('!', colour(AnsiColor::Yellow)),
        CheckStatus::Failed => ('✗', colour(AnsiColor::Red)),
    }
}
