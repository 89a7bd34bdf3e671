//! How fast the release binary is: its start, its memory, and its work next to the round trips that the work needs.
//!
//! `cargo bench --bench speed`; it needs no account, and it judges nothing.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark measures real time and prints")]

#[path = "../../tests/support/far.rs"]
mod far;
#[path = "../../examples/platform/mod.rs"]
mod platform;
mod slow_folder;

use std::fs::File;
use std::time::{Duration, Instant};

use emulator::{Call, Emulator, Role, Seed, World};
use serde_json::Value;

use platform::{ACCOUNT, Failure, Instance};

const BINARY: &str = env!("CARGO_BIN_EXE_dts-role-guard");
/// The emulated way to the cloud and back.
const ROUND_TRIP: Duration = Duration::from_millis(20);
const SAMPLES: usize = 20;
/// What one operation on a far journal folder takes.
const FAR_FOLDER: Duration = Duration::from_millis(100);
/// Each takes some seconds.
const SLOW_SAMPLES: usize = 5;
const MILLISECONDS: f64 = 1000.0;
const KIB_IN_MIB: u64 = 1024;

fn main() -> Result<(), Failure> {
    // `cargo test --benches` asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    println!("{SAMPLES} samples each, median [least .. most]; emulated round trip {} ms\n", ROUND_TRIP.as_millis());
    println!("{:<44} {:>28}   {:>11}   {:>6}", "", "measured", "round trips", "ratio");
    start()?;
    memory()?;
    healthy()?;
    recreation()?;
    slow_journal()?;
    Ok(())
}

fn start() -> Result<(), Failure> {
    let mut accepted = Samples::default();
    let mut reported = Samples::default();
    for _ in 0..SAMPLES {
        let cloud = cloud(Seed::Healthy)?;
        let begin = Instant::now();
        let mut guard = guard(&cloud)?;
        expect(&guard.tick("verify")?, "authorized")?;
        reported.add(begin.elapsed());
        accepted.add(guard.ready_after);
    }
    accepted.row("start to first accepted connection");
    reported.row("start to first report, cloud at 0 ms");
    Ok(())
}

fn memory() -> Result<(), Failure> {
    let cloud = cloud(Seed::Healthy)?;
    let mut guard = guard(&cloud)?;
    resident("resident memory, idle", &guard);
    for _ in 0..SAMPLES {
        expect(&guard.tick("verify")?, "authorized")?;
    }
    resident("resident memory after 20 invocations", &guard);
    Ok(())
}

fn resident(title: &str, guard: &Instance) {
    let text = guard.resident().map_or_else(|| "unknown here".to_owned(), |kib| mib(kib * 10));
    println!("{title:<44} {text:>28}");
}

/// Tenths of a KiB as MiB.
fn mib(tenths: u64) -> String {
    let tenths = tenths / KIB_IN_MIB;
    format!("{}.{} MiB", tenths / 10, tenths % 10)
}

fn healthy() -> Result<(), Failure> {
    let cloud = cloud(Seed::Healthy)?;
    let mut guard = guard(&cloud)?;
    cloud.set_latency(ROUND_TRIP);
    let mut wall = Samples::default();
    for _ in 0..SAMPLES {
        let earlier = cloud.calls().len();
        let begin = Instant::now();
        expect(&guard.tick("verify")?, "authorized")?;
        wall.next_to(begin.elapsed(), round_trips(&since(&cloud, earlier)));
    }
    wall.row("verify of a healthy role");
    Ok(())
}

fn recreation() -> Result<(), Failure> {
    let cloud = cloud(Seed::Extras)?;
    let mut guard = guard(&cloud)?;
    cloud.set_latency(ROUND_TRIP);
    let mut wall = Samples::default();
    let mut gap = Samples::default();
    for _ in 0..SAMPLES {
        cloud.with_world(|world| world.put_role(ACCOUNT, broken()));
        let earlier = cloud.calls().len();
        let begin = Instant::now();
        expect(&guard.tick("")?, "remediated")?;
        let took = begin.elapsed();
        let calls = since(&cloud, earlier);
        wall.next_to(took, round_trips(&calls));
        gap.next_to(without_role(&calls).ok_or("the role was not recreated")?, 2);
    }
    wall.row("recreation with 2 more policies and tags");
    gap.row("  of it without a role");
    Ok(())
}

