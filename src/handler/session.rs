//! The way from keys to a session in an account, and the connections that outlive an invocation.

use std::sync::Arc;
use std::time::Duration;

use aliyun::clock::Deadline;
use aliyun::credentials::{self, Credentials, ProfileKeys, RawCredentials};
use aliyun::{AssumeRole, Connection, Endpoint, Endpoints, Http, Network, Session, Transport};
use authorization::settings::Scope;
use authorization::target::{AccountId, BadAccountId};

use super::{Abort, App, RequestContext};
use crate::config::Config;
use crate::journal::RunStore;
use crate::outcome::{AccountOutcome, Ending, Failed};
use crate::report::CallError;

/// A session's keys end with it, wherever a repair stands then: a run is over this long before.
const KEYS_MARGIN: Duration = Duration::from_mins(1);

/// Opening connections ahead of the first call may take so long; the platform gives an initializer three seconds.
const WARM_TIMEOUT: Duration = Duration::from_secs(2);

impl App {
    /// What a run signs with, and the role that a profile leads into first.
    pub(super) fn keys(&self, headers: RawCredentials) -> Result<ProfileKeys, credentials::Error> {
        if let Some(profile) = &self.wiring.profile {
            return profile.clone();
        }
        let credentials = credentials::resolve(headers, self.environment.clone(), self.wiring.host)?;
        Ok(ProfileKeys { credentials, role: None })
    }

    /// The session of the own account, which account that is, and when the run must be over.
    pub(super) async fn enter(
        &self,
        session: Session,
        role: Option<AssumeRole>,
        context: &RequestContext,
    ) -> Result<(Session, AccountId, Deadline), Box<AccountOutcome>> {
        let (mut session, mut deadline) = (session, context.deadline);
        if let Some(role) = role {
            let lifetime = Duration::from_secs(role.duration_seconds.into());
            deadline = deadline.earlier(Deadline::after(&*self.clock, lifetime.saturating_sub(KEYS_MARGIN)));
            let keys = session.assume_role(&role).await.map_err(failed)?;
            session = session.with_keys(keys, "").ending_by(deadline);
        }
        // The platform says whose function it is; where it does not, the keys do.
        let own = match context.account.clone() {
            Some(account) => account,
            None => session.get_caller_identity().await.map_err(failed)?.account_id.parse().map_err(
                |error: BadAccountId| {
                    let error = CallError::of_reply("GetCallerIdentity", error.to_string());
                    Box::new(AccountOutcome::new(None, Ending::Failed(Failed::Call { error, may_pass: true })))
                },
            )?,
        };
        Ok((session.in_account(&own), own, deadline))
    }

    /// Each run has its own patience with the folder.
    pub(super) fn store_until(&self, config: &Config, deadline: Deadline) -> Option<RunStore> {
        let store = self.wiring.store.clone().or_else(|| config.journal_folder())?;
        Some(RunStore::new(store, self.clock.clone()).until(deadline))
    }

    pub(super) fn transport(&self) -> Result<Arc<dyn Transport>, Abort> {
        match &self.wiring.transport {
            Some(transport) => Ok(transport.clone()),
            None => Ok(self.http()?),
        }
    }

    pub(super) fn session(
        &self,
        transport: Arc<dyn Transport>,
        config: &Config,
        credentials: Credentials,
        context: &RequestContext,
    ) -> Session {
        let (endpoints, rate, clock) = (config.endpoints.clone(), self.rate.clone(), self.clock.clone());
        let connection =
            Connection::new(transport, endpoints, config.signature, rate, clock).with_max_retries(self.wiring.repeats);
        let account = context.account.as_ref().map_or("", AccountId::as_str);
        Session::new(Arc::new(connection), credentials, account, context.deadline)
    }

    pub(super) fn http(&self) -> Result<Arc<Http>, Abort> {
        if let Some(http) = self.wiring.http.get() {
            return Ok(http.clone());
        }
        let http = Http::through(crate::USER_AGENT, Network::default(), self.clock.clone()).map_err(Abort::Tls)?;
        Ok(self.wiring.http.get_or_init(|| Arc::new(http)).clone())
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

#[expect(clippy::needless_pass_by_value, reason = "it maps an error")]
fn failed(error: aliyun::Error) -> Box<AccountOutcome> {
    Box::new(AccountOutcome::new(None, Ending::from(&error)))
}
