//! Event in, report out: decode, choose the target, reconcile, report. It cannot fail to answer.

mod doctor;

pub use doctor::Visit;

use std::num::NonZeroU32;
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aliyun::clock::{Deadline, SharedClock};
use aliyun::credentials::{self, Credentials, Found, Place, ProfileKeys};
use aliyun::{AssumeRole, BadNetwork, Connection, Endpoint, Endpoints, Http, RateLimits, Session, Transport};
use authorization::baseline;
use authorization::settings::Scope;
use authorization::target::AccountId;
use fc_runtime::{Context, Diagnostic, HeaderCredentials, Invocation};
use serde_json::Value;
use tracing::Instrument as _;

use crate::clear::{self, NotCleared};
use crate::config::{Config, InvalidSettings, NOTIFY, Variables};
use crate::event::{self, Allowed, Clear, Decision, Event, Request};
use crate::journal::{Bounded, JournalLog, Store};
use crate::notify::{self, Hook, Means, News};
use crate::reconcile::Guard;
use crate::report::{AccountReport, CallError, Json, Next, Render, Report, Results, Run, Status, message_for_queues};
use crate::stop::Stop;
use crate::sweep::{LogLines, Progress, Sweep, Swept, joined, outside};
use crate::telemetry::Log;

/// Kept back from the deadline for the answer itself.
const ANSWER_MARGIN: Duration = Duration::from_millis(500);

/// Opening connections ahead of the first call may take so long; the platform gives an initializer three seconds.
const WARM_TIMEOUT: Duration = Duration::from_secs(2);

/// The lines of a long report wait for their reader so long, all together.
const LOG_PATIENCE: Duration = Duration::from_secs(2);

/// A session's keys end with it, wherever a repair stands then: a run is over this long before.
const KEYS_MARGIN: Duration = Duration::from_mins(1);

/// Said of a batch whose records all turned out to be none for the guard.
const NOTHING_TO_DO: &str = "no record is for the guard";

/// Said of a run that ended before its time.
const STOPPED: &str = "the run was stopped by a signal";

/// What outlives an invocation: settings, the environment's keys, the clock, the rate limits.
#[derive(Debug)]
pub struct App {
    config: Result<Config, InvalidSettings>,
    environment: Found,
    clock: SharedClock,
    log: Log,
    /// The way to the cloud, where it is not HTTP.
    transport: Option<Arc<dyn Transport>>,
    /// HTTP, once it was needed. Its connections outlive an invocation.
    http: OnceLock<Arc<Http>>,
    place: Place,
    /// The keys of a terminal whose variables hold none.
    profile: Option<Result<ProfileKeys, credentials::Error>>,
    /// Where the journal's files live, if not where the settings say.
    store: Option<Arc<dyn Store>>,
    patience: usize,
    /// Held by a run that may write: two in one process would undo each other's work.
    repairs: tokio::sync::Mutex<()>,
    progress: Arc<dyn Progress>,
    /// Who is told of a run, whether or not the other settings are right.
    hooks: Vec<Hook>,
    stop: Stop,
    /// None with a mistake in the settings.
    rate: Option<Arc<RateLimits>>,
}

/// What starts a run, whatever way it came.
#[derive(Debug)]
pub struct Ask {
    /// Names the run.
    pub request_id: String,
    /// What it asks for.
    pub event: Event,
    /// Keys that came with it.
    pub keys: Found,
    /// The own account, where it is known.
    pub account: Option<AccountId>,
    /// When the answer must be ready.
    pub deadline: Deadline,
}

/// A run that could not begin.
#[derive(Debug, thiserror::Error)]
pub enum Abort {
    /// The settings are wrong.
    #[error(transparent)]
    Settings(#[from] InvalidSettings),
    /// There are no usable keys.
    #[error(transparent)]
    Credentials(#[from] credentials::Error),
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A terminal's proxy or roots cannot be used.
    #[error(transparent)]
    Network(#[from] BadNetwork),
}

impl Abort {
    fn error_type(&self) -> &'static str {
        match self {
            Self::Settings(_) => "InvalidSettings",
            Self::Credentials(_) => "NoCredentials",
            Self::Tls(_) => "NoTls",
            Self::Network(_) => "NoNetwork",
        }
    }

    /// The exit code of a terminal command.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Settings(_) => 2,
            Self::Credentials(_) | Self::Tls(_) | Self::Network(_) => 3,
        }
    }
}

