//! What there is to say of a run, and how it is put.

use std::fmt::Write as _;

use authorization::text::{escaped, truncated};
use serde_json::{Value, json};

use super::digest;
use crate::report::{AccountReport, CallError, Report, Status, Tone};

/// Texts of others, in characters.
const NEXT: usize = 160;
const SHORT: usize = 64;
/// The findings of one account.
const FINDINGS: usize = 6;

/// What is known of one account, or of the whole run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Item {
    /// Whose it is; `run` for what belongs to no account.
    pub(super) key: String,
    /// Names the state: the same state is not sent again within a day.
    pub(super) state: String,
    /// Whether it is sent every time.
    pub(super) always: bool,
    urgency: Status,
    line: String,
}

#[derive(Debug)]
pub(crate) struct Notice {
    pub(super) title: String,
    pub(super) tone: Tone,
    pub(super) items: Vec<Item>,
    tail: String,
    /// For programs.
    pub(super) json: String,
}

#[derive(Debug)]
pub(super) struct Message<'a> {
    pub(super) notice: &'a Notice,
    /// The most urgent first.
    lines: Vec<&'a str>,
    /// Accounts that were sent before.
    known: usize,
}

impl Notice {
    /// Of a run that changed something, found something that is not in order, or failed; else there is none.
    pub(crate) fn of_report(report: &Report) -> Option<Self> {
        if matches!(report.status, Status::Ignored | Status::Rejected) {
            return None;
        }
        let accounts = report.accounts.iter().filter(|account| is_worth_telling(account.status)).map(Item::of_account);
        let mut items: Vec<_> = accounts.chain(report.errors.iter().map(Item::of_error)).collect();
        if items.is_empty() {
            return None;
        }
        items.sort_by_key(|item| std::cmp::Reverse(item.urgency));
        let compact = report.compact("");
        let of = |field| compact.pointer(field).and_then(Value::as_str).map(|text| harmless(text, SHORT));
        let reason = report.reason.as_deref().map(|reason| format!("{}\n", harmless(reason, NEXT))).unwrap_or_default();
        let started_by = of("/trigger/name").map(|name| format!(", started by {name}")).unwrap_or_default();
        let (mode, id) = (of("/mode").unwrap_or_default(), of("/requestId").unwrap_or_default());
        let tail = format!("{reason}mode {mode}{started_by}; the log has the rest: {id}");
        Some(Self { title: title(report), tone: report.status.tone(), items, tail, json: compact.to_string() })
    }

    /// Of a run that could not begin.
    pub(crate) fn of_abort(request_id: &str, error_type: &str, message: &str) -> Self {
        let state = digest(&json!([error_type, message]).to_string());
        let line = format!("{error_type}: {}", harmless(message, 4 * NEXT));
        let item = Item { key: "run".to_owned(), state, always: false, urgency: Status::Failed, line };
        let json = json!({"requestId": request_id, "errorType": error_type, "errorMessage": message});
        Self {
            title: "dts-role-guard: the run could not begin".to_owned(),
            tone: Tone::Bad,
            items: vec![item],
            tail: format!("nothing was looked at; the log has the rest: {}", harmless(request_id, SHORT)),
            json: json.to_string(),
        }
    }

    /// The message to a hook that does not know these items yet.
    pub(super) fn message<'a>(&'a self, items: &[&'a Item]) -> Message<'a> {
        let lines = items.iter().map(|item| item.line.as_str()).collect();
        Message { notice: self, lines, known: self.items.len() - items.len() }
    }
}

impl Item {
    fn of_account(account: &AccountReport) -> Self {
        let mut ids = account.finding_ids();
        ids.sort_unstable();
        let key = account.id_or("unknown").to_owned();
        let why = account.cause().map(|cause| format!(". {}", harmless(cause, NEXT))).unwrap_or_default();
        let found = match ids.split_at_checked(FINDINGS) {
            _ if ids.is_empty() => String::new(),
            Some((first, more)) if !more.is_empty() => format!(": {} and {} more", first.join(", "), more.len()),
            Some(_) | None => format!(": {}", ids.join(", ")),
        };
        Self {
            state: digest(&json!([account.status.as_str(), ids]).to_string()),
            always: matches!(account.status, Status::Stuck | Status::Remediated),
            urgency: account.status,
            line: format!("{key} {}{found}{why}", account.status.as_str()),
            key,
        }
    }

    fn of_error(error: &CallError) -> Self {
        Self {
            key: "run".to_owned(),
            state: digest(&json!([error.operation, error.code.as_deref().unwrap_or_default()]).to_string()),
            always: false,
            urgency: Status::Failed,
            line: format!("the run: {}", harmless(&error.to_string(), NEXT)),
        }
    }
}

fn is_worth_telling(status: Status) -> bool {
    !matches!(status, Status::Authorized | Status::Skipped | Status::Ignored | Status::Rejected)
}

/// Every number in it is one of the report's summary.
fn title(report: &Report) -> String {
    let summary = &report.summary;
    let counts = summary.counts().into_iter().filter(|(status, count)| *count > 0 && is_worth_telling(*status));
    let mut parts: Vec<_> = counts.map(|(status, count)| format!("{count} {}", status.as_str())).collect();
    if parts.is_empty() {
        parts.push("the run failed".to_owned());
    }
    let accounts = if summary.accounts == 1 { "account" } else { "accounts" };
    format!("dts-role-guard: {} of {} {accounts}", parts.join(", "), summary.accounts)
}

impl Message<'_> {
    /// The title, as many accounts as fit, and how many more there are.
    pub(super) fn text(&self, fits: impl Fn(&str) -> bool) -> String {
        let mut text = self.with_lines(0);
        for count in 1..=self.lines.len() {
            let longer = self.with_lines(count);
            if !fits(&longer) {
                break;
            }
            text = longer;
        }
        text
    }

