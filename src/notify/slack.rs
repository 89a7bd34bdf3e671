//! Slack's incoming webhook. A section of plain text, in which nothing is a mention or a link. It signs nothing.

use jiff::Timestamp;
use serde_json::json;

use super::news::Message;
use super::service::{Post, Service, Verdict};

/// Of a section's text, in characters, by the count that is larger.
const LIMIT: usize = 3_000;

#[derive(Debug)]
pub(super) struct Slack;

impl Service for Slack {
    fn name(&self) -> &'static str {
        "Slack"
    }

    fn post(&self, message: &Message<'_>, _secret: Option<&str>, _now: Timestamp) -> Post {
        let text = message.text(|text| text.encode_utf16().count() <= LIMIT);
        let section = json!({"type": "section", "text": {"type": "plain_text", "text": text, "emoji": false}});
        Post { body: json!({"text": message.title, "blocks": [section]}).to_string(), ..Post::default() }
    }

    /// Its HTTP status says it all.
    fn verdict(&self, body: &[u8]) -> Verdict {
        if body.trim_ascii() == b"ok" {
            return Verdict::Delivered;
        }
        Verdict::Refused(format!("the answer `{}` instead of `ok`", String::from_utf8_lossy(body)))
    }
}
