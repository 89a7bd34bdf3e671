//! One request on the wire: sign, send, read the reply.

use std::error::Error as StdError;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::rate::{Bucket, NoTime};
use super::skew::{self, Skew};
use super::transport::{Lost, Post, Reply};
use super::{CALL_TIMEOUT, Denial, Error, Kind, Session};
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
        let (operation, writes) = (self.operation, self.writes);
        Error { operation, kind, code: None, request_id: None, denial: None, source: None, writes }
    }

    fn no_time(&self, NoTime { is_throttled }: NoTime) -> Error {
        if !is_throttled {
            return self.error(Kind::NoTime);
        }
        Error { source: Some("too little time is left to wait".into()), ..self.error(Kind::Throttled) }
    }

    fn no_reply(&self, why: impl Into<Box<dyn StdError + Send + Sync>>) -> Error {
        Error { source: Some(why.into()), ..self.error(Kind::NoReply) }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    code: Option<String>,
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
        let reply = self.exchange(request, skew.in_use()).await?;
        let mut result = self.parse(request, &reply);
        if is_wrong_time(&result) {
            skew.forget();
            if let Some(said) = Skew::said(reply.date, self.connection.clock.now()) {
                let reply = self.exchange(request, said).await?;
                result = self.parse(request, &reply);
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

    async fn exchange(&self, request: &Request, skew: SignedDuration) -> Result<Reply, Error> {
        let connection = &self.connection;
        connection.rate.ready(self.bucket(request), self.deadline).await.map_err(|no_time| request.no_time(no_time))?;
        let remaining = self.remaining();
        if remaining.is_zero() {
            return Err(request.no_time(NoTime { is_throttled: false }));
        }
        let begin = connection.clock.uptime();
        let sent = connection.transport.send(self.sign(request, skew, remaining.min(CALL_TIMEOUT))).await;
        if sent.is_ok() {
            self.measure(connection.clock.uptime().saturating_sub(begin));
        }
        sent.map_err(|lost| match lost {
            Lost::Unsent(why) => Error { source: Some(why), ..request.error(Kind::Unreachable) },
            Lost::NoReply(why) => request.no_reply(why),
        })
    }

    fn sign(&self, request: &Request, skew: SignedDuration, timeout: Duration) -> Post {
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
        Post { url: endpoint.url().clone(), headers: form.headers, body: form.body, timeout }
    }

    fn parse<T: DeserializeOwned>(&self, request: &Request, reply: &Reply) -> Result<T, Error> {
        if reply.is_success() {
            return serde_json::from_slice(&reply.body)
                .map_err(|error| request.no_reply(format!("{}: {}", reply.describe(), place(&error))));
        }
        match serde_json::from_slice(&reply.body) {
            Ok(Envelope { code: Some(code), request_id, access_denied_detail: denial }) => {
                let kind = self.kind(&code);
                Err(Error { code: Some(code), request_id, denial, ..request.error(kind) })
            }
            _ => Err(request.no_reply(format!("{}: no error code in it", reply.describe()))),
        }
    }

    /// A temporary key that has expired is also answered with `InvalidAccessKeyId.NotFound` (documented for KMS).
    fn kind(&self, code: &str) -> Kind {
        match code {
            "InvalidAccessKeyId.NotFound" if self.credentials.security_token.is_some() => Kind::Expired,
            _ => Kind::of_code(code),
        }
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
