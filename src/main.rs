//! Settings, telemetry, then serve or a terminal command. The only place that exits.

use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use dts_role_guard::clock::SystemClock;
use dts_role_guard::config::{LOG, Variables};
use dts_role_guard::handler::App;
use dts_role_guard::telemetry::{Log, chain};
use dts_role_guard::terminal::{self, Arguments, Command};
use fc_runtime::service_fn;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let variables = variables();
    let command = arguments.command.unwrap_or(Command::Serve);
    let log = if matches!(command, Command::Serve) { Log::Stdout } else { Log::Stderr };
    log.start(variables.get(LOG).map(String::as_str));
    let app = App::new(&variables, Arc::new(SystemClock::start()), log);
    match command {
        Command::Serve => serve(app).await,
        command => ExitCode::from(terminal::run(app, command).await),
    }
}

async fn serve(app: App) -> ExitCode {
    if let Err(mistakes) = app.config() {
        for mistake in &mistakes.0 {
            tracing::error!(%mistake, "wrong setting: every invocation will fail");
        }
    }
    let app = Arc::new(app);
    match fc_runtime::run(service_fn(move |invocation| Arc::clone(&app).invoke(invocation))).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(error = chain(&error), "cannot serve");
            ExitCode::FAILURE
        }
    }
}

/// Names and values that are no UTF-8 are none of ours.
fn variables() -> Variables {
    std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
