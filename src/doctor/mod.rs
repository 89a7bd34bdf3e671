//! Looks whether the deployment would work, changes nothing, and says what to do.
//!
//! One file for each group of checks. A check gives one result; what it found out beside that goes to the next. A group that
//! cannot go on says why, and its other checks are `skipped` for that reason. Every reply is also compared with the facts
//! that the guard relies on although no document states them (`facts`).

mod caller;
mod checks;
mod deployment;
mod directory;
mod endpoints;
mod facts;
mod folder;
mod recorder;
mod rehearsal;
mod report;
mod role;

use std::sync::Arc;

use aliyun::clock::{Deadline, SharedClock};
use aliyun::credentials::{Credentials, Error, Host};
use aliyun::{Api, Http, Session, Transport};
use authorization::target::AccountId;
use tokio::sync::Mutex;

use self::checks::Checks;
pub use self::checks::{Check, CheckStatus};
pub use self::facts::Fact;
use self::recorder::Recorder;
pub use self::report::DoctorReport;
use self::role::RoleHealth;
use crate::config::{Config, InvalidSettings};

pub(crate) struct Deployment<'a> {
    pub(crate) config: Result<&'a Config, InvalidSettings>,
    pub(crate) credentials: Result<Credentials, Error>,
    pub(crate) host: Host,
    /// The own account, where the platform says it.
    pub(crate) account: Option<AccountId>,
    pub(crate) request_id: &'a str,
    pub(crate) clock: SharedClock,
    pub(crate) deadline: Deadline,
    pub(crate) http: Arc<Http>,
    pub(crate) transport: Arc<dyn Transport>,
    /// Held by a run that may write.
    pub(crate) repairs: &'a Mutex<()>,
    /// How many chats are notified of a run.
    pub(crate) notices: usize,
}

const NO_ACCOUNT: &str = "the own account is not known: see `caller`";

pub(crate) async fn examine(
    deployment: Deployment<'_>,
    session: impl FnOnce(&Config, Credentials, Arc<dyn Transport>) -> Session,
) -> DoctorReport {
    let Deployment { config, credentials, host, account, clock, deadline, repairs, .. } = deployment;
    let mut checks = Checks::new(clock.clone());
    checks.put("settings", deployment::settings(&config));
    checks.put("credentials", deployment::credentials(&credentials));
    let Ok(config) = config else {
        let groups = [&endpoints::IDS[..], &["caller"], &role::IDS, &directory::IDS, &folder::ids(), &deployment::IDS];
        for ids in groups.into_iter().chain([&rehearsal::IDS[..]]) {
            checks.skip(ids, "the settings are wrong: see `settings`");
        }
        return DoctorReport::new(checks.made, Vec::new());
    };
    let unreached = endpoints::check(&mut checks, &deployment.http, config, &*clock).await;
    let recorder = Arc::new(Recorder::new(deployment.transport));
    let no_keys = |_| "there are no keys to call with: see `credentials`".to_owned();
    let session = credentials.map(|keys| session(config, keys, recorder.clone())).map_err(no_keys);
    let sts = unreached.session(Api::Sts, &session.as_ref().map_err(String::clone));
    let caller = checks.time("caller", caller::check(sts, account.as_ref(), config.scope)).await;
    let own = caller.account.as_ref();
    // Replies about another account are errors from now on.
    let session = session.map(|session| match own {
        Some(own) => session.in_account(own),
        None => session,
    });
    // One reason is enough: with keys that are refused every other call would fail for the same.
    let session = caller.unusable.map_or_else(|| session.as_ref().map_err(String::clone), Err);
    let ram = unreached.session(Api::Ram, &session);
    let role = role::check(&mut checks, ram.clone()).await;
    let health = checks.close(&role::IDS, role).unwrap_or(RoleHealth::Unknown);
    let directory = directory::check(&mut checks, unreached.session(Api::ResourceManager, &session), config, own).await;
    checks.close(&directory::IDS, directory);
    let folder = folder::check(&mut checks, &config.journal, host, &clock, deadline).await;
    checks.close(&folder::ids(), folder);
    deployment::queue_and_log(&mut checks, host, deployment.notices, deployment.request_id);
    let rehearsal = rehearsal::check(&mut checks, ram, config.mode, health, own, repairs).await;
    checks.close(&rehearsal::IDS, rehearsal);
    DoctorReport::new(checks.made, facts::of_replies(&recorder.replies()))
}
