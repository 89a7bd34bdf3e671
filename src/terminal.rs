//! The terminal commands: arguments, the question before a write, exit codes. Same handler, same report.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::{Parser, Subcommand, ValueEnum};

use crate::apply::journal::{History, LogBook};
use crate::clock::Deadline;
use crate::config::{InvalidSettings, JOURNAL_DIR, MODE, Mode};
use crate::credentials::Found;
use crate::event::{Decision, Event, Request};
use crate::handler::{Abort, App, Ask};
use crate::plan::{PlanId, Refusal};
use crate::report::{Human, Json, Render, Report, Status, Trigger, TriggerKind};
use crate::target::AccountId;
use crate::telemetry::{Log, chain};

/// Keeps the RAM role that Alibaba Cloud DTS needs authorized.
#[derive(Debug, Parser)]
#[command(version, about, after_help = AFTER_HELP)]
pub struct Arguments {
    /// Without a command: `serve`.
    #[command(subcommand)]
    pub command: Option<Command>,
}

const AFTER_HELP: &str =
    "Settings are environment variables `DTS_GUARD_*`, credentials `ALIBABA_CLOUD_*`; see the README.
Exit codes: 0 authorized or remediated; 1 drifted, rolledBack, refused, or the answer was no; 2 usage or settings; \
3 could not find out; 4 stuck.";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve invocations of Function Compute (the default)
    Serve,
    /// Look at the role and judge it
    Verify(Options),
    /// Also say what a repair would do
    Plan(Options),
    /// Repair the role if it is broken, after a question
    Remediate(RemediateOptions),
    /// Forget how often an account's role was repaired, so that it may be repaired again
    Clear(ClearOptions),
}

