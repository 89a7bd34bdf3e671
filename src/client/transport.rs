//! How a signed request gets its reply: HTTP, or whatever a test puts in its place.

use std::error::Error as StdError;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE};
use url::Url;

use super::shown::Secrets;
use crate::signing::FORM;

/// Connecting may take this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A reply larger than this is not the cloud's.
const REPLY_LIMIT: usize = 1024 * 1024;

type BoxError = Box<dyn StdError + Send + Sync>;
/// What [`Transport::send`] promises.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Reply, Lost>> + Send + 'a>>;

/// Sends signed requests.
pub trait Transport: Send + Sync {
    /// Sends once.
    fn send(&self, post: Post) -> Sending<'_>;
}

impl std::fmt::Debug for dyn Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Transport")
    }
}

/// A signed request. No `Debug`: it carries the token.
#[expect(missing_debug_implementations, reason = "it carries the token")]
pub struct Post {
    /// Where to.
    pub url: Url,
    /// Beside the content type.
    pub headers: Vec<(&'static str, String)>,
    /// A form.
    pub body: String,
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
    /// The whole body.
    pub body: Vec<u8>,
}

/// No whole reply came.
#[derive(Debug)]
pub enum Lost {
    /// The request was never sent.
    Unsent(BoxError),
    /// It may have had its effect.
    NoReply(BoxError),
}

impl Reply {
    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(super) fn describe(&self, secrets: &Secrets) -> String {
        let kind = secrets.shown(self.content_type.clone());
        format!("HTTP {} with {} bytes of {kind}", self.status, self.body.len())
    }

    async fn read(mut response: reqwest::Response) -> Result<Self, BoxError> {
        let mut body = Vec::new();
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
            date: header(DATE).and_then(|date| jiff::fmt::rfc2822::parse(date).ok()).map(|date| date.timestamp()),
            body,
        })
    }
}

/// HTTP, over TLS but for loopback.
#[derive(Debug)]
pub struct Http(reqwest::Client);

impl Http {
    /// A client that has not connected yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new() -> Result<Self, BoxError> {
        let client = reqwest::Client::builder()
            .user_agent(concat!("dts-role-guard/", env!("CARGO_PKG_VERSION")))
            .tls_backend_preconfigured(tls()?)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .tcp_nodelay(true)
            .build()?;
        Ok(Self(client))
    }
}

impl Transport for Http {
    fn send(&self, post: Post) -> Sending<'_> {
        let request = self.0.post(post.url).header(CONTENT_TYPE, FORM).body(post.body).timeout(post.timeout);
        let request = post.headers.into_iter().fold(request, |post, (name, value)| post.header(name, value));
        Box::pin(async move {
            let response = request.send().await.map_err(lost)?;
            Reply::read(response).await.map_err(Lost::NoReply)
        })
    }
}

/// An error below the reply. `without_url`, since a URL could carry keys.
fn lost(error: reqwest::Error) -> Lost {
    let unsent = error.is_connect() || error.is_builder();
    let why = error.without_url().into();
    if unsent { Lost::Unsent(why) } else { Lost::NoReply(why) }
}

/// Roots are compiled in: an image may have none, and reading the system's costs a cold start 20 ms.
pub(crate) fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
