//! A function for custom runtimes of Alibaba Cloud Function Compute: [`run`] a [`Handler`] and the rest is done here.
//!
//! ```no_run
//! use fc_runtime::{Diagnostic, Invocation, service_fn};
//!
//! async fn greet(invocation: Invocation) -> Result<String, Diagnostic> {
//!     let region = invocation.context.region.unwrap_or_default();
//!     Ok(serde_json::json!({ "greeting": format!("hello from `{region}`") }).to_string())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), fc_runtime::Error> {
//! fc_runtime::run(service_fn(greet)).await
//! # }
//! ```
//!
//! Start with [`Handler`], then [`Context`] and [`Diagnostic`]; [`Runtime`] is for more control.
//!
//! # Guarantees
//!
//! * A handler that was started runs to its end, even if its client has gone or the process was asked to stop.
//! * An answer that is not a success carries `x-fc-status`, without which the platform counts every answer as a success. That
//!   holds for requests that are not HTTP, too. The one exception is the 403 for an HTTP trigger, which is not an invocation.
//! * A panic of the handler becomes a [`Diagnostic`]; the process lives on. The panic hook is the program's: none is set here.
//! * Marker lines are written and flushed before the answer is sent.
//! * Nothing runs for a request of an HTTP trigger, whatever its path, nor for one whose control path is not clear.
//! * Credentials appear in no log line.
//! * What clients take up is bounded: [`CONNECTION_LIMIT`], [`BODY_LIMIT`] for an event, [`BUFFER_LIMIT`] for all of them.
//!
//! # Errors
//!
//! The handler fails with a [`Diagnostic`] of its own. These are made here, and nothing has run then, but for the last two:
//!
//! | `errorType` | HTTP status | when |
//! |---|---|---|
//! | `EventTooLarge` | 413 | the event has more than [`BODY_LIMIT`] bytes |
//! | `EventIncomplete` | 400 | the connection broke before the event was complete |
//! | `HeadTooLarge`, `PathTooLong`, `MalformedRequest` | 431, 414, 400 | not a request that can be read |
//! | `HostRefused`, `WebPageRefused` | 403 | on a workstation: it may come from a web page |
//! | `HttpTriggerRefused` | 403 | a request of an HTTP trigger |
//! | `Overloaded` | 503 | events in hand have more than [`BUFFER_LIMIT`] bytes, and this one was incomplete for longest |
//! | `Stopping` | 503 | the process stops, and the event is not complete |
//! | `TwoControlPaths` | 403 | two of them, which differ |
//! | `UnknownControlPath`, `UnknownPath` | 404 | not a request of the platform |
//! | `WrongMethod` | 405 | an invocation that is not a `POST` |
//! | `InitializerTimeout` | 404 | the initializer was stopped |
//! | `Panic` | 404, or 500 for the initializer | the handler or the initializer panicked |
//!
//! # Where it listens
//!
//! With any `FC_*` variable in the environment it is on the platform: it binds `0.0.0.0`, and an invocation needs the
//! header `x-fc-control-path: /invoke`. With none it is on a workstation: it binds `127.0.0.1`, and
//! `curl --data verify http://127.0.0.1:9000/invoke` is enough. The port is `FC_CUSTOM_LISTEN_PORT`, else `FC_SERVER_PORT`,
//! else 9000.

mod address;
mod answer;
mod body;
mod budget;
mod context;
mod function;
mod lifecycle;
mod markers;
mod request_id;
mod route;
mod server;
mod stream;
mod web_page;

use std::{
    env, io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

pub use bytes::Bytes;
use futures_util::FutureExt as _;
pub use http::HeaderMap;
use tokio::net::TcpListener;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
pub use tower::service_fn;

use self::{
    address::Site,
    budget::Budget,
    lifecycle::{Initializer, Lifecycle},
};
pub use self::{
    context::{ASSUMED_TIMEOUT, Context, HeaderCredentials},
    function::{Diagnostic, Handler, Invocation},
    markers::Markers,
    request_id::RequestId,
};

/// What the page of the crate shows compiles.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The largest event by default: far above what any trigger sends.
pub const BODY_LIMIT: usize = 1024 * 1024;

/// How many bytes of events are in hand at once by default.
pub const BUFFER_LIMIT: usize = 16 * 1024 * 1024;

/// How many connections are open at once by default: more than the platform's 200 invocations at a time, and less than the
/// 1,024 file descriptors that a process has on most workstations.
pub const CONNECTION_LIMIT: usize = 512;

/// How long to wait, when stopping, for a connection that stopped in the middle of a request.
const GRACE: Duration = Duration::from_secs(5);

/// Serves the handler as the environment says, until SIGTERM, SIGINT or SIGHUP.
///
/// # Errors
///
/// Those of [`Runtime::from_env`] and [`Runtime::run`].
pub async fn run<H: Handler>(handler: H) -> Result<(), Error> {
    Runtime::from_env()?.run(handler).await
}

/// Why the process cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A variable that should hold a port does not. Correct or unset it.
    #[error("`{variable}` must be a port from 1 to 65535, but is `{}`", value.escape_default())]
    Port {
        /// The name of the variable.
        variable: &'static str,
        /// The beginning of its value.
        value: String,
    },
    /// The address cannot be listened on. Another process may have it.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system does not deliver signals.
    #[error("cannot wait for the signal to stop")]
    Signal(#[source] io::Error),
}

/// How to serve, for those who want more control than [`run`] gives.
///
/// ```
/// use fc_runtime::{Markers, Runtime};
///
/// let vars = [("FC_CUSTOM_LISTEN_PORT".to_owned(), "81".to_owned())];
/// let runtime = Runtime::from_vars(vars)?.body_limit(1024).markers(Markers::silent());
/// assert_eq!(runtime.socket_address().to_string(), "0.0.0.0:81");
/// # Ok::<(), fc_runtime::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Runtime {
    site: Site,
    address: SocketAddr,
    body_limit: usize,
    buffer_limit: usize,
    connection_limit: usize,
    markers: Markers,
    grace: Duration,
    initializer: Option<Initializer>,
}

