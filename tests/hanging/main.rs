//! A journal folder that hangs or is slow, from any file operation on: the real binary, with a library preloaded that holds
//! up the n-th operation below the folder and all after it.
//!
//! Most of the time a process waits here, so many run at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../support/folder.rs"]
mod folder;
#[path = "../support/hang.rs"]
mod hang;

#[path = "../support/mod.rs"]
mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aliyun::clock::{Clock, SystemClock};
use emulator::{DTS_POLICY, DTS_ROLE, Emulator, Role, RoleSnapshot, Rule};
use folder::{Folder, JOURNAL_DIR};
use hang::Hang;
use serde_json::Value;
use support::{ACCOUNT, Guard, KEY_ID, KEY_SECRET, TOKEN, cloud};

/// What the run is told, and must keep whatever the machine does beside it.
const DEADLINE: Duration = Duration::from_secs(20);

/// Processes at once.
const AT_ONCE: usize = 48;

fn full() -> Role {
    let role = Role::dts().trusting_service("ecs.aliyuncs.com").description("ours").max_session_duration(7200);
    role.attach_system("AliyunOSSReadOnlyAccess").attach_custom("TeamExtra").tag("team", "data")
}

fn role(emulator: &Emulator) -> Option<RoleSnapshot> {
    emulator.role(ACCOUNT, DTS_ROLE)
}

fn authorized(role: Option<&RoleSnapshot>) -> bool {
    role.is_some_and(|role| role.trust.contains("\"dts.aliyuncs.com\"") && role.policy_names().contains(&DTS_POLICY))
}

fn has_everything(role: Option<&RoleSnapshot>) -> bool {
    authorized(role)
        && role.is_some_and(|role| {
            let policies = ["AliyunOSSReadOnlyAccess", "TeamExtra"];
            role.description == "ours"
                && role.tags.get("team").is_some_and(|value| value == "data")
                && policies.iter().all(|policy| role.policy_names().contains(policy))
        })
}

/// All but when a policy was attached, and in which order.
fn is_same(one: Option<&RoleSnapshot>, other: Option<&RoleSnapshot>) -> bool {
    let facts = |role: &RoleSnapshot| {
        let mut policies: Vec<_> = role.policies.iter().map(|policy| policy.name.clone()).collect();
        policies.sort();
        let settings = (role.description.clone(), role.max_session_duration, role.console_login);
        (role.role_id.clone(), role.trust.clone(), settings, role.tags.clone(), policies)
    };
    one.map(facts) == other.map(facts)
}

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

/// What the run finds.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Scene {
    Verify,
    Remediate,
    /// The role is missing, and nothing is on record.
    Create,
    /// An earlier run was killed after it had deleted the role.
    Recovery,
}

impl Scene {
    fn command(self) -> &'static [&'static str] {
        if self == Self::Verify { &["verify"] } else { &["remediate", "--yes"] }
    }

    /// Authorized, and with everything that there was.
    fn is_well(self, role: Option<&RoleSnapshot>) -> bool {
        if self == Self::Create { authorized(role) } else { has_everything(role) }
    }

    fn stage(self, folder: &Folder, record: &[u8]) -> Emulator {
        let emulator = cloud(full());
        if matches!(self, Self::Create | Self::Recovery) {
            emulator.with_world(|world| world.delete_role(ACCOUNT, DTS_ROLE));
        }
        if self == Self::Recovery || self == Self::Verify {
            std::fs::write(folder.path().join(format!("{ACCOUNT}.1.json")), record).unwrap();
        }
        emulator
    }
}

/// What a run leaves behind that is killed after the deletion of [`full`].
fn record() -> Vec<u8> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (emulator, folder) = (cloud(full()), Folder::new());
    runtime.block_on(async {
        let hang = Hang::at(&emulator, Rule::on("DeleteRole"), true);
        let guard = Guard::start(&emulator, &[("DTS_GUARD_MODE", "remediate"), (JOURNAL_DIR, folder.text())]);
        let _answer = guard.begin("remediate");
        hang.reached().await;
        guard.kill();
    });
    std::fs::read(folder.path().join(format!("{ACCOUNT}.1.json"))).unwrap()
}

