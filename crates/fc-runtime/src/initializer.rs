//! What a function does at `/initialize`, before its first invocation.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use http::HeaderMap;
use tokio::time::{Instant, timeout_at};

use super::{Context, Diagnostic};

type Work = dyn Fn(Context) -> Pin<Box<dyn Future<Output = Result<(), Diagnostic>> + Send>> + Send + Sync;

/// An asynchronous function, and how long it may take.
#[derive(Clone)]
pub(super) struct Initializer {
    timeout: Duration,
    work: Arc<Work>,
}

impl Initializer {
    pub(super) fn new<F, D>(timeout: Duration, work: F) -> Self
    where
        F: Fn(Context) -> D + Send + Sync + 'static,
        D: Future<Output = Result<(), Diagnostic>> + Send + 'static,
    {
        Self { timeout, work: Arc::new(move |context| Box::pin(work(context))) }
    }

    /// The context of a hook: its deadline is that of the initializer, not that of an invocation.
    pub(super) fn context(&self, headers: &HeaderMap, arrival: Instant) -> Context {
        Context { deadline: arrival + self.timeout, ..Context::from_headers(headers, arrival) }
    }

    pub(super) async fn run(&self, context: Context) -> Result<(), Diagnostic> {
        let deadline = context.deadline;
        // Called inside, so that a panic before its first `await` is caught where all others are.
        let work = async { (self.work)(context).await };
        timeout_at(deadline, work).await.unwrap_or_else(|_| Err(too_slow()))
    }
}

impl fmt::Debug for Initializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Initializer").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

fn too_slow() -> Diagnostic {
    Diagnostic::new("InitializerTimeout", "the initializer was stopped at its timeout; the next call tries again")
}
