//! A page for a browser: one file that loads nothing from anywhere.
//!
//! Its policy (`Content-Security-Policy`) lets run the one script and apply the one style that it carries, by their hash.
//! Without a script the table is a plain one, in the order of urgency.

mod detail;

use std::fmt::Write as _;

use authorization::text::{escaped, sanitized, truncated};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use super::view::{Tone, duration, thousands};
use super::{AccountReport, Render, Report, Status, TriggerKind};

/// The page.
#[derive(Debug, Clone, Copy)]
pub struct Html;

const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// All together stays below 5 MB for 10,000 accounts.
const PAGE: usize = 4_500_000;
/// Details alone.
const DETAILS: usize = 2_000_000;
/// Rows of the table tell less from here on.
const WORDS: usize = 2_000_000;
/// The reason in a few words.
const REASON: usize = 90;

impl Render for Html {
    fn render(&self, report: &Report) -> String {
        let mut accounts: Vec<_> = report.accounts.iter().collect();
        accounts.sort_by_key(|account| std::cmp::Reverse(account.status));
        let table = table(&accounts);
        let details = detail::all(&accounts, DETAILS.min(PAGE.saturating_sub(table.0.len())));
        page(report, &accounts, &table, &details).into_string() + "\n"
    }
}

fn page(report: &Report, accounts: &[&AccountReport], table: &Markup, details: &Markup) -> Markup {
    let policy = format!(
        "default-src 'none'; style-src '{}'; script-src '{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    );
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="referrer" content="no-referrer";
                meta name="color-scheme" content="light dark";
                // A browser's tab has room for the worst.
                title { (report.verdict().first().map_or("", |(_, part)| part)) " · dts-role-guard" }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 class=(class(report.status.tone())) { (report.verdict().into_iter().map(|(_, part)| part).collect::<Vec<_>>().join(", ")) }
                    p { "The role AliyunDTSDefaultRole, as dts-role-guard saw it. " (run(report)) }
                }
                main {
                    section aria-labelledby="summary" {
                        h2 id="summary" { "Summary" }
                        (said(report))
                        ul class="counts" {
                            @for (status, count) in report.summary.counts() {
                                @if count > 0 {
                                    li { b class=(class(status.tone())) { (thousands(count)) } " " (status.as_str()) }
                                }
                            }
                        }
                        (picture(accounts))
                    }
                    section aria-labelledby="accounts" {
                        h2 id="accounts" { "Accounts" }
                        (table)
                    }
                    section aria-labelledby="details" {
                        h2 id="details" { "Details" }
                        (details)
                    }
                }
                footer { p { "Run " (escaped(&report.request_id)) ". The report as JSON holds everything: this page is a rendering of it." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn hash(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

fn run(report: &Report) -> String {
    let trigger = match report.trigger.kind {
        TriggerKind::Timer => "started by a timer",
        TriggerKind::Manual => "started by hand",
        TriggerKind::Audit => "started by a record of a change",
        TriggerKind::Member => "started by a new member account",
    };
    let name = report.trigger.name.as_deref().map(|name| format!(" ({})", sanitized(name))).unwrap_or_default();
    format!(
        "Begun at {}, {} long, in mode {}, {trigger}{name}.",
        sanitized(&report.started_at),
        duration(report.duration_ms),
        report.mode
    )
}

/// What belongs to no account.
fn said(report: &Report) -> Markup {
    html! {
        @if let Some(missing) = report.missing() { p { strong { (missing) "." } } }
        @if let Some(reason) = &report.reason { p { (sanitized(reason)) } }
        @if let Some(example) = &report.example { p { "A right event: " code { (escaped(&example.to_string())) } } }
        @if !report.errors.is_empty() {
            ul { @for error in report.errors.iter().take(100) { li class="bad" { (sanitized(&error.to_string())) } } }
        }
        @if !report.ignored.is_empty() {
            ul { @for left_out in &report.ignored { li { "record " (left_out.record) " ignored: " (sanitized(&left_out.reason)) } } }
        }
    }
}

/// Made before the rest: what room it leaves is for the details.
fn table(accounts: &[&AccountReport]) -> Markup {
    if accounts.is_empty() {
        return html! { p { "No account is listed." } };
    }
    // How many rows, from the end, do not say why.
    let (mut rows, mut silent) = (String::new(), 0);
    for account in accounts {
        let says_why = rows.len() < WORDS;
        silent += usize::from(!says_why && account.next.is_some());
        rows.push_str(&row(account, says_why).into_string());
    }
    let count = accounts.len();
    html! {
        p id="filter" hidden {
            label for="words" { "Show rows with " }
            input id="words" type="search" autocomplete="off";
            " " span id="shown" role="status" {}
        }
        @if silent > 0 {
            p { "The last " (thousands(silent)) " rows with a reason do not show it, to keep the page small." }
        }
        table id="table" {
            caption { (if count == 1 { "1 account".to_owned() } else { format!("{} accounts, the most urgent first", thousands(count)) }) }
            thead { tr {
                @for title in ["Account", "Status", "Findings", "Why, and what next", "Time"] { th scope="col" { (title) } }
            } }
            tbody { (PreEscaped(rows)) }
        }
    }
}

fn row(account: &AccountReport, says_why: bool) -> Markup {
    let time = if account.is_brief() { String::new() } else { duration(account.duration_ms) };
    html! {
        tr {
            th scope="row" { (account.id_or("unknown")) }
            td class=(class(account.status.tone())) { (account.status.as_str()) }
            td { (account.finding_ids().join(" ")) }
            td { @if says_why { (truncated(&sanitized(account.cause().unwrap_or_default()), REASON)) } }
            td data-ms=[(!account.is_brief()).then_some(account.duration_ms)] { (time) }
        }
    }
}

/// Squares in a row.
const ACROSS: usize = 100;
/// The side of one, with its gap.
const SIDE: usize = 8;

/// Every account as a square, the most urgent first. One path for each status keeps ten thousand of them small.
fn picture(accounts: &[&AccountReport]) -> Markup {
    let across = ACROSS.min(accounts.len().max(1));
    let (width, height) = (across * SIDE, accounts.len().div_ceil(across) * SIDE);
    let mut paths: Vec<(Status, String)> = Vec::new();
    for (index, account) in accounts.iter().enumerate() {
        if paths.last().is_none_or(|(status, _)| *status != account.status) {
            paths.push((account.status, String::new()));
        }
        if let Some((_, path)) = paths.last_mut() {
            let _ = write!(path, "M{} {}h7v7h-7z", index % across * SIDE, index / across * SIDE);
        }
    }
    html! {
        @if accounts.len() > 1 {
            figure {
                svg role="img" aria-label="All accounts as squares, coloured by status, the most urgent first" width=(width) height=(height) viewBox=(format!("0 0 {width} {height}")) {
                    @for (status, path) in &paths { path class=(class(status.tone())) d=(path) {} }
                }
                figcaption { "One square for each listed account, the most urgent first: "
                    @for (index, (status, path)) in paths.iter().enumerate() {
                        @if index > 0 { ", " }
                        span class=(class(status.tone())) { (thousands(path.matches('z').count())) " " (status.as_str()) }
                    }
                    "."
                }
            }
        }
    }
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Bad => "bad",
        Tone::Warning => "warn",
        Tone::Good => "good",
        Tone::Calm => "calm",
    }
}
