//! The product in process against the emulator, with a clock whose pauses take no time.

use std::sync::Arc;
use std::time::Duration;

use aliyun::Transport;
use aliyun::clock::{Clock, Deadline};
use aliyun::credentials::RawCredentials;
use authorization::settings::Mode;
use dts_role_guard::config::Variables;
use dts_role_guard::doctor;
use dts_role_guard::event::{Approved, Decision, Event, Request, decode};
use dts_role_guard::handler::{App, RequestContext};
use dts_role_guard::report::{Report, Trigger, TriggerKind};
use dts_role_guard::telemetry::Log;
use emulator::{AccessKey, DTS_ROLE, DirectorySeed, Emulator, Role, RoleSnapshot, World};
use serde_json::Value;

use crate::{ACCOUNT, CUSTOM, ENDPOINTS, KEY_ID, KEY_SECRET, LabClock, TOKEN, key, truth};

pub struct Lab {
    pub emulator: Emulator,
    clock: Arc<LabClock>,
    variables: Variables,
}

impl Lab {
    /// An account with this role, and the custom policies that it may hold.
    pub fn new(role: Option<Role>) -> Self {
        Self::with_key(role, key())
    }

    pub fn with_key(role: Option<Role>, key: AccessKey) -> Self {
        Self::of(World::new().key(key).account(ACCOUNT, |mut account| {
            for name in CUSTOM {
                account = account.custom_policy(name);
            }
            match role {
                Some(role) => account.role(role),
                None => account,
            }
        }))
    }

    /// A healthy account that manages the members of a directory.
    pub fn organization(directory: impl FnOnce(DirectorySeed) -> DirectorySeed) -> Self {
        Self::organization_with_key(key(), directory)
    }

    pub fn organization_with_key(key: AccessKey, directory: impl FnOnce(DirectorySeed) -> DirectorySeed) -> Self {
        let world = World::new().key(key).account(ACCOUNT, |account| account.role(Role::dts()));
        Self::of(world.directory(ACCOUNT, directory)).set("DTS_GUARD_SCOPE", "organization")
    }

    pub fn of(world: World) -> Self {
        Self::around(Emulator::start(world).unwrap())
    }

    pub fn around(emulator: Emulator) -> Self {
        let clock = Arc::new(LabClock::start());
        let url = emulator.url();
        let lab = Self { emulator, clock, variables: Variables::new() };
        let lab = ENDPOINTS.iter().fold(lab, |lab, name| lab.set(name, &url));
        lab.set("DTS_GUARD_RATE", "100000").set("DTS_GUARD_MODE", "remediate")
    }

    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    pub async fn run(&self, mode: Mode) -> Report {
        self.ask(mode, None, Duration::from_mins(10)).await
    }

    pub async fn ask(&self, mode: Mode, plan_id: Option<&str>, time: Duration) -> Report {
        self.ask_app(&self.app(), mode, plan_id, time).await
    }

    /// The clock of every run.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    pub fn app(&self) -> App {
        self.app_with(self.clock.clone())
    }

    /// The same with another clock.
    pub fn app_with(&self, clock: Arc<dyn Clock>) -> App {
        App::new(&self.variables, clock, Log::Off)
    }

    /// The same with another way to the cloud, and with less patience: what is repeated four times is repeated enough.
    pub async fn run_over(&self, transport: Arc<dyn Transport>, mode: Mode) -> Report {
        let app = self.app().wired(|wiring| (wiring.transport, wiring.repeats) = (Some(transport), 3));
        self.ask_app(&app, mode, None, Duration::from_mins(10)).await
    }

    pub async fn ask_app(&self, app: &App, mode: Mode, plan_id: Option<&str>, time: Duration) -> Report {
        let approved = plan_id.map_or(Approved::Nothing, |id| Approved::Plan(id.parse().unwrap()));
        let request = Request { mode, approved, ..Request::default() };
        let trigger = Trigger { kind: TriggerKind::Manual, name: None };
        self.ask_for(app, Event { trigger, decision: Decision::Run(request) }, time).await
    }

    /// As the platform does it.
    pub async fn invoke(&self, event: &Value) -> Report {
        self.invoke_within(event, Duration::from_mins(10)).await
    }

    pub async fn invoke_within(&self, event: &Value, time: Duration) -> Report {
        self.invoke_app(&self.app(), event, time).await
    }

    pub async fn invoke_app(&self, app: &App, event: &Value, time: Duration) -> Report {
        let event = decode(event.to_string().as_bytes(), app.config().unwrap().allowed());
        self.ask_for(app, event, time).await
    }

    /// What the terminal asks for.
    pub async fn request(&self, request: Request) -> Report {
        let trigger = Trigger { kind: TriggerKind::Manual, name: None };
        let event = Event { trigger, decision: Decision::Run(request) };
        self.ask_for(&self.app(), event, Duration::from_mins(10)).await
    }

    /// The account is not said, as on a terminal.
    pub async fn ask_without_account(&self, mode: Mode) -> Report {
        let trigger = Trigger { kind: TriggerKind::Manual, name: None };
        let event = Event { trigger, decision: Decision::Run(Request { mode, ..Request::default() }) };
        let context = self.context(Self::keys(), Duration::from_mins(10));
        self.app().run(event, RequestContext { account: None, ..context }).await.unwrap()
    }

    async fn ask_for(&self, app: &App, event: Event, time: Duration) -> Report {
        app.run(event, self.context(Self::keys(), time)).await.unwrap()
    }

    fn context(&self, keys: RawCredentials, time: Duration) -> RequestContext {
        RequestContext {
            request_id: "lab".to_owned(),
            keys,
            account: Some(ACCOUNT.parse().unwrap()),
            deadline: Deadline::after(&*self.clock, time),
        }
    }

    /// The keys as they come with an event.
    pub fn keys() -> RawCredentials {
        RawCredentials {
            access_key_id: Some(KEY_ID.into()),
            access_key_secret: Some(KEY_SECRET.into()),
            security_token: Some(TOKEN.into()),
        }
    }

    /// Asks for the doctor, as the platform does it.
    pub async fn doctor(&self) -> doctor::DoctorReport {
        self.doctor_with(Self::keys()).await
    }

    /// The same with other keys.
    pub async fn doctor_with(&self, keys: RawCredentials) -> doctor::DoctorReport {
        self.app().doctor(self.context(keys, Duration::from_mins(10))).await.unwrap()
    }

    /// How long the program has paused so far.
    pub fn slept(&self) -> Duration {
        self.clock.slept()
    }

    /// The truth, whatever a report says.
    pub fn role(&self) -> Option<RoleSnapshot> {
        self.emulator.role(ACCOUNT, DTS_ROLE)
    }

    pub fn authorized(&self) -> bool {
        truth::authorized(self.role().as_ref())
    }

    /// Whether it has everything that the role had, and no tag more.
    pub fn kept(&self, before: &RoleSnapshot) -> bool {
        self.role().is_some_and(|now| truth::kept(Some(before), Some(&now)) && before.tags == now.tags)
    }

    pub fn writes(&self) -> Vec<String> {
        self.emulator.writes().into_iter().map(|call| call.operation).collect()
    }
}

pub fn json(report: &Report) -> Value {
    serde_json::to_value(report).unwrap()
}

/// The one account's report.
pub fn account(report: &Report) -> Value {
    json(report)["accounts"][0].clone()
}

pub fn ids(findings: &Value) -> Vec<&str> {
    findings.as_array().unwrap().iter().map(|finding| finding["id"].as_str().unwrap()).collect()
}
