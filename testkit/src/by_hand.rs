//! A guard that is set up by hand, around another way to the cloud or another folder than the program would take.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use aliyun::clock::{Clock, Deadline};
use aliyun::credentials::{Credentials, Source};
use aliyun::signing::Method;
use aliyun::{Api, Connection, Endpoint, Endpoints, RateLimits, Session, Transport};
use authorization::baseline;
use authorization::settings::{Approval, Mode, Strategy};
use dts_role_guard::journal::{RunStore, Store};
use dts_role_guard::reconcile::Guard;
use dts_role_guard::stop::Stop;
use dts_role_guard::telemetry::Log;

use crate::ACCOUNT;

/// One host for all products.
pub fn endpoints(url: &str) -> Endpoints {
    let endpoint = Endpoint::parse(Api::Ram, url).unwrap();
    Endpoints { ram: endpoint.clone(), sts: endpoint.clone(), resource_manager: endpoint }
}

/// The function's session, without a deadline. What is refused is repeated so often, if that is said.
pub fn session(
    transport: Arc<dyn Transport>,
    endpoints: Endpoints,
    [id, secret, token]: [&str; 3],
    clock: Arc<dyn Clock>,
    repeats: Option<usize>,
) -> Session {
    let rate = RateLimits::per_second(NonZeroU32::new(1_000_000).unwrap(), clock.clone());
    let connection = Connection::new(transport, endpoints, Method::HmacSha1, rate, clock);
    let connection = match repeats {
        Some(repeats) => connection.with_max_retries(repeats),
        None => connection,
    };
    let credentials = Credentials {
        access_key_id: id.to_owned(),
        access_key_secret: secret.into(),
        security_token: Some(token.into()),
        source: Source::RequestHeaders,
    };
    Session::new(Arc::new(connection), credentials, ACCOUNT, Deadline::NONE)
}

/// One that may repair, and asks nobody.
pub fn guard(session: Session, store: Option<Arc<dyn Store>>, request_id: &str) -> Guard {
    let store = store.map(|store| RunStore::new(store, session.clock().clone()));
    Guard {
        session,
        baseline: &baseline::DTS,
        mode: Mode::Remediate,
        strategy: Strategy::Recreate,
        approval: Approval::None,
        approved: None,
        log: Log::Off,
        store,
        request_id: request_id.to_owned(),
        begun: Duration::ZERO,
        stop: Stop::default(),
    }
}
