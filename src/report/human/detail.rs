//! One account: what was found, what changes or changed, and what a person should do.

use std::fmt::Write as _;

use authorization::plan::{StepRecord, StepResult};
use authorization::text::{escaped, sanitized};
use authorization::verify::{Finding, Severity};
use similar::ChangeTag;

use super::layout::wrapped;
use super::{BOLD, DIM, Human, UNKNOWN, colour, style};
use crate::report::difference::{Change, DiffLine, Sign};
use crate::report::view::{Tone, duration, tone_of_step};
use crate::report::{AccountReport, Status};

/// Lines of a document.
const DOCUMENT: usize = 60;
/// Findings, steps, changes.
const LISTED: usize = 40;
const INDENT: &str = "           ";

impl Human {
    pub(super) fn account(&self, account: &AccountReport) -> String {
        let style = style(account.status);
        let word = account.status.as_str();
        let mut text =
            format!("{BOLD}{}{BOLD:#}  {}  {style}{word}{style:#}\n", account.id_or(UNKNOWN), account.role_name());
        if let Some(reason) = &account.reason {
            self.section(&mut text, "why", [self.prose(&escaped(reason))]);
        }
        self.section(&mut text, "found", account.findings.iter().map(|finding| self.finding(finding)));
        self.difference(&mut text, account);
        self.section(&mut text, "steps", account.steps.iter().map(step));
        self.section(&mut text, "left", account.residual.iter().map(|finding| self.finding(finding)));
        if let Some(id) = &account.plan_id {
            self.section(&mut text, "plan", [format!("{}\n", escaped(id))]);
        }
        if account.status == Status::Failed
            && let Some(error) = &account.error
            && account.next.is_none()
        {
            self.section(&mut text, "error", [self.prose(&sanitized(&error.to_string()))]);
        }
        if let Some(next) = &account.next {
            self.section(&mut text, "next", next.lines().map(|line| self.next(line)));
        }
        if account.cut {
            self.section(&mut text, "cut", ["this is a part of what was reported: the whole did not fit\n".to_owned()]);
        }
        text.push('\n');
        text
    }

    /// The title stands on the first line only.
    fn section(self, text: &mut String, title: &str, entries: impl IntoIterator<Item = String>) {
        let limit = if self.verbose { usize::MAX } else { LISTED };
        let mut left_out = 0;
        for (index, entry) in entries.into_iter().enumerate() {
            if index >= limit {
                left_out += 1;
                continue;
            }
            // What is there to be pasted begins at the start of a line.
            if let (Some(line), true) = (entry.strip_prefix('\n'), index > 0) {
                text.push_str(line);
                continue;
            }
            let title = if index == 0 { title } else { "" };
            let _ = write!(text, "  {DIM}{title:<8}{DIM:#} {entry}");
        }
        if left_out > 0 {
            let _ = writeln!(text, "{INDENT}{DIM}and {left_out} more: --verbose{DIM:#}");
        }
    }

    fn finding(self, finding: &Finding) -> String {
        let (mark, style) = match finding.severity {
            Severity::Failed => ("✗", colour(Tone::Bad)),
            Severity::Advisory => ("!", colour(Tone::Warning)),
        };
        let word = finding.id.as_str();
        // The styles take no columns.
        let lines = wrapped(&sanitized(&finding.message), self.width.saturating_sub(word.len() + 15), "", "");
        let mut lines = lines.lines();
        let mut text = format!("{style}{mark} {word}{style:#}  {}\n", lines.next().unwrap_or_default());
        for line in lines {
            let _ = writeln!(text, "{INDENT}{}{line}", " ".repeat(word.len() + 4));
        }
        text
    }

    /// What is, what should be and what is done about it.
    fn difference(self, text: &mut String, account: &AccountReport) {
        let title = match account.is_planned() {
            _ if account.is_only_judged() => "wanted",
            true => "change",
            false => "changed",
        };
        self.section(text, title, account.changes().iter().map(change));
        let red = colour(Tone::Bad).bold();
        let gone = account.destroyed();
        let destroyed = if account.is_planned() { "will be destroyed for good:" } else { "destroyed for good:" };
        if !gone.is_empty() {
            self.section(text, "", [format!("{red}{destroyed}{red:#}\n")]);
            let line = |gone: &String| {
                let lines = wrapped(&sanitized(gone), self.width, &format!("{INDENT}  "), &format!("{INDENT}    "));
                format!("{red}{}{red:#}\n", lines.trim())
            };
            self.section(text, "", gone.iter().map(|gone| format!("  {}", line(gone))));
        }
        self.section(text, "trust", self.document(account.trust_lines()));
    }

    fn document(self, lines: Vec<DiffLine>) -> Vec<String> {
        let (red, green) = (colour(Tone::Bad), colour(Tone::Good));
        let limit = if self.verbose { usize::MAX } else { DOCUMENT };
        let more = lines.len().saturating_sub(limit);
        let line = |line| match line {
            DiffLine::Line(ChangeTag::Equal, line) => format!("{DIM}  {}{DIM:#}\n", sanitized(&line)),
            DiffLine::Line(ChangeTag::Delete, line) => format!("{red}- {}{red:#}\n", sanitized(&line)),
            DiffLine::Line(ChangeTag::Insert, line) => format!("{green}+ {}{green:#}\n", sanitized(&line)),
            DiffLine::Gap => format!("{DIM}  …{DIM:#}\n"),
        };
        let shown = lines.into_iter().take(limit).map(line);
        let rest = (more > 0).then(|| format!("{DIM}  … {more} more lines: --verbose{DIM:#}\n"));
        shown.chain(rest).collect()
    }

    /// The cause is wrapped; a command and a link stay whole, at the start of the line, ready to paste.
    fn next(self, line: &str) -> String {
        let line = escaped(line);
        let starts = ["aliyun ", "dts-role-guard ", "https://", "s invoke "];
        if starts.iter().any(|start| line.trim_start().starts_with(start)) {
            format!("\n{BOLD}{line}{BOLD:#}\n")
        } else {
            self.prose(&line)
        }
    }

    /// Behind a title.
    fn prose(self, text: &str) -> String {
        wrapped(text, self.width, INDENT, INDENT).trim_start().to_owned()
    }
}

fn change(change: &Change) -> String {
    let style = match change.sign {
        Sign::Replaced | Sign::Removed => colour(Tone::Bad).bold(),
        Sign::Added | Sign::Changed | Sign::Kept => colour(change.sign.tone()),
    };
    format!("{style}{:>3}{style:#} {}\n", change.sign.text(), change.text())
}

fn step(step: &StepRecord) -> String {
    let mark = match step.result {
        StepResult::Planned => "·",
        StepResult::Done => "✓",
        StepResult::Already => "=",
        StepResult::Undone => "↩",
        StepResult::Skipped => "–",
        StepResult::Failed | StepResult::Unknown => "✗",
    };
    let style = colour(tone_of_step(step));
    let error = step.error.as_deref().map(|error| format!("\n{INDENT}  {}", sanitized(error))).unwrap_or_default();
    let took = if step.attempts == 0 { String::new() } else { format!("  {DIM}{}{DIM:#}", duration(step.duration_ms)) };
    format!("{style}{mark}{style:#} {:<20} {}{took}{error}\n", step.action, sanitized(&step.target))
}
