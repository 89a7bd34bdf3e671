//! Connections outlive an invocation, and a dead one costs nothing that anybody is told of.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aliyun::clock::{Clock, SystemClock};
use aliyun::{BoxFuture, Http, Network, SignedRequest, Transport, TransportError};
use authorization::settings::Mode;
use dts_role_guard::USER_AGENT;
use dts_role_guard::handler::App;
use dts_role_guard::report::{Report, Status};
use emulator::{AccessKey, Emulator, End, PolicyType, Role, World};
use jiff::Timestamp;
use rustls::RootCertStore;
use testkit::{ACCOUNT, Lab, account, bare, key};

fn world(role: Role) -> World {
    let key: AccessKey = key();
    World::new().key(key).account(ACCOUNT, |account| account.role(role).custom_policy("TeamExtra"))
}

/// The machine's clocks, of which each can be told how long the machine was frozen.
struct Thawed {
    real: Arc<dyn Clock>,
    frozen: Mutex<(Duration, Duration)>,
}

impl Thawed {
    /// By the monotonic clock, and by the time of day.
    fn freeze(&self, by: (u64, u64)) {
        *self.frozen.lock().unwrap() = (Duration::from_secs(by.0), Duration::from_secs(by.1));
    }
}

impl Clock for Thawed {
    fn now(&self) -> Timestamp {
        self.real.now() + self.frozen.lock().unwrap().1
    }

    fn uptime(&self) -> Duration {
        self.real.uptime() + self.frozen.lock().unwrap().0
    }

    fn nonce(&self) -> String {
        self.real.nonce()
    }

    fn random(&self) -> f64 {
        self.real.random()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        self.real.sleep(pause)
    }
}

/// A guard over TLS.
struct Tls {
    lab: Lab,
    clock: Arc<Thawed>,
    app: App,
}

impl Tls {
    fn new(role: Role) -> Self {
        let lab = Lab::around(Emulator::start_tls(world(role)).unwrap());
        let clock = Arc::new(Thawed { real: lab.clock(), frozen: Mutex::default() });
        let http = Http::through(USER_AGENT, network(&lab.emulator), clock.clone()).unwrap();
        let app = lab.app_with(clock.clone()).wired(|wiring| wiring.http = Arc::new(http).into());
        Self { lab, clock, app }
    }

    async fn run(&self, mode: Mode) -> Report {
        self.lab.ask_app(&self.app, mode, None, Duration::from_mins(10)).await
    }

    /// No error, and nothing that was tried twice.
    async fn verify(&self, case: &str) {
        let report = self.run(Mode::Verify).await;
        assert_eq!(report.status, Status::Authorized, "{case}: {}", account(&report));
    }

    fn connections(&self) -> usize {
        self.lab.emulator.connections()
    }
}

fn network(emulator: &Emulator) -> Network {
    let mut roots = RootCertStore::empty();
    roots.add(emulator.certificate().unwrap().to_vec().into()).unwrap();
    Network::default().with_roots("the emulator's", roots)
}

#[tokio::test]
async fn a_warm_verify_makes_no_new_connection() {
    let tls = Tls::new(Role::dts());
    for _ in 0..6 {
        tls.verify("warm").await;
    }
    // Two reads at the same time; the second may do with the connection of the first.
    assert!(tls.connections() <= 2, "{}", tls.connections());
    assert_eq!(tls.lab.emulator.calls().len(), 12);
}

#[tokio::test]
async fn the_first_verify_after_warming_makes_no_new_connection() {
    let tls = Tls::new(Role::dts());
    tls.app.warm().await;
    assert_eq!(tls.lab.emulator.operations(), [""; 0], "warming calls nothing");
    let connections = tls.connections();
    tls.verify("first").await;
    // Three were asked for. A connection that came late is one of these.
    assert!((2..=3).contains(&connections) && tls.connections() <= 3, "{connections}, {}", tls.connections());
}

#[tokio::test]
async fn warming_cannot_fail() {
    for url in ["https://localhost:1", "http://127.0.0.1:1"] {
        let lab = Lab::new(Some(Role::dts())).set("DTS_GUARD_STS_ENDPOINT", url);
        lab.app().warm().await;
        assert_eq!(lab.run(Mode::Verify).await.status, Status::Authorized);
    }
    Lab::new(None).set("DTS_GUARD_MODE", "wrong").app().warm().await;
}

