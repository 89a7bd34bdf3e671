//! One request on the wire: sign, send, read the reply. A write is sent once; a read is tried up to four times, with growing,
//! jittered pauses, inside the deadline.

use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::SignedDuration;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::rate::Bucket;
use super::transport::{BoxError, Reply, SignedRequest, TransportError};
use super::{CALL_TIMEOUT, CallContext, Denial, Error, Kind, Retry, Session, reply};
use crate::clock::Skew;
use crate::redaction::CallSecrets;
use crate::signing::Call;

/// A read is tried this often.
const TRIES: usize = 4;
/// The first pause and the longest, each before its jitter.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(3));

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
    /// The beginning of a permission's name, and of the product's hosts.
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
pub(super) struct Request {
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
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    #[serde(default, deserialize_with = "reply::text")]
    code: Option<String>,
    #[serde(default, deserialize_with = "reply::text")]
    request_id: Option<String>,
    #[serde(default)]
    access_denied_detail: serde_json::Value,
}

impl Session {
    /// Pauses between tries: they double, each has up to as much again of jitter, and there are `count` of them, or fewer if
    /// the connection says so.
    pub fn pauses(&self, count: usize) -> impl Iterator<Item = Duration> {
        let (first, longest) = PAUSES;
        let clock = self.clock();
        std::iter::successors(Some(first), move |pause| Some(longest.min(*pause * 2)))
            .map(|pause| pause.mul_f64(1.0 + clock.random()))
            .take(count.min(self.connection.max_retries))
    }

