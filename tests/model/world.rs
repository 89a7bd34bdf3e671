//! The guards, run by hand: each call of a guard waits until the explorer grants it.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use dts_role_guard::apply::journal::{Doing, Store};
use dts_role_guard::client::{Connection, Endpoints, Post, RateLimits, Reply, Sending, Session, Transport};
use dts_role_guard::clock::{Clock, Deadline};
use dts_role_guard::config::{Approval, Mode, Strategy};
use dts_role_guard::credentials::{Credentials, Source};
use dts_role_guard::reconcile::{self, Guard};
use dts_role_guard::report::{AccountReport, Status};
use dts_role_guard::target::AccountId;
use dts_role_guard::telemetry::Log;

use crate::cloud::{self, ACCOUNT, Answer, Cloud, Params};

/// What a guard asks of the world.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Op {
    Call(Params),
    Generations,
    Read(u64),
    Claim(u64, Vec<u8>),
    Replace(u64, Vec<u8>),
    SetAside(u64),
    ForgetBefore(u64),
}

#[derive(Clone, Debug, Hash)]
enum Outcome {
    Answer(Answer),
    Generations(Vec<u64>),
    Bytes(Option<Vec<u8>>),
    Claimed(bool),
    Done,
}

impl Op {
    fn is_call(&self) -> bool {
        matches!(self, Self::Call(_))
    }

    fn reads_folder(&self) -> bool {
        matches!(self, Self::Generations | Self::Read(_))
    }

    fn is_constant(&self) -> bool {
        match self {
            Self::Call(params) => ["GetCallerIdentity", "ListTagResources"].contains(&params["Action"].as_str()),
            Self::ForgetBefore(_) => true,
            Self::Generations | Self::Read(_) | Self::Claim(..) | Self::Replace(..) | Self::SetAside(_) => false,
        }
    }

    pub(crate) fn writes(&self) -> bool {
        match self {
            Self::Call(params) => cloud::writes(params),
            Self::Claim(..) | Self::Replace(..) => true,
            Self::Generations | Self::Read(_) | Self::SetAside(_) | Self::ForgetBefore(_) => false,
        }
    }
}

type Files = BTreeMap<u64, Vec<u8>>;

/// What the guards share.
#[derive(Clone, Hash)]
pub(crate) struct Shared {
    pub(crate) cloud: Cloud,
    files: Files,
}

impl Shared {
    fn perform(&mut self, op: &Op) -> Outcome {
        match op {
            Op::Call(params) => Outcome::Answer(self.cloud.call(params)),
            Op::Generations => Outcome::Generations(self.files.keys().copied().collect()),
            Op::Read(generation) => Outcome::Bytes(self.files.get(generation).cloned()),
            Op::Claim(generation, bytes) => {
                let free = !self.files.contains_key(generation);
                if free {
                    self.files.insert(*generation, bytes.clone());
                }
                Outcome::Claimed(free)
            }
            Op::Replace(generation, bytes) => {
                self.files.insert(*generation, bytes.clone());
                Outcome::Done
            }
            Op::SetAside(generation) => {
                self.files.remove(generation);
                Outcome::Done
            }
            // The newest file counts, so the earlier ones may as well stay.
            Op::ForgetBefore(_) => Outcome::Done,
        }
    }
}

type Slot = Arc<Mutex<Option<Outcome>>>;
type Queue = Arc<Mutex<VecDeque<(Op, Slot)>>>;

/// One guard's way to the world.
#[derive(Clone)]
struct Gate(Queue);

impl Gate {
    async fn ask(&self, op: Op) -> Outcome {
        let slot = Slot::default();
        self.0.lock().unwrap().push_back((op, slot.clone()));
        std::future::poll_fn(|_| slot.lock().unwrap().take().map_or(Poll::Pending, Poll::Ready)).await
    }
}

impl Transport for Gate {
    fn send(&self, post: Post) -> Sending<'_> {
        let signing = ["Signature", "SignatureNonce", "Timestamp", "SecurityToken", "AccessKeyId"];
        let fields = url::form_urlencoded::parse(post.body.as_bytes()).into_owned();
        let params = fields.filter(|(name, _)| !signing.contains(&name.as_str())).collect();
        Box::pin(async move {
            let Outcome::Answer(answer) = self.ask(Op::Call(params)).await else { unreachable!() };
            let (status, body) = match answer {
                Ok(body) => (200, body),
                Err(code) => (400, serde_json::json!({"Code": code})),
            };
            Ok(Reply { status, content_type: String::new(), date: None, body: body.to_string().into_bytes() })
        })
    }
}

