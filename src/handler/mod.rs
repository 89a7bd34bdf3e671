//! Event in, report out: decode, choose the target, reconcile, report. It cannot fail to answer.

mod answer;
mod doctor;
mod session;
mod wiring;

pub use answer::Abort;
pub use wiring::Wiring;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use aliyun::RateLimits;
use aliyun::clock::{Deadline, SharedClock};
use aliyun::credentials::{ProfileKeys, RawCredentials};
use authorization::baseline;
use authorization::settings::Scope;
use authorization::target::AccountId;
use fc_runtime::{Context, Diagnostic, Invocation};
use tracing::Instrument as _;

use crate::clear;
use crate::config::{self, Config, InvalidSettings, NOTIFY, Variables};
use crate::event::{self, Allowed, Decision, Event, Forget, Request};
use crate::journal::JournalLog;
use crate::notify::{self, Hook, Notice};
use crate::outcome::{AccountOutcome, Ending, Pending};
use crate::reconcile::Guard;
use crate::refusal::NotCleared;
use crate::report::{Report, Results, Run};
use crate::stop::Stop;
use crate::sweep::{Sweep, Swept, joined, outside};
use crate::telemetry::Log;
use answer::{abort, answer};

/// Kept back from the deadline for the answer itself.
const ANSWER_MARGIN: Duration = Duration::from_millis(500);

/// The lines of a long report wait for their reader so long, all together.
const LOG_PATIENCE: Duration = Duration::from_secs(2);

/// Said of a batch whose records all turned out to be none for the guard.
const NOTHING_TO_DO: &str = "no record is for the guard";

const STOPPED: &str = "the run was stopped by a signal";

/// What outlives an invocation: settings, the environment's keys, the clock, the rate limits.
#[derive(Debug)]
pub struct App {
    config: Result<Config, InvalidSettings>,
    environment: RawCredentials,
    clock: SharedClock,
    log: Log,
    wiring: Wiring,
    /// Held by a run that may write: two in one process would undo each other's work.
    repairs: tokio::sync::Mutex<()>,
    /// Who is told of a run, whether or not the other settings are right.
    hooks: Vec<Hook>,
    rate: Arc<RateLimits>,
}

/// Who asks for a run or the doctor, whatever way it came.
#[derive(Debug)]
pub struct RequestContext {
    /// Names it in the log and the report.
    pub request_id: String,
    /// Keys that came with it.
    pub keys: RawCredentials,
    /// The own account, where it is known.
    pub account: Option<AccountId>,
    /// When the answer must be ready.
    pub deadline: Deadline,
}

