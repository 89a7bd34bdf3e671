//! One request on the wire: sign, send, read the reply.

use std::error::Error as StdError;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::rate::{Bucket, DeadlineExceeded};
use super::shown::Secrets;
use super::skew::{self, Skew};
use super::transport::{Reply, SignedRequest, TransportError};
use super::{CALL_TIMEOUT, CallContext, Denial, Error, Kind, Session, wire};
use crate::secret::Zeroize as _;
use crate::signing::Call;

/// A cloud API with its version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Resource Access Management, 2015-05-01.
    Ram,
    /// Security Token Service, 2015-04-01.
    Sts,
    /// Resource Manager, 2020-03-31.
    ResourceManager,
}

impl Api {
    /// The beginning of a permission's name.
    pub(super) fn product(self) -> &'static str {
        match self {
            Self::Ram => "ram",
            Self::Sts => "sts",
            Self::ResourceManager => "resourcemanager",
        }
    }

    fn version(self) -> &'static str {
        match self {
            Self::Ram => "2015-05-01",
            Self::Sts => "2015-04-01",
            Self::ResourceManager => "2020-03-31",
        }
    }
}

/// An operation with its parameters.
#[derive(Debug)]
pub struct Request {
    pub(super) api: Api,
    pub(super) operation: &'static str,
    pub(super) params: Vec<(&'static str, String)>,
    pub(super) writes: bool,
}

impl Request {
    pub(super) fn read(api: Api, operation: &'static str) -> Self {
        Self { api, operation, params: Vec::new(), writes: false }
    }

    pub(super) fn write(api: Api, operation: &'static str) -> Self {
        Self { writes: true, ..Self::read(api, operation) }
    }

    pub(super) fn param(mut self, name: &'static str, value: &(impl ToString + ?Sized)) -> Self {
        self.params.push((name, value.to_string()));
        self
    }

    pub(super) fn optional(self, name: &'static str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.param(name, &value),
            None => self,
        }
    }

    fn error(&self, kind: Kind) -> Error {
        Error::new(self.operation, kind, self.writes)
    }

    fn no_time(&self, DeadlineExceeded { is_throttled }: DeadlineExceeded) -> Error {
        if !is_throttled {
            return self.error(Kind::DeadlineExceeded);
        }
        Error { source: Some("too little time is left to wait".into()), ..self.error(Kind::Throttled) }
    }

    pub(super) fn no_reply(&self, why: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error { source: Some(why.into()), ..self.error(Kind::NoReply) }
    }

    /// The reply is about something else.
    pub(super) fn unrelated(&self, why: String) -> Error {
        Error { source: Some(why.into()), ..self.error(Kind::Unrelated) }
    }

    /// The reply is about another account, named as it may be shown. What a write did there is looked at first.
    pub(super) fn other_account(&self, theirs: &str, meant: &str) -> Error {
        let kind = if self.writes { Kind::Unrelated } else { Kind::OtherAccount };
        let why = format!("the keys are those of account `{theirs}`, not of account `{meant}`");
        Error { source: Some(why.into()), ..self.error(kind) }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    #[serde(default, deserialize_with = "wire::text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "wire::text")]
    request_id: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    access_denied_detail: Option<Denial>,
}

/// A detail of another shape must not hide the code.
fn lenient<'de, D: serde::Deserializer<'de>>(reader: D) -> Result<Option<Denial>, D::Error> {
    let value = serde_json::Value::deserialize(reader)?;
    Ok(serde_json::from_value(value).ok())
}

impl Session {
    /// Sends once, or twice if the cloud says that our clock is wrong.
    pub(super) async fn send<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        let skew = &self.connection.skew;
        let answer = self.exchange(request, skew.in_use()).await?;
        let mut result = self.parse(request, &answer);
        if is_wrong_time(&result) {
            skew.forget();
            if let Some(said) = Skew::said(answer.reply.date, self.connection.clock.now()) {
                let answer = self.exchange(request, said).await?;
                result = self.parse(request, &answer);
                if !is_wrong_time(&result) {
                    skew.keep(said);
                }
            }
        }
        let throttled = result.as_ref().is_err_and(|error| error.kind == Kind::Throttled);
        self.connection.rate.heard(self.bucket(request), throttled);
        result
    }

