//! The services: what each of them takes, how a request is signed for it, and what its answer means.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::notice::Message;
use crate::report::Tone;

/// A chat service, or anything else that takes a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Service {
    /// A custom robot. Plain text: mentions would need a field of their own, and links are broken before.
    DingTalk,
    /// The custom bot of Feishu and of Lark, which is the same elsewhere. A card of plain text: `text` messages know mentions.
    Feishu,
    /// A group robot. Plain text: in markdown a `<@name>` would mention somebody. It signs nothing.
    WeCom,
    /// An incoming webhook. A section of plain text, in which nothing is a mention or a link. It signs nothing.
    Slack,
    /// Any other webhook gets what queues get: the compact report as JSON, signed where there is a secret.
    Webhook,
}

#[derive(Default)]
pub(super) struct HookRequest {
    /// Beside what the URL has.
    pub(super) query: Vec<(&'static str, String)>,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: String,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Delivery {
    Delivered,
    /// It may be taken after this pause.
    Retry(Duration, String),
    /// It was not taken, and would not be.
    Refused(String),
}

/// Before a second try.
pub(super) const PAUSE: Duration = Duration::from_millis(300);

const SIGNATURE: &str = "x-dts-role-guard-signature";

impl Service {
    pub(super) fn by_prefix(prefix: &str) -> Option<Self> {
        match prefix {
            "dingtalk" => Some(Self::DingTalk),
            "feishu" => Some(Self::Feishu),
            "wecom" => Some(Self::WeCom),
            "slack" => Some(Self::Slack),
            "webhook" => Some(Self::Webhook),
            _ => None,
        }
    }

    pub(super) fn by_host(host: Option<&str>) -> Self {
        match host {
            Some("oapi.dingtalk.com") => Self::DingTalk,
            Some("open.feishu.cn" | "open.larksuite.com") => Self::Feishu,
            Some("qyapi.weixin.qq.com") => Self::WeCom,
            Some("hooks.slack.com") => Self::Slack,
            _ => Self::Webhook,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::DingTalk => "DingTalk",
            Self::Feishu => "Feishu",
            Self::WeCom => "WeCom",
            Self::Slack => "Slack",
            Self::Webhook => "webhook",
        }
    }

    /// The request that carries a message, signed for this moment: each try has its own. As many lines as fit.
    pub(super) fn request(self, message: &Message<'_>, secret: Option<&str>, now: Timestamp) -> HookRequest {
        let (mut query, mut headers, mut signature) = (Vec::new(), Vec::new(), Map::new());
        match (self, secret) {
            (Self::DingTalk, Some(secret)) => query.extend(dingtalk_signature(secret, now.as_millisecond())),
            (Self::Feishu, Some(secret)) => signature = feishu_signature(secret, now.as_second()),
            (Self::Webhook, Some(secret)) => {
                let sign = hmac_sha256(secret.as_bytes(), message.notice.json.as_bytes());
                headers.push((SIGNATURE, format!("sha256={}", hex::encode(sign))));
            }
            (Self::WeCom | Self::Slack, _) | (_, None) => {}
        }
        let body = |text: &str| match self {
            Self::DingTalk | Self::WeCom => json!({"msgtype": "text", "text": {"content": text}}).to_string(),
            Self::Feishu => card(message, text, signature.clone()),
            Self::Slack => {
                let section = json!({"type": "section", "text": {"type": "plain_text", "text": text, "emoji": false}});
                json!({"text": message.notice.title, "blocks": [section]}).to_string()
            }
            Self::Webhook => message.notice.json.clone(),
        };
        let fits = |text: &str| match self {
            // Of the whole body, in bytes (20000 by DingTalk's error text, 20 KB by Feishu's documentation).
            Self::DingTalk | Self::Feishu => body(text).len() <= 18_000,
            // Of the text, in bytes.
            Self::WeCom => text.len() <= 2_048,
            // Of a section's text, in characters, by the count that is larger.
            Self::Slack => text.encode_utf16().count() <= 3_000,
            // It has no text.
            Self::Webhook => false,
        };
        HookRequest { query, headers, body: body(&message.text(fits)) }
    }

