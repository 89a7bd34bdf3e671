//! Over TLS, with a network in between: a new connection costs two trips (one for TCP, one for TLS 1.3), a request one.

use std::fs::File;
use std::path::Path;
use std::time::{Duration, Instant};

use emulator::{Call, Emulator, Opening, Role, World};
use testkit::platform::{Failure, Instance};
use testkit::{ACCOUNT, key};

use crate::samples::{Pair, Samples, Waits, head};
use crate::trusting::{Certificate, GUARD_TRUSTS, PEER_TRUSTS};
use crate::{ROUND_TRIP, SAMPLES, expect};

/// Of what needs a new instance each time; the peer takes a second to start.
const FRESH_SAMPLES: usize = 10;
/// TCP and TLS 1.3.
const CONNECTION_TRIPS: u32 = 2;

/// Who works.
#[derive(Debug, Clone, Copy)]
enum Who<'a> {
    /// As it is deployed, with the platform's call of `/initialize` or without.
    Guard { initialized: bool },
    /// Without the limit on calls, which would be measured instead, and without a journal, which lets no role be repaired so
    /// often.
    Unlimited,
    /// The package of the peer. It has no initializer.
    Peer(&'a Path),
}

/// A cloud behind a network, and an instance that works in it.
struct Site {
    cloud: Emulator,
    instance: Instance,
    certificate: Certificate,
}

impl Site {
    fn new(who: Who, role: Role) -> Result<Self, Failure> {
        let names = (1..=20).map(extra);
        let account = |account: emulator::AccountSeed| {
            names.fold(account.role(role), |account, name| account.custom_policy(&name)).policy_limits(20, 21)
        };
        let cloud = Emulator::start_tls(World::new().account(ACCOUNT, account).key(key()))?;
        let certificate = Certificate::of(&cloud)?;
        let path = certificate.path().into_os_string().into_string().map_err(|_| "a folder's name is not UTF-8")?;
        let log = File::create(certificate.log())?;
        let (this, temp) = (std::env::current_exe()?, std::env::temp_dir());
        let own = [(GUARD_TRUSTS, path.as_str()), ("DTS_GUARD_MODE", "remediate")];
        let unlimited = [("DTS_GUARD_RATE", "1000000"), ("DTS_GUARD_JOURNAL_DIR", "off")];
        let instance = match who {
            Who::Guard { .. } => Instance::start(this, &temp, &cloud, &own, log),
            Who::Unlimited => Instance::start(this, &temp, &cloud, &[own, unlimited].concat(), log),
            Who::Peer(package) => {
                let trusts = [(PEER_TRUSTS, path.as_str())];
                Instance::start(package.join("bootstrap"), package, &cloud, &trusts, log)
            }
        }?;
        let mut site = Self { cloud, instance, certificate };
        site.far(ROUND_TRIP);
        if matches!(who, Who::Guard { initialized: true }) {
            site.instance.send("/initialize", "")?;
            let connections = site.cloud.connections();
            if connections == 0 {
                return Err("`/initialize` opened no connection".into());
            }
        }
        Ok(site)
    }

    fn far(&self, trip: Duration) {
        self.cloud.set_latency(trip);
        self.cloud.set_connection_latency(trip * CONNECTION_TRIPS);
    }

    /// Invokes it once; tells how long that took, and what the cloud saw.
    fn tick(&mut self, payload: &str, status: &str) -> Result<(Duration, Vec<Call>, Vec<Opening>), Failure> {
        let (calls, openings) = (self.cloud.calls().len(), self.cloud.openings().len());
        let begin = Instant::now();
        let answer = self.instance.tick(payload);
        let took = begin.elapsed();
        answer.and_then(|report| expect(&report, status)).map_err(|error| {
            let log = std::fs::read_to_string(self.certificate.log()).unwrap_or_default();
            format!("{error}\n{log}")
        })?;
        let calls = self.cloud.calls().into_iter().skip(calls).collect();
        Ok((took, calls, self.cloud.openings().into_iter().skip(openings).collect()))
    }

    fn verify(&mut self, samples: &mut Samples) -> Result<(), Failure> {
        let (took, calls, openings) = self.tick("verify", "authorized")?;
        samples.next_to(took, Waits::of(&calls, &openings));
        Ok(())
    }

    fn recreate(&mut self, wall: &mut Samples, gap: &mut Samples) -> Result<(), Failure> {
        let (took, calls, openings) = self.tick("", "remediated")?;
        wall.next_to(took, Waits::of(&calls, &openings));
        let (took, waits) = without_role(&calls)?;
        gap.next_to(took, waits);
        Ok(())
    }
}

