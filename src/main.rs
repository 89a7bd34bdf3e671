//! Settings, telemetry, then serve or a terminal command. The only place that exits.

use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aliyun::clock::{SharedClock, SystemClock};
use aliyun::credentials::Host;
use authorization::text::chain;
use clap::{CommandFactory as _, Parser as _};
use dts_role_guard::config::{LOG, Variables, lines_file, on_platform, value};
use dts_role_guard::handler::App;
use dts_role_guard::telemetry::{self, Log};
use dts_role_guard::terminal::{self, Arguments, Command};
use fc_runtime::{Markers, Runtime, service_fn};

/// A little less than what `s.yaml` gives the initializer.
const INITIALIZER_TIMEOUT: Duration = Duration::from_millis(2500);

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            anstream::eprintln!("the system does not let this process begin: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = runtime.block_on(run());
    // Nothing is waited for that is not done by now, such as a read from a folder that hangs.
    runtime.shutdown_background();
    code
}

async fn run() -> ExitCode {
    let arguments = Arguments::parse();
    // Names and values that are not UTF-8 belong to others.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
    let variables: Variables = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    // A function is started without a command. A person at a terminal who gives none wants to know which there are.
    let serves = on_platform(&variables) || !std::io::stdin().is_terminal();
    let Some(command) = arguments.command.or(serves.then_some(Command::Serve)) else {
        anstream::eprint!("{}", Arguments::command().render_help().ansi());
        return ExitCode::from(terminal::USAGE);
    };
    let log = if matches!(command, Command::Serve) { Log::Stdout } else { Log::Stderr };
    let clock: SharedClock = Arc::new(SystemClock::start());
    log.start(value(&variables, LOG).or(command.log_filter()), clock.clone());
    log.keep_records_in(lines_file(&variables, clock.now(), &clock.nonce()));
    let app = App::new(&variables, clock.clone(), log);
    let code = match command {
        Command::Serve => serve(app, log).await,
        command => {
            ExitCode::from(terminal::run(app.wired(|wiring| wiring.host = Host::Terminal), &variables, command).await)
        }
    };
    log.finish(clock.now());
    code
}

async fn serve(app: App, log: Log) -> ExitCode {
    if let Err(mistakes) = app.config() {
        for mistake in &mistakes.0 {
            tracing::error!(%mistake, "wrong setting: every invocation will fail");
        }
    }
    let app = Arc::new(app);
    let early = Arc::clone(&app);
    let initialize = move |_| {
        let app = Arc::clone(&early);
        async move {
            app.warm().await;
            Ok(())
        }
    };
    let handler = service_fn(move |invocation| Arc::clone(&app).invoke(invocation));
    let served = match Runtime::from_env() {
        Ok(runtime) => {
            let runtime = runtime.initializer(INITIALIZER_TIMEOUT, initialize);
            runtime.markers(Markers::to(telemetry::Markers(log))).run(handler).await
        }
        Err(error) => Err(error),
    };
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = chain(&error), "cannot serve");
            ExitCode::FAILURE
        }
    }
}
