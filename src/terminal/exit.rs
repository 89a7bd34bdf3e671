//! The exit codes that no report gives, and why a command has no report.

use std::io;

use authorization::settings::Mode;
use authorization::text::chain;

use crate::config::{InvalidSettings, JOURNAL_DIR, MODE, SCOPE};
use crate::handler::Abort;
use crate::refusal::NotCleared;
use crate::report::NoReport;

/// The exit code of a usage mistake.
pub const USAGE: u8 = 2;
/// The answer to the question was no.
pub(super) const DECLINED: u8 = 1;
/// What a shell says of a command that was interrupted.
pub(super) const INTERRUPTED: u8 = 130;

#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    #[error("`{MODE}` is `{set}`, and the command `{command}` does more: unset it or use a narrower command")]
    WiderMode { set: Mode, command: Mode },
    #[error("`{SCOPE}` is `account`, and `--scope organization` is wider: unset it or leave the argument out")]
    WiderScope,
    #[error("`remediate` asks before it writes, and standard input is not a terminal: add `--yes`, or use `plan`")]
    CannotAsk,
    #[error("`--profile` is for a terminal, and an `FC_*` variable is set: a function has the keys of its role")]
    ProfileOfFunction,
    #[error(
        "`{JOURNAL_DIR}` is not set or `off`, so no repairs are counted: set it to the folder that the function uses"
    )]
    NoFolder,
    #[error("standard input cannot be read: {0}")]
    Unreadable(#[source] io::Error),
    #[error(transparent)]
    NoReport(#[from] NoReport),
    #[error("{what} cannot be written to {place}: {source}")]
    Unwritable { what: &'static str, place: String, source: io::Error },
    #[error(transparent)]
    NotCleared(#[from] NotCleared),
    #[error("{}", text(.0))]
    Abort(#[from] Abort),
}

/// Each mistake in the settings has a line of its own.
fn text(why: &Abort) -> String {
    match why {
        Abort::Settings(InvalidSettings(mistakes)) => mistakes.join("\n"),
        Abort::Credentials(_) | Abort::Tls(_) | Abort::Network(_) => chain(why),
    }
}

impl CommandError {
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::WiderMode { .. } | Self::WiderScope | Self::CannotAsk | Self::ProfileOfFunction | Self::NoFolder => {
                USAGE
            }
            Self::Unreadable(_) | Self::NoReport(_) | Self::Abort(Abort::Settings(_)) => USAGE,
            Self::Unwritable { .. } | Self::Abort(Abort::Credentials(_) | Abort::Tls(_) | Abort::Network(_)) => 3,
            Self::NotCleared(_) => 1,
        }
    }
}