    /// What an answer with a good HTTP status means. Some services say in its body that they did nothing.
    pub(super) fn verdict(self, body: &[u8]) -> Delivery {
        let answer: Value = serde_json::from_slice(body).unwrap_or_default();
        let number = |name| answer.get(name).and_then(Value::as_i64);
        let text = |name| answer.get(name).and_then(Value::as_str).unwrap_or_default();
        match self {
            // `{"errcode": 0}` is the only good answer.
            Self::DingTalk | Self::WeCom => match number("errcode") {
                Some(0) => Delivery::Delivered,
                Some(-1) => Delivery::Retry(PAUSE, "errcode -1: busy".to_owned()),
                Some(code) => Delivery::Refused(format!("errcode {code}: {}", text("errmsg"))),
                None => Delivery::Refused("an answer without an errcode".to_owned()),
            },
            // Some errors have a `StatusCode` of 0 beside another `code`.
            Self::Feishu => match (answer.get("code"), number("StatusCode")) {
                (Some(code), _) if code.as_i64() == Some(0) => Delivery::Delivered,
                (None, Some(0)) => Delivery::Delivered,
                (Some(code), _) => Delivery::Refused(format!("code {code}: {}", text("msg"))),
                (None, _) => Delivery::Refused("an answer without a code".to_owned()),
            },
            Self::Slack if body.trim_ascii() == b"ok" => Delivery::Delivered,
            Self::Slack => Delivery::Refused(format!("the answer `{}` instead of `ok`", String::from_utf8_lossy(body))),
            // The HTTP status says it all.
            Self::Webhook => Delivery::Delivered,
        }
    }
}

fn card(message: &Message<'_>, text: &str, signature: Map<String, Value>) -> String {
    let colour = match message.notice.tone {
        Tone::Bad => "red",
        Tone::Warning | Tone::Calm => "orange",
        Tone::Good => "green",
    };
    // Key words are looked for in the title and in text.
    let title = json!({"tag": "plain_text", "content": message.notice.title});
    let element = json!({"tag": "div", "text": {"tag": "plain_text", "content": text}});
    let mut body = json!({"msg_type": "interactive", "card": {
        "schema": "2.0",
        "header": {"title": title, "template": colour},
        "body": {"elements": [element]},
    }});
    if let Some(fields) = body.as_object_mut() {
        fields.extend(signature);
    }
    body.to_string()
}

/// `base64(HMAC-SHA256(secret, "<milliseconds>\n<secret>"))`, good for an hour.
fn dingtalk_signature(secret: &str, milliseconds: i64) -> [(&'static str, String); 2] {
    let sign = hmac_sha256(secret.as_bytes(), format!("{milliseconds}\n{secret}").as_bytes());
    [("timestamp", milliseconds.to_string()), ("sign", STANDARD.encode(sign))]
}

/// `base64(HMAC-SHA256("<seconds>\n<secret>", ""))`, good for an hour. The time is a text.
fn feishu_signature(secret: &str, seconds: i64) -> Map<String, Value> {
    let sign = hmac_sha256(format!("{seconds}\n{secret}").as_bytes(), b"");
    [("timestamp", seconds.to_string()), ("sign", STANDARD.encode(sign))]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect()
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mac = Hmac::<Sha256>::new_from_slice(key).expect("a key of any length");
    mac.chain_update(text).finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The signatures of a service, from files of others.
    fn vectors(service: &str) -> Vec<Value> {
        let file: Value =
            serde_json::from_str(include_str!("../../tests/fixtures/vectors/webhook-signatures.json")).unwrap();
        let all = file["vectors"].as_array().unwrap().clone();
        all.into_iter().filter(|vector| vector["service"] == service).collect()
    }

    #[test]
    fn matches_the_vectors_of_dingtalk() {
        let vectors = vectors("dingtalk");
        assert_eq!(vectors.len(), 3);
        for vector in vectors {
            let signed =
                dingtalk_signature(vector["secret"].as_str().unwrap(), vector["timestamp_ms"].as_i64().unwrap());
            assert_eq!(signed[1].1, vector["sign_base64"], "{vector}");
            let mut url = url::Url::parse("https://localhost/?access_token=t").unwrap();
            url.query_pairs_mut().extend_pairs(&signed);
            let expected = format!("&sign={}", vector["sign_query_value"].as_str().unwrap());
            assert!(url.as_str().ends_with(&expected), "{url} {expected}");
        }
    }

    #[test]
    fn matches_the_vectors_of_feishu() {
        let vectors = vectors("feishu");
        assert_eq!(vectors.len(), 3);
        for vector in vectors {
            let signed = feishu_signature(vector["secret"].as_str().unwrap(), vector["timestamp_s"].as_i64().unwrap());
            let expected = (&vector["body_timestamp"], &vector["sign_base64"]);
            assert_eq!((&signed["timestamp"], &signed["sign"]), expected, "{vector}");
        }
    }

    #[test]
    fn a_status_of_0_beside_a_code_is_no_success() {
        let verdict = |body: &[u8]| Service::Feishu.verdict(body);
        assert_eq!(verdict(br#"{"code":0,"msg":"success"}"#), Delivery::Delivered);
        assert_eq!(verdict(br#"{"StatusCode":0,"StatusMessage":"success"}"#), Delivery::Delivered);
        for body in [&b"{}"[..], b"", br#"{"StatusCode":0,"code":19021,"msg":"sign"}"#, br#"{"code":null}"#] {
            assert!(matches!(verdict(body), Delivery::Refused(_)), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn only_errcode_0_is_delivered() {
        for verdict in [Service::DingTalk, Service::WeCom].map(|service| move |body: &[u8]| service.verdict(body)) {
            assert_eq!(verdict(br#"{"errcode":0,"errmsg":"ok"}"#), Delivery::Delivered);
            assert!(matches!(verdict(br#"{"errcode":-1}"#), Delivery::Retry(..)));
            for body in [
                &b""[..],
                b"ok",
                b"{}",
                br#"{"status":1111,"wait":5}"#,
                br#"{"errcode":"0"}"#,
                br#"{"errcode":310000}"#,
            ] {
                assert!(matches!(verdict(body), Delivery::Refused(_)), "{}", String::from_utf8_lossy(body));
            }
        }
    }
}