    fn with_lines(&self, count: usize) -> String {
        let mut text = format!("{}\n", self.notice.title);
        for line in self.lines.iter().take(count) {
            let _ = writeln!(text, "{line}");
        }
        let more = self.lines.len() - count;
        if more > 0 {
            let _ = writeln!(text, "and {more} more");
        }
        if self.known > 0 {
            let _ = writeln!(text, "{} as told before", self.known);
        }
        text + &self.notice.tail
    }
}

/// Text of others in a chat, cut after this many characters. It can neither mention anybody nor make a link, in any of the
/// services: what they could take for more than text is replaced by what looks alike.
pub(super) fn harmless(text: &str, limit: usize) -> String {
    let text = escaped(&truncated(text, limit));
    let (mut tamed, mut before) = (String::new(), ' ');
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        let behind = characters.peek().copied().unwrap_or(' ');
        tamed.push(match character {
            '@' => '＠',
            '<' => '‹',
            '>' => '›',
            '[' => '［',
            ']' => '］',
            '&' => '＆',
            '#' => '＃',
            '`' | '"' => '\'',
            '\\' => '＼',
            // Of an address, with or without its scheme.
            '/' if before == '/' || behind == '/' => '／',
            '.' if before.is_alphanumeric() && behind.is_alphanumeric() => '․',
            other => other,
        });
        before = character;
    }
    // An escape is longer than what it stands for.
    truncated(&tamed, limit)
}

#[cfg(test)]
mod tests {
    use aliyun::clock::{Clock as _, SystemClock};

    use super::*;
    use crate::notify::hook::hooks;
    use crate::outcome::{AccountOutcome, Ending};

    /// Text of others at its worst, in an account's `next`.
    fn worst(filler: &str, accounts: usize) -> Notice {
        let account = |index: usize| {
            let id = (1_000_000_000_000_000 + index).to_string().parse().unwrap();
            let mut account = AccountReport::of(AccountOutcome::new(Some(id), Ending::Panicked));
            account.next = Some(filler.repeat(4_000));
            account
        };
        let items: Vec<_> = (0..accounts).map(|index| Item::of_account(&account(index))).collect();
        let tail = harmless(&filler.repeat(400), SHORT);
        Notice { title: "dts-role-guard: stuck".to_owned(), tone: Tone::Bad, items, tail, json: "{}".to_owned() }
    }

    #[test]
    fn every_service_gets_no_more_than_it_takes_whatever_the_text() {
        let text = "dingtalk+https://a.example/x s,feishu+https://a.example/x s,wecom+https://a.example/x,slack+https://a.example/x";
        for filler in ["x", "\"", "\\", "漢", "\u{1f600}", "\u{202e}", "\u{0}", "@all ", "<!channel>", "a.b", "//"] {
            let notice = worst(filler, 2_000);
            let all: Vec<_> = notice.items.iter().collect();
            let message = notice.message(&all);
            for hook in hooks(text).0 {
                let body = hook.service.request(&message, hook.secret(), SystemClock::start().now()).body;
                let value: Value = serde_json::from_str(&body).unwrap();
                let (size, limit) = match hook.service.name() {
                    "DingTalk" | "Feishu" => (body.len(), 20_000),
                    "WeCom" => (value["text"]["content"].as_str().unwrap().len(), 2_048),
                    _ => (value["blocks"][0]["text"]["text"].as_str().unwrap().encode_utf16().count(), 3_000),
                };
                assert!(size <= limit, "{} {filler:?}: {size}", hook.service.name());
                assert!(
                    body.contains("1000000000000000 stuck") && body.contains(" more"),
                    "{} {filler:?}",
                    hook.service.name()
                );
                for evil in ["@", "<!", "://", "a.b"] {
                    assert!(!body.contains(evil), "{} {filler:?}: {body}", hook.service.name());
                }
            }
        }
    }

    #[test]
    fn nothing_in_it_is_a_mention_or_a_link() {
        for (text, shown) in [
            ("@all <!channel> <at id=all>", "＠all ‹!channel› ‹at id=all›"),
            ("[x](https://evil.example)", "［x］(https:／／evil․example)"),
            ("www.evil.example/a", "www․evil․example/a"),
            ("acs:ram::1:role/x. Next", "acs:ram::1:role/x. Next"),
            ("&lt;!here&gt;", "＆lt;!here＆gt;"),
            ("a\nb\u{202e}c", "a＼u{a}b＼u{202e}c"),
        ] {
            assert_eq!(harmless(text, 100), shown);
        }
    }

    #[test]
    fn it_is_cut_by_characters() {
        assert_eq!(harmless("漢漢漢", 2), "漢漢…");
    }
}
