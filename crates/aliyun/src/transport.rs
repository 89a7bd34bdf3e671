//! How a signed request gets its reply: HTTP, or whatever a test puts in its place.

use std::error::Error as StdError;
use std::time::Duration;

use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, DATE, HeaderMap};
use url::Url;

use crate::redaction::CallSecrets;
use crate::secret::Zeroizing;
use crate::signing::Headers;

/// A reply larger than this is not the cloud's.
const REPLY_LIMIT: usize = 1024 * 1024;

pub(super) type BoxError = Box<dyn StdError + Send + Sync>;

/// Sends signed requests.
pub trait Transport: Send + Sync {
    /// Sends once.
    fn send(&self, request: SignedRequest) -> BoxFuture<'_, Result<Reply, TransportError>>;
}

impl std::fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

/// A signed request. No `Debug`: it carries the token.
#[expect(missing_debug_implementations, reason = "it carries the token")]
pub struct SignedRequest {
    /// Where to.
    pub url: Url,
    /// Beside the content type.
    pub headers: Headers,
    /// A form.
    pub body: Zeroizing<String>,
    /// How long it may take.
    pub timeout: Duration,
}

/// A reply as it came, before anybody reads it. No `Debug`: it may carry keys.
#[expect(missing_debug_implementations, reason = "it may carry keys")]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// What the body claims to be.
    pub content_type: String,
    /// The cloud's time of day.
    pub date: Option<jiff::Timestamp>,
    /// The whole body; `AssumeRole` answers with keys.
    pub body: Zeroizing<Vec<u8>>,
}

/// No whole reply came.
#[derive(Debug)]
pub enum TransportError {
    /// The request was never sent.
    Unsent(BoxError),
    /// It may have had its effect.
    NoReply(BoxError),
    /// The same, on a connection that had been kept: most likely it was dead already.
    Dead(BoxError),
}

impl Reply {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// A list of values is read, by their order, like an object: no API answers so.
    pub(super) fn is_object(&self) -> bool {
        self.body.trim_ascii_start().starts_with(b"{")
    }

    pub(super) fn describe(&self, secrets: &CallSecrets) -> String {
        let kind = secrets.redact(self.content_type.clone());
        format!("HTTP {} with {} bytes of {kind}", self.status, self.body.len())
    }

    pub(super) async fn read(mut response: reqwest::Response) -> Result<Self, BoxError> {
        // Enough at once: a body that grows leaves copies behind, and keys may stand in it.
        let length = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
        let mut body = Zeroizing::new(Vec::with_capacity(length.min(REPLY_LIMIT)));
        while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
            body.extend_from_slice(&chunk);
            if body.len() > REPLY_LIMIT {
                return Err("the reply is larger than 1 MiB".into());
            }
        }
        let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
        Ok(Self {
            status: response.status().as_u16(),
            content_type: header(CONTENT_TYPE).unwrap_or("no content type").to_owned(),
            date: date(response.headers()),
            body,
        })
    }
}

/// The time of day that a reply tells.
pub(super) fn date(headers: &HeaderMap) -> Option<jiff::Timestamp> {
    let date = headers.get(DATE)?.to_str().ok()?;
    Some(jiff::fmt::rfc2822::parse(date).ok()?.timestamp())
}
