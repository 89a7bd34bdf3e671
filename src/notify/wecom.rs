//! `WeCom`'s group robot. Plain text: in markdown a `<@name>` would mention somebody. It signs nothing.

use jiff::Timestamp;
use serde_json::json;

use super::news::Message;
use super::service::{Post, Service, Verdict, by_errcode};

/// Of the text, in bytes.
const LIMIT: usize = 2_048;

#[derive(Debug)]
pub(super) struct WeCom;

impl Service for WeCom {
    fn name(&self) -> &'static str {
        "WeCom"
    }

    fn post(&self, message: &Message<'_>, _secret: Option<&str>, _now: Timestamp) -> Post {
        let text = message.text(|text| text.len() <= LIMIT);
        Post { body: json!({"msgtype": "text", "text": {"content": text}}).to_string(), ..Post::default() }
    }

    fn verdict(&self, body: &[u8]) -> Verdict {
        by_errcode(body)
    }
}
