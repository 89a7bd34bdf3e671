//! When to repeat a read: up to four tries, with growing, jittered pauses, inside the deadline. A try that met a kept
//! connection that was dead says nothing about the cloud: it is repeated at once, and not counted.

use std::time::Duration;

use serde::de::DeserializeOwned;

use super::{Error, Request, Retry, Session};

/// A read is tried this often.
const TRIES: usize = 4;

/// The first pause and the longest, each before its jitter.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(3));

impl Session {
    /// Pauses between tries: they double, each has up to as much again of jitter, and there are `count` of them, or fewer if
    /// the connection says so.
    pub fn pauses(&self, count: usize) -> impl Iterator<Item = Duration> {
        let (first, longest) = PAUSES;
        let clock = self.clock();
        std::iter::successors(Some(first), move |pause| Some(longest.min(*pause * 2)))
            .map(|pause| pause.mul_f64(1.0 + clock.random()))
            .take(count.min(self.connection.max_retries))
    }

    pub(super) async fn read<T: DeserializeOwned>(&self, request: &Request) -> Result<T, Error> {
        let mut pauses = self.pauses(TRIES - 1);
        let mut kept = true;
        loop {
            let error = match self.send(request).await {
                Ok(reply) => return Ok(reply),
                Err(error) => error,
            };
            if error.was_kept && std::mem::take(&mut kept) {
                tracing::debug!(operation = request.operation, "a kept connection was dead: trying again on a new one");
                continue;
            }
            let (Retry::After(least), Some(pause)) = (error.retry(), pauses.next()) else { return Err(error) };
            let held = self.connection.rate.held(self.bucket(request)).unwrap_or_default();
            if !self.pause(pause.max(least).max(held)).await {
                return Err(error);
            }
            tracing::debug!(operation = request.operation, error = %authorization::text::chain(&error), "trying again");
        }
    }

    /// Waits, unless the deadline is nearer than that; says whether it waited.
    pub async fn pause(&self, pause: Duration) -> bool {
        let fits = pause < self.remaining();
        if fits {
            self.clock().sleep(pause).await;
        }
        fits
    }
}
