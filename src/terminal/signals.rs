//! The signals that end a terminal command: the first in order, the second at once.

use std::io;

use authorization::settings::Scope;
use authorization::target::AccountId;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::arguments::RunOptions;
use super::output::say_on_a_line;
use crate::config::{Config, JOURNAL_DIR, JournalPlace};
use crate::report::quote;
use crate::stop::Stop;
use crate::telemetry::Log;

const ASKED: &str = "Stopping: nothing more is begun, and what is in hand is finished or put back. \
                     A second signal stops at once.\n";

/// Asks to stop at the first signal; ready at the second one, with the accounts whose repair is in progress then. The signals are
/// caught from the moment this is first polled.
pub(super) async fn second(stop: &Stop) -> Vec<AccountId> {
    let mut signals = Signals::caught().unwrap_or_else(|error| {
        tracing::warn!(%error, "signals are not caught: one stops at once");
        Signals(Vec::new())
    });
    signals.next().await;
    stop.ask();
    say_on_a_line(ASKED);
    signals.next().await;
    // Now, before the work is dropped: then none is in progress any more.
    stop.in_progress()
}

/// One line about an account whose repair was in progress: what to type next.
pub(super) fn advice(account: &AccountId, config: &Config, options: &RunOptions) -> String {
    let scope = options.scope.unwrap_or(config.scope);
    let scope = if scope == Scope::Organization { " --scope organization" } else { "" };
    let profile = options.call.profile.as_deref().map(|name| format!(" --profile {}", quote(name))).unwrap_or_default();
    let target = format!("{scope} --account {account}{profile}");
    let record = match &config.journal {
        JournalPlace::Named(path) | JournalPlace::Terminal(path) | JournalPlace::Instance(path) => {
            format!("its record is in {}, so use the same {JOURNAL_DIR}", path.display())
        }
        JournalPlace::Off if Log::Stderr.is_terminal() => {
            "no record was kept; what the role had stands in the file that the log names above".to_owned()
        }
        JournalPlace::Off => "no record was kept; the `journal` lines above hold what the role had".to_owned(),
    };
    format!(
        "account {account}: cut off, its role may be half repaired. To look: dts-role-guard verify{target}. To finish: \
         dts-role-guard remediate{target} ({record})\n"
    )
}

struct Signals(Vec<Signal>);

impl Signals {
    /// One that was ignored when the process began stays ignored: so `nohup` and the shell's background jobs ask for it.
    fn caught() -> io::Result<Self> {
        let ignored = ignored();
        let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
        let kinds = kinds.into_iter().filter(|kind| ignored >> (kind.as_raw_value() - 1) & 1 == 0);
        kinds.map(signal).collect::<io::Result<_>>().map(Self)
    }

    async fn next(&mut self) {
        std::future::poll_fn(|context| {
            let is_there = self.0.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
            if is_there { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}

/// A bit for each signal that is ignored, the lowest for the first, as the system tells; none where it does not.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}
