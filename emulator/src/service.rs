//! From a request to a reply: record, authenticate, decide about faults, run the operation.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::Response;

use crate::auth::{self, Claim, Nonces};
use crate::clock::Clock;
use crate::connections::Connections;
use crate::deliver::{self, Ending, ErrorDate};
use crate::fault::{Faults, Hook, Moment, Occurrence, Plan, Rewrite, Verdict};
use crate::recorder::{Call, Recorder};
use crate::wire::{Failure, Params, Reply, Request};
use crate::world::{Key, WorldState};
use crate::{access, ram, resource_manager, sts};

/// What all connections share.
pub(crate) struct Service {
    pub(crate) world: Mutex<WorldState>,
    pub(crate) faults: Faults,
    pub(crate) recorder: Recorder,
    pub(crate) clock: Clock,
    nonces: Mutex<Nonces>,
    latency_micros: AtomicU64,
    error_date: Mutex<ErrorDate>,
    pub(crate) connections: Connections,
}

/// One call on its way through.
struct Exchange<'a> {
    request: &'a Request,
    operation: &'a str,
    params: Params,
    index: usize,
}

impl Service {
    pub(crate) fn new(world: WorldState, print_calls: bool) -> Self {
        Self {
            world: Mutex::new(world),
            faults: Faults::default(),
            recorder: Recorder::new(print_calls),
            clock: Clock::start(),
            nonces: Mutex::default(),
            latency_micros: AtomicU64::new(0),
            error_date: Mutex::default(),
            connections: Connections::new(),
        }
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        self.latency_micros.store(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    pub(crate) fn set_error_date(&self, date: ErrorDate) {
        *self.error_date.lock().unwrap_or_else(PoisonError::into_inner) = date;
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, WorldState> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn answer(&self, request: axum::extract::Request) -> Response<Body> {
        let request = match Request::read(request).await {
            Ok(request) => request,
            Err(failure) => return deliver::failure_without_request(&failure),
        };
        let latency = Duration::from_micros(self.latency_micros.load(Ordering::SeqCst));
        if request.method == "HEAD" {
            // Asks for nothing: who opens a connection ahead of its first call sends it. It is no call.
            pause(latency).await;
            return deliver::empty(self.clock.now());
        }
        let exchange = self.arrival(&request);
        pause(latency).await;
        let (ending, rewrites) = match self.authenticate(&exchange) {
            Ok(caller) => self.decide(&exchange, &caller).await,
            Err(failure) => (Ending::Reply(Err(failure)), Vec::new()),
        };
        self.finish(&exchange, ending, &rewrites).await
    }

    fn arrival<'a>(&self, request: &'a Request) -> Exchange<'a> {
        let operation = request.action().unwrap_or_default();
        let (params, claim) = (request.params(), Claim::read(request).ok());
        let index = self.recorder.arrived(|index| Call {
            index,
            operation: operation.to_owned(),
            account: None,
            access_key_id: claim.as_ref().map(|claim| claim.access_key_id.clone()),
            scheme: claim.map(|claim| claim.scheme),
            params: params.0.clone(),
            user_agent: request.header("user-agent").map(str::to_owned),
            write: ram::is_write(operation),
            request_id: deliver::request_id(index),
            status: None,
            code: None,
            effect: false,
            started: self.clock.since_start(),
            finished: None,
        });
        Exchange { request, operation, params, index }
    }

    fn authenticate(&self, exchange: &Exchange) -> Result<Key, Failure> {
        let claim = Claim::read(exchange.request)?;
        let mut nonces = self.nonces.lock().unwrap_or_else(PoisonError::into_inner);
        let caller = auth::check(&claim, &self.world(), &mut nonces, self.clock.now())?;
        self.recorder.update(exchange.index, |call| {
            call.account = Some(caller.account.clone());
        });
        Ok(caller)
    }

    async fn decide(&self, exchange: &Exchange<'_>, caller: &Key) -> (Ending, Vec<Rewrite>) {
        let occurrence =
            Occurrence { operation: exchange.operation, account: &caller.account, params: &exchange.params.0 };
        let plan = self.faults.decide(&occurrence);
        pause(plan.pause_before).await;
        self.run_hooks(&plan.hooks_before, &caller.account);
        let ending = self.carry_out(exchange, caller, &plan);
        self.run_hooks(&plan.hooks_after, &caller.account);
        pause(plan.pause_after).await;
        (ending, plan.rewrites)
    }

    fn carry_out(&self, exchange: &Exchange, caller: &Key, plan: &Plan) -> Ending {
        match &plan.ending {
            Some((Moment::BeforeEffect, verdict)) => ending(verdict, exchange, caller, Ok(serde_json::json!({}))),
            Some((Moment::AfterEffect, verdict)) => {
                ending(verdict, exchange, caller, self.perform(exchange, caller, plan))
            }
            None => Ending::Reply(self.perform(exchange, caller, plan)),
        }
    }

    fn run_hooks(&self, hooks: &[Hook], account: &str) {
        for hook in hooks {
            let mut hook = hook.lock().unwrap_or_else(PoisonError::into_inner);
            hook(&mut self.world(), account);
        }
    }

    /// Runs the operation and notes whether it changed anything.
    fn perform(&self, exchange: &Exchange, caller: &Key, plan: &Plan) -> Reply {
        let mut world = self.world();
        let before = world.revision();
        let reply = dispatch(&mut world, exchange, caller, plan.stale, self.clock.now());
        let effect = world.revision() != before;
        self.recorder.update(exchange.index, |call| call.effect = effect);
        if plan.partial_list { reply.map(deliver::without_last_items) } else { reply }
    }

    async fn finish(&self, exchange: &Exchange<'_>, ending: Ending, rewrites: &[Rewrite]) -> Response<Body> {
        if matches!(ending, Ending::Hang) {
            return std::future::pending().await;
        }
        self.recorder.finished(exchange.index, |call| {
            call.status = ending.status();
            call.code = ending.code().map(str::to_owned);
            call.finished = Some(self.clock.since_start());
        });
        let address = deliver::Address {
            product: product(exchange.operation),
            operation: exchange.operation,
            index: exchange.index,
            json: exchange.request.wants_json(),
            params: &exchange.params.0,
            rewrites,
        };
        let error_date = self.error_date.lock().unwrap_or_else(PoisonError::into_inner).clone();
        deliver::response(ending, &address, self.clock.now(), &error_date)
    }
}

/// The product whose operation this is, as error envelopes name it; RAM for what nobody knows.
fn product(operation: &str) -> &'static str {
    if sts::NAMES.contains(&operation) {
        "Sts"
    } else if resource_manager::NAMES.contains(&operation) {
        "ResourceManager"
    } else {
        "Ram"
    }
}

