//! The only place that reads the time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};

/// The server's clock, which a test can put ahead or back.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    shift_seconds: AtomicI64,
}

impl Clock {
    #[expect(clippy::disallowed_methods, reason = "this is the one clock of the emulator")]
    pub(crate) fn start() -> Self {
        Self { started: Instant::now(), shift_seconds: AtomicI64::new(0) }
    }

    pub(crate) fn shift(&self, seconds: i64) {
        self.shift_seconds.store(seconds, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> Timestamp {
        let shift = SignedDuration::from_secs(self.shift_seconds.load(Ordering::SeqCst));
        real_now().saturating_add(shift).unwrap_or(Timestamp::MAX)
    }

    pub(crate) fn since_start(&self) -> Duration {
        self.started.elapsed()
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one clock of the emulator")]
pub(crate) fn real_now() -> Timestamp {
    Timestamp::now()
}

/// `YYYY-MM-DDThh:mm:ssZ`, as in every reply.
pub(crate) fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The form of the `Date` header.
pub(crate) fn http_date(time: Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
