//! What the commands take.

use authorization::settings::{NamedVariants as _, Scope};
use authorization::target::AccountId;
use clap::builder::{NonEmptyStringValueParser, PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand, ValueEnum};

use super::output::{OutputOptions, PlaceOptions};
use super::shell::CompletionsOptions;

/// Keeps the RAM role that Alibaba Cloud DTS needs authorized.
#[derive(Debug, Parser)]
#[command(version, about, after_help = AFTER_HELP, subcommand_value_name = "COMMAND")]
pub struct Arguments {
    /// Without a command: `serve`, but on a terminal this help.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const AFTER_HELP: &str =
    "Settings are environment variables `DTS_GUARD_*`. Keys are `ALIBABA_CLOUD_*` or a profile of the vendor's CLI.
Exit codes: 0 authorized, remediated or skipped; 1 drifted, rolledBack, refused, pending, or the answer was no; \
2 usage, settings or rejected; 3 could not find out, or the report cannot be written; 4 stuck; \
130 a second signal.
Of `doctor`: 0 ok, 1 warning, 3 failed.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve invocations of Function Compute (the default where there is no terminal)
    Serve,
    /// Look at the role and judge it; nothing is written
    Verify(RunOptions),
    /// Look at the role, and show what a repair would do
    Plan(RunOptions),
    /// Repair the role if it is broken, after a question
    Remediate(RemediateOptions),
    /// Read a saved report from standard input and print it in another format
    Render(OutputOptions),
    /// Look whether the deployment would work, change nothing, and say what to do
    Doctor(DoctorOptions),
    /// Forget how often an account's role was repaired, so that it may be repaired again
    Clear(ClearOptions),
    /// Print a script with which a shell completes commands and options
    Completions(CompletionsOptions),
    /// Print the manual page
    Man,
}

/// What `clear` takes.
#[derive(Debug, clap::Args)]
pub struct ClearOptions {
    /// The account whose role it is
    #[arg(long, value_name = "ID")]
    pub(super) account: AccountId,
    /// Give up an unfinished repair, too: its record is kept under another name, and nothing is restored from it
    #[arg(long)]
    pub(super) unfinished: bool,
}

/// What a run takes.
#[derive(Debug, clap::Args)]
pub struct RunOptions {
    #[command(flatten)]
    pub(super) output: OutputOptions,
    /// Which accounts to look at [default: the setting `DTS_GUARD_SCOPE`]
    #[arg(long, value_parser = scopes())]
    pub(super) scope: Option<Scope>,
    /// Look at this account only (can be repeated); any account but your own needs the scope `organization`
    #[arg(long, value_name = "ID")]
    pub(super) account: Vec<AccountId>,
    #[command(flatten)]
    pub(super) call: CallOptions,
}

/// What every command takes that calls the cloud.
#[derive(Debug, clap::Args)]
pub(super) struct CallOptions {
    /// Finish within this many seconds [default: no limit]
    #[arg(long, value_name = "SECONDS")]
    pub(super) timeout: Option<u64>,
    /// Use the keys of this profile of the vendor's CLI, unless the variables hold keys [default: the variable
    /// `ALIBABA_CLOUD_PROFILE`, else the CLI's current profile]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    pub(super) profile: Option<String>,
}

/// What `remediate` takes.
#[derive(Debug, clap::Args)]
pub struct RemediateOptions {
    #[command(flatten)]
    pub(super) run: RunOptions,
    /// Repair without asking
    #[arg(long)]
    pub(super) yes: bool,
}

/// What `doctor` takes.
#[derive(Debug, clap::Args)]
pub struct DoctorOptions {
    /// How to print the report [default: human on a terminal, else json]
    #[arg(long)]
    pub(super) format: Option<DoctorFormat>,
    #[command(flatten)]
    pub(super) place: PlaceOptions,
    /// Whether to look at the members of the resource directory [default: the setting `DTS_GUARD_SCOPE`]
    #[arg(long, value_parser = scopes())]
    pub(super) scope: Option<Scope>,
    #[command(flatten)]
    pub(super) call: CallOptions,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(super) enum DoctorFormat {
    /// Text for people
    Human,
    /// The report as JSON
    Json,
}

fn scopes() -> impl TypedValueParser<Value = Scope> {
    let value = |scope: Scope, help| PossibleValue::new(scope.as_str()).help(help);
    let values = [
        value(Scope::Account, "Your own account"),
        value(Scope::Organization, "Your own account and all members of its resource directory"),
    ];
    PossibleValuesParser::new(values).map(|name| Scope::named(&name).unwrap_or_default())
}

impl Command {
    /// How much the log says where the settings do not say it.
    pub fn log_filter(&self) -> Option<&'static str> {
        let place = match self {
            Self::Verify(options) | Self::Plan(options) => &options.output.place,
            Self::Remediate(options) => &options.run.output.place,
            Self::Render(options) => &options.place,
            Self::Doctor(options) => &options.place,
            Self::Serve | Self::Clear(_) | Self::Completions(_) | Self::Man => return None,
        };
        place.quiet.then_some("error")
    }
}
