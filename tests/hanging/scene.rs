//! What a run finds whose folder is in trouble, and what must hold after it.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use emulator::{DTS_ROLE, Emulator, RoleSnapshot, Rule};
use serde_json::Value;
use testkit::{ACCOUNT, Folder, Guard, Hang, JOURNAL_DIR, cloud, command, full, truth};

/// What the run is told, and must keep whatever the machine does beside it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

fn role(emulator: &Emulator) -> Option<RoleSnapshot> {
    emulator.role(ACCOUNT, DTS_ROLE)
}

fn has_everything(role: Option<&RoleSnapshot>) -> bool {
    truth::authorized(role)
        && role.is_some_and(|role| {
            let policies = ["AliyunOSSReadOnlyAccess", "TeamExtra"];
            role.description == "ours"
                && role.tags.get("team").is_some_and(|value| value == "data")
                && policies.iter().all(|policy| role.policy_names().contains(policy))
        })
}

/// What the run finds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scene {
    Verify,
    Remediate,
    /// The role is missing, and nothing is on record.
    Create,
    /// An earlier run was killed after it had deleted the role.
    Recovery,
}

impl Scene {
    pub(crate) fn command(self) -> &'static [&'static str] {
        if self == Self::Verify { &["verify"] } else { &["remediate", "--yes"] }
    }

    /// Authorized, and with everything that there was.
    fn is_well(self, role: Option<&RoleSnapshot>) -> bool {
        if self == Self::Create { truth::authorized(role) } else { has_everything(role) }
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
pub(crate) fn record() -> Vec<u8> {
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

pub(crate) fn guard(emulator: &Emulator, folder: &Path, arguments: &[&str], deadline: Duration) -> Command {
    let mut command = command(emulator, arguments);
    command.args(["--format", "json", "--timeout", &deadline.as_secs().to_string()]).env(JOURNAL_DIR, folder);
    command
}

/// A run with a folder in trouble.
pub(crate) struct Run {
    pub(crate) scene: Scene,
    pub(crate) emulator: Emulator,
    /// What lies behind the trouble.
    pub(crate) folder: Folder,
    before: Option<RoleSnapshot>,
}

impl Run {
    pub(crate) fn staged(scene: Scene, record: &[u8]) -> Self {
        let folder = Folder::new();
        let emulator = scene.stage(&folder, record);
        let before = role(&emulator);
        Self { scene, emulator, folder, before }
    }

    /// The report is true, and the role authorized or untouched.
    pub(crate) fn judge(&self, case: &str, report: &Value) {
        let status = report["status"].as_str().unwrap();
        let now = role(&self.emulator);
        let writes: Vec<_> = self.emulator.writes().into_iter().map(|call| call.operation).collect();
        match status {
            "drifted" if self.scene == Scene::Verify => assert!(writes.is_empty(), "{case}"),
            "refused" => assert!(truth::unchanged(self.before.as_ref(), now.as_ref()), "{case}\n{now:#?}"),
            "remediated" => {
                assert!(self.scene.is_well(now.as_ref()), "{case}\n{now:#?}");
                // DTS gets its policy back right after the role, whatever the folder does.
                if let Some(created) = writes.iter().position(|name| name == "CreateRole") {
                    let next = writes.get(created + 1).map(String::as_str);
                    assert_eq!(next, Some("AttachPolicyToRole"), "{case}: {writes:?}");
                }
            }
            // Asked to end before it had begun.
            "pending" => assert!(writes.is_empty(), "{case}"),
            _ => panic!("{case}"),
        }
    }

    /// One more run, with the folder in order, brings back what there was.
    pub(crate) fn ends_well(&self, case: &str) {
        let run = guard(&self.emulator, self.folder.path(), self.scene.command(), DEADLINE * 6).output().unwrap();
        let later: Value = serde_json::from_slice(&run.stdout).unwrap();
        let is_well = ["authorized", "remediated"].contains(&later["status"].as_str().unwrap());
        let now = role(&self.emulator);
        assert!(is_well && self.scene.is_well(now.as_ref()), "{case}\nthen: {later:#}\n{now:#?}");
    }
}

/// Does it for all cases, so many at once; tells all that failed.
pub(crate) fn all<T: Sync>(at_once: usize, cases: &[T], check: impl Fn(&T) + Sync) {
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    check(case);
                }
            });
        }
    });
}
