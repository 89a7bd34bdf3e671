//! What a person should type after a run that was cut off with roles in hand.

use authorization::settings::Scope;
use authorization::target::AccountId;

use crate::config::{Config, JOURNAL_DIR, JournalPlace};
use crate::report::quote;
use crate::telemetry::Log;

/// The same for every account of a run.
pub(super) struct Advice {
    scope: Scope,
    /// The argument, quoted for a shell.
    profile: String,
    journal: JournalPlace,
}

impl Advice {
    pub(super) fn new(config: &Config, scope: Option<Scope>, profile: Option<&str>) -> Self {
        let profile = profile.map(|name| format!(" --profile {}", quote(name))).unwrap_or_default();
        Self { scope: scope.unwrap_or(config.scope), profile, journal: config.journal.clone() }
    }

    /// One line.
    pub(super) fn on(&self, account: &AccountId) -> String {
        let scope = if self.scope == Scope::Organization { " --scope organization" } else { "" };
        let target = format!("{scope} --account {account}{}", self.profile);
        let record = match &self.journal {
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
}