impl App {
    /// Reads the settings and the environment's keys.
    #[must_use]
    pub fn new(variables: &Variables, clock: SharedClock, log: Log) -> Self {
        let environment = Found::in_environment(|name| variables.get(name).cloned());
        let config = Config::from_variables(variables);
        let limits = |config: &Config| Arc::new(RateLimits::per_second(config.rate, clock.clone()));
        let rate = config.as_ref().ok().map(limits);
        let hooks = variables.get(NOTIFY).filter(|text| !text.is_empty()).map(|text| notify::hooks(text).0);
        Self {
            config,
            environment,
            clock,
            log,
            transport: None,
            http: OnceLock::new(),
            place: Place::Function,
            profile: None,
            store: None,
            patience: usize::MAX,
            repairs: tokio::sync::Mutex::default(),
            progress: Arc::new(LogLines::default()),
            stop: Stop::default(),
            rate,
            hooks: hooks.unwrap_or_default(),
        }
    }

    /// The settings.
    ///
    /// # Errors
    /// Their mistakes.
    pub fn config(&self) -> Result<&Config, InvalidSettings> {
        self.config.as_ref().map_err(Clone::clone)
    }

    /// The settings with another mode and scope: a terminal command names its own.
    #[must_use]
    pub fn with(mut self, allowed: Allowed) -> Self {
        if let Ok(config) = &mut self.config {
            config.mode = allowed.mode;
            config.scope = allowed.scope;
        }
        self
    }

    /// The same with another way to the cloud.
    #[must_use]
    pub fn over(self, transport: Arc<dyn Transport>) -> Self {
        Self { transport: Some(transport), ..self }
    }

    /// The same on a terminal, whose keys may have no token.
    #[must_use]
    pub fn on_terminal(self) -> Self {
        Self { place: Place::Terminal, ..self }
    }

    /// The same with a person's keys, where the environment holds none, or why there are none.
    #[must_use]
    pub fn with_profile(self, keys: Result<ProfileKeys, credentials::Error>) -> Self {
        Self { profile: Some(keys), ..self }
    }

    /// The same over HTTP that is set up already, and may have connections.
    #[must_use]
    pub fn connecting(self, http: Http) -> Self {
        Self { http: OnceLock::from(Arc::new(http)), ..self }
    }

    /// The same with another place for the journal's files.
    #[must_use]
    pub fn keeping(self, store: Arc<dyn Store>) -> Self {
        Self { store: Some(store), ..self }
    }

    /// The same, repeating nothing more than so many times: see [`Connection::repeating_at_most`].
    #[must_use]
    pub fn repeating_at_most(self, patience: usize) -> Self {
        Self { patience, ..self }
    }

    /// The same, showing how far a run over several accounts is.
    #[must_use]
    pub fn showing(self, progress: Arc<dyn Progress>) -> Self {
        Self { progress, ..self }
    }

    /// The same, ending in order when it is asked to.
    #[must_use]
    pub fn stopping_at(self, stop: Stop) -> Self {
        Self { stop, ..self }
    }

    /// The same with another limit for `AssumeRole`: see [`RateLimits::entering_at`].
    #[must_use]
    pub fn entering_at(self, rate: NonZeroU32) -> Self {
        let limits = |config: &Config| RateLimits::per_second(config.rate, self.clock.clone()).entering_at(rate);
        Self { rate: self.config.as_ref().ok().map(limits).map(Arc::new), ..self }
    }

    /// What asks a run to end.
    #[must_use]
    pub fn stop(&self) -> &Stop {
        &self.stop
    }

