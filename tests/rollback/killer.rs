//! Kills a run at one of its calls: the call is not sent, or its reply never comes, and the run's future is dropped.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use aliyun::{BoxFuture, Reply, SignedRequest, Transport, TransportError};
use authorization::settings::Mode;
use dts_role_guard::report::Report;
use testkit::Lab;
use tokio::sync::Notify;

use crate::wire;

/// When a run is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kill {
    /// Just before its n-th call, from 1, is sent.
    Before(usize),
    /// After the effect of its n-th call.
    After(usize),
}

/// What became of a run that was to be killed.
pub(crate) struct Killed {
    /// Its report, where it ended before it was killed.
    pub(crate) report: Option<Report>,
    /// The operation at which it was killed.
    pub(crate) operation: String,
}

impl Kill {
    pub(crate) async fn run(self, lab: &Lab, inner: Arc<dyn Transport>) -> Killed {
        let killer = Arc::new(Killer {
            inner,
            kill: self,
            sent: AtomicUsize::new(0),
            answered: AtomicUsize::new(0),
            answer: Notify::new(),
            operation: OnceLock::new(),
            dead: Notify::new(),
        });
        let report = tokio::select! {
            () = killer.dead.notified() => None,
            report = lab.run_over(killer.clone(), Mode::Remediate) => Some(report),
        };
        Killed { report, operation: killer.operation.get().cloned().unwrap_or_default() }
    }
}

struct Killer {
    inner: Arc<dyn Transport>,
    kill: Kill,
    sent: AtomicUsize,
    /// Calls before the one at which it is killed that have been answered.
    answered: AtomicUsize,
    answer: Notify,
    operation: OnceLock<String>,
    dead: Notify,
}

impl Kill {
    /// The last call that is sent.
    fn last(self) -> usize {
        match self {
            Self::Before(nth) => nth - 1,
            Self::After(nth) => nth,
        }
    }
}

impl Transport for Killer {
    fn send(&self, request: SignedRequest) -> BoxFuture<'_, Result<Reply, TransportError>> {
        let nth = self.sent.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin(async move {
            let (Kill::Before(at) | Kill::After(at)) = self.kill;
            if nth == at {
                let _ = self.operation.set(operation(&request));
            }
            if nth > self.kill.last() {
                return if nth == at { self.die(nth - 1).await } else { pending().await };
            }
            let reply = self.inner.send(request).await;
            self.answered.fetch_add(1, Ordering::SeqCst);
            self.answer.notify_waiters();
            if nth == at { self.die(nth).await } else { reply }
        })
    }
}

impl Killer {
    /// Calls that were sent at the same time take effect first, so that a cell is the same each time it is played.
    async fn die<T>(&self, sent: usize) -> T {
        loop {
            let answer = self.answer.notified();
            if self.answered.load(Ordering::SeqCst) >= sent {
                break;
            }
            answer.await;
        }
        self.dead.notify_one();
        pending().await
    }
}

fn operation(request: &SignedRequest) -> String {
    wire::params(request).remove("Action").unwrap_or_default()
}
