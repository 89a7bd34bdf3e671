//! Typed calls to RAM, STS and Resource Manager: signed, rate-limited, bounded by the deadline, with errors that say what to do.
//!
//! A [`Connection`] is what one invocation shares; a [`Session`] adds the keys of one account. Reads are tried up to four
//! times here. Writes are tried once: only the executor, which can look first, may repeat them.

mod endpoint;
pub mod error;
mod ram;
mod rate;
mod request;
mod resource_manager;
mod retry;
mod sts;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

pub use endpoint::{BadEndpoint, Endpoint, Endpoints};
pub use error::{Denial, Error, Kind, Retry};
pub use ram::{NewRole, RoleChange, RoleFacts};
pub use rate::RateLimits;
pub use request::{Api, Request};
pub use resource_manager::MemberStatus;
pub(crate) use retry::pauses;
pub use sts::{AssumeRole, CallerIdentity};

use crate::clock::{Deadline, SharedClock};
use crate::credentials::Credentials;
use crate::signing;

/// Connecting may take this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// One call may take this long.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What one invocation shares between its calls: connections, endpoints, clock, rate limits.
///
/// It is made anew for each invocation: the platform may freeze an instance in between, and the pooled connections of a
/// thawed one are dead.
#[derive(Debug)]
pub struct Connection {
    http: reqwest::Client,
    endpoints: Endpoints,
    method: signing::Method,
    clock: SharedClock,
    rate: RateLimits,
    skew_seconds: AtomicI64,
    slowest_call_micros: AtomicU64,
}

impl Connection {
    /// A connection that has not connected yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(
        endpoints: Endpoints,
        method: signing::Method,
        rate: RateLimits,
        clock: SharedClock,
    ) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self {
            http: http_client()?,
            endpoints,
            method,
            clock,
            rate,
            skew_seconds: AtomicI64::new(0),
            slowest_call_micros: AtomicU64::new(0),
        })
    }

    /// The longest that a call has taken so far.
    #[must_use]
    pub fn slowest_call(&self) -> Duration {
        Duration::from_micros(self.slowest_call_micros.load(Ordering::Relaxed))
    }

    fn measure(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.slowest_call_micros.fetch_max(micros, Ordering::Relaxed);
    }

    /// The time of day as the cloud sees it.
    fn cloud_time(&self) -> Timestamp {
        let skew = SignedDuration::from_secs(self.skew_seconds.load(Ordering::Relaxed));
        self.clock.now().checked_add(skew).unwrap_or_else(|_| self.clock.now())
    }
}

/// Calls with the keys of one account.
#[derive(Debug, Clone)]
pub struct Session {
    connection: Arc<Connection>,
    credentials: Credentials,
    account: String,
    deadline: Deadline,
}

impl Session {
    /// `account` names the rate limits' bucket.
    #[must_use]
    pub fn new(connection: Arc<Connection>, credentials: Credentials, account: &str, deadline: Deadline) -> Self {
        Self { connection, credentials, account: account.to_owned(), deadline }
    }

    /// The same connection and deadline with the keys of another account.
    #[must_use]
    pub fn with_keys(&self, credentials: Credentials, account: &str) -> Self {
        Self { credentials, account: account.to_owned(), ..self.clone() }
    }

    /// The clock of every call.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.connection.clock
    }

    /// The time that is left.
    #[must_use]
    pub fn remaining(&self) -> Duration {
        self.deadline.remaining(&*self.connection.clock)
    }

    /// The longest that a call has taken so far.
    #[must_use]
    pub fn slowest_call(&self) -> Duration {
        self.connection.slowest_call()
    }
}

fn http_client() -> Result<reqwest::Client, Box<dyn std::error::Error + Send + Sync>> {
    let client = reqwest::Client::builder()
        .user_agent(concat!("dts-role-guard/", env!("CARGO_PKG_VERSION")))
        .tls_backend_preconfigured(tls()?)
        .connect_timeout(CONNECT_TIMEOUT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .tcp_nodelay(true)
        .build()?;
    Ok(client)
}

/// Roots are compiled in: an image may have none, and reading the system's costs a cold start 20 ms.
fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    let roots = rustls::RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}