fn guard(emulator: &Emulator, folder: &Path, arguments: &[&str], deadline: Duration) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dts-role-guard"));
    let url = emulator.url();
    command
        .args(arguments)
        .args(["--format", "json", "--timeout", &deadline.as_secs().to_string()])
        .env_clear()
        .env("DTS_GUARD_RAM_ENDPOINT", &url)
        .env("DTS_GUARD_STS_ENDPOINT", &url)
        .env("DTS_GUARD_RESOURCE_MANAGER_ENDPOINT", &url)
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", KEY_ID)
        .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", KEY_SECRET)
        .env("ALIBABA_CLOUD_SECURITY_TOKEN", TOKEN)
        .env(JOURNAL_DIR, folder)
        .stdin(Stdio::null());
    command
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
    let (folder, outside) = (Folder::new(), Folder::new());
    let emulator = scene.stage(&folder, record);
    let log = outside.path().join("log");
    let mut command = guard(&emulator, folder.path(), scene.command(), DEADLINE);
    held_up(&mut command, &folder, 0, Trouble::Hangs, Some(&log));
    let report = report(&command.output().unwrap());
    let expected = if scene == Scene::Verify { "drifted" } else { "remediated" };
    assert_eq!(report["status"], expected, "{scene:?}: {report:#}");
    std::fs::read_to_string(log).unwrap().lines().count()
}

/// One run whose folder is in trouble from an operation on, and one with the folder in order after it.
fn check(scene: Scene, from: usize, trouble: Trouble, record: &[u8]) {
    let case = format!("{scene:?} {trouble:?} from operation {from}");
    let folder = Folder::new();
    let emulator = scene.stage(&folder, record);
    let before = role(&emulator);
    let mut command = guard(&emulator, folder.path(), scene.command(), DEADLINE);
    held_up(&mut command, &folder, from, trouble, None);
    let clock = SystemClock::start();
    let output = command.output().unwrap();
    let took = clock.uptime();
    let report = report(&output);
    let case = format!("{case}, {took:?}: {report:#}");
    assert!(took < DEADLINE, "{case}");
    let now = role(&emulator);
    let is_untouched = is_same(now.as_ref(), before.as_ref());
    if scene == Scene::Verify {
        assert_eq!((report["status"].as_str(), emulator.writes().len()), (Some("drifted"), 0), "{case}");
        return;
    }
    match report["status"].as_str().unwrap() {
        "remediated" => assert!(scene.is_well(now.as_ref()), "{case}\n{now:#?}"),
        "refused" => assert!(is_untouched, "{case}\n{now:#?}"),
        _ => panic!("{case}"),
    }
    no_gap(&case, &emulator);
    if !matches!(trouble, Trouble::Hangs) {
        return;
    }
    let later = guard(&emulator, folder.path(), scene.command(), DEADLINE * 6).output().unwrap();
    let later = self::report(&later);
    let ends_well = ["authorized", "remediated"].contains(&later["status"].as_str().unwrap());
    let now = role(&emulator);
    assert!(ends_well && scene.is_well(now.as_ref()), "{case}\nthen: {later:#}\n{now:#?}");
}

/// DTS gets its policy back right after the role, whatever the folder does.
fn no_gap(case: &str, emulator: &Emulator) {
    let writes: Vec<_> = emulator.writes().into_iter().map(|call| call.operation).collect();
    if let Some(created) = writes.iter().position(|name| name == "CreateRole") {
        assert_eq!(writes.get(created + 1).map(String::as_str), Some("AttachPolicyToRole"), "{case}: {writes:?}");
    }
}

/// Runs them, many at once; tells all that failed.
fn all(cases: &[(Scene, usize, Trouble)], record: &[u8]) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some((scene, from, trouble)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(*scene, *from, *trouble, record);
                }
            });
        }
    });
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
    all(&cases, &record);
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
