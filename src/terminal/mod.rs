//! The terminal commands: arguments, the question before a write, exit codes. Same handler, same report.

mod bar;
mod cut_off;
mod doctor;
mod output;
mod render;
mod shell;
mod signals;
mod workstation;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::sync::Arc;
use std::time::Duration;

use aliyun::clock::Deadline;
use aliyun::credentials::RawCredentials;
use authorization::baseline;
use authorization::plan::PlanId;
use authorization::settings::{Mode, Scope};
use authorization::target::AccountId;
use authorization::text::chain;
use clap::builder::NonEmptyStringValueParser;
use clap::{Parser, Subcommand, ValueEnum};
use cut_off::Advice;
use doctor::DoctorOptions;
use output::OutputOptions;

use crate::clear as forget;
use crate::config::{Config, InvalidSettings, JOURNAL_DIR, MODE, SCOPE, Variables, on_platform};
use crate::event::{Allowed, Approved, Decision, Event, Forget, Request, Selector};
use crate::handler::{Abort, App, Ask};
use crate::journal::{JournalLog, RunStore};
use crate::report::{AccountReport, Question, Render, Report, Trigger, TriggerKind};
use crate::stop::Stop;
use crate::telemetry::Log;

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
    Verify(Options),
    /// Look at the role, and show what a repair would do
    Plan(Options),
    /// Repair the role if it is broken, after a question
    Remediate(RemediateOptions),
    /// Read a saved report from standard input and print it in another format
    Render(OutputOptions),
    /// Look whether the deployment would work, change nothing, and say what to do
    Doctor(DoctorOptions),
    /// Forget how often an account's role was repaired, so that it may be repaired again
    Clear(ClearOptions),
    /// Print a script with which a shell completes commands and options
    Completions(shell::Completions),
    /// Print the manual page
    Man,
}

/// What `clear` takes.
#[derive(Debug, clap::Args)]
pub struct ClearOptions {
    /// The account whose role it is
    #[arg(long, value_name = "ID")]
    account: AccountId,
    /// Give up an unfinished repair, too: its record is kept under another name, and nothing is restored from it
    #[arg(long)]
    unfinished: bool,
}

/// What every command takes.
#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(flatten)]
    output: OutputOptions,
    /// Which accounts to look at [default: the setting `DTS_GUARD_SCOPE`]
    #[arg(long)]
    scope: Option<ScopeArgument>,
    /// Look at this account only (can be repeated); any account but your own needs the scope `organization`
    #[arg(long, value_name = "ID")]
    account: Vec<AccountId>,
    /// Finish within this many seconds [default: no limit]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Use the keys of this profile of the vendor's CLI, unless the variables hold keys [default: the variable
    /// `ALIBABA_CLOUD_PROFILE`, else the CLI's current profile]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    profile: Option<String>,
}

impl Command {
    /// How much the log says where the settings do not say it.
    #[must_use]
    pub fn log_filter(&self) -> Option<&'static str> {
        let options = match self {
            Self::Verify(options) | Self::Plan(options) => &options.output,
            Self::Remediate(remediate) => &remediate.options.output,
            Self::Render(options) => options,
            Self::Doctor(options) => return options.is_quiet().then_some("error"),
            Self::Serve | Self::Clear(_) | Self::Completions(_) | Self::Man => return None,
        };
        options.is_quiet().then_some("error")
    }
}

impl Options {
    fn distinct_accounts(&self) -> Vec<AccountId> {
        BTreeSet::from_iter(self.account.clone()).into_iter().collect()
    }
}

