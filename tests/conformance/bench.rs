//! A run against an emulator, with a clock whose pauses take no time, and a place between the two to bend what is told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aliyun::clock::{Clock, SystemClock};
use aliyun::credentials::{Credentials, Source};
use aliyun::signing::Method;
use aliyun::{Api, BoxFuture, Endpoint, Endpoints, Http, Reply, SignedRequest, Transport, TransportError};
use conformance::{Caller, Cloud, Interrupt, Names, PREFIX, Report, Run};
use emulator::{AccessKey, DTS_ROLE, Emulator, Role, RoleSnapshot, World, member_ids};

pub(crate) const ACCOUNT: &str = "1234567890123456";
const KEY: [&str; 3] = ["STS.Conformance", "conformance-secret-0123456789", "conformance-token-0123456789"];

/// Pauses are added to the uptime and not waited for.
struct BenchClock {
    real: SystemClock,
    slept: Mutex<Duration>,
}

impl Clock for BenchClock {
    fn now(&self) -> jiff::Timestamp {
        self.real.now()
    }

    fn uptime(&self) -> Duration {
        self.real.uptime() + *self.slept.lock().unwrap()
    }

    fn nonce(&self) -> String {
        self.real.nonce()
    }

    fn random(&self) -> f64 {
        self.real.random()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        *self.slept.lock().unwrap() += pause;
        Box::pin(std::future::ready(()))
    }
}

/// What becomes of a call between the run and the emulator; its number counts from 1.
pub(crate) enum Between {
    Nothing,
    /// The reply says something else.
    Reply(fn(&str, &mut Reply)),
    /// The n-th call has its effect, and its reply is lost.
    LoseReply(usize),
    /// The n-th call is where the program has its mistake.
    Panic(usize),
    /// A signal comes during the n-th call.
    Interrupt(usize, Interrupt),
}

struct Wire {
    inner: Http,
    between: Between,
    count: Mutex<usize>,
}

impl Transport for Wire {
    fn send(&self, request: SignedRequest) -> BoxFuture<'_, Result<Reply, TransportError>> {
        let number = {
            let mut count = self.count.lock().unwrap();
            *count += 1;
            *count
        };
        Box::pin(async move {
            let scheme = if request.headers.iter().any(|(name, _)| *name == "authorization") { "acs3" } else { "rpc" };
            if let Between::Panic(n) = &self.between {
                assert_ne!(number, *n, "this is the mistake");
            }
            let mut reply = self.inner.send(request).await?;
            match &self.between {
                Between::Reply(change) => change(scheme, &mut reply),
                Between::LoseReply(n) if number == *n => {
                    return Err(TransportError::NoReply("lost by the test".into()));
                }
                Between::Interrupt(n, interrupt) if number == *n => interrupt.raise(),
                _ => {}
            }
            Ok(reply)
        })
    }
}

pub(crate) struct Bench {
    pub(crate) emulator: Emulator,
    interrupt: Interrupt,
    before: Option<RoleSnapshot>,
}

/// Known beforehand, so that rules can name them.
pub(crate) fn names() -> Names {
    Names::of_run("0123456789abcdef")
}

pub(crate) fn key() -> AccessKey {
    AccessKey::session(KEY[0], KEY[1], KEY[2]).of_role(ACCOUNT, "dts-role-guard-role", "bench")
}

impl Bench {
    /// The management account of a directory, with the role that the guard keeps.
    pub(crate) fn start() -> Self {
        let world = World::new().key(key()).account(ACCOUNT, |account| account.role(Role::dts().tag("team", "data")));
        Self::of(world.directory(ACCOUNT, |directory| directory.members(member_ids(3), |_, member| member)))
    }

    pub(crate) fn of(world: World) -> Self {
        let emulator = Emulator::start(world).unwrap();
        let before = emulator.role(ACCOUNT, DTS_ROLE);
        Self { emulator, interrupt: Interrupt::default(), before }
    }

    pub(crate) fn interrupt(&self) -> Interrupt {
        self.interrupt.clone()
    }

    pub(crate) async fn run(&self) -> Report {
        self.run_over(Between::Nothing).await
    }

    pub(crate) async fn run_over(&self, between: Between) -> Report {
        self.report(between, KEY[0], KEY[1], Some(KEY[2])).await
    }

    pub(crate) async fn run_with(&self, id: &str, secret: &str, token: Option<&str>) -> Report {
        self.report(Between::Nothing, id, secret, token).await
    }

    async fn report(&self, between: Between, id: &str, secret: &str, token: Option<&str>) -> Report {
        let clock = Arc::new(BenchClock { real: SystemClock::start(), slept: Mutex::default() });
        let keys = Credentials {
            access_key_id: id.to_owned(),
            access_key_secret: secret.into(),
            security_token: token.map(Into::into),
            source: Source::Environment,
        };
        let endpoint = |api| Endpoint::parse(api, &self.emulator.url()).unwrap();
        let cloud = Cloud {
            transport: Arc::new(Wire { inner: Http::new("conformance").unwrap(), between, count: Mutex::new(0) }),
            endpoints: Endpoints {
                ram: endpoint(Api::Ram),
                sts: endpoint(Api::Sts),
                resource_manager: endpoint(Api::ResourceManager),
            },
            method: Method::HmacSha1,
            clock,
            pace: Duration::ZERO,
            interrupt: self.interrupt(),
            names: names(),
        };
        let caller =
            Caller::of(&Cloud { transport: Arc::new(Http::new("caller").unwrap()), ..cloud.clone() }, &keys).await;
        Run::new(cloud, keys, caller.unwrap()).to_the_end().await
    }

    /// Nothing of the run is there any more, and the guarded role is as it was.
    pub(crate) fn assert_clean(&self, case: &str) {
        let left: Vec<_> = self.emulator.with_world(|world| {
            world
                .roles(ACCOUNT)
                .map(|role| role.name.clone())
                .filter(|name| name.to_lowercase().starts_with(PREFIX))
                .collect()
        });
        assert_eq!(left, [""; 0], "{case}");
        let policies = self.emulator.calls();
        let made = |operation: &str| policies.iter().filter(|call| call.operation == operation && call.effect).count();
        assert_eq!(made("CreatePolicy"), made("DeletePolicy"), "{case}");
        assert_eq!(self.emulator.role(ACCOUNT, DTS_ROLE), self.before, "{case}");
    }
}