async fn pause(length: Duration) {
    if !length.is_zero() {
        tokio::time::sleep(length).await;
    }
}

fn dispatch(world: &mut WorldState, exchange: &Exchange, caller: &Key, stale: usize, now: jiff::Timestamp) -> Reply {
    let (action, params) = (exchange.operation, &exchange.params);
    if action.is_empty() {
        return Err(Failure::missing_parameter("Action"));
    }
    access::require_active(world, &caller.account)?;
    match exchange.request.version() {
        Some(ram::VERSION) => ram::call(world, caller, action, params, stale, now),
        Some(sts::VERSION) => sts::call(world, caller, action, params, now),
        Some(resource_manager::VERSION) => resource_manager::call(world, caller, action, params),
        Some(_) => Err(access::unknown_version()),
        None => Err(Failure::missing_parameter("Version")),
    }
}

fn ending(verdict: &Verdict, exchange: &Exchange, caller: &Key, reply: Reply) -> Ending {
    let action = format!("{}:{}", product(exchange.operation).to_lowercase(), exchange.operation);
    match verdict {
        Verdict::Error { status, code } => Ending::Reply(Err(deliver::made_up_failure(*status, code))),
        Verdict::Deny => Ending::Reply(Err(access::no_permission(caller, &action, "ImplicitDeny"))),
        Verdict::DenyByControlPolicy => Ending::Reply(Err(access::denied_by_control_policy(caller, &action))),
        Verdict::Html { status } => Ending::Html(*status),
        Verdict::HalfBody => Ending::Half(reply),
        Verdict::Hang => Ending::Hang,
        Verdict::Lose => Ending::Lost,
        Verdict::Stale { .. } | Verdict::PartialList | Verdict::Latency(_) => Ending::Reply(reply),
    }
}
