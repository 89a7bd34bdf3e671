//! The guard in this process, with a journal folder whose every operation takes a while, as on a far mount.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use dts_role_guard::apply::journal::{Doing, Folder, Store};
use dts_role_guard::client::{Connection, Endpoint, Endpoints, Http, RateLimits, Session};
use dts_role_guard::clock::{Clock, Deadline, SystemClock};
use dts_role_guard::config::{Approval, Mode, Strategy};
use dts_role_guard::credentials::{Credentials, Source};
use dts_role_guard::reconcile::{self, Guard};
use dts_role_guard::signing::Method;
use dts_role_guard::target::AccountId;
use dts_role_guard::telemetry::Log;
use emulator::Emulator;

use crate::platform::{ACCOUNT, Failure, KEY};

/// A folder behind a slow mount.
struct Far {
    folder: Folder,
    takes: Duration,
}

impl Far {
    fn late<'a, T>(&self, work: impl Future<Output = std::io::Result<T>> + Send + 'a) -> Doing<'a, T> {
        let takes = self.takes;
        Box::pin(async move {
            tokio::time::sleep(takes).await;
            work.await
        })
    }
}

impl Store for Far {
    fn generations<'a>(&'a self, account: &'a AccountId) -> Doing<'a, Vec<u64>> {
        self.late(self.folder.generations(account))
    }

    fn read<'a>(&'a self, account: &'a AccountId, generation: u64) -> Doing<'a, Vec<u8>> {
        self.late(self.folder.read(account, generation))
    }

    fn claim<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> Doing<'a, bool> {
        self.late(self.folder.claim(account, generation, bytes))
    }

    fn replace<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> Doing<'a, ()> {
        self.late(self.folder.replace(account, generation, bytes))
    }

    fn set_aside<'a>(&'a self, account: &'a AccountId, generation: u64) -> Doing<'a, String> {
        self.late(self.folder.set_aside(account, generation))
    }

    fn forget_before<'a>(&'a self, account: &'a AccountId, generation: u64) -> Doing<'a, ()> {
        self.late(self.folder.forget_before(account, generation))
    }
}

/// Repairs the role once; tells how that ended.
pub(crate) fn remediate(cloud: &Emulator, folder: &std::path::Path, takes: Duration) -> Result<String, Failure> {
    let store = Far { folder: Folder::new(folder.to_owned()), takes };
    let guard = guard(cloud, Arc::new(store))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let report = runtime.block_on(reconcile::role(&guard, &ACCOUNT.parse()?));
    Ok(report.status.word().to_owned())
}

fn guard(cloud: &Emulator, store: Arc<dyn Store>) -> Result<Guard, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
    let endpoint: Endpoint = cloud.url().parse()?;
    let endpoints = Endpoints { ram: endpoint.clone(), sts: endpoint.clone(), resource_manager: endpoint };
    let rate = RateLimits::per_second(1000.try_into()?, clock.clone());
    let http = Arc::new(Http::new().map_err(|error| error.to_string())?);
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
        mode: Mode::Remediate,
        strategy: Strategy::Recreate,
        approval: Approval::None,
        approved: None,
        log: Log::Off,
        store: Some(store),
        request_id: "benchmark".to_owned(),
    })
}
