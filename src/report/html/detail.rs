//! One account after the other, as many as fit.

use authorization::plan::StepRecord;
use authorization::text::{escaped, sanitized};
use authorization::verify::Finding;
use maud::{Markup, PreEscaped, html};
use similar::ChangeTag;

use super::class;
use crate::report::difference::DiffLine;
use crate::report::view::{Tone, duration, harmless_lines, thousands, tone_of_step};
use crate::report::{AccountReport, QUICK_AUTHORIZATION, Status};

/// Lines of a trust policy, findings, steps: more stand in the JSON.
const LISTED: usize = 300;
/// The width of the time line.
const LINE: u64 = 200;

/// The details of as many accounts as there is room for, in bytes.
pub(super) fn all(accounts: &[&AccountReport], room: usize) -> Markup {
    let detailed: Vec<_> = accounts.iter().filter(|account| has_details(account)).collect();
    let (mut text, mut kept) = (String::new(), 0);
    for account in &detailed {
        let detail = one(account).into_string();
        if text.len() + detail.len() > room {
            break;
        }
        text.push_str(&detail);
        kept += 1;
    }
    let more = detailed.len() - kept;
    html! {
        @if detailed.is_empty() { p { "There is nothing to tell beyond the table." } }
        (PreEscaped(text))
        @if more > 0 {
            p { strong { "The details of " (thousands(more)) " more accounts do not fit this page: their rows stand above, the rest in the report as JSON." } }
        }
    }
}

fn has_details(account: &AccountReport) -> bool {
    match account.status {
        Status::Authorized | Status::Pending => !account.findings.is_empty(),
        Status::Skipped => false,
        _ => true,
    }
}

fn one(account: &AccountReport) -> Markup {
    html! {
        article {
            h3 { (account.id_or("unknown")) " · " (account.role_name()) " · " span class=(class(account.status.tone())) { (account.status.as_str()) } }
            @if let Some(reason) = &account.reason { p { "Looked at since: " (sanitized(reason)) } }
            @if account.cut { p { strong { "This is a part of what was reported: the whole did not fit." } } }
            (findings("Found", &account.findings))
            (difference(account))
            (steps(account))
            (findings("Left after the repair", &account.residual))
            (next(account))
            @if let Some(plan) = &account.plan_id { p class="plan" { "Plan " (sanitized(plan)) } }
        }
    }
}

fn findings(title: &str, findings: &[Finding]) -> Markup {
    html! {
        @if !findings.is_empty() {
            h4 { (title) }
            ul {
                @for finding in findings.iter().take(LISTED) {
                    li { b class=(class(if finding.failed() { Tone::Bad } else { Tone::Warning })) { (finding.id.as_str()) } " " (sanitized(&finding.message)) }
                }
            }
        }
    }
}

fn difference(account: &AccountReport) -> Markup {
    let (changes, gone, lines) = (account.changes(), account.destroyed(), account.trust_lines());
    let planned = account.is_planned();
    let title = match planned {
        _ if account.is_only_judged() => "What should be",
        true => "What a repair changes",
        false => "What the repair changed",
    };
    html! {
        @if !changes.is_empty() {
            h4 { (title) }
            ul class="changes" {
                @for change in &changes {
                    li { code class=(class(change.sign.tone())) { (change.sign.text()) } " " (change.text()) }
                }
            }
        }
        @if !gone.is_empty() {
            p class="bad" { strong { (if planned { "Will be destroyed for good:" } else { "Destroyed for good:" }) } }
            ul { @for gone in gone.iter().take(LISTED) { li class="bad" { (sanitized(gone)) } } }
        }
        @if !lines.is_empty() {
            h4 { "Trust policy, before (-) and after (+)" }
            pre {
                @for line in lines.iter().take(LISTED) {
                    @match line {
                        DiffLine::Line(ChangeTag::Equal, line) => { "  " (sanitized(line)) }
                        DiffLine::Line(ChangeTag::Delete, line) => { del { "- " (sanitized(line)) } }
                        DiffLine::Line(ChangeTag::Insert, line) => { ins { "+ " (sanitized(line)) } }
                        DiffLine::Gap => { "  …" }
                    }
                    "\n"
                }
                @if lines.len() > LISTED { "…" }
            }
        }
    }
}

/// Steps with their place in time. Those of an older report that has no times follow each other.
fn steps(account: &AccountReport) -> Markup {
    let mut after = 0;
    let (mut first, mut last) = (u64::MAX, 0);
    let mut times = Vec::new();
    for step in &account.steps {
        let begin = step.started_ms.unwrap_or(after);
        after = begin.saturating_add(step.duration_ms);
        (first, last) = (first.min(begin), last.max(after));
        times.push((begin, step.duration_ms));
    }
    let span = last.saturating_sub(first).max(1);
    let place = |ms: u64| ms.saturating_mul(LINE) / span;
    html! {
        @if !account.steps.is_empty() {
            table class="steps" {
                caption { "Steps" @if !account.is_planned() { ", " (duration(span)) " from the first to the last" } }
                thead { tr {
                    @for title in ["Step", "About", "Result", "Begun", "Took", "Time line"] { th scope="col" { (title) } }
                } }
                tbody {
                    @for (step, (begin, took)) in account.steps.iter().zip(&times).take(LISTED) {
                        tr {
                            th scope="row" { (step.action) }
                            td { (sanitized(&step.target)) }
                            td class=(class(tone_of_step(step))) { (result(step)) }
                            td { @if step.attempts > 0 { (duration(*begin)) } }
                            td { @if step.attempts > 0 { (duration(*took)) } }
                            td { @if step.attempts > 0 {
                                svg width=(LINE) height="10" aria-hidden="true" {
                                    rect class=(class(tone_of_step(step))) x=(place(begin - first).min(LINE - 2)) y="1" height="8" width=(place(*took).clamp(2, LINE)) {}
                                }
                            } }
                        }
                    }
                }
            }
        }
    }
}

fn result(step: &StepRecord) -> String {
    let word = serde_json::json!(step.result);
    let word = word.as_str().unwrap_or_default();
    match &step.error {
        Some(error) => format!("{word}: {}", sanitized(error)),
        None => word.to_owned(),
    }
}

/// The lines to type as they are; the one link that is ours can be followed.
fn next(account: &AccountReport) -> Markup {
    let Some(next) = &account.next else { return html! {} };
    let has_link = next.lines().any(|line| line.trim() == QUICK_AUTHORIZATION);
    html! {
        h4 { "Next" }
        pre { (harmless_lines(next)) }
        @if has_link {
            p { a href=(QUICK_AUTHORIZATION) rel="noreferrer" { "Open the vendor's quick authorization" } " " (escaped("(in the account that is meant)")) }
        }
    }
}
