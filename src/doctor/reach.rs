//! Whether the endpoints can be reached, how long a trip takes, and what time it is there.

use std::time::Duration;

use aliyun::clock::Clock;
use aliyun::{Api, Endpoint, Http, ProbeError, Session};
use authorization::settings::Scope;
use authorization::text::{chain, sanitized};
use futures_util::future::join_all;
use jiff::Timestamp;

use super::checks::{Timed, timed};
use super::report::Answer;
use crate::config::{Config, RAM_ENDPOINT, RESOURCE_MANAGER_ENDPOINT, STS_ENDPOINT};

/// A name that is not found by then is not found in a run either.
const NAME_TIMEOUT: Duration = Duration::from_secs(3);
/// Connection, TLS and reply.
const TRIP_TIMEOUT: Duration = Duration::from_secs(5);
/// A repair of nine trips still ends within the minute that a function has.
const SLOW: Duration = Duration::from_secs(2);
/// The cloud tells whole seconds, and a reply takes a while.
const WRONG_BY: i64 = 60;
/// The cloud refuses what is further from its own time (source: the vendor's page on signatures).
const REFUSED_BY: i64 = 15 * 60;

/// What was found out about the endpoints.
pub(super) struct Reach(Vec<Probe>);

struct Probe {
    api: Api,
    address: String,
    is_tls: bool,
    trip: Result<Trip, Trouble>,
    took: Duration,
}

struct Trip {
    /// On a connection that was there already.
    took: Duration,
    /// The cloud's time less ours, in seconds.
    skew: Option<i64>,
}

enum Trouble {
    Name(String),
    Connection(ProbeError),
}

/// The check of an endpoint.
pub(super) fn id(api: Api) -> &'static str {
    match api {
        Api::Ram => "endpoint-ram",
        Api::Sts => "endpoint-sts",
        Api::ResourceManager => "endpoint-resourcemanager",
    }
}

fn setting(api: Api) -> &'static str {
    match api {
        Api::Ram => RAM_ENDPOINT,
        Api::Sts => STS_ENDPOINT,
        Api::ResourceManager => RESOURCE_MANAGER_ENDPOINT,
    }
}

impl Reach {
    /// Asks each endpoint for nothing, all at the same time.
    pub(super) async fn probe(http: &Http, config: &Config, clock: &dyn Clock) -> Self {
        let mut apis = vec![Api::Sts, Api::Ram];
        if config.scope == Scope::Organization {
            apis.push(Api::ResourceManager);
        }
        let probe = |api| async move {
            let endpoint = config.endpoints.of(api);
            let (trip, took) = timed(clock, trip(http, endpoint, clock)).await;
            Probe { api, address: endpoint.address(), is_tls: endpoint.url().scheme() == "https", trip, took }
        };
        Self(join_all(apis.into_iter().map(probe)).await)
    }

    /// The cloud's clock is the first that a reply told.
    pub(super) fn clock(&self) -> Timed {
        let told = |probe: &Probe| Some((probe.trip.as_ref().ok()?.skew?, probe.took));
        let Some((skew, took)) = self.0.iter().find_map(told) else {
            return (Answer::skipped("no reply told the cloud's time"), Duration::ZERO);
        };
        let way = if skew < 0 { "ahead of" } else { "behind" };
        let said = format!("the own clock is {} s {way} the cloud's", skew.abs());
        let next = "set the clock of this machine (a function's is the platform's: open a ticket)";
        let answer = if skew.abs() <= WRONG_BY {
            Answer::ok(said)
        } else if skew.abs() <= REFUSED_BY {
            Answer::warning(said, next)
        } else {
            let why = "the cloud refuses what is more than 15 minutes off: each run takes the cloud's time after its first refusal, \
                       but times in reports and the days of exceptions go by the own clock";
            Answer::warning(format!("{said}, and {why}"), next)
        };
        (answer, took)
    }

    /// Each with its answer, in order.
    pub(super) fn endpoints(&self) -> impl Iterator<Item = (Api, Timed)> {
        self.0.iter().map(|probe| (probe.api, (probe.answer(), probe.took)))
    }

    /// The session, or why the API is not called.
    pub(super) fn way<'s>(&self, api: Api, session: &Result<&'s Session, String>) -> Result<&'s Session, String> {
        let is_out_of_reach = self.0.iter().any(|probe| probe.api == api && probe.trip.is_err());
        if is_out_of_reach { Err(format!("it cannot be reached: see `{}`", id(api))) } else { session.clone() }
    }
}

impl Probe {
    fn answer(&self) -> Answer {
        let address = &self.address;
        match &self.trip {
            Ok(trip) => {
                let tls = if self.is_tls { "TLS is verified" } else { "no TLS, on this machine" };
                let said = format!("`{address}`: {tls}; one trip takes {} ms", trip.took.as_millis());
                if trip.took < SLOW {
                    return Answer::ok(said);
                }
                Answer::warning(
                    said,
                    "run the guard nearer to the endpoint, or give the function more time: a repair takes nine trips",
                )
            }
            Err(Trouble::Name(why)) => Answer::failed(
                format!("the name of `{address}` is not found: {}", sanitized(why)),
                format!(
                    "correct `{}`, or let the function ask a name server (its VPC may have none)",
                    setting(self.api)
                ),
            ),
            Err(Trouble::Connection(why)) => {
                let next = if why.is_tls {
                    "something answers in the cloud's place, such as a proxy with a certificate of its own: let the traffic \
                     through as it is"
                        .to_owned()
                } else {
                    format!(
                        "give the function a way to the internet, or set `{}` to the endpoint inside its VPC",
                        setting(self.api)
                    )
                };
                let what = if why.is_tls { "TLS with" } else { "a connection to" };
                Answer::failed(format!("{what} `{address}` fails: {}", chain(why)), next)
            }
        }
    }
}

/// The first request pays for the connection, the second shows what a trip takes.
async fn trip(http: &Http, endpoint: &Endpoint, clock: &dyn Clock) -> Result<Trip, Trouble> {
    let url = endpoint.url();
    let name = (
        url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
        url.port_or_known_default().unwrap_or(443),
    );
    if !http.is_proxied(url) {
        match tokio::time::timeout(NAME_TIMEOUT, tokio::net::lookup_host(name)).await {
            Ok(Ok(mut addresses)) => {
                addresses.next().ok_or_else(|| Trouble::Name("it has no address".to_owned()))?;
            }
            Ok(Err(error)) => return Err(Trouble::Name(error.to_string())),
            Err(_) => return Err(Trouble::Name(format!("no answer within {} s", NAME_TIMEOUT.as_secs()))),
        }
    }
    let first = http.probe(url, TRIP_TIMEOUT).await.map_err(Trouble::Connection)?;
    let skew = first.map(|date: Timestamp| date.as_second() - clock.now().as_second());
    let (second, took) = timed(clock, http.probe(url, TRIP_TIMEOUT)).await;
    second.map_err(Trouble::Connection)?;
    Ok(Trip { took, skew })
}
