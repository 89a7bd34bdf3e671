//! Whether the endpoints can be reached, how long a round trip takes, and what time it is there.

use std::time::Duration;

use aliyun::clock::Clock;
use aliyun::{Api, Endpoint, Http, ProbeError, Session};
use authorization::settings::Scope;
use authorization::text::{chain, sanitized};
use futures_util::future::join_all;

use super::checks::{CheckResult, Checks, timed};
use crate::config::{Config, RAM_ENDPOINT, RESOURCE_MANAGER_ENDPOINT, STS_ENDPOINT};

pub(super) const IDS: [&str; 3] = ["clock", "endpoint-sts", "endpoint-ram"];

/// A name that is not found by then is not found in a run either.
const NAME_TIMEOUT: Duration = Duration::from_secs(3);
/// Connection, TLS and reply.
const TRIP_TIMEOUT: Duration = Duration::from_secs(5);
/// A repair of nine trips still ends within the minute that a function has.
const SLOW: Duration = Duration::from_secs(2);
/// The cloud tells whole seconds, and a reply takes a while.
const WRONG_BY: u64 = 60;
/// The cloud refuses what is further from its own time (source: the vendor's page on signatures).
const REFUSED_BY: u64 = 15 * 60;

/// The APIs that cannot be reached, with the checks that say so.
pub(super) struct Unreached(Vec<(Api, &'static str)>);

impl Unreached {
    /// The session, or why the API is not called.
    pub(super) fn session<'s>(&self, api: Api, session: &Result<&'s Session, String>) -> Result<&'s Session, String> {
        match self.0.iter().find(|(unreached, _)| *unreached == api) {
            Some((_, id)) => Err(format!("it cannot be reached: see `{id}`")),
            None => session.clone(),
        }
    }
}

/// Sends each endpoint a request without content, all at the same time.
pub(super) async fn check(checks: &mut Checks, http: &Http, config: &Config, clock: &dyn Clock) -> Unreached {
    let mut apis = vec![(Api::Sts, IDS[1], STS_ENDPOINT), (Api::Ram, IDS[2], RAM_ENDPOINT)];
    if config.scope == Scope::Organization {
        apis.push((Api::ResourceManager, "endpoint-resourcemanager", RESOURCE_MANAGER_ENDPOINT));
    }
    let trips = apis.iter().map(|(api, _, setting)| {
        let endpoint = config.endpoints.of(*api);
        timed(clock, round_trip(http, endpoint, setting, clock))
    });
    let trips = join_all(trips).await;
    // The first reply with a date gives the cloud's time.
    match trips.iter().find_map(|(trip, took)| Some((trip.as_ref().ok()?.1?, *took))) {
        Some((skew, took)) => checks.put_timed(IDS[0], (of_skew(skew), took)),
        None => checks.put(IDS[0], CheckResult::skipped("no reply had the cloud's time")),
    }
    let mut unreached = Vec::new();
    for ((api, id, _), (trip, took)) in apis.into_iter().zip(trips) {
        if trip.is_err() {
            unreached.push((api, id));
        }
        let result = trip.map_or_else(|failed| failed, |(result, _)| result);
        checks.put_timed(id, (result, took));
    }
    Unreached(unreached)
}

/// `skew` is the cloud's time less ours, in seconds.
fn of_skew(skew: i64) -> CheckResult {
    let way = if skew < 0 { "ahead of" } else { "behind" };
    let skew = skew.unsigned_abs();
    let said = format!("the own clock is {skew} s {way} the cloud's");
    let next = "set the clock of this machine (a function's is the platform's: open a ticket)";
    if skew <= WRONG_BY {
        CheckResult::ok(said)
    } else if skew <= REFUSED_BY {
        CheckResult::warning(said, next)
    } else {
        let why = "the cloud refuses what is more than 15 minutes off: each run takes the cloud's time after its first refusal, \
                   but times in reports and the days of exceptions go by the own clock";
        CheckResult::warning(format!("{said}, and {why}"), next)
    }
}

/// The result and the skew, or how it failed. The first request pays for the connection, the second shows what a trip takes.
async fn round_trip(
    http: &Http,
    endpoint: &Endpoint,
    setting: &str,
    clock: &dyn Clock,
) -> Result<(CheckResult, Option<i64>), CheckResult> {
    let (url, address) = (endpoint.url(), endpoint.address());
    let unnamed = |why: &str| {
        CheckResult::failed(
            format!("the name of `{address}` is not found: {}", sanitized(why)),
            format!("correct `{setting}`, or let the function ask a name server (its VPC may have none)"),
        )
    };
    let unconnected = |why: ProbeError| {
        if why.is_tls {
            return CheckResult::failed(
                format!("TLS with `{address}` fails: {}", chain(&why)),
                "something answers in the cloud's place, such as a proxy with a certificate of its own: let the traffic \
                 through as it is",
            );
        }
        CheckResult::failed(
            format!("a connection to `{address}` fails: {}", chain(&why)),
            format!("give the function a way to the internet, or set `{setting}` to the endpoint inside its VPC"),
        )
    };
    if !http.is_proxied(url) {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let lookup = tokio::net::lookup_host((host, url.port_or_known_default().unwrap_or(443)));
        match tokio::time::timeout(NAME_TIMEOUT, lookup).await {
            Ok(Ok(mut addresses)) => addresses.next().map(|_| ()).ok_or_else(|| unnamed("it has no address"))?,
            Ok(Err(error)) => return Err(unnamed(&error.to_string())),
            Err(_) => return Err(unnamed(&format!("no answer within {} s", NAME_TIMEOUT.as_secs()))),
        }
    }
    let first = http.probe(url, TRIP_TIMEOUT).await.map_err(unconnected)?;
    let skew = first.map(|date| date.as_second() - clock.now().as_second());
    let (second, took) = timed(clock, http.probe(url, TRIP_TIMEOUT)).await;
    second.map_err(unconnected)?;
    let tls = if url.scheme() == "https" { "TLS is verified" } else { "no TLS, on this machine" };
    let said = format!("`{address}`: {tls}; one trip takes {} ms", took.as_millis());
    let next = "run the guard nearer to the endpoint, or give the function more time: a repair takes nine trips";
    let result = if took < SLOW { CheckResult::ok(said) } else { CheckResult::warning(said, next) };
    Ok((result, skew))
}
