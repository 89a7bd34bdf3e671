//! The custom bot of Feishu and of Lark, which is the same elsewhere. A card of plain text: `text` messages know mentions.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::news::{Message, Tone};
use super::service::{Post, Service, Verdict, base64, hmac_sha256};

/// Of the whole body, in bytes (documented: 20 KB).
const LIMIT: usize = 18_000;

#[derive(Debug)]
pub(super) struct Feishu;

impl Service for Feishu {
    fn name(&self) -> &'static str {
        "Feishu"
    }

    fn post(&self, message: &Message<'_>, secret: Option<&str>, now: Timestamp) -> Post {
        let signed = secret.map(|secret| signature(secret, now.as_second()));
        let body = |text: &str| {
            let mut body = card(message, text);
            if let (Some((timestamp, sign)), Some(fields)) = (&signed, body.as_object_mut()) {
                fields.insert("timestamp".to_owned(), json!(timestamp));
                fields.insert("sign".to_owned(), json!(sign));
            }
            body.to_string()
        };
        let text = message.text(|text| body(text).len() <= LIMIT);
        Post { body: body(&text), ..Post::default() }
    }

    /// Some errors have a `StatusCode` of 0 beside another `code`.
    fn verdict(&self, body: &[u8]) -> Verdict {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let text = answer.get("msg").and_then(Value::as_str).unwrap_or_default();
        let status = answer.get("StatusCode").and_then(Value::as_i64);
        match (answer.get("code"), status) {
            (Some(code), _) if code.as_i64() == Some(0) => Verdict::Delivered,
            (None, Some(0)) => Verdict::Delivered,
            (Some(code), _) => Verdict::Refused(format!("code {code}: {text}")),
            (None, _) => Verdict::Refused("an answer without a code".to_owned()),
        }
    }
}

fn card(message: &Message<'_>, text: &str) -> Value {
    let colour = match message.tone {
        Tone::Alarm => "red",
        Tone::Warning => "orange",
        Tone::Good => "green",
    };
    // Key words are looked for in the title and in text.
    let title = json!({"tag": "plain_text", "content": message.title});
    let element = json!({"tag": "div", "text": {"tag": "plain_text", "content": text}});
    json!({"msg_type": "interactive", "card": {
        "schema": "2.0",
        "header": {"title": title, "template": colour},
        "body": {"elements": [element]},
    }})
}

/// `base64(HMAC-SHA256("<seconds>\n<secret>", ""))`, good for an hour. The time is a text.
fn signature(secret: &str, seconds: i64) -> (String, String) {
    let sign = hmac_sha256(format!("{seconds}\n{secret}").as_bytes(), b"");
    (seconds.to_string(), base64(&sign))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::deliver::tests::vectors;

    #[test]
    fn matches_the_vectors() {
        let vectors = vectors("feishu");
        assert_eq!(vectors.len(), 3);
        for vector in vectors {
            let signed = signature(vector["secret"].as_str().unwrap(), vector["timestamp_s"].as_i64().unwrap());
            let expected = (&vector["body_timestamp"], &vector["sign_base64"]);
            assert_eq!((&json!(signed.0), &json!(signed.1)), expected, "{vector}");
        }
    }

    #[test]
    fn a_status_of_0_beside_a_code_is_no_success() {
        assert_eq!(Feishu.verdict(br#"{"code":0,"msg":"success"}"#), Verdict::Delivered);
        assert_eq!(Feishu.verdict(br#"{"StatusCode":0,"StatusMessage":"success"}"#), Verdict::Delivered);
        for body in [&b"{}"[..], b"", br#"{"StatusCode":0,"code":19021,"msg":"sign"}"#, br#"{"code":null}"#] {
            assert!(matches!(Feishu.verdict(body), Verdict::Refused(_)), "{}", String::from_utf8_lossy(body));
        }
    }
}
