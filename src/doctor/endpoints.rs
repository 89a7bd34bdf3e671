//! Whether the endpoints can be reached, how long a round trip takes, and what time it is there.

use std::time::Duration;

use aliyun::clock::Clock;
use aliyun::{Api, Endpoint, Http, ProbeError, Session};
use authorization::settings::Scope;
use authorization::text::{chain, sanitized};
use futures_util::future::join_all;

use super::checks::{CheckResult, Checks, timed};
use crate::config::{Config, RAM_ENDPOINT, RESOURCE_MANAGER_ENDPOINT, STS_ENDPOINT};

/// What every run needs.
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

pub(super) struct Probes(Vec<Probe>);

struct Probe {
    api: Api,
    id: &'static str,
    setting: &'static str,
    address: String,
    is_tls: bool,
    trip: Result<RoundTrip, EndpointError>,
    took: Duration,
}

struct RoundTrip {
    /// On a connection that was there already.
    took: Duration,
    /// The cloud's time less ours, in seconds.
    skew: Option<i64>,
}

enum EndpointError {
    Name(String),
    Connection(ProbeError),
}

impl Probes {
    /// Asks each endpoint for nothing, all at the same time.
    pub(super) async fn send(http: &Http, config: &Config, clock: &dyn Clock) -> Self {
        let mut apis = vec![(Api::Sts, IDS[1], STS_ENDPOINT), (Api::Ram, IDS[2], RAM_ENDPOINT)];
        if config.scope == Scope::Organization {
            apis.push((Api::ResourceManager, "endpoint-resourcemanager", RESOURCE_MANAGER_ENDPOINT));
        }
        let probe = |(api, id, setting)| async move {
            let endpoint = config.endpoints.of(api);
            let (trip, took) = timed(clock, round_trip(http, endpoint, clock)).await;
            let is_tls = endpoint.url().scheme() == "https";
            Probe { api, id, setting, address: endpoint.address(), is_tls, trip, took }
        };
        Self(join_all(apis.into_iter().map(probe)).await)
    }

    pub(super) fn report(&self, checks: &mut Checks) {
        // The cloud's clock is the first that a reply told.
        let skew = self.0.iter().find_map(|probe| Some((probe.trip.as_ref().ok()?.skew?, probe.took)));
        match skew {
            Some((skew, took)) => checks.put_timed(IDS[0], (of_skew(skew), took)),
            None => checks.put(IDS[0], CheckResult::skipped("no reply told the cloud's time")),
        }
        for probe in &self.0 {
            checks.put_timed(probe.id, (probe.result(), probe.took));
        }
    }

    /// The session, or why the API is not called.
    pub(super) fn session<'s>(&self, api: Api, session: &Result<&'s Session, String>) -> Result<&'s Session, String> {
        match self.0.iter().find(|probe| probe.api == api && probe.trip.is_err()) {
            Some(probe) => Err(format!("it cannot be reached: see `{}`", probe.id)),
            None => session.clone(),
        }
    }
}

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

impl Probe {
    fn result(&self) -> CheckResult {
        let Self { address, setting, .. } = self;
        match &self.trip {
            Ok(trip) => {
                let tls = if self.is_tls { "TLS is verified" } else { "no TLS, on this machine" };
                let said = format!("`{address}`: {tls}; one trip takes {} ms", trip.took.as_millis());
                if trip.took < SLOW {
                    return CheckResult::ok(said);
                }
                CheckResult::warning(
                    said,
                    "run the guard nearer to the endpoint, or give the function more time: a repair takes nine trips",
                )
            }
            Err(EndpointError::Name(why)) => CheckResult::failed(
                format!("the name of `{address}` is not found: {}", sanitized(why)),
                format!("correct `{setting}`, or let the function ask a name server (its VPC may have none)"),
            ),
            Err(EndpointError::Connection(why)) if why.is_tls => CheckResult::failed(
                format!("TLS with `{address}` fails: {}", chain(why)),
                "something answers in the cloud's place, such as a proxy with a certificate of its own: let the traffic \
                 through as it is",
            ),
            Err(EndpointError::Connection(why)) => CheckResult::failed(
                format!("a connection to `{address}` fails: {}", chain(why)),
                format!("give the function a way to the internet, or set `{setting}` to the endpoint inside its VPC"),
            ),
        }
    }
}

/// The first request pays for the connection, the second shows what a trip takes.
async fn round_trip(http: &Http, endpoint: &Endpoint, clock: &dyn Clock) -> Result<RoundTrip, EndpointError> {
    let url = endpoint.url();
    if !http.is_proxied(url) {
        let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
        let lookup = tokio::net::lookup_host((host, url.port_or_known_default().unwrap_or(443)));
        let no_answer = |_| EndpointError::Name(format!("no answer within {} s", NAME_TIMEOUT.as_secs()));
        let found = tokio::time::timeout(NAME_TIMEOUT, lookup).await.map_err(no_answer)?;
        if found.map_err(|error| EndpointError::Name(error.to_string()))?.next().is_none() {
            return Err(EndpointError::Name("it has no address".to_owned()));
        }
    }
    let first = http.probe(url, TRIP_TIMEOUT).await.map_err(EndpointError::Connection)?;
    let skew = first.map(|date| date.as_second() - clock.now().as_second());
    let (second, took) = timed(clock, http.probe(url, TRIP_TIMEOUT)).await;
    second.map_err(EndpointError::Connection)?;
    Ok(RoundTrip { took, skew })
}
