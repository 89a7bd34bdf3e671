//! The report for a person at a terminal. The verdict stands where the eye is at the end, in the last line; above it one
//! line for each account that is not in order, above these the details.
//!
//! Colours vanish where the output is none.

mod detail;
mod layout;

use std::fmt::Write as _;

use anstyle::{AnsiColor, Style};
use authorization::text::{escaped, sanitized};
use authorization::verify::Severity;
use layout::{WIDTH, clipped, wrapped};

use super::view::{Tone, duration, thousands};
use super::{AccountReport, LeftOut, Render, Report, Status};

/// Lines with colours.
#[derive(Debug, Clone, Copy)]
pub struct Human {
    /// All details of all accounts, however many.
    pub verbose: bool,
    /// Columns.
    pub width: usize,
}

impl Default for Human {
    fn default() -> Self {
        Self { verbose: false, width: WIDTH }
    }
}

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

/// Details end after this many lines, but for the first account's.
const DETAILS: usize = 200;
/// At most this many accounts have a line.
const LINES: usize = 30;
/// And at most this many of other things.
const OTHERS: usize = 5;

impl Render for Human {
    fn render(&self, report: &Report) -> String {
        let mut detailed: Vec<_> = report.accounts.iter().filter(|account| has_details(account)).collect();
        // Most urgent first; the sort keeps the report's order among the same.
        detailed.sort_by_key(|account| std::cmp::Reverse(account.status));
        let alone = report.summary.accounts == 1;
        let mut text = self.details(&detailed);
        if alone && text.is_empty() {
            text = report.accounts.iter().map(|account| self.account(account)).collect();
        }
        if !alone {
            text.push_str(&self.lines(&detailed));
            text.push_str(&self.counted(report));
        }
        text.push_str(&self.rest(report));
        for (status, part) in report.verdict() {
            let style = style(status);
            let _ = write!(text, "{style}{part}{style:#}, ");
        }
        text + &duration(report.duration_ms) + "\n"
    }
}

/// Of thousands of accounts that are in order, not begun or left alone only the number is shown.
fn has_details(account: &AccountReport) -> bool {
    match account.status {
        Status::Authorized => !account.findings.is_empty(),
        Status::Pending | Status::Skipped => false,
        _ => true,
    }
}

impl Human {
    /// Of as many accounts as fit, of the most urgent in any case.
    fn details(&self, detailed: &[&AccountReport]) -> String {
        let (mut text, mut lines) = (String::new(), 0);
        for (index, account) in detailed.iter().enumerate() {
            let mut detail = self.account(account);
            lines += detail.lines().count();
            if !self.verbose && lines > DETAILS {
                if index > 0 {
                    let more = thousands(detailed.len() - index);
                    let _ = writeln!(text, "{DIM}The details of {more} more: --verbose, or --format html{DIM:#}\n");
                    break;
                }
                let kept: String = detail.split_inclusive('\n').take(DETAILS).collect();
                detail = kept + "  … the rest: --verbose\n\n";
            }
            text.push_str(&detail);
        }
        text
    }

    fn lines(&self, detailed: &[&AccountReport]) -> String {
        let fit = if self.verbose { detailed.len() } else { LINES };
        let mut text = String::new();
        for account in detailed.iter().take(fit) {
            let (style, mark, word) = (style(account.status), mark(account.status), account.status.as_str());
            let reason = clipped(&in_a_few_words(account), self.width.saturating_sub(37));
            let id = account.id_or(UNKNOWN);
            let line = format!("  {style}{mark}{style:#} {BOLD}{id:<20}{BOLD:#} {style}{word:<10}{style:#}  {reason}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
        let more = detailed.len().saturating_sub(fit);
        if more > 0 {
            let _ = writeln!(text, "  {DIM}and {} more{DIM:#}", thousands(more));
        }
        text
    }

    /// What was not begun or left alone, with one example each.
    fn counted(&self, report: &Report) -> String {
        let mut text = String::new();
        for (status, count) in report.summary.counts() {
            let example = report.accounts.iter().find(|account| account.status == status);
            if let (Status::Pending | Status::Skipped, Some(example)) = (status, example) {
                let why = sanitized(example.next.as_deref().unwrap_or_default());
                let line =
                    format!("{} {}, such as {}: {why}", thousands(count), status.as_str(), example.id_or(UNKNOWN));
                text.push_str(&wrapped(&line, self.width, "  – ", "    "));
            }
        }
        text
    }

    /// What belongs to no account.
    fn rest(&self, report: &Report) -> String {
        let mut text = String::new();
        let red = colour(Tone::Bad);
        let fit = if self.verbose { usize::MAX } else { OTHERS };
        for error in report.errors.iter().take(fit) {
            let lines = wrapped(&sanitized(&error.to_string()), self.width, "", "    ");
            let _ = write!(text, "  {red}✗{red:#} {lines}");
        }
        more(&mut text, report.errors.len().saturating_sub(fit), "errors");
        if let Some(reason) = &report.reason {
            text.push_str(&wrapped(&sanitized(reason), self.width, "  ", "  "));
        }
        for LeftOut { record, reason } in report.ignored.iter().take(fit) {
            let line = format!("record {record} ignored: {}", escaped(reason));
            text.push_str(&wrapped(&line, self.width, "  ", "    "));
        }
        more(&mut text, report.ignored.len().saturating_sub(fit), "records that were ignored");
        if let Some(example) = &report.example {
            let _ = writeln!(text, "  a right event: {BOLD}{example}{BOLD:#}");
        }
        if let Some(missing) = report.missing() {
            text.push_str(&wrapped(&missing, self.width, "  ", "  "));
        }
        text
    }
}

fn more(text: &mut String, count: usize, what: &str) {
    if count > 0 {
        let _ = writeln!(text, "  {DIM}and {} more {what}{DIM:#}", thousands(count));
    }
}

fn in_a_few_words(account: &AccountReport) -> String {
    let has_failed = |severity| account.findings.iter().filter(move |finding| finding.severity == severity);
    let ids = |severity| has_failed(severity).map(|finding| finding.id.as_str()).collect::<Vec<_>>().join(", ");
    let cause = account.cause().map(sanitized);
    match account.status {
        Status::Authorized => ids(Severity::Advisory),
        Status::Drifted | Status::Remediated => ids(Severity::Failed),
        _ => cause.unwrap_or_else(|| ids(Severity::Failed)),
    }
}

const UNKNOWN: &str = "unknown account";

const fn colour(tone: Tone) -> Style {
    match tone {
        Tone::Good => AnsiColor::Green.on_default(),
        Tone::Warning => AnsiColor::Yellow.on_default(),
        Tone::Bad => AnsiColor::Red.on_default(),
        Tone::Calm => DIM,
    }
}

fn style(status: Status) -> Style {
    match status.tone() {
        Tone::Calm => AnsiColor::Cyan.on_default().bold(),
        tone => colour(tone).bold(),
    }
}

fn mark(status: Status) -> char {
    match status {
        Status::Authorized | Status::Remediated => '✓',
        Status::Ignored | Status::Skipped | Status::Pending => '–',
        Status::Drifted | Status::Refused | Status::RolledBack => '!',
        Status::Rejected | Status::Failed | Status::Stuck => '✗',
    }
}