impl App {
    /// Reads the settings and the environment's keys.
    pub fn new(variables: &Variables, clock: SharedClock, log: Log) -> Self {
        let environment = RawCredentials::in_environment(|name| variables.get(name).cloned());
        let config = Config::from_variables(variables);
        // With a mistake in the settings nothing is called.
        let rate = config.as_ref().map_or(NonZeroU32::MIN, |config| config.rate);
        let rate = Arc::new(RateLimits::per_second(rate, clock.clone()));
        let hooks = config::value(variables, NOTIFY).map(|text| notify::hooks(text).0);
        Self {
            config,
            environment,
            clock,
            log,
            wiring: Wiring::default(),
            repairs: tokio::sync::Mutex::default(),
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
    pub(crate) fn with(mut self, allowed: Allowed) -> Self {
        if let Ok(config) = &mut self.config {
            config.mode = allowed.mode;
            config.scope = allowed.scope;
        }
        self
    }

    /// The same, put together in another way: a terminal, a test or a benchmark has parts of its own.
    #[must_use]
    pub fn wired(mut self, change: impl FnOnce(&mut Wiring)) -> Self {
        change(&mut self.wiring);
        if let (Some(entries), Ok(config)) = (self.wiring.entries_per_second, &self.config) {
            let limits = RateLimits::per_second(config.rate, self.clock.clone());
            self.rate = Arc::new(limits.with_assume_role_rate(entries));
        }
        self
    }

    pub(crate) fn stop(&self) -> &Stop {
        &self.wiring.stop
    }

    pub(crate) fn clock(&self) -> &SharedClock {
        &self.clock
    }

    /// Answers an invocation of the platform.
    ///
    /// # Errors
    /// A run that could not begin, and a report that the platform must count as a failure.
    pub async fn invoke(self: Arc<Self>, invocation: Invocation) -> Result<String, Diagnostic> {
        let Invocation { event, context } = invocation;
        let (retry, trace_id) = (context.retry_count, context.trace_id.as_deref());
        let span = tracing::error_span!("invocation", request_id = context.request_id.as_str(), trace_id, retry);
        async {
            if let Some(trigger) = event::asks_for_doctor(&event) {
                return self.invoke_doctor(trigger, self.request(&context)).await;
            }
            let ran = match self.config() {
                Ok(config) => {
                    let event = event::decode(&event, config.allowed());
                    let trigger = event.trigger.name.as_deref();
                    tracing::info!(retry, trigger, decision = event.decision.as_str(), "invoked");
                    self.run(event, self.request(&context)).await
                }
                Err(mistakes) => Err(mistakes.into()),
            };
            let ran = ran.map_err(|why| abort(&why));
            if let Ok(report) = &ran {
                self.tell(report, self.deadline(&context));
            }
            self.notify(&ran, &context).await;
            answer(&ran?)
        }
        .instrument(span)
        .await
    }

    /// Into people's chat, for those who asked for it.
    async fn notify(&self, ran: &Result<Report, Diagnostic>, context: &Context) {
        if self.hooks.is_empty() {
            return;
        }
        let notice = match ran {
            Ok(report) => Notice::of_report(report),
            Err(why) => Some(Notice::of_abort(context.request_id.as_str(), &why.error_type, &why.error_message)),
        };
        let Some(notice) = notice else { return };
        let store = self.config.as_ref().ok().and_then(|config| self.store_until(config, Deadline::NONE));
        notify::tell(&self.hooks, notice, &self.clock, self.deadline(context), store.as_ref()).await;
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

    fn request(&self, context: &Context) -> RequestContext {
        let keys = context.credentials.clone().map(|keys| RawCredentials {
            access_key_id: keys.access_key_id,
            access_key_secret: keys.access_key_secret,
            security_token: keys.security_token,
        });
        RequestContext {
            request_id: context.request_id.as_str().to_owned(),
            keys: keys.unwrap_or_default(),
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
    pub async fn run(&self, event: Event, context: RequestContext) -> Result<Report, Abort> {
        let span = tracing::error_span!("run", request_id = context.request_id);
        self.carry_out(event, &context).instrument(span).await
    }

    async fn carry_out(&self, event: Event, context: &RequestContext) -> Result<Report, Abort> {
        let config = self.config()?;
        let (started_at, begin) = (self.clock.now(), self.clock.uptime());
        let Event { trigger, decision } = event;
        let mode = match &decision {
            Decision::Run(request) => request.mode,
            Decision::Clear { .. } | Decision::Ignored { .. } | Decision::Rejected(_) => config.mode,
        };
        let run = |trigger| Run {
            request_id: context.request_id.clone(),
            trigger,
            mode,
            strategy: config.strategy,
            started_at,
            duration: self.clock.uptime().saturating_sub(begin),
            journal: config.journal.kind(),
        };
        let swept = match decision {
            Decision::Ignored { reason, records } => return Ok(Report::ignored(run(trigger), reason, records)),
            Decision::Rejected(reason) => Swept::Rejected(reason),
            Decision::Clear { account, what } => self.forget(config, context, &account, what).await,
            Decision::Run(request) => self.work(config, context, &request, trigger.name.as_deref()).await?,
        };
        Ok(match swept {
            Swept::Accounts(results) => {
                let stopped = self.wiring.stop.is_asked().then(|| STOPPED.to_owned());
                Report::of(run(trigger), Results { reason: joined(stopped, results.reason), ..results })
            }
            Swept::Ignored(left_out) => Report::ignored(run(trigger), NOTHING_TO_DO.to_owned(), left_out),
            Swept::Rejected(reason) => Report::rejected(run(trigger), reason, event::example(config.scope)),
        })
    }

    /// Forgets what is on record, but never under the hands of a run that may write.
    async fn forget(&self, config: &Config, context: &RequestContext, account: &AccountId, what: Forget) -> Swept {
        if let Some(own) = context.account.as_ref().filter(|own| config.scope == Scope::Account && *own != account) {
            return Swept::Rejected(outside(account, own));
        }
        let Ok(_held) = self.repairs.try_lock() else {
            return Swept::of(clear::outcome(account, Err(NotCleared::Busy)));
        };
        let store = self.store_until(config, context.deadline);
        let target = baseline::DTS.target(account.clone());
        let log = JournalLog::new(self.log, self.clock.clone(), target, context.request_id.clone());
        Swept::of(clear::outcome(account, clear::clear(store, log, what).await))
    }

    async fn work(
        &self,
        config: &Config,
        context: &RequestContext,
        request: &Request,
        trigger: Option<&str>,
    ) -> Result<Swept, Abort> {
        let ProfileKeys { credentials, role } = self.keys(context.keys.clone())?;
        tracing::debug!(source = %credentials.source, "credentials");
        let session = self.session(self.transport()?, config, credentials, context);
        let (session, own, deadline) = match self.wiring.stop.unless_asked(self.enter(session, role, context)).await {
            None => return Ok(Swept::of(AccountOutcome::new(None, Ending::Pending(Pending::Stopped)))),
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
            request_id: context.request_id.clone(),
            begun: self.clock.uptime(),
            stop: self.wiring.stop.clone(),
        };
        let (repairs, progress, asked_again) = (&self.repairs, &*self.wiring.progress, AtomicUsize::new(0));
        Ok(Sweep { guard, own, config, request, trigger, repairs, progress, asked_again }.run().await)
    }
}
