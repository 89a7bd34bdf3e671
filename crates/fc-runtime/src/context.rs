//! What the platform says about an invocation, read from its headers.

use std::{str::FromStr, time::Duration};

use http::HeaderMap;
use secrecy::SecretString;
use tokio::time::Instant;

use super::RequestId;

const ACCESS_KEY_ID: &str = "x-fc-access-key-id";
const ACCESS_KEY_SECRET: &str = "x-fc-access-key-secret";
const ACCOUNT_ID: &str = "x-fc-account-id";
const FUNCTION_MEMORY: &str = "x-fc-function-memory";
const FUNCTION_NAME: &str = "x-fc-function-name";
const FUNCTION_TIMEOUT: &str = "x-fc-function-timeout";
const QUALIFIER: &str = "x-fc-qualifier";
const REGION: &str = "x-fc-region";
const REQUEST_ID: &str = "x-fc-request-id";
const RETRY_COUNT: &str = "x-fc-retry-count";
const SECURITY_TOKEN: &str = "x-fc-security-token";
const SPAN_CONTEXT: &str = "x-fc-tracing-opentracing-span-context";
const VERSION_ID: &str = "x-fc-version-id";

/// Assumed when the platform does not say how long the function may run.
pub const ASSUMED_TIMEOUT: Duration = Duration::from_mins(1);

/// The longest timeout that can be configured, in seconds; a larger value is a mistake.
const LONGEST_TIMEOUT: u64 = 86_400;

/// What the platform says about one invocation.
///
/// # Guarantees
///
/// Every header may be missing or empty: a context can always be made.
/// Its `Debug` shows no credentials.
///
/// # Caveats
///
/// The deadline is for this invocation only. An instance may be frozen between two invocations, for hours.
#[derive(Clone, Debug)]
pub struct Context {
    /// `x-fc-request-id`, or a generated one.
    pub request_id: RequestId,
    /// When the platform ends the execution: the arrival plus [`timeout`](Self::timeout), or plus [`ASSUMED_TIMEOUT`].
    pub deadline: Instant,
    /// `x-fc-function-timeout`, whole seconds on the wire. None if the platform gave none, and the deadline is assumed.
    pub timeout: Option<Duration>,
    /// `x-fc-account-id`: the account that owns the function.
    pub account_id: Option<String>,
    /// `x-fc-region`, such as `cn-hangzhou`.
    pub region: Option<String>,
    /// `x-fc-function-name`.
    pub function_name: Option<String>,
    /// `x-fc-qualifier`: the version or alias that was asked for, such as `LATEST`.
    pub qualifier: Option<String>,
    /// `x-fc-version-id`: the version that runs.
    pub version: Option<String>,
    /// `x-fc-function-memory`, in MB.
    pub memory_mb: Option<u32>,
    /// `x-fc-retry-count`: 0 for the first try, and where the platform does not say.
    pub retry_count: u32,
    /// The trace that the invocation belongs to, from `x-fc-tracing-opentracing-span-context`.
    pub trace_id: Option<String>,
    /// The credentials of the function's role. None if all three headers are absent.
    pub credentials: Option<HeaderCredentials>,
}

/// The three credential headers as they came; a partial set is for the caller to judge.
///
/// They belong to one invocation. Do not keep them: no expiry is given.
#[derive(Clone, Debug)]
pub struct HeaderCredentials {
    /// `x-fc-access-key-id`.
    pub access_key_id: Option<SecretString>,
    /// `x-fc-access-key-secret`.
    pub access_key_secret: Option<SecretString>,
    /// `x-fc-security-token`.
    pub security_token: Option<SecretString>,
}