impl Store for Gate {
    fn generations<'a>(&'a self, _: &'a AccountId) -> Doing<'a, Vec<u64>> {
        Box::pin(async {
            let Outcome::Generations(list) = self.ask(Op::Generations).await else { unreachable!() };
            Ok(list)
        })
    }

    fn read<'a>(&'a self, _: &'a AccountId, generation: u64) -> Doing<'a, Vec<u8>> {
        Box::pin(async move {
            let Outcome::Bytes(bytes) = self.ask(Op::Read(generation)).await else { unreachable!() };
            bytes.ok_or_else(|| io::ErrorKind::NotFound.into())
        })
    }

    fn claim<'a>(&'a self, _: &'a AccountId, generation: u64, bytes: Vec<u8>) -> Doing<'a, bool> {
        Box::pin(async move {
            let Outcome::Claimed(claimed) = self.ask(Op::Claim(generation, bytes)).await else { unreachable!() };
            Ok(claimed)
        })
    }

    fn replace<'a>(&'a self, _: &'a AccountId, generation: u64, bytes: Vec<u8>) -> Doing<'a, ()> {
        Box::pin(async move {
            self.ask(Op::Replace(generation, bytes)).await;
            Ok(())
        })
    }

    fn set_aside<'a>(&'a self, _: &'a AccountId, generation: u64) -> Doing<'a, String> {
        Box::pin(async move {
            self.ask(Op::SetAside(generation)).await;
            Ok("aside".to_owned())
        })
    }

    fn forget_before<'a>(&'a self, _: &'a AccountId, generation: u64) -> Doing<'a, ()> {
        Box::pin(async move {
            self.ask(Op::ForgetBefore(generation)).await;
            Ok(())
        })
    }
}

/// Pauses take no time, and no time passes.
struct Still;

impl Clock for Still {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::UNIX_EPOCH
    }

    fn uptime(&self) -> Duration {
        Duration::ZERO
    }

    fn nonce(&self) -> String {
        "nonce".to_owned()
    }

    fn sleep(&self, _: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}

enum State {
    Runs(Pin<Box<dyn Future<Output = AccountReport> + Send>>),
    Ended(Status),
    Crashed,
}

/// One run of the product.
pub(crate) struct Process {
    queue: Queue,
    state: State,
    /// Everything that it was told: what it does next depends on nothing else.
    history: DefaultHasher,
    /// What it wrote, and whether that had an effect.
    pub(crate) writes: Vec<(Params, bool)>,
}

impl Process {
    fn start(name: &str, journal: bool, patience: usize) -> Self {
        let queue = Queue::default();
        let guard = guard(name, &Gate(queue.clone()), journal, patience);
        let account: AccountId = ACCOUNT.parse().unwrap();
        let run = Box::pin(async move { reconcile::role(&guard, &account).await });
        let mut process = Self { queue, state: State::Runs(run), history: DefaultHasher::new(), writes: Vec::new() };
        process.poll();
        process
    }

    fn poll(&mut self) {
        let State::Runs(run) = &mut self.state else { return };
        if let Poll::Ready(report) = run.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            self.state = State::Ended(report.status);
        }
    }

    pub(crate) fn next(&self) -> Option<Op> {
        match self.state {
            State::Runs(_) => self.queue.lock().unwrap().front().map(|(op, _)| op.clone()),
            State::Ended(_) | State::Crashed => None,
        }
    }

    pub(crate) fn ended(&self) -> Option<Status> {
        match self.state {
            State::Ended(status) => Some(status),
            State::Runs(_) | State::Crashed => None,
        }
    }

    pub(crate) fn has_crashed(&self) -> bool {
        matches!(self.state, State::Crashed)
    }

    /// Answers what nobody can come between with an effect: what never changes, and a look at the folder right after an own
    /// step there. (Who adopts between a record and the look that follows it might as well have come before both: the guard
    /// stops, and its record is seen.)
    fn settle(&mut self, shared: &mut Shared, folder: bool) {
        let mut folder = folder;
        while let Some(op) = self.next().filter(|op| op.is_constant() || (folder && op.reads_folder())) {
            folder |= op.reads_folder();
            self.grant(shared, true);
        }
    }

    /// The two reads of a look are one: what they say when they disagree is looked at again.
    fn grant(&mut self, shared: &mut Shared, settling: bool) {
        let waiting = self.queue.lock().unwrap().len();
        for _ in 0..waiting {
            self.grant_one(shared, settling);
        }
        self.poll();
    }

    fn grant_one(&mut self, shared: &mut Shared, settling: bool) {
        let (op, slot) = self.queue.lock().unwrap().pop_front().unwrap();
        let outcome = shared.perform(&op);
        if !settling {
            remember(&mut self.history, &op, &outcome, &shared.files);
        }
        if let Op::Call(params) = &op
            && op.writes()
        {
            let effect = matches!(&outcome, Outcome::Answer(Ok(_)));
            self.writes.push((params.clone(), effect));
        }
        *slot.lock().unwrap() = Some(outcome);
    }

    fn key(&self) -> u64 {
        if self.has_crashed() { CRASHED } else { self.history.finish() }
    }

    /// The key after the calls that wait were granted.
    fn foretell(&self, shared: &mut Shared) -> u64 {
        let mut history = self.history.clone();
        for (op, _) in self.queue.lock().unwrap().iter() {
            let outcome = shared.perform(op);
            remember(&mut history, op, &outcome, &shared.files);
        }
        history.finish()
    }
}

