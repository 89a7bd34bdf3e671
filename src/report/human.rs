//! The report for a person at a terminal. Colours vanish where the output is none.

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};

use super::{AccountReport, LeftOut, Render, Report, Status};
use crate::apply::{StepRecord, StepResult};
use crate::telemetry::{escaped, foreign};
use crate::verify::{Finding, Severity};

/// Lines with colours.
#[derive(Debug, Clone, Copy)]
pub struct Human;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

impl Render for Human {
    fn render(&self, report: &Report) -> String {
        let mut text = headline(report);
        for account in report.accounts.iter().filter(|account| worth_reading(account)) {
            text.push_str(&account_lines(account));
        }
        text.push_str(&others(report));
        for error in &report.errors {
            let _ = writeln!(text, "  {BOLD}failed{BOLD:#} {}", escaped(&error.to_string()));
        }
        if let Some(reason) = &report.reason {
            let _ = writeln!(text, "  {}", foreign(reason));
        }
        for LeftOut { record, reason } in &report.ignored {
            let _ = writeln!(text, "  {DIM}record {record} ignored:{DIM:#} {}", escaped(reason));
        }
        if let Some(example) = &report.example {
            let _ = writeln!(text, "  a right event: {BOLD}{example}{BOLD:#}");
        }
        text
    }
}

fn headline(report: &Report) -> String {
    let style = style(report.status);
    let (word, mode) = (report.status.word(), report.mode);
    let counts = counts(report);
    format!(
        "{style}{} {word}{style:#}  {DIM}mode {mode}, {} ms{counts}{DIM:#}\n",
        mark(report.status),
        report.duration_ms
    )
}

/// Of one account its own line says it.
fn counts(report: &Report) -> String {
    let accounts = &report.accounts;
    let mut statuses: Vec<_> = accounts.iter().map(|account| account.status).collect();
    statuses.sort_unstable_by(|one, other| other.cmp(one));
    if statuses.len() < 2 {
        return String::new();
    }
    let counts = statuses.chunk_by(|one, other| one == other).map(|same| format!("{} {}", same.len(), word(same)));
    format!(", {} accounts: {}", accounts.len(), counts.collect::<Vec<_>>().join(", "))
}

fn word(same: &[Status]) -> &'static str {
    same.first().map_or("", |status| status.word())
}

/// Of thousands of accounts that are in order only the number is shown.
fn worth_reading(account: &AccountReport) -> bool {
    !account.is_brief || !account.findings.is_empty()
}

fn others(report: &Report) -> String {
    let others = report.accounts.iter().filter(|account| !worth_reading(account)).count();
    let more = if others == report.accounts.len() { "" } else { "more " };
    match others {
        0 => String::new(),
        1 => format!("\n  1 {more}account is authorized\n"),
        _ => format!("\n  {others} {more}accounts are authorized\n"),
    }
}

fn account_lines(account: &AccountReport) -> String {
    let mut text = String::new();
    let id = account.account_id.as_ref().map_or("unknown account", |id| id.as_str());
    let style = style(account.status);
    let word = account.status.word();
    let _ = writeln!(text, "\n  {BOLD}{id}{BOLD:#} {} {style}{word}{style:#}", account.role_name);
    if let Some(reason) = &account.reason {
        let _ = writeln!(text, "    {DIM}why{DIM:#}    {}", escaped(reason));
    }
    section(&mut text, "found", account.findings.iter().map(finding));
    section(&mut text, "steps", account.steps.iter().map(step));
    section(&mut text, "left", account.residual.iter().map(finding));
    if let Some(id) = &account.plan_id {
        let _ = writeln!(text, "    {DIM}plan{DIM:#}   {id}");
    }
    if let Some(next) = &account.next {
        let _ = writeln!(text, "    {BOLD}next{BOLD:#}   {}", escaped(next));
    }
    text
}

/// The title stands on the first line only.
fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        let title = if index == 0 { title } else { "" };
        let _ = writeln!(text, "    {DIM}{title:<6}{DIM:#} {line}");
    }
}

fn finding(finding: &Finding) -> String {
    let style = match finding.severity {
        Severity::Failed => colour(AnsiColor::Red),
        Severity::Advisory => colour(AnsiColor::Yellow),
    };
    format!("{style}{:<21}{style:#} {}", finding.id.word(), foreign(&finding.message))
}

fn step(step: &StepRecord) -> String {
    let (mark, style) = match step.result {
        StepResult::Planned => ("·", DIM),
        StepResult::Done => ("✓", colour(AnsiColor::Green)),
        StepResult::Already => ("=", colour(AnsiColor::Green)),
        StepResult::Undone => ("↩", colour(AnsiColor::Yellow)),
        StepResult::Skipped => ("–", colour(AnsiColor::Yellow)),
        StepResult::Failed | StepResult::Unknown => ("✗", colour(AnsiColor::Red)),
    };
    let error = step.error.as_deref().map(|error| format!("  {}", foreign(error))).unwrap_or_default();
    let took = if step.attempts == 0 { String::new() } else { format!("  {DIM}{} ms{DIM:#}", step.duration_ms) };
    format!("{style}{mark}{style:#} {:<20} {}{took}{error}", step.action, foreign(&step.target))
}

const fn colour(colour: AnsiColor) -> Style {
    colour.on_default()
}

fn style(status: Status) -> Style {
    let colour = match status {
        Status::Authorized | Status::Remediated => AnsiColor::Green,
        Status::Ignored | Status::Skipped => AnsiColor::Cyan,
        Status::Pending | Status::Drifted | Status::Refused | Status::RolledBack => AnsiColor::Yellow,
        Status::Rejected | Status::Failed | Status::Stuck => AnsiColor::Red,
    };
    colour.on_default().bold()
}

fn mark(status: Status) -> char {
    match status {
        Status::Authorized | Status::Remediated => '✓',
        Status::Ignored | Status::Skipped | Status::Pending => '–',
        Status::Drifted | Status::Refused | Status::RolledBack => '!',
        Status::Rejected | Status::Failed | Status::Stuck => '✗',
    }
}