/// Nothing is written to the folder between the deletion and the creation.
fn slow_journal() -> Result<(), Failure> {
    let cloud = cloud(Seed::Extras)?;
    cloud.set_latency(ROUND_TRIP);
    let mut gap = Samples::default();
    for _ in 0..SLOW_SAMPLES {
        let folder = tempfile::tempdir()?;
        cloud.with_world(|world| world.put_role(ACCOUNT, broken()));
        let earlier = cloud.calls().len();
        let status = slow_folder::remediate(&cloud, folder.path(), FAR_FOLDER)?;
        if status != "remediated" {
            return Err(format!("with a slow folder: {status}").into());
        }
        gap.next_to(without_role(&since(&cloud, earlier)).ok_or("the role was not recreated")?, 2);
    }
    gap.row("  the same, journal folder at 100 ms a file");
    Ok(())
}

fn broken() -> Role {
    let role = Role::dts().trusting_service("ecs.aliyuncs.com").attach_system("AliyunOSSReadOnlyAccess");
    role.attach_custom("TeamExtra").tag("team", "data").tag("stage", "live")
}

fn cloud(seed: Seed) -> Result<Emulator, Failure> {
    Ok(Emulator::start(World::new().seed(seed, ACCOUNT).key(platform::function_role()))?)
}

/// Without a client-side limit, which would be measured instead.
fn guard(cloud: &Emulator) -> Result<Instance, Failure> {
    let settings = [("DTS_GUARD_MODE", "remediate"), ("DTS_GUARD_RATE", "1000")];
    Instance::start(BINARY, &std::env::temp_dir(), cloud, &settings, File::create("/dev/null")?)
}

fn expect(report: &Value, status: &str) -> Result<(), Failure> {
    if report.pointer("/status").and_then(Value::as_str) == Some(status) {
        return Ok(());
    }
    Err(format!("the report should say `{status}`: {report}").into())
}

fn since(cloud: &Emulator, earlier: usize) -> Vec<Call> {
    cloud.calls().into_iter().skip(earlier).collect()
}

/// The length of the critical path: the largest number of calls of which each began after the one before had ended.
fn round_trips(calls: &[Call]) -> u32 {
    let mut spans: Vec<_> = calls.iter().filter_map(|call| Some((call.finished?, call.started))).collect();
    spans.sort();
    let mut trips = 0;
    let mut free = Duration::ZERO;
    for (finished, started) in spans {
        if started >= free {
            trips += 1;
            free = finished;
        }
    }
    trips
}

/// From the arrival of the deletion to the answer of the creation.
fn without_role(calls: &[Call]) -> Option<Duration> {
    let call = |operation| calls.iter().find(|call| call.operation == operation);
    call("CreateRole")?.finished?.checked_sub(call("DeleteRole")?.started)
}

/// Durations, and the round trips that each of them needed.
#[derive(Default)]
struct Samples {
    durations: Vec<Duration>,
    trips: Vec<u32>,
}

impl Samples {
    fn add(&mut self, duration: Duration) {
        self.durations.push(duration);
    }

    fn next_to(&mut self, duration: Duration, trips: u32) {
        self.add(duration);
        self.trips.push(trips);
    }

    fn row(mut self, title: &str) {
        self.durations.sort();
        self.trips.sort_unstable();
        let median = middle(&self.durations);
        let [least, most] = [self.durations.first(), self.durations.last()].map(Option::<&Duration>::copied);
        let [least, most] = [least, most].map(|end| milliseconds(end.unwrap_or_default()));
        let measured = format!("{:.2} [{least:.2} .. {most:.2}] ms", milliseconds(median));
        if self.trips.is_empty() {
            println!("{title:<44} {measured:>28}");
            return;
        }
        let trips = middle(&self.trips);
        let needed = ROUND_TRIP * trips;
        let ratio = median.as_secs_f64() / needed.as_secs_f64();
        let needed = format!("{trips} = {} ms", needed.as_millis());
        println!("{title:<44} {measured:>28}   {needed:>11}   {ratio:>6.2}");
    }
}

fn middle<T: Copy + Default>(sorted: &[T]) -> T {
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * MILLISECONDS
}