/// What `clear` takes.
#[derive(Debug, clap::Args)]
pub struct ClearOptions {
    /// Whose role
    #[arg(long, value_name = "ID")]
    account: AccountId,
    /// Also give an unfinished repair up: its record is kept under another name, and nothing is brought back from it
    #[arg(long)]
    unfinished: bool,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// How to print the report [default: human on a terminal, else json]
    #[arg(long)]
    format: Option<Format>,
    /// Which accounts
    #[arg(long, default_value = "account")]
    scope: ScopeArgument,
    /// Look at this account only (may be given several times); this version accepts the own account only
    #[arg(long, value_name = "ID")]
    account: Vec<AccountId>,
    /// Answer within so many seconds [default: no limit]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

/// What `remediate` takes.
#[derive(Debug, clap::Args)]
pub struct RemediateOptions {
    #[command(flatten)]
    options: Options,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Lines for a person
    Human,
    /// The report as JSON
    Json,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ScopeArgument {
    /// The own account
    Account,
}

/// A usage mistake that clap cannot see.
#[derive(Debug, thiserror::Error)]
enum Usage {
    #[error("`{MODE}` is `{set}`, and the command `{command}` does more: unset it or use a narrower command")]
    Wider { set: Mode, command: Mode },
    #[error("`remediate` asks before it writes, and standard input is no terminal: add `--yes`, or use `plan`")]
    CannotAsk,
}

const USAGE: u8 = 2;

/// Carries a command out; returns its exit code.
pub async fn run(app: App, command: Command) -> u8 {
    let (mode, options, yes) = match command {
        Command::Serve => return USAGE,
        Command::Clear(options) => return clear(&app, &options).await,
        Command::Verify(options) => (Mode::Verify, options, false),
        Command::Plan(options) => (Mode::Plan, options, false),
        Command::Remediate(RemediateOptions { options, yes }) => (Mode::Remediate, options, yes),
    };
    if let Err(mistakes) = app.config() {
        return complain(&Abort::from(mistakes));
    }
    if let Some(usage) = usage(&app, mode, yes) {
        say(&format!("{usage}\n"));
        return USAGE;
    }
    let app = app.with_mode(mode);
    let asks = mode.writes() && !yes;
    match if asks { ask_first(&app, &options).await } else { run_in(&app, &options, mode, None).await } {
        Ok(Some(report)) => {
            print(&report, &options);
            report.exit_code()
        }
        Ok(None) => 1,
        Err(why) => complain(&why),
    }
}

/// No cloud call: the journal folder is all that it touches.
async fn clear(app: &App, options: &ClearOptions) -> u8 {
    let store = match app.config() {
        Ok(config) => config.journal_store(),
        Err(mistakes) => return complain(&Abort::from(mistakes)),
    };
    let Some(store) = store else {
        say(&format!(
            "`{JOURNAL_DIR}` is not set, so no repairs are counted: set it to the folder that the function uses\n"
        ));
        return USAGE;
    };
    let run = format!("terminal-{}", app.clock().nonce());
    let log = LogBook::new(Log::Off, app.clock().clone(), options.account.clone(), run);
    match cleared(History::look(log, Some(store), true).await, options).await {
        Ok(text) => {
            say(&text);
            0
        }
        Err(refusal) => {
            say(&format!("{refusal}\n"));
            1
        }
    }
}

async fn cleared(mut history: History, options: &ClearOptions) -> Result<String, Refusal> {
    let aside = if options.unfinished { history.give_up().await? } else { None };
    let forgotten = history.record().remediated.len();
    history.clear().await?;
    let account = &options.account;
    let unfinished = match aside {
        Some(name) => {
            format!("The record of the unfinished repair is kept as `{name}`; nothing is brought back from it.\n")
        }
        None if history.record().unfinished().is_some() => {
            "An unfinished repair stays on record: the next run in mode `remediate` finishes it.\n".to_owned()
        }
        None => String::new(),
    };
    Ok(format!("account {account}: {forgotten} repairs forgotten; its role may be repaired again\n{unfinished}"))
}

fn usage(app: &App, mode: Mode, yes: bool) -> Option<Usage> {
    let config = app.config().ok()?;
    if config.mode_is_set && config.mode < mode {
        return Some(Usage::Wider { set: config.mode, command: mode });
    }
    (mode.writes() && !yes && !std::io::stdin().is_terminal()).then_some(Usage::CannotAsk)
}

/// Shows the plan, asks, and carries out exactly the plan that was shown.
async fn ask_first(app: &App, options: &Options) -> Result<Option<Report>, Abort> {
    let Some(report) = run_in(app, options, Mode::Plan, None).await? else { return Ok(None) };
    let plan = report.accounts.first().and_then(|account| account.plan_id.as_deref()?.parse().ok());
    let (Status::Drifted, Some(plan)) = (report.status, plan) else { return Ok(Some(report)) };
    say(&Human.render(&report));
    if !confirmed() {
        say("Nothing was written.\n");
        return Ok(None);
    }
    run_in(app, options, Mode::Remediate, Some(plan)).await
}

async fn run_in(app: &App, options: &Options, mode: Mode, plan_id: Option<PlanId>) -> Result<Option<Report>, Abort> {
    let accounts = (!options.account.is_empty()).then(|| options.account.clone());
    let request = Request { mode, accounts, plan_id };
    let seconds = options.timeout.map(Duration::from_secs);
    let ask = Ask {
        request_id: format!("terminal-{}", app.clock().nonce()),
        event: Event { trigger: Trigger { kind: TriggerKind::Manual, name: None }, decision: Decision::Run(request) },
        keys: Found::default(),
        account: None,
        deadline: seconds.map_or(Deadline::NONE, |time| Deadline::after(&**app.clock(), time)),
    };
    app.run(ask).await.map(Some)
}

fn confirmed() -> bool {
    say("\nCarry this plan out? Type `yes`: ");
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    read.is_ok() && answer.trim() == "yes"
}

fn print(report: &Report, options: &Options) {
    let human =
        options.format.map_or_else(|| std::io::stdout().is_terminal(), |format| matches!(format, Format::Human));
    let text = if human { Human.render(report) } else { Json.render(report) };
    // A reader that has gone away misses nothing.
    let _ = anstream::stdout().write_all(text.as_bytes());
}

fn say(text: &str) {
    let _ = anstream::stderr().write_all(text.as_bytes());
}

fn complain(why: &Abort) -> u8 {
    let text = match why {
        Abort::Settings(InvalidSettings(mistakes)) => mistakes.iter().map(|mistake| format!("{mistake}\n")).collect(),
        other => format!("{}\n", chain(other)),
    };
    say(&text);
    why.exit_code()
}
