//! Clocks whose pauses take no time.

use std::sync::Mutex;
use std::time::Duration;

use aliyun::BoxFuture;
use aliyun::clock::{Clock, SystemClock};
use jiff::Timestamp;

/// The machine's clock; pauses are added to the uptime and not waited for.
pub struct LabClock {
    real: SystemClock,
    slept: Mutex<Duration>,
}

impl LabClock {
    pub fn start() -> Self {
        Self { real: SystemClock::start(), slept: Mutex::default() }
    }

    /// The sum of the pauses so far.
    pub fn slept(&self) -> Duration {
        *self.slept.lock().unwrap()
    }
}

impl Clock for LabClock {
    fn now(&self) -> Timestamp {
        self.real.now()
    }

    fn uptime(&self) -> Duration {
        self.real.uptime() + self.slept()
    }

    fn nonce(&self) -> String {
        self.real.nonce()
    }

    fn random(&self) -> f64 {
        self.real.random()
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        // So long is no pause between two tries but the wait for a deadline, which other work is faster than.
        if pause > Duration::from_mins(1) {
            return Box::pin(std::future::pending());
        }
        *self.slept.lock().unwrap() += pause;
        Box::pin(std::future::ready(()))
    }
}

/// It is always the same moment, and only pauses pass: what is done twice is the same twice.
#[derive(Default)]
pub struct StillClock(Mutex<Duration>);

impl Clock for StillClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(1_795_000_000).unwrap()
    }

    fn uptime(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn nonce(&self) -> String {
        "0c0ffee0-0000-4000-8000-000000000001".to_owned()
    }

    fn random(&self) -> f64 {
        0.5
    }

    fn sleep(&self, pause: Duration) -> BoxFuture<'_, ()> {
        *self.0.lock().unwrap() += pause;
        Box::pin(std::future::ready(()))
    }
}
