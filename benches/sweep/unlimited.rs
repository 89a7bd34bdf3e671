//! The guard without its limit for `AssumeRole`: this program, started again, so that its memory can be measured.

use std::num::NonZeroU32;
use std::process::ExitCode;
use std::sync::Arc;

use aliyun::clock::SystemClock;
use dts_role_guard::config::Variables;
use dts_role_guard::handler::App;
use dts_role_guard::telemetry::Log;
use fc_runtime::service_fn;
use testkit::platform::Failure;

/// Set for the program that is to serve; the real binary does not know it.
pub(crate) const VARIABLE: &str = "SWEEP_UNLIMITED";
/// More than any run makes.
const ENTRIES_PER_SECOND: NonZeroU32 = NonZeroU32::new(1_000_000).unwrap();

pub(crate) fn is_asked_for() -> bool {
    std::env::var_os(VARIABLE).is_some()
}

/// What `main` of the product does.
pub(crate) fn serve() -> Result<ExitCode, Failure> {
    let variables: Variables = std::env::vars().collect();
    let clock = Arc::new(SystemClock::start());
    Log::Stdout.start(None, clock.clone());
    let app =
        App::new(&variables, clock, Log::Stdout).wired(|wiring| wiring.entries_per_second = Some(ENTRIES_PER_SECOND));
    let app = Arc::new(app);
    let service = service_fn(move |invocation| Arc::clone(&app).invoke(invocation));
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio.block_on(fc_runtime::run(service))?;
    Ok(ExitCode::SUCCESS)
}
