//! A call that never gets its reply, and the moment at which a test can kill whoever waits for it.

use std::sync::Arc;

use emulator::{Emulator, FaultGuard, Rule};
use tokio::sync::Notify;

/// In force until it is dropped.
pub struct Hang {
    fault: FaultGuard,
    _hook: FaultGuard,
    reached: Arc<Notify>,
}

impl Hang {
    /// The calls that the rule chooses get no reply; they have their effect or not.
    pub fn at(emulator: &Emulator, rule: Rule, after_effect: bool) -> Self {
        let reached = Arc::new(Notify::new());
        let hang = rule.clone().hang();
        let fault = emulator.fault(if after_effect { hang.after_effect() } else { hang.before_effect() });
        let tell = reached.clone();
        let hook = emulator.after_call(rule, move |_| tell.notify_one());
        Self { fault, _hook: hook, reached }
    }

    /// Resolves when the call has arrived, and its effect (if it has any) is there.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }

    /// Whether there was such a call.
    pub fn was_met(&self) -> bool {
        self.fault.hits() > 0
    }
}