impl Runtime {
    /// By the environment of the process: the only place where it is read.
    ///
    /// # Errors
    ///
    /// [`Error::Port`].
    pub fn from_env() -> Result<Self, Error> {
        // `env::vars` would panic on a value that is not UTF-8.
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned())
        };
        Self::from_vars(env::vars_os().map(text))
    }

    /// By names and values of environment variables; those that do not start with `FC_` are not looked at.
    ///
    /// # Errors
    ///
    /// [`Error::Port`].
    pub fn from_vars(vars: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        let vars: Vec<_> = vars.into_iter().collect();
        let site = Site::of(&vars);
        Ok(Self {
            site,
            address: (site.ip(), address::port(&vars)?).into(),
            body_limit: BODY_LIMIT,
            buffer_limit: BUFFER_LIMIT,
            connection_limit: CONNECTION_LIMIT,
            markers: Markers::stdout(),
            grace: GRACE,
            initializer: None,
        })
    }

    /// Listens on this address instead. Who may invoke does not change with it.
    pub fn address(mut self, ip: IpAddr) -> Self {
        self.address.set_ip(ip);
        self
    }

    /// Listens on this port instead; 0 is any free one.
    pub fn port(mut self, port: u16) -> Self {
        self.address.set_port(port);
        self
    }

    /// The largest event, in bytes, instead of [`BODY_LIMIT`].
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = bytes;
        self
    }

    /// How many bytes of events are in hand at once, instead of [`BUFFER_LIMIT`]; never fewer than the largest event has.
    /// Beyond it the event that has been incomplete for longest is given up, and its sender told.
    pub fn buffer_limit(mut self, bytes: usize) -> Self {
        self.buffer_limit = bytes;
        self
    }

    /// How many connections are open at once, instead of [`CONNECTION_LIMIT`]. Beyond it, the one is closed that has waited
    /// longest since it came or was last answered; if the handler works for all of them, the new one.
    pub fn connection_limit(mut self, connections: usize) -> Self {
        self.connection_limit = connections;
        self
    }

    /// Where marker lines go, instead of standard output.
    pub fn markers(mut self, markers: Markers) -> Self {
        self.markers = markers;
        self
    }

    /// How long to wait, when stopping, for a connection that stopped in the middle of a request, instead of 5 seconds.
    /// A handler that runs is waited for without limit.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Runs `work` when the platform calls `/initialize`: once, before the first invocation, if the function has an
    /// initializer configured. Without this call such a hook succeeds and does nothing.
    ///
    /// `work` is stopped after `timeout`; take a little less than what is configured for the platform (3 seconds by
    /// default), so that it hears why. The context has this deadline, and the credentials of the function's role.
    ///
    /// | `work` | answer | what the platform does |
    /// |---|---|---|
    /// | succeeds | 200 | sends invocations |
    /// | fails, or is stopped | 404 | fails the call that started the instance; the next one tries again |
    /// | panics | 500 | starts another instance |
    ///
    /// # Caveats
    ///
    /// It may run more than once, and an invocation must not rely on it: somebody may have left it out of the deployment.
    ///
    /// ```
    /// use std::{sync::{Arc, OnceLock}, time::Duration};
    ///
    /// let region = Arc::new(OnceLock::new());
    /// let runtime = fc_runtime::Runtime::from_vars([])?.initializer(Duration::from_millis(2500), move |context| {
    ///     let region = Arc::clone(&region);
    ///     async move {
    ///         region.get_or_init(|| context.region);
    ///         Ok(())
    ///     }
    /// });
    /// # Ok::<(), fc_runtime::Error>(())
    /// ```
    pub fn initializer<F, D>(mut self, timeout: Duration, work: F) -> Self
    where
        F: Fn(Context) -> D + Send + Sync + 'static,
        D: Future<Output = Result<(), Diagnostic>> + Send + 'static,
    {
        let work = Arc::new(move |context| work(context).boxed());
        self.initializer = Some(Initializer { timeout, work });
        self
    }

    /// Where [`run`](Self::run) will listen.
    #[must_use]
    pub fn socket_address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until SIGTERM, SIGINT or SIGHUP; returns once everything in hand is answered.
    ///
    /// # Errors
    ///
    /// [`Error::Listen`] and [`Error::Signal`].
    pub async fn run<H: Handler>(self, handler: H) -> Result<(), Error> {
        let shutdown = server::stop_signal().map_err(Error::Signal)?;
        let address = self.address;
        let listener = TcpListener::bind(address).await.map_err(|source| Error::Listen { address, source })?;
        self.serve_until(listener, handler, shutdown).await;
        Ok(())
    }

    /// Serves on a listener until `shutdown` is ready; returns once everything in hand is answered.
    pub async fn serve_until<H: Handler>(
        mut self,
        listener: TcpListener,
        handler: H,
        shutdown: impl Future<Output = ()>,
    ) {
        if let Ok(address) = listener.local_addr() {
            tracing::info!(%address, site = ?self.site, "listening");
        }
        self.buffer_limit = self.buffer_limit.max(self.body_limit);
        let lifecycle = Lifecycle {
            handler,
            connections: Budget::new(self.connection_limit),
            events: Budget::new(self.buffer_limit),
            runtime: self,
            in_hand: TaskTracker::new(),
            closing: CancellationToken::new(),
        };
        server::serve(listener, Arc::new(lifecycle), shutdown).await;
    }
}
