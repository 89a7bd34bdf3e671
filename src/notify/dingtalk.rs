//! `DingTalk`'s custom robot. Plain text: mentions would need a field of their own, and links are broken before.

use jiff::Timestamp;
use serde_json::json;

use super::news::Message;
use super::service::{Post, Service, Verdict, base64, by_errcode, hmac_sha256};

/// Of the whole body, in bytes (20000 by its error text).
const LIMIT: usize = 18_000;

#[derive(Debug)]
pub(super) struct DingTalk;

impl Service for DingTalk {
    fn name(&self) -> &'static str {
        "DingTalk"
    }

    fn post(&self, message: &Message<'_>, secret: Option<&str>, now: Timestamp) -> Post {
        let body = |text: &str| json!({"msgtype": "text", "text": {"content": text}}).to_string();
        let text = message.text(|text| body(text).len() <= LIMIT);
        let query = secret.map(|secret| signature(secret, now.as_millisecond())).into_iter().flatten().collect();
        Post { query, body: body(&text), ..Post::default() }
    }

    fn verdict(&self, body: &[u8]) -> Verdict {
        by_errcode(body)
    }
}

/// `base64(HMAC-SHA256(secret, "<milliseconds>\n<secret>"))`, good for an hour.
fn signature(secret: &str, milliseconds: i64) -> [(&'static str, String); 2] {
    let sign = hmac_sha256(secret.as_bytes(), format!("{milliseconds}\n{secret}").as_bytes());
    [("timestamp", milliseconds.to_string()), ("sign", base64(&sign))]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::deliver::tests::vectors;

    #[test]
    fn matches_the_vectors() {
        let vectors = vectors("dingtalk");
        assert_eq!(vectors.len(), 3);
        for vector in vectors {
            let signed = signature(vector["secret"].as_str().unwrap(), vector["timestamp_ms"].as_i64().unwrap());
            assert_eq!(signed[1].1, vector["sign_base64"], "{vector}");
            let mut url = url::Url::parse("https://localhost/?access_token=t").unwrap();
            url.query_pairs_mut().extend_pairs(&signed);
            let expected = format!("&sign={}", vector["sign_query_value"].as_str().unwrap());
            assert!(url.as_str().ends_with(&expected), "{url} {expected}");
        }
    }
}