const CRASHED: u64 = u64::MAX;

/// What a guard learns by a call. A step in the folder tells what the looks at the folder right after it will show.
fn remember(history: &mut DefaultHasher, op: &Op, outcome: &Outcome, files: &Files) {
    let newest = files.last_key_value();
    match op {
        Op::Call(_) if op.is_constant() => {}
        Op::Call(_) => (op, outcome).hash(history),
        // The first look reads the newest file, later ones only whether there is a newer one.
        Op::Generations if history.finish() == DefaultHasher::new().finish() => newest.hash(history),
        Op::Generations => newest.map(|(key, _)| key).hash(history),
        Op::Claim(generation, _) => {
            (op, outcome, newest.map(|(key, _)| key), files.get(&(generation - 1))).hash(history);
        }
        Op::Replace(..) => (op, newest.map(|(key, _)| key)).hash(history),
        Op::Read(_) | Op::SetAside(_) | Op::ForgetBefore(_) => {}
    }
}

fn guard(name: &str, gate: &Gate, journal: bool, patience: usize) -> Guard {
    let clock: Arc<dyn Clock> = Arc::new(Still);
    let endpoint: dts_role_guard::client::Endpoint = "http://127.0.0.1:1".parse().unwrap();
    let endpoints = Endpoints { ram: endpoint.clone(), sts: endpoint.clone(), resource_manager: endpoint };
    let rate = RateLimits::per_second(1_000_000.try_into().unwrap(), clock.clone());
    let method = dts_role_guard::signing::Method::HmacSha1;
    let connection =
        Connection::new(Arc::new(gate.clone()), endpoints, method, rate, clock).repeating_at_most(patience);
    let credentials = Credentials {
        access_key_id: "model".to_owned(),
        access_key_secret: "model".into(),
        security_token: None,
        source: Source::Environment,
    };
    Guard {
        session: Session::new(Arc::new(connection), credentials, ACCOUNT, Deadline::NONE),
        mode: Mode::Remediate,
        strategy: Strategy::Recreate,
        approval: Approval::None,
        approved: None,
        log: Log::Off,
        store: journal.then(|| -> Arc<dyn Store> { Arc::new(gate.clone()) }),
        request_id: name.to_owned(),
    }
}

/// What may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The guard's next call is carried out and answered.
    Grant(usize),
    /// The guard dies; a call to the cloud that it had sent is still on the way.
    Crash(usize),
    /// The dead guard's last call arrives.
    Arrive,
}

/// What is explored.
#[derive(Clone)]
pub(crate) struct Scenario {
    pub(crate) cloud: Cloud,
    /// Whether the guards share a folder.
    pub(crate) journal: bool,
    /// Whether one of them may die.
    pub(crate) crashes: bool,
    /// How often the turn may pass to the other guard while the one that had it could go on; without a number, always.
    pub(crate) switches: Option<usize>,
}

/// Two guards, what they share, and a dead guard's last call.
pub(crate) struct World {
    pub(crate) shared: Shared,
    pub(crate) guards: [Process; 2],
    on_the_way: Option<Op>,
    turn: Option<Turn>,
    journal: bool,
    crashes: bool,
}

/// Whose turn it is, where that counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Turn {
    guard: Option<usize>,
    switches_left: usize,
}

