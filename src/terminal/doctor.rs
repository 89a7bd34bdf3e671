//! `doctor` on a terminal. Wrong settings are a check of it that failed, and no mistake of usage.

use std::time::Duration;

use aliyun::clock::Deadline;
use aliyun::credentials::RawCredentials;
use authorization::settings::Scope;
use clap::ValueEnum;
use clap::builder::NonEmptyStringValueParser;

use super::output::PlaceOptions;
use super::{ScopeArgument, Usage, complain, say, unwritable, workstation};
use crate::config::{Variables, on_platform};
use crate::event::Allowed;
use crate::handler::{App, DoctorRequest};
use crate::telemetry::Log;

/// What `doctor` takes.
#[derive(Debug, clap::Args)]
pub struct DoctorOptions {
    /// How to print the report [default: human on a terminal, else json]
    #[arg(long)]
    format: Option<Format>,
    #[command(flatten)]
    place: PlaceOptions,
    /// Whether to look at the members of the resource directory [default: the setting `DTS_GUARD_SCOPE`]
    #[arg(long)]
    scope: Option<ScopeArgument>,
    /// Finish within this many seconds [default: no limit]
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Use the keys of this profile of the vendor's CLI, unless the variables hold keys [default: the variable
    /// `ALIBABA_CLOUD_PROFILE`, else the CLI's current profile]
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    profile: Option<String>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Text for people
    Human,
    /// The report as JSON
    Json,
}

impl DoctorOptions {
    /// Whether the exit code and errors are enough.
    pub(super) fn is_quiet(&self) -> bool {
        self.place.is_quiet()
    }
}

pub(super) async fn doctor(app: App, variables: &Variables, options: &DoctorOptions) -> u8 {
    if options.profile.is_some() && on_platform(variables) {
        say(&format!("{}\n", Usage::ProfileOfFunction));
        return super::USAGE;
    }
    let app = match workstation::equip(app, variables, options.profile.as_deref()) {
        Ok(app) => app,
        Err(why) => return complain(&why),
    };
    let scope = options.scope.map(Scope::from);
    let app = match (app.config().map(|config| (config.allowed(), config.scope_is_set)), scope) {
        (Ok((allowed, true)), Some(scope)) if scope > allowed.scope => {
            say(&format!("{}\n", Usage::WiderScope));
            return super::USAGE;
        }
        (Ok((allowed, _)), Some(scope)) => app.with(Allowed { scope, ..allowed }),
        _ => app,
    };
    let output = match options.place.open() {
        Ok(output) => output,
        Err(why) => return unwritable(&why),
    };
    let visit = DoctorRequest {
        request_id: format!("terminal-{}", app.clock().nonce()),
        keys: RawCredentials::default(),
        account: None,
        deadline: options
            .timeout
            .map_or(Deadline::NONE, |seconds| Deadline::after(&**app.clock(), Duration::from_secs(seconds))),
    };
    let report = app.doctor(visit).await;
    // Both may be one terminal.
    Log::Stderr.settle();
    let report = match report {
        Ok(report) => report,
        Err(why) => return complain(&why),
    };
    let by_default = if output.is_for_a_person() { Format::Human } else { Format::Json };
    let text = match options.format.unwrap_or(by_default) {
        Format::Human => report.to_human(),
        Format::Json => report.to_json(),
    };
    output.write(&text).map_or_else(|why| unwritable(&why), |()| report.exit_code())
}
