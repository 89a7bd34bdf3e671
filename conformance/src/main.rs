//! `conformance`: arguments, the question, the exit code. Against the emulator, or with `--real` against an account.

mod question;
mod signals;

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use aliyun::clock::SystemClock;
use aliyun::credentials::{Credentials, Host, RawCredentials, resolve};
use aliyun::signing::Method;
use aliyun::{Api, Endpoint, Endpoints, Http};
use authorization::settings::NamedVariants as _;
use clap::{Parser, ValueEnum};
use conformance::{Caller, Cloud, Interrupt, Names, Report, Run};
use emulator::{AccessKey, Emulator, Role, World, member_ids};

/// The cloud's audit records hold it. It is not the guard's, which the guard would take for its own.
const USER_AGENT: &str = concat!("dts-role-guard-conformance/", env!("CARGO_PKG_VERSION"));
/// Ten calls a second at most: the account's own programs keep their share of its rate.
const PACE: Duration = Duration::from_millis(100);

const USAGE: u8 = 2;
const FAILED: u8 = 3;

/// Tries every fact that the guard relies on, and prints it as confirmed, contradicted or not tried.
///
/// Without `--real` it asks an emulator that it starts itself: no account is touched. With `--real` it asks the account of
/// the keys in `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET` and, for temporary ones,
/// `ALIBABA_CLOUD_SECURITY_TOKEN`; it makes two roles and a policy under names of its own and removes them.
#[derive(Debug, Parser)]
#[command(name = "conformance", version, after_help = EXIT_CODES)]
struct Args {
    /// Asks a real account. Asks you first.
    #[arg(long)]
    real: bool,
    /// Does not ask first: for scripts.
    #[arg(long, requires = "real")]
    yes: bool,
    /// How the result is printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// How calls are signed: hmac-sha1 or acs3.
    #[arg(long, default_value = "hmac-sha1", value_parser = method)]
    signature: Method,
}

const EXIT_CODES: &str = "Exit codes: 0 every fact that was tried is confirmed; 1 one is contradicted; 2 usage, or the answer \
                          was not yes; 3 the run could not begin, was interrupted or came to nothing; 4 something is left behind, \
                          with the command that removes it";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Human,
    Json,
}

fn method(text: &str) -> Result<Method, String> {
    Method::named(text).ok_or_else(|| "hmac-sha1 or acs3".to_owned())
}

/// Why nothing was tried.
struct Refusal(u8, String);

#[tokio::main]
async fn main() -> ExitCode {
    let args = Args::parse();
    match conform(&args).await {
        Ok(report) => print(&report, args.format),
        Err(Refusal(code, why)) => {
            say(&format!("conformance: {why}\n"));
            ExitCode::from(code)
        }
    }
}

async fn conform(args: &Args) -> Result<Report, Refusal> {
    if args.real && !args.yes && !std::io::stdin().is_terminal() {
        return Err(Refusal(USAGE, "there is no terminal to ask on; --yes goes on without asking".to_owned()));
    }
    let emulator = if args.real { None } else { Some(emulated()?) };
    let variables = |name: &str| match &emulator {
        Some(emulator) => Some(of_emulator(emulator, name)),
        None => environment(name),
    };
    let keys = resolve(RawCredentials::default(), RawCredentials::in_environment(variables), Host::Terminal);
    let keys = keys.map_err(|error| Refusal(FAILED, error.to_string()))?;
    let transport = Http::new(USER_AGENT).map_err(|error| Refusal(FAILED, error.to_string()))?;
    let endpoints = endpoints(variables)?;
    let is_emulated = endpoints.ram.url().scheme() == "http";
    let cloud = Cloud {
        transport: Arc::new(transport),
        endpoints,
        method: args.signature,
        clock: Arc::new(SystemClock::start()),
        pace: if is_emulated { Duration::ZERO } else { PACE },
        interrupt: Interrupt::default(),
        names: Names::random(),
    };
    let failed = |stop: conformance::Stop| Refusal(FAILED, stop.to_string());
    let caller = Caller::of(&cloud, &keys).await.map_err(failed)?;
    if args.real && !args.yes && !question::asked(&caller, &cloud.names) {
        return Err(Refusal(USAGE, "nothing was made: the answer was not yes".to_owned()));
    }
    Ok(until_the_second_signal(cloud, keys, caller).await)
}

/// The first signal ends the run in order, the second one at once.
async fn until_the_second_signal(cloud: Cloud, keys: Credentials, caller: Caller) -> Report {
    let interrupt = cloud.interrupt.clone();
    let run = Run::new(cloud, keys, caller);
    tokio::select! {
        report = run.to_the_end() => report,
        () = signals::second(&interrupt) => {
            say("\nStopped at once. This may be left behind:\n");
            run.in_hand().iter().for_each(|left| say(&format!("  {}\n", left.command)));
            std::process::exit(signals::CUT_OFF)
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn endpoints(variables: impl Fn(&str) -> Option<String>) -> Result<Endpoints, Refusal> {
    let parse = |api, name: &str, default: &str| {
        let text = variables(name).filter(|text| !text.is_empty()).unwrap_or_else(|| default.to_owned());
        Endpoint::parse(api, &text)
            .map_err(|bad| Refusal(USAGE, format!("`{name}` is `{}`; it must be {bad}", bad.shown)))
    };
    Ok(Endpoints {
        ram: parse(Api::Ram, "DTS_GUARD_RAM_ENDPOINT", "https://ram.aliyuncs.com")?,
        sts: parse(Api::Sts, "DTS_GUARD_STS_ENDPOINT", "https://sts.aliyuncs.com")?,
        resource_manager: parse(
            Api::ResourceManager,
            "DTS_GUARD_RESOURCE_MANAGER_ENDPOINT",
            "https://resourcemanager.aliyuncs.com",
        )?,
    })
}

const ACCOUNT: &str = "1234567890123456";

/// An account with a healthy role, and a directory with three members.
fn emulated() -> Result<Emulator, Refusal> {
    let key = AccessKey::session("STS.Conformance", "emulator-secret", "emulator-token");
    let world = World::new()
        .account(ACCOUNT, |account| account.role(Role::dts()))
        .directory(ACCOUNT, |directory| directory.members(member_ids(3), |_, member| member))
        .key(key.of_role(ACCOUNT, "conformance-role", "conformance"));
    Emulator::start(world).map_err(|error| Refusal(FAILED, error.to_string()))
}

fn of_emulator(emulator: &Emulator, name: &str) -> String {
    match name {
        "ALIBABA_CLOUD_ACCESS_KEY_ID" => "STS.Conformance".to_owned(),
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET" => "emulator-secret".to_owned(),
        "ALIBABA_CLOUD_SECURITY_TOKEN" => "emulator-token".to_owned(),
        _ => emulator.url(),
    }
}

fn print(report: &Report, format: Format) -> ExitCode {
    let text = match format {
        Format::Human => report.human(),
        Format::Json => format!("{:#}\n", report.json()),
    };
    let mut out = std::io::stdout().lock();
    // A reader that is gone wants no more.
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            say(&format!("conformance: the result cannot be written: {error}\n"));
            ExitCode::from(report.exit_code().max(FAILED))
        }
        _ => ExitCode::from(report.exit_code()),
    }
}

/// To stderr; one that is closed ends nothing.
fn say(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}
