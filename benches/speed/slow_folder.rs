//! The guard in this process, with a journal folder whose every operation takes a while, as on a far mount.

use std::sync::Arc;
use std::time::Duration;

use aliyun::clock::{Clock, Deadline, SystemClock};
use aliyun::credentials::{Credentials, Source};
use aliyun::signing::Method;
use aliyun::{Api, Connection, Endpoint, Endpoints, Http, RateLimits, Session};
use authorization::baseline;
use authorization::settings::{Approval, Mode, Strategy};
use dts_role_guard::USER_AGENT;
use dts_role_guard::journal::{Folder, Store};
use dts_role_guard::reconcile::{self, Guard};
use dts_role_guard::stop::Stop;
use dts_role_guard::telemetry::Log;
use emulator::Emulator;

use crate::far::Far;
use crate::platform::{ACCOUNT, Failure, KEY};

/// Repairs the role once; tells how that ended.
pub(crate) fn remediate(cloud: &Emulator, folder: &std::path::Path, takes: Duration) -> Result<String, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let store = Far { folder: Folder::new(folder.to_owned()), clock: clock.clone(), takes };
    let guard = guard(cloud, clock, Arc::new(store))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(reconcile::role(&guard, &baseline::DTS.target(ACCOUNT.parse()?)));
    Ok(report.status.word().to_owned())
}

fn guard(cloud: &Emulator, clock: Arc<dyn Clock>, store: Arc<dyn Store>) -> Result<Guard, Failure> {
    let endpoint = Endpoint::parse(Api::Ram, &cloud.url())?;
    let endpoints = Endpoints { ram: endpoint.clone(), sts: endpoint.clone(), resource_manager: endpoint };
    let rate = RateLimits::per_second(1000.try_into()?, clock.clone());
    let http = Arc::new(Http::new(USER_AGENT).map_err(|error| error.to_string())?);
    let connection = Connection::new(http, endpoints, Method::HmacSha1, rate, clock);
    let [id, secret, token] = KEY;
    let credentials = Credentials {
        access_key_id: id.to_owned(),
        access_key_secret: secret.into(),
        security_token: Some(token.into()),
        source: Source::Environment,
    };
    Ok(Guard {
        session: Session::new(Arc::new(connection), credentials, ACCOUNT, Deadline::NONE),
        baseline: &baseline::DTS,
        mode: Mode::Remediate,
        strategy: Strategy::Recreate,
        approval: Approval::None,
        approved: None,
        log: Log::Off,
        store: Some(store),
        request_id: "benchmark".to_owned(),
        begun: std::time::Duration::ZERO,
        stop: Stop::default(),
    })
}
