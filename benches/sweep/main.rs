//! What a run over an organization costs, with 1,000, 3,000 and 10,000 members: time, memory, and calls next to the limits.
//!
//! `cargo bench --bench sweep` takes four minutes. It fails if an account was missed, seen twice or not repaired, if a limit
//! was exceeded, or if more than 64 MiB were needed. Times are shown and not judged: the machine may be busy.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark measures real time and prints")]

mod objections;
mod organization;
mod record;
mod row;
mod unlimited;
mod usage;

use std::ffi::OsString;
use std::fs::File;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use organization::Organization;
use record::Record;
use row::Row;
use testkit::platform::{Failure, Instance};
use usage::Usage;

const BINARY: &str = env!("CARGO_BIN_EXE_dts-role-guard");
/// The emulated way to the cloud and back.
const ROUND_TRIP: Duration = Duration::from_millis(20);
/// Enough for all members with much to spare; two thirds of it are for judging them.
const TIMEOUT: Duration = Duration::from_mins(15);

/// Who works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// The binary as it is deployed.
    Real,
    /// The same without its limit for `AssumeRole`.
    Unlimited,
}

const RUNS: [(Guard, u32); 4] =
    [(Guard::Real, 1_000), (Guard::Real, 3_000), (Guard::Real, 10_000), (Guard::Unlimited, 10_000)];

fn main() -> Result<ExitCode, Failure> {
    // `cargo test --benches` asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(ExitCode::SUCCESS);
    }
    if unlimited::is_asked_for() {
        return unlimited::serve();
    }
    println!("{}", row::HEAD);
    let mut objections = Vec::new();
    for (guard, members) in RUNS {
        objections.extend(measure(guard, members)?);
    }
    for objection in &objections {
        println!("{objection}");
    }
    Ok(if objections.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// One run; prints its row, and gives what is wrong with it.
fn measure(guard: Guard, members: u32) -> Result<Vec<String>, Failure> {
    let organization = Organization::of(members as usize, guard)?;
    let journal = tempfile::tempdir()?;
    let folder = journal.path().to_str().ok_or("the folder's name is no text")?;
    let mut instance = start(guard, &organization, folder)?;
    // What the first invocation needs once does not count for the accounts.
    instance.tick(r#"{"mode": "verify", "scope": "account"}"#)?;
    let earlier = organization.cloud.calls().len();
    let (before, cloud_before) = (Usage::of(&instance)?, usage::own_cpu()?);
    let begin = Instant::now();
    let report = instance.tick("")?;
    let took = begin.elapsed();
    let (after, cloud_after) = (Usage::of(&instance)?, usage::own_cpu()?);
    let record = Record(organization.cloud.calls().split_off(earlier));
    let cloud_cpu = cloud_after.saturating_sub(cloud_before);
    println!("{}", Row { guard, members, took, before, after, cloud_cpu, record: &record });
    let objections = objections::all(guard, &organization, &report, &record, after);
    Ok(objections.into_iter().map(|what| format!("{guard:?}, {members} members: {what}")).collect())
}

fn start(guard: Guard, organization: &Organization, journal: &str) -> Result<Instance, Failure> {
    let cloud = &organization.cloud;
    let url = cloud.url();
    let settings = [
        ("DTS_GUARD_MODE", "remediate"),
        ("DTS_GUARD_SCOPE", "organization"),
        ("DTS_GUARD_RESOURCE_MANAGER_ENDPOINT", &url),
        ("DTS_GUARD_JOURNAL_DIR", journal),
        (unlimited::VARIABLE, "1"),
    ];
    let program = match guard {
        Guard::Real => OsString::from(BINARY),
        Guard::Unlimited => std::env::current_exe()?.into(),
    };
    let mut instance = Instance::start(program, &std::env::temp_dir(), cloud, &settings, File::create("/dev/null")?)?;
    instance.timeout = TIMEOUT;
    Ok(instance)
}