    /// The clock of every run.
    #[must_use]
    pub fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Answers an invocation of the platform.
    ///
    /// # Errors
    /// A run that could not begin, and a report that the platform must count as a failure.
    pub async fn invoke(self: Arc<Self>, invocation: Invocation) -> Result<String, Diagnostic> {
        let Invocation { event, context } = invocation;
        let retry = context.retry_count;
        let trace_id = context.trace_id.as_deref();
        let span = tracing::error_span!("invocation", request_id = context.request_id.as_str(), trace_id, retry);
        async {
            if let Some(trigger) = event::asks_for_doctor(&event) {
                return self.visited(trigger, &context).await;
            }
            let ran = self.ran(&event, &context).await;
            if let Ok(report) = &ran {
                self.tell(report, self.deadline(&context));
            }
            self.notify(&ran, &context).await;
            answer(&ran?)
        }
        .instrument(span)
        .await
    }

    async fn ran(&self, event: &[u8], context: &Context) -> Result<Report, Diagnostic> {
        let config = self.config().map_err(|mistakes| abort(&mistakes.into()))?;
        let ask = self.ask(event::decode(event, config.allowed()), context);
        self.run(ask).await.map_err(|why| abort(&why))
    }

    /// Into people's chat, for those who asked for it.
    async fn notify(&self, ran: &Result<Report, Diagnostic>, context: &Context) {
        if self.hooks.is_empty() {
            return;
        }
        let news = match ran {
            Ok(report) => News::of_report(report),
            Err(why) => Some(News::of_abort(context.request_id.as_str(), &why.error_type, &why.error_message)),
        };
        let Some(news) = news else { return };
        let store = self.store.clone().or_else(|| self.config.as_ref().ok()?.journal_store());
        let means = Means { clock: self.clock.clone(), deadline: self.deadline(context), store };
        notify::tell(&self.hooks, news, means).await;
    }

    /// Into the log: the caller of a timer or an event drops the answer.
    fn tell(&self, report: &Report, deadline: Deadline) {
        let patience = LOG_PATIENCE.min(deadline.remaining(&*self.clock) / 2);
        let begin = self.clock.uptime();
        for line in report.account_lines() {
            self.log.account(self.clock.now(), line);
            // Of thousands of accounts a slow reader gets all lines, if it is not too slow.
            if self.clock.uptime().saturating_sub(begin) < patience {
                self.log.give_way();
            }
        }
        self.log.line(self.clock.now(), report.summary_line());
    }

    fn ask(&self, event: Event, context: &Context) -> Ask {
        let trigger = event.trigger.name.as_deref();
        tracing::info!(retry = context.retry_count, trigger, decision = event.decision.word(), "invoked");
        Ask {
            request_id: context.request_id.as_str().to_owned(),
            event,
            keys: context.credentials.clone().map(found).unwrap_or_default(),
            account: context.account_id.as_deref().and_then(|id| id.parse().ok()),
            deadline: self.deadline(context),
        }
    }

    fn deadline(&self, context: &Context) -> Deadline {
        let left = context.remaining();
        Deadline::after(&*self.clock, left.saturating_sub(ANSWER_MARGIN.min(left / 10)))
    }

    /// Does what an event asks for.
    ///
    /// # Errors
    /// When the run could not begin. Everything later is in the report.
    pub async fn run(&self, ask: Ask) -> Result<Report, Abort> {
        let span = tracing::error_span!("run", request_id = ask.request_id);
        self.carry_out(ask).instrument(span).await
    }

    async fn carry_out(&self, ask: Ask) -> Result<Report, Abort> {
        let config = self.config()?;
        let begin = (self.clock.now(), self.clock.uptime());
        let mode = match &ask.event.decision {
            Decision::Run(request) => request.mode,
            Decision::Clear(_) | Decision::Ignored { .. } | Decision::Rejected(_) => config.mode,
        };
        let run = |trigger| Run {
            request_id: ask.request_id.clone(),
            trigger,
            mode,
            strategy: config.strategy,
            started_at: begin.0,
            duration: self.clock.uptime().saturating_sub(begin.1),
            journal: config.journal.kind(),
        };
        let trigger = ask.event.trigger.clone();
        let example = event::example(config.scope);
        match &ask.event.decision {
            Decision::Ignored { reason, records } => Ok(Report::ignored(run(trigger), reason.clone(), records.clone())),
            Decision::Rejected(reason) => Ok(Report::rejected(run(trigger), reason.clone(), example)),
            Decision::Clear(clear) => match self.forget(config, &ask, clear).await {
                Ok(line) => Ok(Report::of(run(trigger), Results { accounts: vec![line], ..Results::default() })),
                Err(reason) => Ok(Report::rejected(run(trigger), reason, example)),
            },
            Decision::Run(request) => match self.work(config, &ask, request).await? {
                Swept::Accounts(results) => Ok(Report::of(run(trigger), self.with_stop(results))),
                Swept::Ignored(left_out) => Ok(Report::ignored(run(trigger), NOTHING_TO_DO.to_owned(), left_out)),
                Swept::Rejected(reason) => Ok(Report::rejected(run(trigger), reason, example)),
            },
        }
    }

