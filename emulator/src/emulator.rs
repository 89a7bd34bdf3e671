//! The handle of a running emulator.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::connections::{End, Opening};
use crate::deliver::ErrorDate;
use crate::fault::{Fault, FaultGuard, Moment, Rule, WrittenFault};
use crate::peak;
use crate::recorder::Call;
use crate::server::Server;
use crate::service::Service;
use crate::tls;
use crate::world::{DTS_ROLE, RoleRecord, World, WorldState};

/// A running emulator; dropping it closes its port and every connection.
///
/// It runs on a thread of its own, so it serves async and plain tests alike.
///
/// ```
/// use emulator::{AccessKey, Emulator, Role, Rule, World};
///
/// # fn main() -> std::io::Result<()> {
/// let world = World::new()
///     .account("1234567890123456", |account| account.role(Role::dts()))
///     .key(AccessKey::permanent("LTAI5tExample", "secret").of_user("1234567890123456", "alice"));
/// let emulator = Emulator::start(world)?;
/// let busy = emulator.fault(Rule::on("GetRole").nth(1).throttle());
/// // … point a client at `emulator.url()` …
/// assert!(emulator.writes().is_empty());
/// # drop(busy);
/// # Ok(())
/// # }
/// ```
pub struct Emulator {
    service: Arc<Service>,
    server: Server,
    certificate: Option<Vec<u8>>,
}

impl Emulator {
    /// Serves on a free port of `127.0.0.1`.
    ///
    /// # Errors
    /// If there is no port or no thread to be had.
    pub fn start(world: World) -> io::Result<Self> {
        Self::start_on(world, 0, false)
    }

    /// Serves on a port; prints each call to stderr if asked to.
    ///
    /// # Errors
    /// If the port is taken, or there is no thread to be had.
    pub fn start_on(world: World, port: u16, print_calls: bool) -> io::Result<Self> {
        let service = Arc::new(Service::new(world.state, print_calls));
        let server = Server::start(Arc::clone(&service), port, None)?;
        Ok(Self { service, server, certificate: None })
    }

    /// Serves over TLS, with a certificate of its own.
    ///
    /// # Errors
    /// If there is no port, no thread or no certificate to be had.
    pub fn start_tls(world: World) -> io::Result<Self> {
        let (acceptor, certificate) = tls::acceptor()?;
        let service = Arc::new(Service::new(world.state, false));
        let server = Server::start(Arc::clone(&service), 0, Some(acceptor))?;
        Ok(Self { service, server, certificate: Some(certificate) })
    }

    /// The certificate (DER) that a client has to trust; none without TLS.
    #[must_use]
    pub fn certificate(&self) -> Option<&[u8]> {
        self.certificate.as_deref()
    }

    /// `http://127.0.0.1:PORT`, or `https://localhost:PORT`, for RAM, STS and Resource Manager alike.
    #[must_use]
    pub fn url(&self) -> String {
        match self.certificate {
            None => format!("http://{}", self.server.address),
            Some(_) => format!("https://localhost:{}", self.server.address.port()),
        }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn host(&self) -> String {
        self.server.address.to_string()
    }

    /// Puts a fault in force until the guard is dropped.
    pub fn fault(&self, fault: Fault) -> FaultGuard {
        self.service.faults.install(fault)
    }

    /// Puts a fault in force that a person wrote down.
    pub fn written_fault(&self, written: &WrittenFault) -> FaultGuard {
        let somebody = |world: &mut WorldState, account: &str| {
            world.set_description(account, DTS_ROLE, "changed by somebody");
        };
        if let Some(fault) = written.fault() {
            return self.fault(fault);
        }
        let hook = Arc::new(Mutex::new(somebody));
        self.service.faults.install_hook(written.rule.clone(), Moment::AfterEffect, hook)
    }

    /// Runs `change` just before each call that the rule chooses: a person who comes in between.
    ///
    /// `change` must use the state it is given, not the emulator: the state is locked meanwhile.
    pub fn on_call(&self, rule: Rule, mut change: impl FnMut(&mut WorldState) + Send + 'static) -> FaultGuard {
        let hook = move |world: &mut WorldState, _: &str| change(world);
        self.service.faults.install_hook(rule, Moment::BeforeEffect, Arc::new(Mutex::new(hook)))
    }

    /// Runs `change` just after the effect of each call that the rule chooses, before the reply.
    pub fn after_call(&self, rule: Rule, mut change: impl FnMut(&mut WorldState) + Send + 'static) -> FaultGuard {
        let hook = move |world: &mut WorldState, _: &str| change(world);
        self.service.faults.install_hook(rule, Moment::AfterEffect, Arc::new(Mutex::new(hook)))
    }

    /// Looks at the state, or changes it as a person would, between calls.
    pub fn with_world<T>(&self, look: impl FnOnce(&mut WorldState) -> T) -> T {
        look(&mut self.service.world())
    }

    /// The truth about a role, whatever stale reads say.
    #[must_use]
    pub fn role(&self, account: &str, name: &str) -> Option<RoleRecord> {
        self.service.world().role(account, name).cloned()
    }

    /// Every call so far, in the order of arrival.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.service.recorder.calls()
    }