/// As the platform does it before the first invocation, where `s.yaml` says so.
#[test]
fn the_platforms_initializer_opens_the_connections() {
    let emulator = testkit::cloud(Role::dts());
    let guard = testkit::Guard::start(&emulator, &[]);
    let headers = [("host", "h"), ("x-fc-control-path", "/initialize"), ("x-fc-request-id", "1-692414ee-1")];
    assert_eq!(guard.send("POST", "/initialize", &headers, b"").status, 200);
    let connections = emulator.connections();
    assert!(connections >= 2, "{connections}");
    assert_eq!(emulator.operations(), [""; 0]);
    assert_eq!(guard.invoke("verify").report()["status"], "authorized");
    assert!(emulator.connections() <= 3, "{connections}, {}", emulator.connections());
}

/// Each clock may stand still in a freeze, or both; then the cloud has closed.
#[tokio::test]
async fn what_was_idle_through_a_freeze_is_not_used_again() {
    for (frozen, end) in [
        ((60, 60), End::Silence),
        ((0, 60), End::Silence),
        ((60, 0), End::Silence),
        ((21, 21), End::Silence),
        ((0, 0), End::Close),
        ((0, 0), End::Reset),
        ((60, 60), End::Reset),
    ] {
        let case = format!("{frozen:?} {end:?}");
        let tls = Tls::new(Role::dts());
        tls.verify(&case).await;
        let before = tls.connections();
        tls.lab.emulator.end_connections(end);
        tls.clock.freeze(frozen);
        tls.verify(&case).await;
        // Without a freeze the connections may still have been there: nobody waits until they are gone.
        if frozen != (0, 0) {
            assert!(tls.connections() > before, "{case}");
            let resumed = tls.lab.emulator.resumed_connections();
            assert!(resumed > 0, "{case}: TLS sessions outlive their connections");
        }
        let calls = tls.lab.emulator.calls();
        assert!(calls.len() <= 6, "{case}: {calls:?}");
    }
}

#[tokio::test]
async fn nothing_is_new_where_nothing_was_idle() {
    let tls = Tls::new(Role::dts());
    tls.verify("first").await;
    for seconds in [15, 30, 45] {
        taken_back().await;
        tls.clock.freeze((seconds, seconds));
        tls.verify("within 20 s").await;
    }
    assert!(tls.connections() <= 2, "{}", tls.connections());
}

/// The freeze comes, or the connection goes, between any two calls of a repair, or while one is on its way.
#[tokio::test]
async fn a_repair_loses_nothing_with_its_connections() {
    let whole = Tls::new(bare());
    assert_eq!(whole.run(Mode::Remediate).await.status, Status::Remediated);
    let mut operations = whole.lab.emulator.operations();
    operations.sort();
    operations.dedup();
    for operation in &operations {
        for end in [End::Close, End::Reset] {
            let tls = Tls::new(bare());
            let case = format!("{operation} {end:?}");
            let cut = async {
                tls.lab.emulator.wait_for_call(operation, 1).await;
                tls.lab.emulator.end_connections(end);
                tls.clock.freeze((0, 60));
            };
            let (report, ()) = tokio::join!(tls.run(Mode::Remediate), cut);
            assert_eq!(report.status, Status::Remediated, "{case}: {}", account(&report));
            assert!(tls.lab.role().unwrap().has_policy(PolicyType::Custom, "TeamExtra"), "{case}");
            let steps = &account(&report)["steps"];
            let told = steps.as_array().unwrap().iter().filter(|step| step["error"].is_string()).count();
            assert_eq!(told, 0, "{case}: {steps}");
        }
    }
}

/// The client takes a connection back in a task of its own, a moment after the reply.
async fn taken_back() {
    for _ in 0..64 {
        tokio::task::yield_now().await;
    }
}

/// The network forgets a connection and tells nobody: that costs one call, and the next one has a connection of its own.
#[tokio::test]
async fn a_connection_that_the_network_forgot_costs_one_call() {
    let emulator = Emulator::start_tls(world(Role::dts())).unwrap();
    let http = Http::through(USER_AGENT, network(&emulator), Arc::new(SystemClock::start())).unwrap();
    let send = async || {
        let url = emulator.url().parse().unwrap();
        let post =
            SignedRequest { url, headers: Vec::new(), body: String::new().into(), timeout: Duration::from_secs(2) };
        http.send(post).await.map(|reply| reply.status)
    };
    assert_eq!(send().await.unwrap(), 400);
    taken_back().await;
    emulator.end_connections(End::Silence);
    let lost = send().await;
    assert!(matches!(lost, Err(TransportError::Dead(_))), "{lost:?}");
    assert_eq!(send().await.unwrap(), 400);
    assert_eq!(emulator.connections(), 2);
}
