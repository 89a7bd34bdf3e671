//! The answer to what triggers start. The platform hands it on to queues that take 64 KB, as a text inside another JSON,
//! so it is counted twice: as it is sent, and as such a text.

use authorization::text::truncated;
use serde_json::{Map, Value, json};

use super::cut::{self, texts};
use super::{AccountReport, Report, Status, TriggerKind};

/// The most of an answer.
const ANSWER: Size = Size { sent: 48 * 1024, quoted: 60 * 1024 };
/// The most of one account.
const ACCOUNT: Size = Size { sent: 15 * 1024, quoted: 20 * 1024 };
/// The most of a list of what belongs to no account.
const LIST: Size = Size { sent: 4 * 1024, quoted: 6 * 1024 };
/// Text of a failed run that stands beside its report, in characters.
const MESSAGE: usize = 512;

/// How long a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Size {
    /// Bytes.
    sent: usize,
    /// Bytes as a JSON string, by the encoder that escapes most: some escape all but ASCII, some what HTML uses.
    quoted: usize,
}

impl Size {
    fn of(text: &str) -> Self {
        Self { sent: text.len(), quoted: text.chars().map(quoted).sum() }
    }

    fn fits(self, limit: Self) -> bool {
        self.sent <= limit.sent && self.quoted <= limit.quoted
    }

    fn and(self, other: Self) -> Self {
        Self { sent: self.sent + other.sent, quoted: self.quoted + other.quoted }
    }
}

fn quoted(character: char) -> usize {
    match character {
        '"' | '\\' | '/' | '\n' | '\r' | '\t' => 2,
        '<' | '>' | '&' | '\'' | '=' | '\u{7f}' => 6,
        _ if character.is_ascii_control() => 6,
        _ if character.is_ascii() => 1,
        _ => 6 * character.len_utf16(),
    }
}

impl Report {
    /// Whether only queues behind a trigger read the answer.
    pub(crate) fn is_for_queues(&self) -> bool {
        self.trigger.kind != TriggerKind::Manual
    }

    /// What triggers get: without accounts that are in order and without advice; never too long together with `around`,
    /// the rest of the body. What does not fit is left out from the least urgent status on, and counted in `truncated`.
    pub fn compact(&self, around: &str) -> Value {
        let mut head = self.head();
        let is_worth = |account: &&AccountReport| account.status != Status::Authorized || !account.findings.is_empty();
        let mut worth: Vec<_> = self.accounts.iter().filter(is_worth).zip(0..).collect();
        worth.sort_by_key(|(account, _)| std::cmp::Reverse(account.status));
        let count = worth.len();
        head.insert("truncated".to_owned(), json!(count));
        let mut size = Size::of(around).and(Size::of(&json!(head).to_string()));
        let mut kept = Vec::new();
        for (account, place) in worth {
            let line = cut::account(json!(account), |line| Size::of(&line.to_string()).fits(ACCOUNT));
            // And the comma.
            size = size.and(Size::of(&format!("{line},")));
            if !size.fits(ANSWER) {
                break;
            }
            kept.push((place, line));
        }
        kept.sort_by_key(|(place, _)| *place);
        let left_out = count - kept.len();
        head.insert("accounts".to_owned(), kept.into_iter().map(|(_, line)| line).collect());
        if left_out == 0 {
            head.shift_remove("truncated");
        } else {
            head.insert("truncated".to_owned(), json!(left_out));
        }
        Value::Object(head)
    }

    /// All but the accounts, none of it long.
    fn head(&self) -> Map<String, Value> {
        let whole = json!(Self { accounts: Vec::new(), ..self.clone() });
        let Value::Object(mut head) = whole else { return Map::new() };
        for (list, text) in [("errors", "message"), ("ignored", "reason")] {
            if let Some(Value::Array(items)) = head.get_mut(list) {
                shorten(items, text);
            }
        }
        let rest = head.iter_mut().filter(|(name, _)| !matches!(name.as_str(), "errors" | "ignored"));
        rest.for_each(|(_, value)| texts(value));
        head
    }
}

/// The message of a run that failed, for queues.
pub fn message(text: &str) -> String {
    truncated(text, MESSAGE)
}

/// Keeps what fits; the last that is kept says how many more there are.
fn shorten(items: &mut Vec<Value>, text: &str) {
    let all = items.len();
    let mut size = Size::default();
    let mut kept = Vec::new();
    for mut item in std::mem::take(items) {
        texts(&mut item);
        size = size.and(Size::of(&item.to_string()));
        if !kept.is_empty() && !size.fits(LIST) {
            break;
        }
        kept.push(item);
    }
    let more = all - kept.len();
    if more > 0
        && let Some(Value::String(last)) = kept.last_mut().and_then(|last| last.get_mut(text))
    {
        *last = format!("{last}; {more} more are not listed");
    }
    *items = kept;
}
