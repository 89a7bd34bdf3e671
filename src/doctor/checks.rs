//! The checks that were made so far.

use std::future::Future;
use std::time::Duration;

use aliyun::clock::{Clock, SharedClock};

use super::report::{Answer, Check, Report};
use super::{facts, witness::Seen};

pub(super) struct Checks {
    clock: SharedClock,
    done: Vec<Check>,
}

/// An answer, and how long it took.
pub(super) type Timed = (Answer, Duration);

impl Checks {
    pub(super) fn new(clock: SharedClock) -> Self {
        Self { clock, done: Vec::new() }
    }

    /// One that took no time.
    pub(super) fn put(&mut self, id: impl Into<String>, answer: Answer) {
        self.put_timed(id, (answer, Duration::ZERO));
    }

    pub(super) fn put_timed(&mut self, id: impl Into<String>, (answer, took): Timed) {
        self.done.push(Check::new(id, answer, took));
    }

    /// One that is made now; returns what it found beside its answer.
    pub(super) async fn time<T>(&mut self, id: &str, work: impl Future<Output = (Answer, T)>) -> T {
        let ((answer, found), took) = timed(&*self.clock, work).await;
        self.put_timed(id, (answer, took));
        found
    }

    pub(super) fn skip(&mut self, ids: &[&str], why: &str) {
        for id in ids {
            self.put(*id, Answer::skipped(why));
        }
    }

    pub(super) fn into_report(self, replies: &[Seen]) -> Report {
        Report::new(self.done, facts::of_replies(replies))
    }
}

/// Work, and how long it took.
pub(super) async fn timed<T>(clock: &dyn Clock, work: impl Future<Output = T>) -> (T, Duration) {
    let begin = clock.uptime();
    let done = work.await;
    (done, clock.uptime().saturating_sub(begin))
}