    /// Forgets what is on record, but never under the hands of a run that may write.
    async fn forget(&self, config: &Config, ask: &Ask, clear: &Clear) -> Result<AccountReport, String> {
        let account = &clear.account;
        if let Some(own) = ask.account.as_ref().filter(|own| config.scope == Scope::Account && *own != account) {
            return Err(outside(account, own));
        }
        let Ok(_held) = self.repairs.try_lock() else {
            return Ok(clear::line(account, Err(NotCleared::Busy)));
        };
        let store = self.store_until(config, ask.deadline);
        let target = baseline::DTS.target(account.clone());
        let log = JournalLog::new(self.log, self.clock.clone(), target, ask.request_id.clone());
        Ok(clear::line(account, clear::clear(store, log, clear.what).await))
    }

    /// A run that was asked to end says so.
    fn with_stop(&self, results: Results) -> Results {
        let stopped = self.stop.is_asked().then(|| STOPPED.to_owned());
        Results { reason: joined(stopped, results.reason), ..results }
    }

    async fn work(&self, config: &Config, ask: &Ask, request: &Request) -> Result<Swept, Abort> {
        let ProfileKeys { credentials, role } = self.keys(ask.keys.clone())?;
        tracing::debug!(source = %credentials.source, "credentials");
        let session = self.session(config, credentials, ask)?;
        let (session, own, deadline) = match self.stop.unless_asked(self.enter(session, role, ask)).await {
            None => return Ok(Swept::of(AccountReport::line(None, Status::Pending, &Next::Stopped))),
            Some(Ok(entered)) => entered,
            Some(Err(failed)) => return Ok(Swept::of(*failed)),
        };
        let guard = Guard {
            session,
            baseline: &baseline::DTS,
            mode: request.mode,
            strategy: config.strategy,
            approval: config.approval,
            approved: None,
            log: self.log,
            store: self.store_until(config, deadline),
            request_id: ask.request_id.clone(),
            begun: self.clock.uptime(),
            stop: self.stop.clone(),
        };
        let trigger = ask.event.trigger.name.as_deref();
        let (repairs, progress, asked_again) = (&self.repairs, &*self.progress, AtomicUsize::new(0));
        Ok(Sweep { guard, own, config, request, trigger, repairs, progress, asked_again }.run().await)
    }

    /// What a run signs with, and the role that a profile leads into first.
    fn keys(&self, headers: Found) -> Result<ProfileKeys, credentials::Error> {
        if let Some(profile) = &self.profile {
            return profile.clone();
        }
        let credentials = credentials::resolve(headers, self.environment.clone(), self.place)?;
        Ok(ProfileKeys { credentials, role: None })
    }

    /// The session of the own account, which account that is, and when the run must be over.
    async fn enter(
        &self,
        session: Session,
        role: Option<AssumeRole>,
        ask: &Ask,
    ) -> Result<(Session, AccountId, Deadline), Box<AccountReport>> {
        let (mut session, mut deadline) = (session, ask.deadline);
        if let Some(role) = role {
            let lifetime = Duration::from_secs(role.duration_seconds.into());
            deadline = deadline.earlier(Deadline::after(&*self.clock, lifetime.saturating_sub(KEYS_MARGIN)));
            let keys = session.assume_role(&role).await.map_err(failed)?;
            session = session.with_keys(keys, "").ending_by(deadline);
        }
        let own = own_account(&session, ask.account.clone()).await?;
        Ok((session.in_account(&own), own, deadline))
    }

