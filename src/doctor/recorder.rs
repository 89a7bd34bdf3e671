//! Records of every reply what facts are read from: no key, and no code that quotes the request.

use std::sync::{Arc, Mutex, PoisonError};

use aliyun::secret::Zeroizing;
use aliyun::{BoxFuture, Reply, SignedRequest, Transport, TransportError};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Debug)]
pub(super) struct Recorder {
    transport: Arc<dyn Transport>,
    replies: Mutex<Vec<RecordedReply>>,
}

#[derive(Debug, Clone, Default)]
pub(super) struct RecordedReply {
    pub(super) operation: String,
    /// The role to assume, and for how long.
    pub(super) role_arn: Option<String>,
    pub(super) duration_seconds: Option<i64>,
    pub(super) asked_account: Option<String>,
    pub(super) status: u16,
    pub(super) date: Option<Timestamp>,
    /// Empty where the body is not a JSON object.
    pub(super) body: Body,
}

/// `AssumeRole` answers with keys: of them only their end is read.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct Body {
    pub(super) code: Option<String>,
    pub(super) account_id: Option<String>,
    pub(super) role: Option<Map<String, Value>>,
    pub(super) credentials: Option<KeysBody>,
    pub(super) total_count: Option<usize>,
    pub(super) accounts: Option<MembersBody>,
    pub(super) tag_resources: Option<Vec<serde::de::IgnoredAny>>,
    pub(super) next_token: Option<Value>,
    pub(super) access_denied_detail: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct KeysBody {
    pub(super) expiration: Option<Timestamp>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct MembersBody {
    pub(super) account: Vec<MemberBody>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(super) struct MemberBody {
    pub(super) account_id: String,
    pub(super) status: Option<String>,
}

impl RecordedReply {
    pub(super) fn code(&self) -> Option<&str> {
        self.body.code.as_deref()
    }
}

impl Recorder {
    pub(super) fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, replies: Mutex::default() }
    }

    pub(super) fn replies(&self) -> Vec<RecordedReply> {
        self.replies.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Transport for Recorder {
    fn send(&self, request: SignedRequest) -> BoxFuture<'_, Result<Reply, TransportError>> {
        Box::pin(async move {
            let (asked, secrets) = (asked(&request), secrets(&request));
            let reply = self.transport.send(request).await?;
            let mut body: Body = serde_json::from_slice(&reply.body).unwrap_or_default();
            // A gateway in trouble quotes the request, with its token, in the wrong field.
            let quotes = |code: &str| secrets.iter().any(|secret| code.contains(secret.as_str()));
            body.code = body.code.filter(|code| is_code(code) && !quotes(code));
            let recorded = RecordedReply { status: reply.status, date: reply.date, body, ..asked };
            self.replies.lock().unwrap_or_else(PoisonError::into_inner).push(recorded);
            Ok(reply)
        })
    }
}

fn asked(request: &SignedRequest) -> RecordedReply {
    let header = request.headers.iter().find(|(name, _)| *name == "x-acs-action").map(|(_, value)| value.to_string());
    RecordedReply {
        operation: header.or_else(|| field(request, "Action")).unwrap_or_default(),
        role_arn: field(request, "RoleArn"),
        duration_seconds: field(request, "DurationSeconds").and_then(|seconds| seconds.parse().ok()),
        asked_account: field(request, "AccountId"),
        ..RecordedReply::default()
    }
}

fn field(request: &SignedRequest, name: &str) -> Option<String> {
    let value = request.body.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
    Some(percent_decode_str(value).decode_utf8_lossy().into_owned())
}

/// What no reply may quote, as a form or as headers carry it.
fn secrets(request: &SignedRequest) -> Vec<Zeroizing<String>> {
    let fields = ["SecurityToken", "Signature"].into_iter().filter_map(|name| field(request, name)).map(Zeroizing::new);
    let headers = request.headers.iter().filter_map(|(name, value)| match (*name, value.rsplit_once("Signature=")) {
        ("authorization", Some((_, signature))) => Some(Zeroizing::new(signature.to_owned())),
        ("authorization" | "x-acs-security-token", _) => Some(value.clone()),
        _ => None,
    });
    // A shorter text is not a secret: it may occur in any reply.
    fields.chain(headers).filter(|secret| secret.len() >= 6).collect()
}

/// As documented: `EntityNotExist.Role`.
fn is_code(code: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (1..=128).contains(&code.len()) && code.bytes().all(plain)
}
