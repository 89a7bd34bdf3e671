//! Looks whether the deployment would work, changes nothing, and says what to do.
//!
//! One small file for each group of checks. A check is one function with one answer; what it found out beside that goes to
//! the next. What cannot be looked at is `skipped`, and says why. Every reply is also held against what the guard takes for
//! granted although no document states it (`facts`).

mod around;
mod caller;
mod checks;
mod directory;
mod facts;
mod folder;
mod reach;
mod rehearsal;
mod report;
mod role;
mod settings;
mod witness;

use std::sync::Arc;

use aliyun::clock::{Deadline, SharedClock};
use aliyun::credentials::{Credentials, Error, Host};
use aliyun::{Api, Http, Session, Transport};
use authorization::target::AccountId;
use tokio::sync::Mutex;

use self::checks::Checks;
pub use self::facts::Fact;
use self::reach::Reach;
pub use self::report::{Check, Report, SCHEMA, Status};
use self::witness::Witness;
use crate::config::{Config, InvalidSettings};

/// What the doctor looks at, and with what.
pub(crate) struct Means<'a> {
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
    /// So many places are told of a run.
    pub(crate) notices: usize,
}

/// Makes every check, in order.
pub(crate) async fn examine(
    means: Means<'_>,
    session: impl FnOnce(&Config, Credentials, Arc<dyn Transport>) -> Session,
) -> Report {
    let Means { config, credentials, host, account, request_id, clock, deadline, http, transport, repairs, notices } =
        means;
    let mut checks = Checks::new(clock.clone());
    checks.put("settings", settings::check(&config));
    checks.put("credentials", settings::credentials(&credentials));
    let Ok(config) = config else {
        checks.skip(&["clock", reach::id(Api::Sts), reach::id(Api::Ram), "caller"], WRONG_SETTINGS);
        for ids in [&role::IDS[..], &directory::IDS, &folder::IDS, &around::IDS, &rehearsal::IDS] {
            checks.skip(ids, WRONG_SETTINGS);
        }
        return checks.into_report(&[]);
    };
    let reach = Reach::probe(&http, config, &*clock).await;
    checks.put_timed("clock", reach.clock());
    for (api, answer) in reach.endpoints() {
        checks.put_timed(reach::id(api), answer);
    }
    let witness = Arc::new(Witness::of(transport));
    let session = credentials.ok().map(|keys| session(config, keys, witness.clone()));
    let no_keys = || "there are no keys to call with: see `credentials`".to_owned();
    let way = session.as_ref().ok_or_else(no_keys);
    let asks = caller::check(reach.way(Api::Sts, &way), account.as_ref(), config.scope);
    let caller = checks.time("caller", asks).await;
    // Replies about another account are errors from now on.
    let session = session.as_ref().map(|session| match &caller.account {
        Some(own) => session.clone().in_account(own),
        None => session.clone(),
    });
    let way = session.as_ref().ok_or_else(no_keys);
    // One reason is enough: with keys that are refused every other call would fail for the same.
    let way = caller.useless.map_or(way, Err);
    let found = role::check(&mut checks, reach.way(Api::Ram, &way)).await;
    let members = reach.way(Api::ResourceManager, &way);
    directory::check(&mut checks, members, config, caller.account.as_ref()).await;
    folder::check(&mut checks, &config.journal, host, &clock, deadline).await;
    around::check(&mut checks, host, notices, request_id);
    let (way, own) = (reach.way(Api::Ram, &way), caller.account.as_ref());
    rehearsal::check(&mut checks, way, config.mode, found, own, repairs).await;
    checks.into_report(&witness.seen())
}

const WRONG_SETTINGS: &str = "the settings are wrong: see `settings`";