impl Context {
    /// The time that is left for the answer.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Reads the headers of a request that arrived at `arrival`.
    #[must_use]
    pub fn from_headers(headers: &HeaderMap, arrival: Instant) -> Self {
        let owned = |name| text(headers, name).map(ToOwned::to_owned);
        let seconds = number(headers, FUNCTION_TIMEOUT).filter(|seconds| (1..=LONGEST_TIMEOUT).contains(seconds));
        let timeout = seconds.map(Duration::from_secs);
        Self {
            request_id: request_id(headers),
            deadline: arrival + timeout.unwrap_or(ASSUMED_TIMEOUT),
            timeout,
            account_id: owned(ACCOUNT_ID),
            region: owned(REGION),
            function_name: owned(FUNCTION_NAME),
            qualifier: owned(QUALIFIER),
            version: owned(VERSION_ID),
            memory_mb: number(headers, FUNCTION_MEMORY),
            retry_count: number(headers, RETRY_COUNT).unwrap_or(0),
            trace_id: text(headers, SPAN_CONTEXT).and_then(trace_id),
            credentials: HeaderCredentials::from_headers(headers),
        }
    }
}

impl HeaderCredentials {
    fn from_headers(headers: &HeaderMap) -> Option<Self> {
        let secret = |name| text(headers, name).map(SecretString::from);
        let (access_key_id, access_key_secret, security_token) =
            (secret(ACCESS_KEY_ID), secret(ACCESS_KEY_SECRET), secret(SECURITY_TOKEN));
        let is_any = access_key_id.is_some() || access_key_secret.is_some() || security_token.is_some();
        is_any.then_some(Self { access_key_id, access_key_secret, security_token })
    }
}

/// The id of a request, generated where the platform gave none that can be printed.
pub(super) fn request_id(headers: &HeaderMap) -> RequestId {
    text(headers, REQUEST_ID).and_then(RequestId::parse).unwrap_or_else(RequestId::generate)
}

/// The first part of `trace:span:parent:flags`, all of it hexadecimal; the colons may be percent-encoded.
fn trace_id(span_context: &str) -> Option<String> {
    let plain = span_context.replace("%3A", ":").replace("%3a", ":");
    let parts: Vec<_> = plain.split(':').collect();
    let is_hex = |part: &&str| (1..=32).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    let [trace, ..] = parts.as_slice() else { return None };
    let is_known = trace.bytes().any(|digit| digit != b'0');
    (parts.len() == 4 && parts.iter().all(is_hex) && is_known).then(|| trace.to_ascii_lowercase())
}

fn number<N: FromStr>(headers: &HeaderMap, name: &str) -> Option<N> {
    text(headers, name)?.parse().ok()
}

