//! One signed call, and its answer as it came. The guard's own client hides what it tolerates; here that is what is looked at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use aliyun::clock::SharedClock;
use aliyun::credentials::Credentials;
use aliyun::secret::ExposeSecret;
use aliyun::signing::{Call, Method};
use aliyun::{Api, Endpoints, SignedRequest, Transport, TransportError};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::Stop;
use crate::names::{Names, one_name};

/// One call may take this long.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
/// A call that had no effect is sent this often.
const TRIES: u32 = 5;

/// An operation with its parameters.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    api: Api,
    pub(crate) operation: &'static str,
    params: Vec<(&'static str, String)>,
}

impl Ask {
    pub(crate) fn ram(operation: &'static str) -> Self {
        Self { api: Api::Ram, operation, params: Vec::new() }
    }

    pub(crate) fn directory(operation: &'static str) -> Self {
        Self { api: Api::ResourceManager, ..Self::ram(operation) }
    }

    pub(crate) fn sts(operation: &'static str) -> Self {
        Self { api: Api::Sts, ..Self::ram(operation) }
    }

    pub(crate) fn role(operation: &'static str, name: &str) -> Self {
        Self::ram(operation).with("RoleName", name)
    }

    pub(crate) fn policy(operation: &'static str, role: &str, kind: &str, policy: &str) -> Self {
        Self::role(operation, role).with("PolicyType", kind).with("PolicyName", policy)
    }

    pub(crate) fn tag(role: &str, tags: &Value) -> Self {
        let ask = Self::ram("TagResources").with("ResourceType", "role");
        ask.with("ResourceNames", one_name(role)).with("Tag", tags)
    }

    pub(crate) fn list_tags(role: &str) -> Self {
        let ask = Self::ram("ListTagResources").with("ResourceType", "role");
        ask.with("ResourceNames", one_name(role)).with("PageSize", 100)
    }

    #[expect(clippy::needless_pass_by_value, reason = "numbers, texts and documents read alike")]
    pub(crate) fn with(mut self, name: &'static str, value: impl ToString) -> Self {
        self.params.retain(|(known, _)| *known != name);
        self.params.push((name, value.to_string()));
        self
    }

    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// `AssumeRole` changes nothing.
    pub(crate) fn writes(&self) -> bool {
        !["Get", "List", "AssumeRole"].iter().any(|reads| self.operation.starts_with(reads))
    }

    fn version(&self) -> &'static str {
        match self.api {
            Api::Ram => "2015-05-01",
            Api::Sts => "2015-04-01",
            Api::ResourceManager => "2020-03-31",
        }
    }
}

/// What the cloud answered. No `Debug`: it may carry keys.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) code: Option<String>,
    pub(crate) request_id: Option<String>,
    pub(crate) body: Value,
    /// Whether it said what time it is.
    pub(crate) has_date: bool,
}

impl Answer {
    pub(crate) fn is_done(&self) -> bool {
        self.code.is_none() && (200..300).contains(&self.status)
    }

    pub(crate) fn is(&self, code: &str) -> bool {
        self.code.as_deref() == Some(code)
    }

    pub(crate) fn text(&self, pointer: &str) -> Option<&str> {
        self.body.pointer(pointer).and_then(Value::as_str)
    }

