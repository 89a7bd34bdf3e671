//! Kills a run at one of its calls: the call is not sent, or its reply never comes, and the run's future is dropped.

use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use dts_role_guard::client::{Post, Sending, Transport};
use dts_role_guard::config::Mode;
use dts_role_guard::report::Report;
use tokio::sync::Notify;

use crate::lab::Lab;
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
    operation: OnceLock<String>,
    dead: Notify,
}

impl Transport for Killer {
    fn send(&self, post: Post) -> Sending<'_> {
        let nth = self.sent.fetch_add(1, Ordering::SeqCst) + 1;
        Box::pin(async move {
            if self.kill == Kill::Before(nth) {
                return self.die(&post).await;
            }
            if self.kill == Kill::After(nth) {
                let _ = self.operation.set(operation(&post));
                let _ = self.inner.send(post).await;
                self.dead.notify_one();
                return pending().await;
            }
            self.inner.send(post).await
        })
    }
}

impl Killer {
    async fn die<T>(&self, post: &Post) -> T {
        let _ = self.operation.set(operation(post));
        self.dead.notify_one();
        pending().await
    }
}

fn operation(post: &Post) -> String {
    wire::params(post).remove("Action").unwrap_or_default()
}