    pub(super) async fn read<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        let mut pauses = self.pauses(TRIES - 1);
        let mut kept = true;
        loop {
            let error = match self.send(request).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            // A kept connection that was dead says nothing about the cloud: the try is not counted.
            if error.was_kept && std::mem::take(&mut kept) {
                tracing::debug!(operation = request.operation, "a kept connection was dead: trying again on a new one");
                continue;
            }
            let (Retry::After(least), Some(pause)) = (error.retry(), pauses.next()) else { return Err(error) };
            let held = self.connection.rate.throttled_for(self.bucket(request)).unwrap_or_default();
            if !self.pause(Some(pause.max(least).max(held))).await {
                return Err(error);
            }
            tracing::debug!(operation = request.operation, error = %authorization::text::chain(&error), "trying again");
        }
    }

    /// Waits for the next of [`Self::pauses`], unless there is none or the deadline is nearer than that; says whether it waited.
    pub async fn pause(&self, next: Option<Duration>) -> bool {
        let Some(pause) = next.filter(|pause| *pause < self.remaining()) else { return false };
        self.clock().sleep(pause).await;
        true
    }

    /// Sends once, or twice if the cloud says that our clock is wrong.
    pub(super) async fn send<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        let skew = &self.connection.skew;
        let reply = self.exchange(request, skew.in_use()).await?;
        let mut result = self.parse(request, &reply);
        let is = |result: &Result<T, Error>, kind| result.as_ref().is_err_and(|error| error.kind == kind);
        if is(&result, Kind::WrongTime) {
            skew.set(SignedDuration::ZERO);
            if let Some(said) = Skew::said(reply.0.date, self.connection.clock.now()) {
                let reply = self.exchange(request, said).await?;
                result = self.parse(request, &reply);
                if !is(&result, Kind::WrongTime) {
                    skew.set(said);
                }
            }
        }
        self.connection.rate.record(self.bucket(request), is(&result, Kind::Throttled));
        result
    }

    pub(super) fn bucket(&self, request: &Request) -> Bucket<'_> {
        Bucket { operation: request.operation, account: &self.account, writes: request.writes }
    }

    async fn exchange(&self, request: &Request, skew: SignedDuration) -> Result<(Reply, CallSecrets), Error> {
        let connection = &self.connection;
        connection.rate.ready(self.bucket(request), self.deadline).await.map_err(|kind| match kind {
            Kind::Throttled => self.failed(request, kind, "too little time is left to wait"),
            kind => self.error(request, kind),
        })?;
        let remaining = self.remaining();
        if remaining.is_zero() {
            return Err(self.error(request, Kind::DeadlineExceeded));
        }
        let begin = connection.clock.uptime();
        let (signed, secrets) = self.sign(request, skew, remaining.min(CALL_TIMEOUT));
        match connection.transport.send(signed).await {
            Ok(reply) => {
                let took = connection.clock.uptime().saturating_sub(begin).as_micros();
                self.slowest_call_micros.fetch_max(u64::try_from(took).unwrap_or(u64::MAX), Ordering::Relaxed);
                Ok((reply, secrets))
            }
            Err(TransportError::Unsent(why)) => Err(self.failed(request, Kind::Unreachable, why)),
            Err(TransportError::NoReply(why)) => Err(self.failed(request, Kind::NoReply, why)),
            Err(TransportError::Dead(why)) => Err(Error { was_kept: true, ..self.failed(request, Kind::NoReply, why) }),
        }
    }

    /// The error of a call, with what was asked for.
    fn error(&self, request: &Request, kind: Kind) -> Error {
        let address = self.connection.endpoints.of(request.api).address();
        let call = CallContext::of(request, &self.account, &self.credentials, address);
        Error { call: Some(Box::new(call)), ..Error::new(request.operation, kind, request.writes) }
    }

    /// The same with what is below, or what was wrong with the reply.
    pub(super) fn failed(&self, request: &Request, kind: Kind, why: impl Into<BoxError>) -> Error {
        Error { source: Some(why.into()), ..self.error(request, kind) }
    }

    fn sign(&self, request: &Request, skew: SignedDuration, timeout: Duration) -> (SignedRequest, CallSecrets) {
        let connection = &self.connection;
        let endpoint = connection.endpoints.of(request.api);
        let call = Call {
            action: request.operation,
            version: request.api.version(),
            host: endpoint.host(),
            params: &request.params,
            time: Skew::applied(connection.clock.now(), skew),
            nonce: &connection.clock.nonce(),
        };
        let form = connection.method.sign(&call, &self.credentials);
        let secrets = CallSecrets::of(&self.credentials, form.signature());
        (SignedRequest { url: endpoint.url().clone(), headers: form.headers, body: form.body, timeout }, secrets)
    }

    /// A code decides, whatever the HTTP status: a success has none.
    fn parse<T: DeserializeOwned>(
        &self,
        request: &Request,
        (reply, secrets): &(Reply, CallSecrets),
    ) -> Result<T, Error> {
        let unreadable = |why: &str| self.failed(request, Kind::NoReply, format!("{}: {why}", reply.describe(secrets)));
        match serde_json::from_slice(&reply.body) {
            Ok(Envelope { code: Some(code), request_id, access_denied_detail }) if !code.is_empty() => {
                let kind = match &*code {
                    // A temporary key that has expired is also answered so (documented for KMS).
                    "InvalidAccessKeyId.NotFound" if self.credentials.security_token.is_some() => Kind::Expired,
                    code => Kind::of_code(code),
                };
                let request_id = request_id.map(|id| secrets.redact(id));
                // A detail of another shape must not hide the code.
                let denial = serde_json::from_value::<Denial>(access_denied_detail).ok();
                let denial = denial.map(|denial| Box::new(denial.redacted(secrets)));
                Err(Error { code: Some(secrets.redact(code)), request_id, denial, ..self.error(request, kind) })
            }
            Ok(_) if reply.is_success() && reply.is_object() => {
                serde_json::from_slice(&reply.body).map_err(|error| unreadable(&position(&error)))
            }
            Ok(_) if reply.is_success() => Err(unreadable("no JSON object")),
            // Two codes, say: what may be a failure is no success, even where the rest of it could be read.
            Err(error) if reply.is_success() => Err(unreadable(&position(&error))),
            _ => Err(unreadable("no error code in it")),
        }
    }

    /// A name that a reply gives, as an error may quote it: a gateway may have put the request, with its token, there.
    pub(super) fn quoted(&self, name: &str) -> String {
        CallSecrets::of(&self.credentials, "").redact(name.to_owned())
    }
}

/// Where a reply stopped making sense. The parser's own words could quote a key.
fn position(error: &serde_json::Error) -> String {
    let what = if error.is_data() { "an unexpected shape" } else { "no whole JSON" };
    format!("{what} (line {} column {})", error.line(), error.column())
}
