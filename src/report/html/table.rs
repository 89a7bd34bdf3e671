//! All accounts as a table.

use authorization::text::{sanitized, truncated};
use maud::{Markup, PreEscaped, html};

use super::super::view::{duration, thousands};
use super::class;
use crate::report::AccountReport;

/// Rows tell less from here on, in bytes.
const WORDS: usize = 2_000_000;
/// The reason in a few words.
const REASON: usize = 90;

/// The rows, made before the rest: what room they leave is for the details.
pub(super) struct Rows {
    pub(super) text: String,
    count: usize,
    /// How many rows, from the end, do not say why.
    silent: usize,
}

pub(super) fn rows(accounts: &[&AccountReport]) -> Rows {
    let (mut text, mut silent) = (String::new(), 0);
    for account in accounts {
        let says_why = text.len() < WORDS;
        silent += usize::from(!says_why && account.next.is_some());
        text.push_str(&row(account, says_why).into_string());
    }
    Rows { text, count: accounts.len(), silent }
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

pub(super) fn table(rows: &Rows) -> Markup {
    html! {
        @if rows.count == 0 {
            p { "No account is listed." }
        } @else {
            p id="filter" hidden {
                label for="words" { "Show rows with " }
                input id="words" type="search" autocomplete="off";
                " " span id="shown" role="status" {}
            }
            @if rows.silent > 0 {
                p { "The last " (thousands(rows.silent)) " rows with a reason do not show it, to keep the page small." }
            }
            table id="table" {
                caption { (if rows.count == 1 { "1 account".to_owned() } else { format!("{} accounts, the most urgent first", thousands(rows.count)) }) }
                thead {
                    tr {
                        th scope="col" { "Account" }
                        th scope="col" { "Status" }
                        th scope="col" { "Findings" }
                        th scope="col" { "Why, and what next" }
                        th scope="col" { "Time" }
                    }
                }
                tbody { (PreEscaped(&rows.text)) }
            }
        }
    }
}
