//! The terminal commands: the question before a write, what is printed, exit codes. The same handler, the same report.

mod arguments;
mod exit;
mod local_environment;
mod output;
mod progress;
mod shell;
mod signals;

use std::collections::BTreeSet;
use std::io::IsTerminal as _;
use std::sync::Arc;
use std::time::Duration;

use aliyun::clock::Deadline;
use aliyun::credentials::RawCredentials;
use authorization::baseline;
use authorization::settings::Mode;

use crate::clear as forget;
use crate::config::{Config, Variables};
use crate::event::{Allowed, Approved, Decision, Event, Forget, Request, Selector};
use crate::handler::{Abort, App, RequestContext};
use crate::journal::{JournalLog, RunStore};
use crate::report::{AccountReport, Question, Render as _, Report, Trigger, TriggerKind};
use crate::stop::Stop;
use crate::telemetry::Log;
pub use arguments::{Arguments, Command};
use arguments::{CallOptions, ClearOptions, DoctorFormat, DoctorOptions, RemediateOptions, RunOptions};
pub use exit::USAGE;
use exit::{CommandError, DECLINED, INTERRUPTED};
use output::{say, say_on_a_line};

/// Carries a command out; returns its exit code. The first signal ends a run in order, the second at once.
pub async fn run(app: App, variables: &Variables, command: Command) -> u8 {
    let ended = match command {
        Command::Serve => return USAGE,
        Command::Clear(options) => clear(&app, &options).await.map(|()| 0),
        Command::Render(options) => output::render(&options).map(|()| 0),
        Command::Completions(options) => shell::completions(&options).map(|()| 0),
        Command::Man => shell::manual().map(|()| 0),
        Command::Doctor(options) => doctor(app, variables, &options).await,
        Command::Verify(options) => carry_out(app, variables, Mode::Verify, &options, false).await,
        Command::Plan(options) => carry_out(app, variables, Mode::Plan, &options, false).await,
        Command::Remediate(RemediateOptions { run, yes }) => {
            carry_out(app, variables, Mode::Remediate, &run, yes).await
        }
    };
    ended.unwrap_or_else(|why| {
        say(&format!("{why}\n"));
        why.exit_code()
    })
}

/// Until it is done, or the second signal comes.
async fn carry_out(
    app: App,
    variables: &Variables,
    mode: Mode,
    options: &RunOptions,
    yes: bool,
) -> Result<u8, CommandError> {
    let stop = Stop::default();
    let app = app.wired(|wiring| wiring.stop = stop.clone());
    let settings = app.config().ok().cloned();
    let work = async {
        let config = app.config().map_err(Abort::from)?;
        let asked = Allowed { mode, scope: options.scope.unwrap_or(config.scope) };
        refuse_what_cannot_be(config, asked, yes)?;
        let app = local_environment::apply(app, variables, options.call.profile.as_deref())?;
        let output = options.output.place.open()?;
        let app = app.with(asked).wired(|wiring| {
            if options.output.shows_progress() {
                wiring.progress = Arc::new(progress::TerminalProgress::new());
            }
        });
        let report = if mode.writes() && !yes {
            ask_first(&app, options, asked).await
        } else {
            run_request(&app, options, request(options, asked)).await.map(Some)
        };
        // Both may be one terminal.
        Log::Stderr.settle();
        let Some(report) = report? else { return Ok(DECLINED) };
        options.output.write(output, &report)?;
        Ok(report.exit_code())
    };
    tokio::select! {
        biased;
        in_progress = signals::second(&stop) => {
            if let Some(config) = settings {
                for account in in_progress {
                    say_on_a_line(&signals::advice(&account, &config, options));
                }
            }
            Ok(INTERRUPTED)
        }
        // After a signal a script must not go on as if all were done.
        code = work => code.map(|code| if stop.is_asked() { code.max(1) } else { code }),
    }
}

fn refuse_what_cannot_be(config: &Config, asked: Allowed, yes: bool) -> Result<(), CommandError> {
    if config.mode_is_set && config.mode < asked.mode {
        return Err(CommandError::WiderMode { set: config.mode, command: asked.mode });
    }
    if config.scope_is_set && config.scope < asked.scope {
        return Err(CommandError::WiderScope);
    }
    let cannot_ask = asked.mode.writes() && !yes && !std::io::stdin().is_terminal();
    if cannot_ask { Err(CommandError::CannotAsk) } else { Ok(()) }
}

