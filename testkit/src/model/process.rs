//! One run of the product, polled by hand.

use std::future::Future;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use authorization::baseline;
use dts_role_guard::journal::Store;
use dts_role_guard::reconcile::{self, AccountOutcome, Guard};
use dts_role_guard::report::Status;

use super::bug::{Bug, Saboteur};
use super::cloud::Params;
use super::gate::{Gate, Queue};
use super::shared::{Files, Op, Outcome, Shared};
use crate::{ACCOUNT, KEY_ID, KEY_SECRET, StillClock, TOKEN, by_hand};

enum State {
    Runs(Pin<Box<dyn Future<Output = AccountOutcome> + Send>>),
    Ended(Status),
    Crashed,
}

/// One run of the product.
pub(super) struct Process {
    queue: Queue,
    state: State,
    /// Everything that it was told: what it does next depends on nothing else.
    history: DefaultHasher,
    /// What it wrote, and whether that had an effect.
    pub(super) writes: Vec<(Params, bool)>,
}

impl Process {
    pub(super) fn start(name: &str, journal: bool, patience: usize, bug: Option<Bug>) -> Self {
        let queue = Queue::default();
        let guard = guard(name, &Gate { queue: queue.clone(), saboteur: Saboteur::of(bug) }, journal, patience);
        let target = baseline::DTS.target(ACCOUNT.parse().unwrap());
        let run = Box::pin(async move { reconcile::role(&guard, &target).await });
        let mut process = Self { queue, state: State::Runs(run), history: DefaultHasher::new(), writes: Vec::new() };
        process.poll();
        process
    }

    fn poll(&mut self) {
        let State::Runs(run) = &mut self.state else { return };
        if let Poll::Ready(outcome) = run.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            self.state = State::Ended(outcome.status());
        }
    }

    pub(super) fn next(&self) -> Option<Op> {
        match self.state {
            State::Runs(_) => self.queue.lock().unwrap().front().map(|(op, _)| op.clone()),
            State::Ended(_) | State::Crashed => None,
        }
    }

    pub(super) fn ended(&self) -> Option<Status> {
        match self.state {
            State::Ended(status) => Some(status),
            State::Runs(_) | State::Crashed => None,
        }
    }

    /// Whether it has seen everything back, and has at most to close its record.
    pub(super) fn has_seen_the_end(&self) -> bool {
        let closes = |op: Op| match op {
            Op::Replace(_, bytes) => String::from_utf8(bytes).unwrap().contains("\"phase\": \"closed\""),
            _ => false,
        };
        match self.state {
            State::Ended(status) => matches!(status, Status::Authorized | Status::Remediated),
            State::Runs(_) => self.next().is_some_and(closes),
            State::Crashed => false,
        }
    }

    pub(super) fn has_crashed(&self) -> bool {
        matches!(self.state, State::Crashed)
    }

    /// Answers what nobody can come between with an effect: what never changes, and a look at the folder right after an own
    /// step there. (Who adopts between a record and the look that follows it might as well have come before both: the guard
    /// stops, and its record is seen.)
    pub(super) fn settle(&mut self, shared: &mut Shared, folder: bool) {
        let mut folder = folder;
        while let Some(op) = self.next().filter(|op| op.is_constant() || (folder && op.reads_folder())) {
            folder |= op.reads_folder();
            self.grant(shared, true);
        }
    }

    /// The reads of a look are one: what they say when they disagree is looked at again. Of writes that are sent at the same
    /// time each is a step of its own.
    pub(super) fn grant(&mut self, shared: &mut Shared, settling: bool) {
        for _ in 0..self.at_once() {
            self.grant_one(shared, settling);
        }
        self.poll();
    }

    /// The first call that waits, and nothing else.
    pub(super) fn grant_first(&mut self, shared: &mut Shared) {
        self.grant_one(shared, false);
        self.poll();
    }

    /// How many of the calls that wait are granted in one step.
    fn at_once(&self) -> usize {
        let queue = self.queue.lock().unwrap();
        let reads = queue.iter().take_while(|(op, _)| !op.writes()).count();
        reads.max(usize::from(!queue.is_empty()))
    }

    /// The calls to the cloud that wait: on the way, if the guard dies now.
    pub(super) fn sent(&self) -> Vec<Op> {
        self.queue.lock().unwrap().iter().map(|(op, _)| op.clone()).filter(Op::is_call).collect()
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

    pub(super) fn crash(&mut self) {
        self.state = State::Crashed;
    }

    pub(super) fn key(&self) -> u64 {
        if self.has_crashed() { CRASHED } else { self.history.finish() }
    }

    /// The key after the calls that wait were granted.
    pub(super) fn foretell(&self, shared: &mut Shared) -> u64 {
        let (mut history, at_once) = (self.history.clone(), self.at_once());
        for (op, _) in self.queue.lock().unwrap().iter().take(at_once) {
            let outcome = shared.perform(op);
            remember(&mut history, op, &outcome, &shared.files);
        }
        history.finish()
    }
}

pub(super) const CRASHED: u64 = u64::MAX;

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
    let (clock, endpoints) = (Arc::new(StillClock::default()), by_hand::endpoints("http://127.0.0.1:1"));
    let keys = [KEY_ID, KEY_SECRET, TOKEN];
    let session = by_hand::session(Arc::new(gate.clone()), endpoints, keys, clock, Some(patience));
    by_hand::guard(session, journal.then(|| -> Arc<dyn Store> { Arc::new(gate.clone()) }), name)
}