    pub(super) fn bucket(&self, request: &Request) -> Bucket<'_> {
        Bucket { operation: request.operation, account: &self.account, writes: request.writes }
    }

    async fn exchange(&self, request: &Request, skew: SignedDuration) -> Result<Answer, Error> {
        let connection = &self.connection;
        connection.rate.ready(self.bucket(request), self.deadline).await.map_err(|no_time| request.no_time(no_time))?;
        let remaining = self.remaining();
        if remaining.is_zero() {
            return Err(request.no_time(DeadlineExceeded { is_throttled: false }));
        }
        let begin = connection.clock.uptime();
        let (post, secrets) = self.sign(request, skew, remaining.min(CALL_TIMEOUT));
        let sent = connection.transport.send(post).await;
        if sent.is_ok() {
            self.measure(connection.clock.uptime().saturating_sub(begin));
        }
        let lost = |lost| match lost {
            TransportError::Unsent(why) => Error { source: Some(why), ..request.error(Kind::Unreachable) },
            TransportError::NoReply(why) => request.no_reply(why),
            TransportError::Dead(why) => Error { was_kept: true, ..request.no_reply(why) },
        };
        match sent {
            Ok(reply) => Ok(Answer { reply, secrets }),
            Err(why) => Err(self.about(request, lost(why))),
        }
    }

    /// The error with what was asked for.
    pub(super) fn about(&self, request: &Request, error: Error) -> Error {
        let address = self.connection.endpoints.of(request.api).address();
        let asked = CallContext::of(request, &self.account, &self.credentials, address);
        Error { call: Some(Box::new(asked)), ..error }
    }

    fn sign(&self, request: &Request, skew: SignedDuration, timeout: Duration) -> (SignedRequest, Secrets) {
        let connection = &self.connection;
        let endpoint = connection.endpoints.of(request.api);
        let call = Call {
            action: request.operation,
            version: request.api.version(),
            host: endpoint.host(),
            params: &request.params,
            time: skew::applied(connection.clock.now(), skew),
            nonce: &connection.clock.nonce(),
        };
        let form = connection.method.sign(&call, &self.credentials);
        let secrets = Secrets::of(&self.credentials, form.signature());
        (SignedRequest { url: endpoint.url().clone(), headers: form.headers, body: form.body, timeout }, secrets)
    }

    /// A code decides, whatever the HTTP status: a success has none.
    fn parse<T: DeserializeOwned>(&self, request: &Request, answer: &Answer) -> Result<T, Error> {
        let Answer { reply, secrets } = answer;
        let shown = |text: String| secrets.shown(text);
        let unreadable = |why: &str| request.no_reply(format!("{}: {why}", reply.describe(secrets)));
        let error = match serde_json::from_slice(&reply.body) {
            Ok(Envelope { code: Some(code), request_id, access_denied_detail: denial }) if !code.is_empty() => {
                let kind = self.kind(&code);
                let denial = denial.map(|denial| Box::new(denial.shown(secrets)));
                let request_id = request_id.map(shown);
                Error { code: Some(shown(code)), request_id, denial, ..request.error(kind) }
            }
            Ok(_) if reply.is_success() && reply.is_object() => match serde_json::from_slice(&reply.body) {
                Ok(value) => return Ok(value),
                Err(error) => unreadable(&place(&error)),
            },
            Ok(_) if reply.is_success() => unreadable("no JSON object"),
            // Two codes, say: what may be a failure is no success, even where the rest of it could be read.
            Err(error) if reply.is_success() => unreadable(&place(&error)),
            _ => unreadable("no error code in it"),
        };
        Err(self.about(request, error))
    }

    /// A name that a reply gives, as an error may quote it: a gateway may have put the request, with its token, there.
    pub(super) fn quoted(&self, name: &str) -> String {
        Secrets::of(&self.credentials, "").shown(name.to_owned())
    }

    /// A temporary key that has expired is also answered with `InvalidAccessKeyId.NotFound` (documented for KMS).
    fn kind(&self, code: &str) -> Kind {
        match code {
            "InvalidAccessKeyId.NotFound" if self.credentials.security_token.is_some() => Kind::Expired,
            _ => Kind::of_code(code),
        }
    }
}

/// A reply, and what of the call must not be shown of it.
struct Answer {
    reply: Reply,
    secrets: Secrets,
}

/// `AssumeRole` answers with keys.
impl Drop for Answer {
    fn drop(&mut self) {
        self.reply.body.zeroize();
    }
}

fn is_wrong_time<T>(result: &Result<T, Error>) -> bool {
    result.as_ref().is_err_and(|error| error.kind == Kind::WrongTime)
}

/// Where a reply stopped making sense. The parser's own words could quote a key.
fn place(error: &serde_json::Error) -> String {
    let what = if error.is_data() { "an unexpected shape" } else { "no whole JSON" };
    format!("{what} (line {} column {})", error.line(), error.column())
}
