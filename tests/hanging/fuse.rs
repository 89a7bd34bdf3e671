//! A journal folder on FUSE that hangs, is slow or fails, from any operation on. `tests/fuse/run` starts these tests, as root,
//! where there is FUSE.
//!
//! A call that the file system has begun and does not end cannot be taken back, not even by `SIGKILL`: the kernel keeps the
//! thread, and the process for the sake of it. So what counts is the answer, and that the program itself has ended.

use std::io::{BufRead as _, BufReader, Lines};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aliyun::clock::{Clock, SystemClock};
use serde_json::Value;
use tempfile::TempDir;
use testkit::{Folder, Guard, JOURNAL_DIR, cloud, full};

use crate::scene::{DEADLINE, Run, Scene, all, guard, record};

/// Mounts at once, each with a process of its own.
const AT_ONCE: usize = 24;

/// Longer no end takes that waits for nothing.
const PATIENCE: Duration = Duration::from_secs(10);

/// A mount; away when this is dropped, and everything that waits for it with it.
struct Mount {
    process: Child,
    input: Option<ChildStdin>,
    output: Lines<BufReader<ChildStdout>>,
    at: TempDir,
}

impl Mount {
    #[expect(clippy::disallowed_methods, reason = "where the script put its packages")]
    fn start(behind: &Folder, from: usize, trouble: Trouble, log: Option<&Path>) -> Self {
        let at = tempfile::tempdir().unwrap();
        let python = std::env::var_os("FUSE_PYTHON").expect("`FUSE_PYTHON`, as tests/fuse/run sets it");
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuse/folder.py");
        let mut command = Command::new(python);
        command.arg(program).arg(behind.path()).arg(at.path()).arg(from.to_string()).arg(trouble.word()).args(log);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().unwrap();
        let (input, output) = (process.stdin.take(), BufReader::new(process.stdout.take().unwrap()).lines());
        let mut mount = Self { process, input, output, at };
        mount.waits_for("mounted");
        mount
    }

    fn path(&self) -> &Path {
        self.at.path()
    }

    /// Waits until the file system says so.
    fn waits_for(&mut self, word: &str) {
        assert!(self.output.by_ref().any(|line| line.unwrap() == word), "the file system ended");
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        self.input = None;
        let _ = self.process.wait();
    }
}

/// How the folder behaves from an operation on; 0: never.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Trouble {
    Hangs,
    Takes(u64),
    Fails(&'static str),
    /// That operation alone.
    FailsOnce(&'static str),
}

impl Trouble {
    fn word(self) -> String {
        match self {
            Self::Hangs => "hang".to_owned(),
            Self::Takes(milliseconds) => milliseconds.to_string(),
            Self::Fails(error) => error.to_owned(),
            Self::FailsOnce(error) => format!("1{error}"),
        }
    }
}

/// The report, as soon as it is there: the end of the stream is the end of the process.
fn report(process: &mut Child) -> Value {
    let output = process.stdout.take().unwrap();
    serde_json::Deserializer::from_reader(output).into_iter().next().expect("a report").unwrap()
}

fn ask_to_end(process: u32) {
    let asked = Command::new("kill").args(["-TERM", &process.to_string()]).status().unwrap();
    assert!(asked.success(), "{asked}");
}

/// Whether the program has ended, be it that the kernel still has a thread of it.
fn has_ended(process: u32) -> bool {
    let state = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    state.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with('Z'))
}

