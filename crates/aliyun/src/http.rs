//! HTTP, over TLS but for loopback, on connections that outlive an invocation.
//!
//! The platform freezes an instance between two invocations, for seconds or for hours; meanwhile the network forgets its
//! connections, and does not say so. So none is used again that has been idle for 20 s by any clock: in a freeze the monotonic
//! one may stand still while the time of day goes on, or both stand and only the cloud closes. What is dead all the same costs
//! one call, after which no connection to that host is used again. TLS sessions are resumed on the new ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, join_all};
use jiff::Timestamp;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use rustls::RootCertStore;
use url::Url;

use super::network::{Network, tls_error};
use super::transport::{BoxError, Reply, SignedRequest, Transport, TransportError, date};
use crate::clock::{SharedClock, SystemClock};
use crate::signing::FORM;

/// Connecting may take this long.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// A connection that was idle for this long is not used again. The cloud, and what lies between, keeps idle ones for a
/// minute or so.
const IDLE: Duration = Duration::from_secs(20);
/// What was sent and is not acknowledged for this long was sent into a connection that the network has forgotten.
const UNACKNOWLEDGED: Duration = Duration::from_secs(5);
/// After this many turns of the other tasks a connection is back where the next call finds it.
const TURNS: usize = 16;

/// HTTP with its connections. Dropping it closes them.
#[derive(Debug)]
pub struct Http {
    user_agent: &'static str,
    tls: rustls::ClientConfig,
    network: Network,
    clock: SharedClock,
    pools: Mutex<Pools>,
}

#[derive(Debug, Default)]
struct Pools {
    by_origin: HashMap<String, Pool>,
    made: u64,
}

/// The connections to one host.
#[derive(Debug, Clone)]
struct Pool {
    id: u64,
    client: reqwest::Client,
    used: Moment,
    /// Whether there was a reply, and so a connection that can have been kept.
    has_replied: bool,
}

/// By both clocks.
#[derive(Debug, Clone, Copy)]
struct Moment {
    uptime: Duration,
    time_of_day: Timestamp,
}

impl Moment {
    fn is_long_before(self, now: Self) -> bool {
        let by_day = now.time_of_day.duration_since(self.time_of_day).unsigned_abs();
        now.uptime.saturating_sub(self.uptime) > IDLE || by_day > IDLE
    }
}