    /// The calls of write operations, whether they had an effect or not.
    #[must_use]
    pub fn writes(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| call.write).collect()
    }

    /// The names of the operations that were called, in order.
    #[must_use]
    pub fn operations(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.operation).collect()
    }

    /// The most calls of an operation that arrived within any one second, answered or not.
    #[must_use]
    pub fn peak_per_second(&self, operation: &str) -> usize {
        peak::peak_per_second(self.calls().iter().filter(|call| call.operation == operation))
    }

    /// The most calls that were open at one moment; see [`peak_in_flight`](crate::peak_in_flight) for those of one
    /// operation or account.
    #[must_use]
    pub fn peak_in_flight(&self) -> usize {
        peak::peak_in_flight(&self.calls())
    }

    /// Every secret and token there is, issued ones too: none of it may be found in a client's output.
    #[must_use]
    pub fn secrets(&self) -> Vec<String> {
        let world = self.service.world();
        world.keys().flat_map(|key| std::iter::once(key.secret.clone()).chain(key.token.clone())).collect()
    }

    /// Makes every call take longer, before its effect.
    pub fn set_latency(&self, latency: Duration) {
        self.service.set_latency(latency);
    }

    /// Makes every new connection take longer before anything is read: what a network takes for TCP and TLS.
    pub fn set_connection_latency(&self, latency: Duration) {
        self.service.connections.set_latency(latency);
    }

    /// How many connections were made so far.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.service.connections.count()
    }

    /// How each of them was made, in the order of their arrival.
    #[must_use]
    pub fn openings(&self) -> Vec<Opening> {
        self.service.connections.openings()
    }

    /// How many of them resumed the TLS session of an earlier one.
    #[must_use]
    pub fn resumed_connections(&self) -> usize {
        self.service.connections.resumed()
    }

    /// Ends every connection that is open now. Those that come later live.
    pub fn end_connections(&self, end: End) {
        self.service.connections.end(end);
    }

    /// Says which `Date` replies with an error carry from now on.
    pub fn set_error_date(&self, date: ErrorDate) {
        self.service.set_error_date(date);
    }

    /// Rewrites the body of each reply that the rule chooses, errors too; the change gets the call's own parameters. The
    /// call has had its effect by then.
    ///
    /// ```
    /// # use emulator::{Emulator, Rule, World};
    /// # fn main() -> std::io::Result<()> {
    /// # let emulator = Emulator::start(World::new())?;
    /// let no_description = emulator.rewrite(Rule::on("GetRole"), |reply, _| {
    ///     reply["Role"]["Description"] = None::<String>.into();
    /// });
    /// # drop(no_description);
    /// # Ok(())
    /// # }
    /// ```
    pub fn rewrite(
        &self,
        rule: Rule,
        change: impl FnMut(&mut Value, &BTreeMap<String, String>) + Send + 'static,
    ) -> FaultGuard {
        self.service.faults.install_rewrite(rule, Arc::new(Mutex::new(change)))
    }

    /// Puts the server's clock ahead, or back if negative.
    pub fn shift_clock(&self, seconds: i64) {
        self.service.clock.shift(seconds);
    }

    /// Resolves when the n-th call of an operation, from 1, has arrived.
    pub async fn wait_for_call(&self, operation: &str, n: usize) {
        self.service.recorder.wait(operation, n).await;
    }
}

impl fmt::Debug for Emulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emulator").field("url", &self.url()).finish_non_exhaustive()
    }
}
