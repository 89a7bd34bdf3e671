//! Typed calls to RAM, STS and Resource Manager: signed, rate-limited, bounded by the deadline, with errors that say what to do.
//!
//! A [`Connection`] is what one invocation shares; a [`Session`] adds the keys of one account. Reads are tried up to four
//! times here. Writes are tried once: only the executor, which can look first, may repeat them.

mod cause;
pub mod clock;
pub mod credentials;
mod endpoint;
pub mod error;
mod http;
mod network;
mod ram;
mod rate;
mod redaction;
mod reply;
mod request;
mod resource_manager;
pub mod secret;
pub mod signing;
mod sts;
mod transport;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use authorization::target::AccountId;
pub use endpoint::{BadEndpoint, Endpoint, Endpoints};
use error::CallContext;
pub use error::{Denial, Error, Kind, Retry};
pub use futures_util::future::BoxFuture;
pub use http::tls;
pub use http::{Http, ProbeError};
pub use network::{BadNetwork, Network};
pub use ram::{Receipt, RoleFacts, Writer};
use rate::Bucket;
pub use rate::RateLimits;
pub use request::Api;
use request::Request;
pub use resource_manager::{DirectoryLocation, Member, MemberStatus, PAGE_SIZE, Page};
pub use sts::CallerIdentity;
pub use transport::{Reply, SignedRequest, Transport, TransportError};

use crate::clock::{Deadline, SharedClock, Skew};
pub use crate::credentials::AssumeRole;
use crate::credentials::Credentials;

/// One call may take this long.
const CALL_TIMEOUT: Duration = Duration::from_secs(10);

/// What one invocation shares between its calls: connections, endpoints, clock, rate limits.
///
/// It is made anew for each invocation; the transport, with its connections, and the rate limits outlive it.
#[derive(Debug)]
pub struct Connection {
    transport: Arc<dyn Transport>,
    endpoints: Endpoints,
    method: signing::Method,
    clock: SharedClock,
    rate: Arc<RateLimits>,
    max_retries: usize,
    skew: Skew,
}

impl Connection {
    /// A connection that has not connected yet.
    pub fn new(
        transport: Arc<dyn Transport>,
        endpoints: Endpoints,
        method: signing::Method,
        rate: impl Into<Arc<RateLimits>>,
        clock: SharedClock,
    ) -> Self {
        let rate = rate.into();
        Self { transport, endpoints, method, clock, rate, max_retries: usize::MAX, skew: Skew::default() }
    }

    /// Repeats nothing more often than this: a test that explores every order of events wants few.
    #[must_use]
    pub fn with_max_retries(self, max_retries: usize) -> Self {
        Self { max_retries, ..self }
    }
}

/// Calls with the keys of one account.
#[derive(Debug, Clone)]
pub struct Session {
    connection: Arc<Connection>,
    credentials: Credentials,
    account: String,
    deadline: Deadline,
    slowest_call_micros: Arc<AtomicU64>,
}

impl Session {
    /// `account` is the one that the keys should belong to, as far as it is known: replies about another one are errors. It
    /// also names the rate limits' bucket.
    pub fn new(connection: Arc<Connection>, credentials: Credentials, account: &str, deadline: Deadline) -> Self {
        Self { connection, credentials, account: account.to_owned(), deadline, slowest_call_micros: Arc::default() }
    }

    /// The same connection and deadline with the keys of another account. How slow its calls are is measured anew: one
    /// account's trouble does not take the time from the others.
    #[must_use]
    pub fn with_keys(&self, credentials: Credentials, account: &str) -> Self {
        Self { credentials, account: account.to_owned(), slowest_call_micros: Arc::default(), ..self.clone() }
    }

    /// The same with an account that has become known meanwhile: replies about another one are errors from now on.
    #[must_use]
    pub fn in_account(self, account: &AccountId) -> Self {
        Self { account: account.to_string(), ..self }
    }

    /// The same with an earlier end: keys that do not last longer are of no use after it.
    #[must_use]
    pub fn ending_by(self, end: Deadline) -> Self {
        Self { deadline: self.deadline.earlier(end), ..self }
    }

    /// The clock of every call.
    pub fn clock(&self) -> &SharedClock {
        &self.connection.clock
    }

    /// The time that is left.
    pub fn remaining(&self) -> Duration {
        self.deadline.remaining(&*self.connection.clock)
    }

    /// How long writes, given by operation and number, would have to wait for our own rate limits, one operation after the
    /// other. Nothing is reserved.
    pub fn rate_wait(&self, writes: &[(&'static str, usize)]) -> Duration {
        let mut counts = BTreeMap::new();
        for (operation, count) in writes {
            *counts.entry(*operation).or_insert(0_usize) += count;
        }
        let bucket = |operation| Bucket { operation, account: &self.account, writes: true };
        counts.into_iter().map(|(operation, count)| self.connection.rate.wait_for(bucket(operation), count)).sum()
    }

    /// The longest that a call with these keys took until its reply came. One that was given up says nothing about the
    /// pace of the next.
    pub fn slowest_call(&self) -> Duration {
        Duration::from_micros(self.slowest_call_micros.load(Ordering::Relaxed))
    }
}