/// From the arrival of the deletion to the answer of the creation. A rehearsal of the creation has no effect.
pub(crate) fn without_role(calls: &[Call]) -> Result<(Duration, Waits), Failure> {
    let call = |operation| calls.iter().find(|call| call.operation == operation && call.effect);
    let ends = || Some((call("DeleteRole")?.started, call("CreateRole")?.finished?));
    let (gone, back) = ends().ok_or("the role was not recreated")?;
    let is_between = |call: &&Call| call.started >= gone && call.finished.is_some_and(|finished| finished <= back);
    let between: Vec<_> = calls.iter().filter(is_between).cloned().collect();
    Ok((back.saturating_sub(gone), Waits::of(&between, &[])))
}

/// All rows of this table.
pub(crate) fn table(peer: &Path) -> Result<(), Failure> {
    println!(
        "\nover TLS: a new connection costs {} ms (TCP, TLS 1.3), a request {} ms; trips: requests + new connections",
        (ROUND_TRIP * CONNECTION_TRIPS).as_millis(),
        ROUND_TRIP.as_millis(),
    );
    head();
    first_verify(peer)?;
    warm_verify(peer, "warm verify", ROUND_TRIP)?;
    warm_verify(peer, "warm verify, cloud at 0 ms", Duration::ZERO)?;
    first_recreation(peer)?;
    recreation(peer, "recreation, 2 more policies and tags", || broken(2))?;
    recreation(peer, "recreation, 20 more policies and tags", || broken(20))
}

fn first_verify(peer: &Path) -> Result<(), Failure> {
    let (mut first, mut cold) = (Pair::default(), Samples::default());
    for _ in 0..FRESH_SAMPLES {
        Site::new(Who::Guard { initialized: true }, Role::dts())?.verify(&mut first.guard)?;
        Site::new(Who::Guard { initialized: false }, Role::dts())?.verify(&mut cold)?;
        Site::new(Who::Peer(peer), Role::dts())?.verify(&mut first.peer)?;
    }
    first.rows("first verify (guard: after /initialize)", Some(ROUND_TRIP));
    cold.row("  the same without /initialize", "guard", Some(ROUND_TRIP));
    println!();
    Ok(())
}

fn warm_verify(peer: &Path, title: &str, trip: Duration) -> Result<(), Failure> {
    let mut wall = Pair::default();
    for (who, wall) in [(Who::Unlimited, &mut wall.guard), (Who::Peer(peer), &mut wall.peer)] {
        let mut site = Site::new(who, Role::dts())?;
        site.far(trip);
        site.tick("verify", "authorized")?;
        for _ in 0..SAMPLES {
            site.verify(wall)?;
        }
    }
    wall.rows(title, (!trip.is_zero()).then_some(trip));
    Ok(())
}

/// As deployed: with the journal on the instance's disk and the limit on calls.
fn first_recreation(peer: &Path) -> Result<(), Failure> {
    let (mut wall, mut gap) = (Pair::default(), Pair::default());
    for _ in 0..FRESH_SAMPLES {
        Site::new(Who::Guard { initialized: true }, broken(2))?.recreate(&mut wall.guard, &mut gap.guard)?;
        Site::new(Who::Peer(peer), broken(2))?.recreate(&mut wall.peer, &mut gap.peer)?;
    }
    wall.rows("an instance's first recreation, as deployed", Some(ROUND_TRIP));
    gap.rows("  of it without a role", Some(ROUND_TRIP));
    Ok(())
}

/// On connections that are there, but for the first one, which is not measured.
fn recreation(peer: &Path, title: &str, broken: impl Fn() -> Role) -> Result<(), Failure> {
    let (mut wall, mut gap) = (Pair::default(), Pair::default());
    for (who, wall, gap) in
        [(Who::Unlimited, &mut wall.guard, &mut gap.guard), (Who::Peer(peer), &mut wall.peer, &mut gap.peer)]
    {
        let mut site = Site::new(who, broken())?;
        site.tick("", "remediated")?;
        for _ in 0..SAMPLES {
            site.cloud.with_world(|world| world.put_role(ACCOUNT, broken()));
            site.recreate(wall, gap)?;
        }
    }
    wall.rows(title, Some(ROUND_TRIP));
    gap.rows("  of it without a role", Some(ROUND_TRIP));
    Ok(())
}

/// Trusts the wrong service, and has as many policies and tags of its own.
pub(crate) fn broken(more: u32) -> Role {
    let role = Role::dts().trusting_service("ecs.aliyuncs.com");
    (1..=more).fold(role, |role, number| role.attach_custom(&extra(number)).tag(&format!("key{number}"), "value"))
}

fn extra(number: u32) -> String {
    format!("TeamExtra{number}")
}
