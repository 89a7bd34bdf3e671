//! Sees every reply that comes by, and keeps of it what facts are read from: never a key, and no text that quotes the request.

use std::sync::{Arc, Mutex, PoisonError};

use aliyun::secret::Zeroizing;
use aliyun::{BoxFuture, Reply, SignedRequest, Transport, TransportError};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::Value;

/// A way to the cloud with a witness.
#[derive(Debug)]
pub(super) struct Witness {
    transport: Arc<dyn Transport>,
    seen: Mutex<Vec<Seen>>,
}

/// A reply, as far as facts are read from it.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// Such as `GetRole`.
    pub(super) operation: String,
    /// Whose role was to be assumed.
    pub(super) role_arn: Option<String>,
    /// For how long.
    pub(super) duration_seconds: Option<i64>,
    /// Whom the directory was asked about.
    pub(super) asked_account: Option<String>,
    /// The HTTP status.
    pub(super) status: u16,
    /// The cloud's time of day.
    pub(super) date: Option<Timestamp>,
    /// The rest of it; nothing where it is no JSON object.
    pub(super) body: Body,
}

/// What is read of a reply. `AssumeRole` answers with keys: of them only their end is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Body {
    pub(super) code: Option<String>,
    pub(super) account_id: Option<String>,
    pub(super) role: Option<Role>,
    pub(super) credentials: Option<End>,
    pub(super) total_count: Option<usize>,
    pub(super) accounts: Option<Accounts>,
    pub(super) tag_resources: Option<Vec<serde::de::IgnoredAny>>,
    pub(super) next_token: Option<Value>,
    pub(super) access_denied_detail: Option<Detail>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Role {
    pub(super) arn: Option<String>,
    /// Told apart: a field that is not there, and one that is `null`.
    #[serde(deserialize_with = "there")]
    pub(super) description: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct End {
    pub(super) expiration: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Accounts {
    pub(super) account: Vec<Account>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Account {
    pub(super) account_id: String,
    pub(super) status: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Detail {
    pub(super) policy_type: Option<String>,
}

fn there<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(reader).map(Some)
}

impl Witness {
    pub(super) fn of(transport: Arc<dyn Transport>) -> Self {
        Self { transport, seen: Mutex::default() }
    }

    /// Every reply so far.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn exchange(&self, request: SignedRequest) -> Result<Reply, TransportError> {
        let question = Question::of(&request);
        let reply = self.transport.send(request).await?;
        let seen = question.answered(&reply);
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(seen);
        Ok(reply)
    }
}

impl Transport for Witness {
    fn send(&self, request: SignedRequest) -> BoxFuture<'_, Result<Reply, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

/// What was asked, and what of it no answer may quote.
struct Question {
    seen: Seen,
    secrets: Vec<Zeroizing<String>>,
}

/// What a request carries that nobody else may see, as a form or as headers.
const SECRET_FIELDS: [&str; 2] = ["SecurityToken", "Signature"];
const SECRET_HEADERS: [&str; 2] = ["x-acs-security-token", "authorization"];
/// A shorter text is no secret, and stands in any other.
const SHORTEST_SECRET: usize = 6;

impl Question {
    fn of(request: &SignedRequest) -> Self {
        let named = |name: &str| {
            let value = request.body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
            Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
        };
        let header =
            request.headers.iter().find(|(name, _)| *name == "x-acs-action").map(|(_, value)| value.to_string());
        let seen = Seen {
            operation: header.or_else(|| named("Action")).unwrap_or_default(),
            role_arn: named("RoleArn"),
            duration_seconds: named("DurationSeconds").and_then(|seconds| seconds.parse().ok()),
            asked_account: named("AccountId"),
            ..Seen::default()
        };
        let fields = SECRET_FIELDS.into_iter().filter_map(named).map(Zeroizing::new);
        let headers = request.headers.iter().filter(|(name, _)| SECRET_HEADERS.contains(name));
        // Of the header `authorization` the signature stands behind the last `=`.
        let values = headers.map(|(name, value)| match value.rsplit_once("Signature=") {
            Some((_, signature)) if *name == "authorization" => Zeroizing::new(signature.to_owned()),
            _ => value.clone(),
        });
        let secrets = fields.chain(values).filter(|secret: &Zeroizing<String>| secret.len() >= SHORTEST_SECRET);
        Self { seen, secrets: secrets.collect() }
    }

    fn answered(self, reply: &Reply) -> Seen {
        let mut body: Body = serde_json::from_slice(&reply.body).unwrap_or_default();
        // A gateway in trouble quotes the request, with its token, in the wrong field.
        let quotes = |code: &String| self.secrets.iter().any(|secret| code.contains(secret.as_str()));
        body.code = body.code.filter(|code| is_code(code) && !quotes(code));
        Seen { status: reply.status, date: reply.date, body, ..self.seen }
    }
}

/// As documented: `EntityNotExist.Role`.
fn is_code(code: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (1..=128).contains(&code.len()) && code.bytes().all(plain)
}
