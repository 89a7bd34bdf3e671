//! Any other webhook gets what queues get: the compact report as JSON, signed where there is a secret.

use jiff::Timestamp;

use super::news::Message;
use super::service::{Post, Service, Verdict, hmac_sha256};

#[derive(Debug)]
pub(super) struct Webhook;

const SIGNATURE: &str = "x-dts-role-guard-signature";

impl Service for Webhook {
    fn name(&self) -> &'static str {
        "webhook"
    }

    fn post(&self, message: &Message<'_>, secret: Option<&str>, _now: Timestamp) -> Post {
        let body = message.json.to_owned();
        let sign = |secret: &str| format!("sha256={}", hex::encode(hmac_sha256(secret.as_bytes(), body.as_bytes())));
        let headers = secret.map(|secret| (SIGNATURE, sign(secret))).into_iter().collect();
        Post { headers, body, ..Post::default() }
    }

    fn verdict(&self, _body: &[u8]) -> Verdict {
        Verdict::Delivered
    }
}