fn waits_for_the_end_of(process: u32, case: &str) {
    let clock = SystemClock::start();
    while !has_ended(process) {
        assert!(clock.uptime() < PATIENCE, "it goes on: {case}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// One run whose folder is in trouble from an operation on, perhaps asked to end as soon as it is, and one with the folder in
/// order after it. Tells whether the kernel kept the process until the mount was away.
fn check((scene, from, trouble, is_asked_to_end): (Scene, usize, Trouble, bool), record: &[u8]) -> bool {
    let run = Run::staged(scene, record);
    let mut mount = Mount::start(&run.folder, from, trouble, None);
    let mut command = guard(&run.emulator, mount.path(), scene.command(), DEADLINE);
    let clock = SystemClock::start();
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    if is_asked_to_end {
        mount.waits_for("in trouble");
        ask_to_end(process.id());
    }
    let report = report(&mut process);
    let took = clock.uptime();
    let asked = if is_asked_to_end { ", asked to end" } else { "" };
    let case = format!("{scene:?} {trouble:?} from operation {from}{asked}, {took:?}: {report:#}");
    assert!(took < DEADLINE && (is_asked_to_end || report["status"] != "pending"), "{case}");
    waits_for_the_end_of(process.id(), &case);
    let is_kept = process.try_wait().unwrap().is_none();
    run.judge(&case, &report);
    drop(mount);
    let ended = process.wait().unwrap();
    assert_eq!(ended.signal(), None, "{case}");
    assert_eq!(ended.code() == Some(0), report["status"] == "remediated" && !is_asked_to_end, "{ended}, {case}");
    if scene != Scene::Verify && trouble == Trouble::Hangs {
        run.ends_well(&case);
    }
    is_kept
}

/// How many operations there are when there is no trouble.
fn operations(scene: Scene, record: &[u8]) -> usize {
    let (run, outside) = (Run::staged(scene, record), Folder::new());
    let log = outside.path().join("log");
    let mount = Mount::start(&run.folder, 0, Trouble::Hangs, Some(&log));
    let mut command = guard(&run.emulator, mount.path(), scene.command(), DEADLINE);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let report = report(&mut process);
    process.wait().unwrap();
    let expected = if scene == Scene::Verify { "drifted" } else { "remediated" };
    assert_eq!(report["status"], expected, "{scene:?}: {report:#}");
    run.judge("no trouble", &report);
    std::fs::read_to_string(log).unwrap().lines().count()
}

#[test]
#[ignore = "needs root, FUSE and Python: `sh tests/fuse/run`"]
fn whatever_operation_is_in_trouble_there_is_an_answer_in_time() {
    let record = record();
    let mut cases = Vec::new();
    for scene in [Scene::Verify, Scene::Remediate, Scene::Create, Scene::Recovery] {
        let operations = operations(scene, &record);
        assert!(operations >= 5, "{scene:?}: {operations}");
        for (trouble, every) in [
            (Trouble::Hangs, 1),
            (Trouble::FailsOnce("EIO"), 1),
            (Trouble::Fails("EIO"), 2),
            (Trouble::Fails("ENOSPC"), 2),
            (Trouble::Takes(3000), 4),
            (Trouble::Takes(400), 8),
        ] {
            cases.extend((1..=operations).step_by(every).map(|from| (scene, from, trouble, false)));
        }
        if scene != Scene::Verify {
            cases.extend((1..=operations).map(|from| (scene, from, Trouble::Hangs, true)));
        }
    }
    let kept = AtomicUsize::new(0);
    all(AT_ONCE, &cases, |case| {
        kept.fetch_add(usize::from(check(*case, &record)), Ordering::Relaxed);
    });
    println!("{} cases; in {} the kernel kept a program that had ended", cases.len(), kept.into_inner());
}

/// Dropped in this order: while there is a mount that hangs, nothing can wait for the process.
struct Serving {
    mount: Mount,
    guard: Guard,
}

/// Neither a later invocation nor the end of the process waits for what was given up.
#[test]
#[ignore = "needs root, FUSE and Python: `sh tests/fuse/run`"]
fn a_process_that_serves_goes_on_and_ends_although_its_mount_hangs() {
    let (folder, emulator) = (Folder::new(), cloud(full()));
    let mount = Mount::start(&folder, 1, Trouble::Hangs, None);
    let settings = [("DTS_GUARD_MODE", "remediate"), (JOURNAL_DIR, mount.path().to_str().unwrap())];
    let guard = Guard::start(&emulator, &settings);
    let serving = Serving { mount, guard };
    let (guard, clock) = (&serving.guard, SystemClock::start());
    for (event, expected) in [("remediate", "refused"), ("verify", "drifted"), ("remediate", "refused")] {
        let begun = clock.uptime();
        let reply = guard.invoke_with(event, &[("x-fc-function-timeout", "20")]);
        assert!(clock.uptime().saturating_sub(begun) < DEADLINE, "{event}");
        let report = if event == "verify" { reply.report() } else { reply.failure()["report"].clone() };
        assert_eq!(report["status"], expected, "{report:#}");
    }
    assert_eq!(emulator.writes().len(), 0);
    ask_to_end(guard.id());
    waits_for_the_end_of(guard.id(), "serve");
    let Serving { mount, guard } = serving;
    drop(mount);
    let (status, _) = guard.stop();
    assert!(status.success(), "{status}");
}