    pub(crate) fn items(&self, pointer: &str) -> &[Value] {
        self.body.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// In a few words, for people.
    pub(crate) fn seen(&self) -> String {
        match &self.code {
            Some(code) => format!("`{code}` (HTTP {})", self.status),
            None if self.is_done() => "success".to_owned(),
            None => format!("HTTP {} without a code", self.status),
        }
    }

    fn is_throttled(&self) -> bool {
        self.code.as_deref().is_some_and(|code| code.contains("Throttling"))
    }

    fn is_unavailable(&self) -> bool {
        self.code.as_deref().is_some_and(|code| code.starts_with("ServiceUnavailable") || code == "InternalError")
    }
}

/// Set by the first signal: no further call leaves but those that clean up.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Ends the run before its next call.
    pub fn raise(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    fn check(&self) -> Result<(), Stop> {
        if self.is_raised() { Err(Stop::Interrupted) } else { Ok(()) }
    }
}

/// Where calls go, and how.
#[derive(Debug, Clone)]
pub struct Cloud {
    /// The connections.
    pub transport: Arc<dyn Transport>,
    /// Where the APIs are.
    pub endpoints: Endpoints,
    /// How calls are signed.
    pub method: Method,
    /// Time, pauses and nonces.
    pub clock: SharedClock,
    /// The pause before each call, so that the account's own programs keep their share of its rate.
    pub pace: Duration,
    /// Ends the run in order.
    pub interrupt: Interrupt,
    /// What may be written to.
    pub names: Names,
}

impl Cloud {
    /// Sends until there is an answer that says something. A write whose reply is lost is not sent again.
    pub(crate) async fn send(&self, keys: &Credentials, ask: &Ask) -> Result<Answer, Stop> {
        self.interrupt.check()?;
        self.send_anyway(keys, ask).await
    }

    /// The same after an interruption too: who cleans up is not interrupted.
    pub(crate) async fn send_anyway(&self, keys: &Credentials, ask: &Ask) -> Result<Answer, Stop> {
        self.names.fence(ask)?;
        let mut tries = 0;
        loop {
            tries += 1;
            self.clock.sleep(self.pace).await;
            let post = self.signed(keys, ask, self.method, SignedDuration::ZERO);
            let answer = self.post(keys, ask, post).await;
            let again = match &answer {
                Ok(answer) => answer.is_throttled() || !ask.writes() && answer.is_unavailable(),
                Err(Stop::Unsent { .. }) => true,
                Err(_) => !ask.writes(),
            };
            if !again || tries == TRIES {
                return answer;
            }
            self.clock.sleep(Duration::from_millis(500) * 2_u32.pow(tries)).await;
        }
    }

    pub(crate) fn signed(&self, keys: &Credentials, ask: &Ask, method: Method, off: SignedDuration) -> SignedRequest {
        let endpoint = self.endpoints.of(ask.api);
        let now = self.clock.now();
        let call = Call {
            action: ask.operation,
            version: ask.version(),
            host: endpoint.host(),
            params: &ask.params,
            time: now.checked_add(off).unwrap_or(now),
            nonce: &self.clock.nonce(),
        };
        let form = method.sign(&call, keys);
        SignedRequest { url: endpoint.url().clone(), headers: form.headers, body: form.body, timeout: CALL_TIMEOUT }
    }

    /// Sends a signed call once, as it is.
    pub(crate) async fn post(&self, keys: &Credentials, ask: &Ask, post: SignedRequest) -> Result<Answer, Stop> {
        let operation = ask.operation;
        let no_reply = |why: String| Stop::NoReply { operation, why };
        let reply = self.transport.send(post).await.map_err(|lost| match lost {
            TransportError::Unsent(why) => Stop::Unsent { operation, why: authorization::text::chain(&*why) },
            TransportError::NoReply(why) | TransportError::Dead(why) => no_reply(authorization::text::chain(&*why)),
        })?;
        let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
        if !body.is_object() {
            return Err(no_reply(format!("HTTP {} without a JSON object", reply.status)));
        }
        let text = |name: &str| body.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let (code, request_id) = (text("Code").map(|it| shown(it, keys)), text("RequestId").map(|it| shown(it, keys)));
        Ok(Answer { status: reply.status, code, request_id, body, has_date: reply.date.is_some() })
    }
}

/// A code or an id as it may be shown. A gateway may have put the request there, with its token.
pub(crate) fn shown(text: &str, keys: &Credentials) -> String {
    let is_plain = text.len() <= 128 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    let token = keys.security_token.as_ref().map(ExposeSecret::expose_secret);
    let is_secret = text.contains(keys.access_key_secret.expose_secret()) || token.is_some_and(|it| text.contains(it));
    if is_plain && !is_secret { text.to_owned() } else { "(withheld)".to_owned() }
}

/// Tags as `TagResources` takes them.
pub(crate) fn tags<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Value {
    pairs.into_iter().map(|(key, value)| json!({ "Key": key, "Value": value })).collect()
}