/// The value of a header, or none if it is missing, empty or not text: the platform sends empty values for what a function does
/// not have.
fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get(name)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use http::{HeaderName, HeaderValue};
    use secrecy::ExposeSecret;

    use super::*;

    fn context(pairs: &[(&str, &str)], arrival: Instant) -> Context {
        let pair = |(name, value): &(&str, &str)| {
            let name: HeaderName = name.parse().unwrap();
            (name, HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        Context::from_headers(&pairs.iter().map(pair).collect(), arrival)
    }

    fn sample(json: &str, arrival: Instant) -> Context {
        let request: serde_json::Value = serde_json::from_str(json).unwrap();
        let headers: HashMap<String, String> = serde_json::from_value(request["headers"].clone()).unwrap();
        let pairs: Vec<_> = headers.iter().map(|(n, v)| (&**n, &**v)).collect();
        context(&pairs, arrival)
    }

    #[test]
    fn missing_empty_blank_and_binary_values_are_absent() {
        let mut headers = HeaderMap::new();
        assert_eq!(text(&headers, REGION), None);
        for value in [&b""[..], b"  ", b"\xff\xfe"] {
            headers.insert(REGION, HeaderValue::from_bytes(value).unwrap());
            assert_eq!(text(&headers, REGION), None, "{value:?}");
        }
        headers.insert(REGION, HeaderValue::from_static("cn-hangzhou"));
        assert_eq!(text(&headers, REGION), Some("cn-hangzhou"));
    }

    #[test]
    fn reads_every_header_of_an_invocation() {
        let arrival = Instant::now();
        let context = sample(include_str!("../tests/requests/request-invoke-retry.json"), arrival);
        assert_eq!(context.request_id.as_str(), "1-692414ee-10000001-000000000003");
        assert_eq!(context.deadline, arrival + Duration::from_mins(1));
        assert_eq!(context.timeout, Some(Duration::from_mins(1)));
        assert_eq!(context.account_id.as_deref(), Some("1234567890123456"));
        assert_eq!(context.region.as_deref(), Some("cn-hangzhou"));
        assert_eq!(context.function_name.as_deref(), Some("dts-role-guard"));
        assert_eq!(context.qualifier.as_deref(), Some("LATEST"));
        assert_eq!(context.version, None);
        assert_eq!(context.memory_mb, Some(256));
        assert_eq!(context.retry_count, 2);
        let credentials = context.credentials.unwrap();
        let exposed = |secret: Option<SecretString>| secret.unwrap().expose_secret().to_owned();
        assert_eq!(exposed(credentials.access_key_id), "STS.EXAMPLEACCESSKEYID");
        assert_eq!(exposed(credentials.access_key_secret), "EXAMPLEsecretEXAMPLEsecretEXAMPLE");
        assert_eq!(exposed(credentials.security_token), "CAISEXAMPLEtoken==");
    }

    #[test]
    fn empty_credential_headers_are_no_credentials() {
        let sample = sample(include_str!("../tests/requests/request-invoke-no-role.json"), Instant::now());
        assert!(sample.credentials.is_none());
    }

    #[test]
    fn partial_credentials_are_kept_as_partial() {
        let context = context(&[(ACCESS_KEY_ID, "id"), (SECURITY_TOKEN, "")], Instant::now());
        let credentials = context.credentials.unwrap();
        assert!(credentials.access_key_id.is_some());
        assert!(credentials.access_key_secret.is_none() && credentials.security_token.is_none());
    }

    #[test]
    fn a_context_without_any_header_can_be_made() {
        let arrival = Instant::now();
        let context = context(&[], arrival);
        assert!(context.request_id.is_generated());
        assert_eq!(context.deadline, arrival + ASSUMED_TIMEOUT);
        assert_eq!((context.timeout, context.retry_count), (None, 0));
        assert!(context.credentials.is_none());
    }

    #[test]
    fn the_longest_timeout_is_a_day_and_any_other_nonsense_is_no_timeout() {
        let timeout = |value| context(&[(FUNCTION_TIMEOUT, value)], Instant::now()).timeout;
        assert_eq!(timeout("86400"), Some(Duration::from_hours(24)));
        for value in ["0", "86401", "-1", "1.5", "soon", "18446744073709551616"] {
            assert_eq!(timeout(value), None, "{value}");
        }
    }

    #[test]
    fn a_trace_is_known_by_its_id_and_nothing_else_is_one() {
        let trace = |value| context(&[(SPAN_CONTEXT, value)], Instant::now()).trace_id;
        assert_eq!(trace("5F22C1A6D1E3B04a:1a2b:0:1").as_deref(), Some("5f22c1a6d1e3b04a"));
        assert_eq!(trace("5f22c1a6d1e3b04a%3A1a2b%3a0%3A1").as_deref(), Some("5f22c1a6d1e3b04a"));
        let long = format!("{}:1:0:1", "a".repeat(33));
        for value in ["", "a:b:c", "a:b:c:d:e", ":b:c:d", "g:b:c:d", "a:b:c:\u{e9}", "0000:1:0:1", "a b:1:0:1", &long] {
            assert_eq!(trace(value), None, "{value}");
        }
    }

    #[test]
    fn an_id_that_could_forge_a_marker_is_replaced() {
        let context = context(&[(REQUEST_ID, "1, Error: nothing")], Instant::now());
        assert!(context.request_id.is_generated());
    }

    #[test]
    fn debug_shows_no_credentials() {
        let sample = sample(include_str!("../tests/requests/request-invoke.json"), Instant::now());
        let debug = format!("{sample:?}");
        assert!(debug.contains("cn-hangzhou"));
        assert!(!debug.contains("EXAMPLE"), "{debug}");
    }
}