/// What `remediate` takes.
#[derive(Debug, clap::Args)]
pub struct RemediateOptions {
    #[command(flatten)]
    options: Options,
    /// Repair without asking
    #[arg(long)]
    yes: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ScopeArgument {
    /// Your own account
    Account,
    /// Your own account and all members of its resource directory
    Organization,
}

impl From<ScopeArgument> for Scope {
    fn from(argument: ScopeArgument) -> Self {
        match argument {
            ScopeArgument::Account => Self::Account,
            ScopeArgument::Organization => Self::Organization,
        }
    }
}

/// A usage mistake that clap cannot see.
#[derive(Debug, thiserror::Error)]
enum Usage {
    #[error("`{MODE}` is `{set}`, and the command `{command}` does more: unset it or use a narrower command")]
    Wider { set: Mode, command: Mode },
    #[error("`{SCOPE}` is `account`, and `--scope organization` is wider: unset it or leave the argument out")]
    WiderScope,
    #[error("`remediate` asks before it writes, and standard input is no terminal: add `--yes`, or use `plan`")]
    CannotAsk,
    #[error("`--profile` is for a terminal, and an `FC_*` variable is set: a function has the keys of its role")]
    ProfileOfFunction,
}

/// The exit code of a usage mistake.
pub const USAGE: u8 = 2;

/// Carries a command out; returns its exit code. The first signal ends it in order, the second at once.
pub async fn run(app: App, variables: &Variables, command: Command) -> u8 {
    let (mode, options, yes) = match command {
        Command::Serve => return USAGE,
        Command::Clear(options) => return clear(&app, &options).await,
        Command::Render(options) => return render::render(&options),
        Command::Completions(completions) => return shell::completions(&completions),
        Command::Man => return shell::manual(),
        Command::Doctor(options) => return doctor::doctor(app, variables, &options).await,
        Command::Verify(options) => (Mode::Verify, options, false),
        Command::Plan(options) => (Mode::Plan, options, false),
        Command::Remediate(RemediateOptions { options, yes }) => (Mode::Remediate, options, yes),
    };
    let stop = Stop::default();
    let app = app.wired(|wiring| wiring.stop = stop.clone());
    let advice =
        app.config().ok().map(|config| Advice::new(config, options.scope.map(Scope::from), options.profile.as_deref()));
    tokio::select! {
        biased;
        in_hand = signals::second(&stop) => {
            for account in in_hand {
                say_on_a_line(&advice.as_ref().map_or_else(String::new, |advice| advice.on(&account)));
            }
            signals::CUT_OFF
        }
        // Whoever asked for an end does not want a script to go on as if all were done.
        code = carry_out(app, variables, mode, options, yes) => if stop.is_asked() { code.max(1) } else { code },
    }
}

async fn carry_out(app: App, variables: &Variables, mode: Mode, options: Options, yes: bool) -> u8 {
    let asked = match app.config() {
        Ok(config) => Allowed { mode, scope: options.scope.map_or(config.scope, Scope::from) },
        Err(mistakes) => return complain(&Abort::from(mistakes)),
    };
    let profile_of_function = (options.profile.is_some() && on_platform(variables)).then_some(Usage::ProfileOfFunction);
    if let Some(usage) = profile_of_function.or_else(|| usage(app.config().ok()?, asked, yes)) {
        say(&format!("{usage}\n"));
        return USAGE;
    }
    let app = match workstation::equip(app, variables, options.profile.as_deref()) {
        Ok(app) => app,
        Err(why) => return complain(&why),
    };
    let output = match options.output.open() {
        Ok(output) => output,
        Err(why) => return unwritable(&why),
    };
    let app = app.with(asked).wired(|wiring| {
        if options.output.shows_progress() {
            wiring.progress = Arc::new(bar::Bar::new());
        }
    });
    let asks = mode.writes() && !yes;
    let run = if asks { ask_first(&app, &options, asked).await } else { run_in(&app, &options, asked).await.map(Some) };
    // Both may be one terminal.
    Log::Stderr.settle();
    match run {
        Ok(Some(report)) => {
            options.output.write(output, &report).map_or_else(|why| unwritable(&why), |()| report.exit_code())
        }
        Ok(None) => 1,
        Err(why) => complain(&why),
    }
}

/// No cloud call: the journal folder is all that it touches.
async fn clear(app: &App, options: &ClearOptions) -> u8 {
    let store = match app.config() {
        Ok(config) => config.journal_folder(),
        Err(mistakes) => return complain(&Abort::from(mistakes)),
    };
    let Some(store) = store else {
        say(&format!(
            "`{JOURNAL_DIR}` is not set or `off`, so no repairs are counted: set it to the folder that the function uses\n"
        ));
        return USAGE;
    };
    let store = RunStore::new(store, app.clock().clone()).until(Deadline::NONE);
    let run = format!("terminal-{}", app.clock().nonce());
    let target = baseline::DTS.target(options.account.clone());
    let log = JournalLog::new(Log::Off, app.clock().clone(), target, run);
    let what = if options.unfinished { Forget::Unfinished } else { Forget::Attempts };
    match forget::clear(Some(store), log, what).await {
        Ok(text) => {
            say(&text);
            0
        }
        Err(why) => {
            say(&format!("{why}\n"));
            1
        }
    }
}

fn usage(config: &Config, asked: Allowed, yes: bool) -> Option<Usage> {
    if config.mode_is_set && config.mode < asked.mode {
        return Some(Usage::Wider { set: config.mode, command: asked.mode });
    }
    if config.scope_is_set && config.scope < asked.scope {
        return Some(Usage::WiderScope);
    }
    (asked.mode.writes() && !yes && !std::io::stdin().is_terminal()).then_some(Usage::CannotAsk)
}

/// Shows the plans, asks, and carries out exactly the plans that were shown.
async fn ask_first(app: &App, options: &Options, asked: Allowed) -> Result<Option<Report>, Abort> {
    let report = run_in(app, options, Allowed { mode: Mode::Plan, ..asked }).await?;
    let asked_about = || report.accounts.iter().filter(|account| !account.is_held && plan(account).is_some());
    let plans: BTreeMap<_, _> = asked_about().filter_map(plan).collect();
    if plans.is_empty() || app.stop().is_asked() {
        return Ok(Some(report));
    }
    let question = Question::about(asked_about());
    say(&options.output.human().render(&report));
    say(&format!("\n{question}"));
    if !confirmed(app.stop(), &question).await {
        say("Nothing was written.\n");
        return Ok(None);
    }
    // Only what is to be repaired is looked at again.
    let selector = Selector::Accounts(plans.keys().cloned().collect());
    let request = Request { selector, approved: Approved::Shown(plans), ..request(options, asked) };
    Ok(Some(run_request(app, options, request).await?.after(report)))
}

/// What would be carried out in an account: a repair, or what finishes an earlier one.
fn plan(account: &AccountReport) -> Option<(AccountId, PlanId)> {
    Some((account.account_id.clone()?, account.plan_id.as_deref()?.parse().ok()?))
}

fn request(options: &Options, asked: Allowed) -> Request {
    let selector =
        if options.account.is_empty() { Selector::All } else { Selector::Accounts(options.distinct_accounts()) };
    Request { mode: asked.mode, scope: asked.scope, selector, approved: Approved::Nothing }
}

async fn run_in(app: &App, options: &Options, asked: Allowed) -> Result<Report, Abort> {
    run_request(app, options, request(options, asked)).await
}

async fn run_request(app: &App, options: &Options, request: Request) -> Result<Report, Abort> {
    let seconds = options.timeout.map(Duration::from_secs);
    let ask = Ask {
        request_id: format!("terminal-{}", app.clock().nonce()),
        event: Event { trigger: Trigger { kind: TriggerKind::Manual, name: None }, decision: Decision::Run(request) },
        keys: RawCredentials::default(),
        account: None,
        deadline: seconds.map_or(Deadline::NONE, |time| Deadline::after(&**app.clock(), time)),
    };
    app.run(ask).await
}

async fn confirmed(stop: &Stop, question: &Question) -> bool {
    let answer = stop.unless_asked(answer()).await.flatten();
    answer.is_some_and(|answer| question.is_answered_by(&answer))
}

/// Read by a thread of its own: a signal is heard while the question stands, and the end of the process waits for no answer.
async fn answer() -> Option<String> {
    let (tell, told) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = std::io::stdin().read_line(&mut line);
        // Nobody waits for an answer after a signal.
        let _ = tell.send(read.is_ok().then_some(line));
    });
    told.await.ok().flatten()
}

fn unwritable(why: &output::Unwritable) -> u8 {
    say(&format!("{why}\n"));
    output::UNWRITABLE
}

fn say(text: &str) {
    Log::Stderr.settle();
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Takes the place of a bar that may stand there.
fn say_on_a_line(text: &str) {
    let erase = if std::io::stderr().is_terminal() { "\r\x1b[2K" } else { "" };
    say(&format!("{erase}{text}"));
}

fn complain(why: &Abort) -> u8 {
    let text = match why {
        Abort::Settings(InvalidSettings(mistakes)) => mistakes.join("\n") + "\n",
        other => format!("{}\n", chain(other)),
    };
    say(&text);
    why.exit_code()
}
