//! What the five services have in common.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::Value;
use sha2::Sha256;

use super::news::Message;

/// A chat service, or whatever else takes a notice.
pub(super) trait Service: Sync {
    /// Its name in the log.
    fn name(&self) -> &'static str;

    /// The request that tells it, signed for this moment: each try has its own.
    fn post(&self, message: &Message<'_>, secret: Option<&str>, now: Timestamp) -> Post;

    /// What an answer with a good HTTP status means. Some of them say in its body that they did nothing.
    fn verdict(&self, body: &[u8]) -> Verdict;
}

impl std::fmt::Debug for dyn Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// A request, but for where it goes.
#[derive(Default)]
pub(super) struct Post {
    /// Beside what the URL has.
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

/// What became of a try.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was taken.
    Delivered,
    /// It may be taken after this pause.
    Again(Duration, String),
    /// It was not, and would not be.
    Refused(String),
}

/// Before a second try.
pub(super) const PAUSE: Duration = Duration::from_millis(300);

pub(super) fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    // A key of any length will do.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// `{"errcode": 0}` is the only good answer of `DingTalk` and `WeCom`.
pub(super) fn by_errcode(body: &[u8]) -> Verdict {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let text = answer.get("errmsg").and_then(Value::as_str).unwrap_or_default();
    match answer.get("errcode").and_then(Value::as_i64) {
        Some(0) => Verdict::Delivered,
        Some(-1) => Verdict::Again(PAUSE, "errcode -1: busy".to_owned()),
        Some(code) => Verdict::Refused(format!("errcode {code}: {text}")),
        None => Verdict::Refused("an answer without an errcode".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_errcode_0_is_delivered() {
        assert_eq!(by_errcode(br#"{"errcode":0,"errmsg":"ok"}"#), Verdict::Delivered);
        assert!(matches!(by_errcode(br#"{"errcode":-1}"#), Verdict::Again(..)));
        for body in
            [&b""[..], b"ok", b"{}", br#"{"status":1111,"wait":5}"#, br#"{"errcode":"0"}"#, br#"{"errcode":310000}"#]
        {
            assert!(matches!(by_errcode(body), Verdict::Refused(_)), "{}", String::from_utf8_lossy(body));
        }
    }
}
