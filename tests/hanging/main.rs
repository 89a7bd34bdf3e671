//! A journal folder that hangs or is slow, from any file operation on: the real binary, with a library preloaded that holds
//! up the n-th operation below the folder and all after it.
//!
//! Beside it [`fuse`]: the same with a real mount, which holds on to a process as no library can.
//!
//! Most of the time a process waits here, so many run at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod fuse;
mod scene;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use aliyun::clock::{Clock, SystemClock};
use scene::{DEADLINE, Run, Scene, all, guard, record};
use serde_json::Value;
use testkit::{Folder, Guard, JOURNAL_DIR, cloud, full, healthy_cloud};

/// Processes at once.
const AT_ONCE: usize = 48;

/// The library, made once for this test program.
fn library() -> &'static Path {
    static LIBRARY: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    LIBRARY.get_or_init(|| {
        let made = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("slow-{}.so", std::process::id()));
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/hanging/slow.c");
        let made_of =
            Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).arg(&made).arg(source).arg("-ldl").status();
        assert!(made_of.expect("a C compiler").success());
        made
    })
}

/// How the folder behaves from an operation on; 0: never.
#[derive(Debug, Clone, Copy)]
enum Trouble {
    Hangs,
    Takes(u64),
}

fn held_up(command: &mut Command, folder: &Folder, from: usize, trouble: Trouble, log: Option<&Path>) {
    let milliseconds = match trouble {
        Trouble::Hangs => 0,
        Trouble::Takes(milliseconds) => milliseconds,
    };
    command
        .env("LD_PRELOAD", library())
        .env("SLOW_FOLDER", folder.path())
        .env("SLOW_FROM", from.to_string())
        .env("SLOW_MS", milliseconds.to_string());
    if let Some(log) = log {
        command.env("SLOW_LOG", log);
    }
}

fn report(output: &Output) -> Value {
    let (said, heard) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}\n{heard}"))
}

/// How many operations there are when nothing is held up.
fn operations(scene: Scene, record: &[u8]) -> usize {
    let (run, outside) = (Run::staged(scene, record), Folder::new());
    let log = outside.path().join("log");
    let mut command = guard(&run.emulator, run.folder.path(), scene.command(), DEADLINE);
    held_up(&mut command, &run.folder, 0, Trouble::Hangs, Some(&log));
    let report = report(&command.output().unwrap());
    let expected = if scene == Scene::Verify { "drifted" } else { "remediated" };
    assert_eq!(report["status"], expected, "{scene:?}: {report:#}");
    std::fs::read_to_string(log).unwrap().lines().count()
}

/// One run whose folder is in trouble from an operation on, and one with the folder in order after it.
fn check(scene: Scene, from: usize, trouble: Trouble, record: &[u8]) {
    let run = Run::staged(scene, record);
    let mut command = guard(&run.emulator, run.folder.path(), scene.command(), DEADLINE);
    held_up(&mut command, &run.folder, from, trouble, None);
    let clock = SystemClock::start();
    let output = command.output().unwrap();
    let (took, report) = (clock.uptime(), report(&output));
    let case = format!("{scene:?} {trouble:?} from operation {from}, {took:?}: {report:#}");
    assert!(took < DEADLINE && report["status"] != "pending", "{case}");
    run.judge(&case, &report);
    if scene != Scene::Verify && matches!(trouble, Trouble::Hangs) {
        run.ends_well(&case);
    }
}

#[test]
fn whatever_operation_it_hangs_or_is_slow_at_there_is_an_answer_in_time() {
    let record = record();
    let mut cases = Vec::new();
    for scene in [Scene::Verify, Scene::Remediate, Scene::Create, Scene::Recovery] {
        let operations = operations(scene, &record);
        println!("{scene:?}: {operations} operations");
        assert!(operations >= 5, "{scene:?}: {operations}");
        for from in 1..=operations {
            cases.push((scene, from, Trouble::Hangs));
        }
        // Given up like one that hangs, but it ends later; and just quick enough never to be given up.
        for (milliseconds, every) in [(3000, 2), (400, 8)] {
            cases.extend((1..=operations).step_by(every).map(|from| (scene, from, Trouble::Takes(milliseconds))));
        }
    }
    println!("{} cases", cases.len());
    all(AT_ONCE, &cases, |(scene, from, trouble)| check(*scene, *from, *trouble, &record));
}

/// The doctor names the operation that does not answer, and everything beside the folder is looked at all the same.
#[test]
fn whatever_operation_the_doctor_meets_there_is_an_answer_in_time() {
    let doctor = |from: usize, log: Option<&Path>| {
        let (folder, emulator) = (Folder::new(), healthy_cloud());
        let mut command = guard(&emulator, folder.path(), &["doctor"], DEADLINE * 3);
        held_up(&mut command, &folder, from, Trouble::Hangs, log);
        let clock = SystemClock::start();
        let report = report(&command.output().unwrap());
        (report, clock.uptime())
    };
    let outside = Folder::new();
    let log = outside.path().join("log");
    assert_eq!(doctor(0, Some(&log)).0["status"], "ok");
    let operations = std::fs::read_to_string(log).unwrap().lines().count();
    assert!(operations >= 20, "{operations}");
    std::thread::scope(|scope| {
        for from in (1..=operations).step_by(3) {
            scope.spawn(move || {
                let (report, took) = doctor(from, None);
                let case = format!("operation {from}, {took:?}: {report:#}");
                let failed = |check: &&Value| check["status"] == "failed";
                let checks: Vec<_> = report["checks"].as_array().unwrap().iter().filter(failed).collect();
                // The last operations only remove what is not needed any more.
                assert!(checks.len() <= 1 && took < DEADLINE, "{case}");
                for check in checks {
                    assert!(check["id"].as_str().unwrap().starts_with("journal-"), "{case}");
                    assert!(check["message"].as_str().unwrap().contains("did not answer within 2000 ms"), "{case}");
                }
            });
        }
    });
}

/// Neither a later invocation nor the end of the process waits for what was given up.
#[test]
fn a_process_that_serves_goes_on_and_ends_although_its_folder_hangs() {
    let (folder, emulator) = (Folder::new(), cloud(full()));
    let settings = [
        ("DTS_GUARD_MODE", "remediate"),
        (JOURNAL_DIR, folder.text()),
        ("LD_PRELOAD", library().to_str().unwrap()),
        ("SLOW_FOLDER", folder.text()),
        ("SLOW_FROM", "1"),
        ("SLOW_MS", "0"),
    ];
    let guard = Guard::start(&emulator, &settings);
    let clock = SystemClock::start();
    for event in ["remediate", "verify", "remediate"] {
        let begun = clock.uptime();
        let reply = guard.invoke_with(event, &[("x-fc-function-timeout", "20")]);
        assert!(clock.uptime().saturating_sub(begun) < DEADLINE, "{event}");
        let status = if event == "verify" { reply.report() } else { reply.failure()["report"].clone() };
        let expected = if event == "verify" { "drifted" } else { "refused" };
        assert_eq!(status["status"], expected, "{status:#}");
    }
    assert_eq!(emulator.writes().len(), 0);
    let begun = clock.uptime();
    let (status, _) = guard.stop();
    assert!(status.success() && clock.uptime().saturating_sub(begun) < Duration::from_secs(10), "{status}");
}