    /// Each run has its own patience with the folder.
    fn store_until(&self, config: &Config, deadline: Deadline) -> Option<Arc<dyn Store>> {
        let store = self.store.clone().or_else(|| config.journal_folder())?;
        Some(Arc::new(Bounded::until(store, self.clock.clone(), deadline)))
    }

    fn session(&self, config: &Config, credentials: Credentials, ask: &Ask) -> Result<Session, Abort> {
        let transport = match &self.transport {
            Some(transport) => transport.clone(),
            None => self.http().map_err(Abort::Tls)?,
        };
        Ok(self.session_over(transport, config, credentials, ask.account.as_ref(), ask.deadline))
    }

    fn session_over(
        &self,
        transport: Arc<dyn Transport>,
        config: &Config,
        credentials: Credentials,
        account: Option<&AccountId>,
        deadline: Deadline,
    ) -> Session {
        let per_second = || Arc::new(RateLimits::per_second(config.rate, self.clock.clone()));
        let rate = self.rate.clone().unwrap_or_else(per_second);
        let connection =
            Connection::new(transport, config.endpoints.clone(), config.signature, rate, self.clock.clone())
                .repeating_at_most(self.patience);
        Session::new(Arc::new(connection), credentials, account.map_or("", AccountId::as_str), deadline)
    }

    fn http(&self) -> Result<Arc<Http>, Box<dyn std::error::Error + Send + Sync>> {
        if let Some(http) = self.http.get() {
            return Ok(http.clone());
        }
        let http = Arc::new(Http::with_clock(crate::USER_AGENT, self.clock.clone())?);
        Ok(self.http.get_or_init(|| http).clone())
    }

    /// Opens the connections that a run begins with, so that the first one finds them. It takes at most two seconds, calls
    /// nothing, and cannot fail: a run without it makes its own.
    pub async fn warm(&self) {
        let (Ok(config), Ok(http)) = (self.config(), self.http()) else { return };
        let url = |endpoint: &Endpoint| endpoint.url().clone();
        let Endpoints { ram, sts, resource_manager } = &config.endpoints;
        // Two reads at the same time.
        let mut addresses = vec![(url(ram), 2), (url(sts), 1)];
        if config.scope == Scope::Organization {
            addresses.push((url(resource_manager), 1));
        }
        http.warm(&addresses, WARM_TIMEOUT).await;
    }
}

/// The platform says whose function it is; where it does not, the keys do.
async fn own_account(session: &Session, known: Option<AccountId>) -> Result<AccountId, Box<AccountReport>> {
    if let Some(account) = known {
        return Ok(account);
    }
    let caller = session.get_caller_identity().await.map_err(failed)?;
    caller
        .account_id
        .parse()
        .map_err(|error| Box::new(AccountReport::failed(None, CallError::of_identity(&error), true)))
}

#[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
fn failed(error: aliyun::Error) -> Box<AccountReport> {
    Box::new(AccountReport::failed(None, CallError::from(&error), error.kind.may_pass()))
}

fn found(keys: HeaderCredentials) -> Found {
    Found {
        access_key_id: keys.access_key_id,
        access_key_secret: keys.access_key_secret,
        security_token: keys.security_token,
    }
}

fn abort(why: &Abort) -> Diagnostic {
    let text = authorization::text::chain(why);
    tracing::error!(reason = text, "the run could not begin");
    Diagnostic::new(why.error_type(), text)
}

/// A person gets the whole report; what triggers start gets what a queue takes.
fn answer(report: &Report) -> Result<String, Diagnostic> {
    let for_queues = report.is_for_queues();
    let Some(failure) = report.failure() else {
        return Ok(if for_queues { report.compact("").to_string() } else { Json.render(report) });
    };
    if !for_queues {
        let whole = serde_json::to_value(report).unwrap_or_default();
        return Err(Diagnostic::new(failure.error_type, failure.error_message).with_report(whole));
    }
    let diagnostic = Diagnostic::new(failure.error_type, message_for_queues(&failure.error_message));
    let around = diagnostic.clone().with_report(Value::Null).to_json().to_string();
    Err(diagnostic.with_report(report.compact(&around)))
}
