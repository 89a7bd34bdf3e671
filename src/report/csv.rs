//! One line for each account and role (RFC 4180), for a spreadsheet.

use authorization::text::sanitized;

use super::view::harmless_lines;
use super::{AccountReport, Render, Report};

/// Comma-separated values.
#[derive(Debug, Clone, Copy)]
pub struct Csv;

const HEAD: [&str; 8] = ["accountId", "roleName", "status", "findingIds", "next", "durationMs", "planId", "errorCode"];

impl Render for Csv {
    fn render(&self, report: &Report) -> String {
        let mut text = line(HEAD.map(str::to_owned));
        for account in &report.accounts {
            text.push_str(&line(cells(account)));
        }
        // What belongs to no account has no id.
        let errors = report.errors.iter().map(|error| ("failed", sanitized(&error.to_string())));
        let missing = report.missing().map(|missing| ("missing", missing));
        let reason = report.reason.as_deref().map(|reason| (report.status.as_str(), sanitized(reason)));
        for (status, words) in errors.chain(missing).chain(reason) {
            let empty = String::new;
            text.push_str(&line([empty(), empty(), status.to_owned(), empty(), words, empty(), empty(), empty()]));
        }
        text
    }
}

fn cells(account: &AccountReport) -> [String; 8] {
    let code = account.error.as_ref().and_then(|error| error.code.as_deref()).unwrap_or_default();
    [
        account.id_or("").to_owned(),
        account.role_name().to_owned(),
        account.status.as_str().to_owned(),
        account.finding_ids().join(" "),
        harmless_lines(account.next.as_deref().unwrap_or_default()),
        // A short line of an account in order has no time.
        if account.is_brief() { String::new() } else { account.duration_ms.to_string() },
        account.plan_id.as_deref().map(sanitized).unwrap_or_default(),
        sanitized(code),
    ]
}

fn line(cells: [String; 8]) -> String {
    cells.map(quoted).join(",") + "\r\n"
}

fn quoted(mut cell: String) -> String {
    // A spreadsheet takes a cell that begins like this for a formula.
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        cell.insert(0, '\'');
    }
    if cell.contains([',', '"', '\r', '\n']) || cell.trim() != cell {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_neither_ends_its_line_nor_computes() {
        let cell = |text: &str| quoted(text.to_owned());
        assert_eq!(cell("plain"), "plain");
        assert_eq!(cell("a,\"b\"\r\n"), "\"a,\"\"b\"\"\r\n\"");
        for start in ["=", "+", "-", "@", "\t", "\r"] {
            assert!(cell(&format!("{start}1")).trim_start_matches('"').starts_with('\''), "{start:?}");
        }
        assert_eq!(cell("=1,2"), "\"'=1,2\"");
    }
}
