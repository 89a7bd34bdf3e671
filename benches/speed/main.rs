//! How fast the guard is: its start, its memory and its work, next to a Python function that does the same job (`benches/peer`),
//! and next to the trips to the cloud that the work waits for, which the emulator counts.
//!
//! `cargo bench --bench speed`; it needs no account, and it judges nothing.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "a benchmark measures real time and prints")]

mod network;
mod peer;
mod samples;
mod slow_folder;
mod trusting;

use std::fs::File;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use emulator::{Emulator, Seed, World};
use samples::{Pair, Samples, memory_row, row};
use serde_json::Value;
use testkit::platform::{Failure, Instance};
use testkit::{ACCOUNT, key};

const BINARY: &str = env!("CARGO_BIN_EXE_dts-role-guard");
/// The emulated way to the cloud and back.
const ROUND_TRIP: Duration = Duration::from_millis(20);
const SAMPLES: usize = 20;
/// Invocations in a row.
const MANY: u32 = 200;
/// What one operation on a far journal folder takes.
const FAR_FOLDER: Duration = Duration::from_millis(100);
/// Each takes some seconds.
const SLOW_SAMPLES: usize = 5;

fn main() -> Result<(), Failure> {
    // `cargo test --benches` asks whether it starts.
    if std::env::args().any(|argument| argument == "--test") {
        return Ok(());
    }
    if let Some(certificate) = trusting::is_asked_for() {
        return trusting::serve(certificate);
    }
    let package = peer::install()?;
    let peer = Program::Peer(package.clone());
    println!("{SAMPLES} samples each, median [least .. most]; emulated round trip {} ms", ROUND_TRIP.as_millis());
    println!("\n{:<44} {:>32} {:>32}   ratio", "", "dts-role-guard", "Python, Flask, official SDK");
    start(&peer)?;
    memory(&peer)?;
    throughput(&peer)?;
    network::table(&package)?;
    slow_journal()
}

/// What is measured.
enum Program {
    Guard,
    Peer(PathBuf),
}

impl Program {
    fn start(&self, cloud: &Emulator) -> Result<Instance, Failure> {
        // Without a client-side limit, which would be measured instead.
        let settings = [("DTS_GUARD_RATE", "1000000")];
        let nowhere = File::create("/dev/null")?;
        match self {
            Self::Guard => Instance::start(BINARY, &std::env::temp_dir(), cloud, &settings, nowhere),
            Self::Peer(package) => Instance::start(package.join("bootstrap"), package, cloud, &[], nowhere),
        }
    }
}

fn start(peer: &Program) -> Result<(), Failure> {
    let mut accepted = Pair::default();
    let mut reported = Pair::default();
    for _ in 0..SAMPLES {
        for (program, accepted, reported) in [
            (&Program::Guard, &mut accepted.guard, &mut reported.guard),
            (peer, &mut accepted.peer, &mut reported.peer),
        ] {
            let cloud = cloud(Seed::Healthy)?;
            let begin = Instant::now();
            let mut instance = program.start(&cloud)?;
            expect(&instance.tick("verify")?, "authorized")?;
            reported.add(begin.elapsed());
            accepted.add(instance.ready_after);
        }
    }
    accepted.row("start to first accepted connection");
    reported.row("start to first report, cloud at 0 ms");
    Ok(())
}

fn memory(peer: &Program) -> Result<(), Failure> {
    let cloud = cloud(Seed::Healthy)?;
    let mut instances = [Program::Guard.start(&cloud)?, peer.start(&cloud)?];
    resident("resident memory, idle", &instances)?;
    for instance in &mut instances {
        for _ in 0..SAMPLES {
            expect(&instance.tick("verify")?, "authorized")?;
        }
    }
    resident("resident memory after 20 invocations", &instances)
}

fn resident(title: &str, instances: &[Instance; 2]) -> Result<(), Failure> {
    let [guard, peer] = instances.each_ref().map(Instance::resident);
    memory_row(title, guard.ok_or("the system tells no memory")?, peer.ok_or("the system tells no memory")?);
    Ok(())
}

fn throughput(peer: &Program) -> Result<(), Failure> {
    let cloud = cloud(Seed::Healthy)?;
    let mut rates = Vec::new();
    for program in [&Program::Guard, peer] {
        let mut instance = program.start(&cloud)?;
        expect(&instance.tick("verify")?, "authorized")?;
        let begin = Instant::now();
        for _ in 0..MANY {
            expect(&instance.tick("verify")?, "authorized")?;
        }
        rates.push(f64::from(MANY) / begin.elapsed().as_secs_f64());
    }
    if let [guard, peer] = rates[..] {
        let title = format!("{MANY} verifications in a row, cloud at 0 ms");
        row(&title, &format!("{guard:.0} a second"), &format!("{peer:.0} a second"), guard / peer);
    }
    Ok(())
}

/// Nothing is written to the folder between the deletion and the creation. Over plain HTTP, which makes no difference there.
fn slow_journal() -> Result<(), Failure> {
    let cloud = cloud(Seed::Extras)?;
    cloud.set_latency(ROUND_TRIP);
    let mut gap = Samples::default();
    for _ in 0..SLOW_SAMPLES {
        let folder = tempfile::tempdir()?;
        cloud.with_world(|world| world.put_role(ACCOUNT, network::broken(0)));
        let earlier = cloud.calls().len();
        let status = slow_folder::remediate(&cloud, folder.path(), FAR_FOLDER)?;
        if status != "remediated" {
            return Err(format!("with a slow folder: {status}").into());
        }
        let calls: Vec<_> = cloud.calls().into_iter().skip(earlier).collect();
        let (took, waits) = network::without_role(&calls)?;
        gap.next_to(took, waits);
    }
    gap.row("  the same, journal folder at 100 ms a file", "guard", Some(ROUND_TRIP));
    println!();
    Ok(())
}

fn cloud(seed: Seed) -> Result<Emulator, Failure> {
    Ok(Emulator::start(World::new().seed(seed, ACCOUNT).key(key()))?)
}

fn expect(report: &Value, status: &str) -> Result<(), Failure> {
    if report.pointer("/status").and_then(Value::as_str) == Some(status) {
        return Ok(());
    }
    Err(format!("the report should say `{status}`: {report}").into())
}