/// Shows the plans, asks, and carries out exactly the plans that were shown; `None` if the answer is no.
async fn ask_first(app: &App, options: &RunOptions, asked: Allowed) -> Result<Option<Report>, Abort> {
    let report = run_request(app, options, request(options, Allowed { mode: Mode::Plan, ..asked })).await?;
    let plans = report.approvable.clone();
    if plans.is_empty() || app.stop().is_asked() {
        return Ok(Some(report));
    }
    let is_asked_about =
        |account: &&AccountReport| account.account_id.as_ref().is_some_and(|id| plans.contains_key(id));
    let question = Question::about(report.accounts.iter().filter(is_asked_about));
    say(&options.output.human().render(&report));
    say(&format!("\n{question}"));
    let answer = app.stop().unless_asked(answer()).await.flatten();
    if !answer.is_some_and(|answer| question.is_answered_by(&answer)) {
        say("Nothing was written.\n");
        return Ok(None);
    }
    // Only what is to be repaired is looked at again.
    let selector = Selector::Accounts(plans.keys().cloned().collect());
    let request = Request { selector, approved: Approved::Shown(plans), ..request(options, asked) };
    Ok(Some(run_request(app, options, request).await?.after(report)))
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

fn request(options: &RunOptions, asked: Allowed) -> Request {
    let accounts = BTreeSet::from_iter(options.account.clone());
    let selector = if accounts.is_empty() { Selector::All } else { Selector::Accounts(accounts.into_iter().collect()) };
    Request { mode: asked.mode, scope: asked.scope, selector, approved: Approved::Nothing }
}

async fn run_request(app: &App, options: &RunOptions, request: Request) -> Result<Report, Abort> {
    let trigger = Trigger { kind: TriggerKind::Manual, name: None };
    app.run(Event { trigger, decision: Decision::Run(request) }, context(app, &options.call)).await
}

fn context(app: &App, options: &CallOptions) -> RequestContext {
    let after = |seconds| Deadline::after(&**app.clock(), Duration::from_secs(seconds));
    let deadline = options.timeout.map_or(Deadline::NONE, after);
    RequestContext { request_id: request_id(app), keys: RawCredentials::default(), account: None, deadline }
}

fn request_id(app: &App) -> String {
    format!("terminal-{}", app.clock().nonce())
}

/// No cloud call: the journal folder is all that it touches.
async fn clear(app: &App, options: &ClearOptions) -> Result<(), CommandError> {
    let folder = app.config().map_err(Abort::from)?.journal_folder().ok_or(CommandError::NoFolder)?;
    let store = RunStore::new(folder, app.clock().clone()).until(Deadline::NONE);
    let target = baseline::DTS.target(options.account.clone());
    let log = JournalLog::new(Log::Off, app.clock().clone(), target, request_id(app));
    let what = if options.unfinished { Forget::Unfinished } else { Forget::Attempts };
    say(&forget::clear(Some(store), log, what).await?);
    Ok(())
}

/// Wrong settings are a check that failed, and no mistake of usage.
async fn doctor(app: App, variables: &Variables, options: &DoctorOptions) -> Result<u8, CommandError> {
    let app = local_environment::apply(app, variables, options.call.profile.as_deref())?;
    let app = match (app.config().map(|config| (config.allowed(), config.scope_is_set)), options.scope) {
        (Ok((allowed, true)), Some(scope)) if scope > allowed.scope => return Err(CommandError::WiderScope),
        (Ok((allowed, _)), Some(scope)) => app.with(Allowed { scope, ..allowed }),
        _ => app,
    };
    let output = options.place.open()?;
    let report = app.doctor(context(&app, &options.call)).await;
    // Both may be one terminal.
    Log::Stderr.settle();
    let report = report?;
    let text = match options.format.unwrap_or_else(|| output.choose(DoctorFormat::Human, DoctorFormat::Json)) {
        DoctorFormat::Human => report.to_human(),
        DoctorFormat::Json => report.to_json(),
    };
    output.write(&text)?;
    Ok(report.exit_code())
}