impl Http {
    /// With the machine's clock, and no proxy or roots of one's own.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(user_agent: &'static str) -> Result<Self, BoxError> {
        Self::through(user_agent, Network::default(), Arc::new(SystemClock::start()))
    }

    /// By a network's proxy and roots, where it has them. The cloud's audit records hold `user_agent`. It does not connect yet.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn through(user_agent: &'static str, network: Network, clock: SharedClock) -> Result<Self, BoxError> {
        let tls = network.roots().map_or_else(tls, |roots| tls_trusting(roots.clone()))?;
        let http = Self { user_agent, tls, network, clock, pools: Mutex::default() };
        // Whatever can go wrong with a client goes wrong here, and not in the middle of a repair.
        http.client()?;
        Ok(http)
    }

    /// Opens connections, as many to each address as it says, so that the first calls find them. A failure is only logged:
    /// those calls will meet it, too.
    pub async fn warm(&self, addresses: &[(Url, usize)], timeout: Duration) {
        let each = addresses.iter().flat_map(|(url, count)| std::iter::repeat_n(url, *count));
        join_all(each.map(async |url| {
            if let Err(error) = self.probe(url, timeout).await {
                let error = authorization::text::chain(&error);
                tracing::debug!(host = url.host_str(), error, "no connection ahead of the first call");
            }
        }))
        .await;
        // The client takes a connection back in a task of its own, a moment after the reply.
        for _ in 0..TURNS {
            tokio::task::yield_now().await;
        }
    }

    /// Asks with a `HEAD`, which names no operation and carries no key: the cloud does nothing, and the connection stays. Gives
    /// the cloud's time of day, where the reply has it.
    ///
    /// # Errors
    /// When no reply came.
    pub async fn probe(&self, url: &Url, timeout: Duration) -> Result<Option<Timestamp>, ProbeError> {
        let not_reached = |error: reqwest::Error| {
            let error = error.without_url();
            ProbeError { is_tls: tls_error(&error).is_some(), source: self.network.explain(url, error.into()) }
        };
        let pool = self.pool(url).map_err(not_reached)?;
        let reply = pool.client.head(url.clone()).timeout(timeout).send().await.map_err(not_reached)?;
        self.used(url, pool.id);
        Ok(date(reply.headers()))
    }

    /// Whether a proxy stands before it, which looks its name up, too.
    pub fn is_proxied(&self, url: &Url) -> bool {
        self.network.proxy_for(url).is_some()
    }

    fn client(&self) -> reqwest::Result<reqwest::Client> {
        let builder = reqwest::Client::builder()
            .user_agent(self.user_agent)
            // The sessions are shared between the clones.
            .tls_backend_preconfigured(self.tls.clone())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            // Whatever the environment says: a proxy is one that was handed over.
            .no_proxy()
            .tcp_nodelay(true);
        let builder = match self.network.proxy()? {
            Some(proxy) => builder.proxy(proxy),
            None => builder,
        };
        #[cfg(target_os = "linux")]
        let builder = builder.tcp_user_timeout(UNACKNOWLEDGED);
        builder.build()
    }

    /// The host's connections, or a pool without any if those have been idle for too long.
    fn pool(&self, url: &Url) -> reqwest::Result<Pool> {
        let (origin, now) = (origin(url), self.now());
        let mut pools = self.pools();
        if let Some(pool) = pools.by_origin.get_mut(&origin).filter(|pool| !pool.used.is_long_before(now)) {
            pool.used = now;
            return Ok(pool.clone());
        }
        pools.made += 1;
        let pool = Pool { id: pools.made, client: self.client()?, used: now, has_replied: false };
        pools.by_origin.insert(origin, pool.clone());
        Ok(pool)
    }

    fn used(&self, url: &Url, id: u64) {
        let now = self.now();
        if let Some(pool) = self.pools().by_origin.get_mut(&origin(url)).filter(|pool| pool.id == id) {
            (pool.used, pool.has_replied) = (now, true);
        }
    }

    /// Where one connection is dead the others are, most likely.
    fn give_up(&self, url: &Url, id: u64) {
        let mut pools = self.pools();
        if pools.by_origin.get(&origin(url)).is_some_and(|pool| pool.id == id) {
            pools.by_origin.remove(&origin(url));
        }
    }

    fn now(&self) -> Moment {
        Moment { uptime: self.clock.uptime(), time_of_day: self.clock.now() }
    }

    fn pools(&self) -> MutexGuard<'_, Pools> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn exchange(&self, request: SignedRequest) -> Result<Reply, TransportError> {
        let SignedRequest { url, headers, body, timeout } = request;
        let pool = self.pool(&url).map_err(|error| TransportError::Unsent(error.into()))?;
        let mut post = pool.client.post(url.clone()).timeout(timeout).header(CONTENT_TYPE, FORM);
        for (name, value) in headers {
            post = match HeaderValue::from_maybe_shared(Bytes::from_owner(value)) {
                Ok(mut value) => {
                    value.set_sensitive(true);
                    post.header(name, value)
                }
                // Sending it fails with what is wrong.
                Err(_) => post.header(name, "\0"),
            };
        }
        let replied = match post.body(Bytes::from_owner(body)).send().await {
            Ok(response) => Reply::read(response).await.map_err(TransportError::NoReply),
            Err(error) => {
                let is_unsent = error.is_connect() || error.is_builder();
                // A URL could carry keys.
                let why = self.network.explain(&url, error.without_url().into());
                Err(if is_unsent { TransportError::Unsent(why) } else { TransportError::NoReply(why) })
            }
        };
        match replied {
            Ok(_) => self.used(&url, pool.id),
            Err(_) => self.give_up(&url, pool.id),
        }
        replied.map_err(|error| match error {
            TransportError::NoReply(why) if pool.has_replied => TransportError::Dead(why),
            error => error,
        })
    }
}

/// No reply came from an address.
#[derive(Debug, thiserror::Error)]
#[error("no reply")]
pub struct ProbeError {
    /// Whether it was TLS that failed: something else may answer in the cloud's place.
    pub is_tls: bool,
    source: BoxError,
}

impl Transport for Http {
    fn send(&self, request: SignedRequest) -> BoxFuture<'_, Result<Reply, TransportError>> {
        Box::pin(self.exchange(request))
    }
}

fn origin(url: &Url) -> String {
    url.origin().ascii_serialization()
}

/// TLS with compiled-in roots: an image may have none, and reading the system's costs a cold start 20 ms.
///
/// # Errors
/// When ring cannot do what TLS 1.2 and 1.3 ask for.
pub fn tls() -> Result<rustls::ClientConfig, rustls::Error> {
    tls_trusting(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() })
}

fn tls_trusting(roots: RootCertStore) -> Result<rustls::ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_old_by_either_clock_and_if_one_went_back() {
        let moment = |uptime, day| Moment {
            uptime: Duration::from_secs(uptime),
            time_of_day: Timestamp::from_second(day).unwrap(),
        };
        let used = moment(100, 1_000_000);
        for (uptime, day, is_old) in [
            (100, 1_000_000, false),
            (120, 1_000_020, false),
            (121, 1_000_000, true),
            (100, 1_000_021, true),
            (100, 999_000, true),
        ] {
            assert_eq!(used.is_long_before(moment(uptime, day)), is_old, "{uptime} {day}");
        }
    }
}