impl Turn {
    fn pass_to(self, guard: usize, holder_could_go_on: bool) -> Self {
        let switch = holder_could_go_on && self.guard.is_some_and(|holder| holder != guard);
        Self { guard: Some(guard), switches_left: self.switches_left - usize::from(switch) }
    }
}

impl World {
    pub(crate) fn new(scenario: &Scenario) -> Self {
        let Scenario { cloud, journal, crashes, switches } = scenario.clone();
        // Whether two guards end well depends on how often they try; what a crash leaves behind does not.
        let patience = usize::from(!crashes);
        let shared = Shared { cloud, files: BTreeMap::new() };
        let guards = ["one", "one"].map(|name| Process::start(name, journal, patience));
        let turn = switches.map(|switches_left| Turn { guard: None, switches_left });
        Self { shared, guards, on_the_way: None, turn, journal, crashes }
    }

    pub(crate) fn choices(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        let may_crash = self.crashes && !self.guards.iter().any(Process::has_crashed);
        for (index, op) in self.guards.iter().map(Process::next).enumerate() {
            let Some(op) = op else { continue };
            if !self.may_take_the_turn(index) {
                continue;
            }
            choices.push(Choice::Grant(index));
            if may_crash && op.writes() {
                choices.push(Choice::Crash(index));
            }
        }
        choices.extend(self.on_the_way.as_ref().map(|_| Choice::Arrive));
        choices
    }

    fn may_take_the_turn(&self, guard: usize) -> bool {
        self.turn.is_none_or(|turn| {
            let switch = turn.guard != Some(guard) && self.could_go_on(turn.guard);
            !switch || turn.switches_left > 0
        })
    }

    fn could_go_on(&self, holder: Option<usize>) -> bool {
        holder.is_some_and(|holder| self.guards[holder].next().is_some())
    }

    fn turn_after(&self, choice: Choice) -> Option<Turn> {
        match choice {
            Choice::Grant(index) => self.turn.map(|turn| turn.pass_to(index, self.could_go_on(turn.guard))),
            Choice::Crash(_) | Choice::Arrive => self.turn,
        }
    }

    pub(crate) fn step(&mut self, choice: Choice) {
        let folder = match choice {
            Choice::Grant(index) => self.guards[index].next().is_some_and(|op| !op.is_call()),
            Choice::Crash(_) | Choice::Arrive => false,
        };
        self.turn = self.turn_after(choice);
        self.take(choice);
        if let Choice::Grant(index) = choice {
            self.guards[index].settle(&mut self.shared, folder);
        }
    }

    fn take(&mut self, choice: Choice) {
        match choice {
            Choice::Grant(index) => self.guards[index].grant(&mut self.shared, false),
            Choice::Crash(index) => {
                self.on_the_way = self.guards[index].next().filter(Op::is_call);
                self.guards[index].state = State::Crashed;
            }
            Choice::Arrive => self.arrive(),
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.guards.iter().all(|guard| guard.next().is_none())
    }

    /// What decides about everything that can still happen, after a choice that is not made yet: what a guard is told can
    /// be foretold without it.
    pub(crate) fn key_after(&self, choice: Choice) -> u64 {
        let mut shared = self.shared.clone();
        let mut keys = [self.guards[0].key(), self.guards[1].key()];
        let mut on_the_way = self.on_the_way.clone();
        match choice {
            Choice::Grant(index) => keys[index] = self.guards[index].foretell(&mut shared),
            Choice::Crash(index) => {
                on_the_way = self.guards[index].next().filter(Op::is_call);
                keys[index] = CRASHED;
            }
            Choice::Arrive => {
                shared.perform(&on_the_way.take().unwrap());
            }
        }
        let mut turn = self.turn_after(choice);
        // The guards are alike, so it does not matter which is which.
        if keys[0] > keys[1] {
            keys.swap(0, 1);
            turn = turn.map(|turn| Turn { guard: turn.guard.map(|guard| 1 - guard), ..turn });
        }
        let mut hasher = DefaultHasher::new();
        (shared, keys, on_the_way, turn).hash(&mut hasher);
        hasher.finish()
    }

    /// The dead guard's last call arrives, if it had sent one.
    pub(crate) fn arrive(&mut self) {
        if let Some(op) = self.on_the_way.take() {
            self.shared.perform(&op);
        }
    }

    /// One more run, alone.
    pub(crate) fn run_once_more(&mut self) -> Status {
        let mut process = Process::start("third", self.journal, 3);
        while process.next().is_some() {
            process.grant(&mut self.shared, true);
        }
        process.ended().unwrap()
    }
}
