//! One cell of the matrix, and what is seen when it is played.

use std::sync::{Arc, Mutex};

use aliyun::Transport;
use authorization::settings::Mode;
use dts_role_guard::report::{Report, Status};
use emulator::{Call, DTS_POLICY, DTS_ROLE, Fault, FaultGuard, Role, RoleSnapshot, Rule, WorldState};
use tempfile::TempDir;
use testkit::{ACCOUNT, Lab};

use crate::killer::Kill;
use crate::saboteur::{Bug, way};
use crate::seeds::{Course, Seed, Write};

/// Somebody who wants rights that he must not have.
pub(crate) const STRANGER: &str = "6666666666666666";

/// What happens to the first run.
#[derive(Clone)]
pub(crate) enum Trouble {
    Nothing,
    /// Groups of faults; of each group one at least must be met.
    Faults(Vec<Vec<Fault>>),
    Killed(Kill),
    /// The run that finishes the work is killed, too: at every one of its calls, each in a cell of its own.
    KilledTwice(Kill),
    /// A person takes the DTS policy away just after the last write.
    Person,
    /// Before this call, from 1, somebody deletes the role and makes one that he may assume.
    Stranger(usize),
    /// Before this call, from 1, somebody deletes the role.
    Deleted(usize),
}

/// One cell.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) seed: &'static Seed,
    pub(crate) name: String,
    pub(crate) journal: bool,
    pub(crate) trouble: Trouble,
    /// The plan's last write.
    pub(crate) last: Write,
    /// What passes does not end a repair, and a failure before the deletion goes back: how the first run ends.
    pub(crate) ends: Option<Status>,
    /// What was done is not done again.
    pub(crate) writes: Option<usize>,
    /// Its looks are told old news.
    pub(crate) stale: bool,
}

/// One run of the guard, seen from both sides.
pub(crate) struct Run {
    /// None for one that was killed.
    pub(crate) report: Option<Report>,
    pub(crate) begin: Option<RoleSnapshot>,
    pub(crate) end: Option<RoleSnapshot>,
    pub(crate) calls: Vec<Call>,
    /// The id of the role at the moment of each `DeleteRole`.
    pub(crate) deleted: Vec<Option<String>>,
    /// The emulator's state at its end.
    pub(crate) world: WorldState,
}

/// What is seen of one cell.
pub(crate) struct Evidence {
    pub(crate) case: Case,
    /// The role before everything.
    pub(crate) before: Option<RoleSnapshot>,
    /// Disturbed runs, the last one of which may have ended.
    pub(crate) disturbed: Vec<Run>,
    /// A look between a kill and the next run.
    pub(crate) between: Option<Run>,
    /// One further run.
    pub(crate) further: Run,
    /// A look in the end.
    pub(crate) look: Run,
    /// Whether every group of faults was met.
    pub(crate) met: bool,
}

impl Case {
    pub(crate) fn new(course: &Course, what: String, trouble: Trouble) -> Self {
        let last = course.last_write();
        Self { seed: course.seed, name: what, journal: false, trouble, last, ends: None, writes: None, stale: false }
    }

    /// The case with a journal folder and without one.
    pub(crate) fn on_both_sides(self) -> [Self; 2] {
        [Self { journal: true, ..self.clone() }, self]
    }

    pub(crate) fn describe(&self) -> String {
        let journal = if self.journal { "journal" } else { "no journal" };
        format!("{} / {} / {journal}", self.seed.name, self.name)
    }

    /// Plays the case, with a guard that has a bug or none.
    pub(crate) async fn play(&self, bug: Option<Bug>) -> Vec<Evidence> {
        let Trouble::KilledTwice(first) = self.trouble else { return vec![self.play_once(bug).await] };
        let mut seen = Vec::new();
        for nth in 1.. {
            let (evidence, operation) = self.kill_twice(bug, first, Kill::Before(nth)).await;
            if operation.is_empty() {
                break;
            }
            seen.push(evidence);
            // A kill after a read is one before the next call.
            if crate::wire::writes(&operation) {
                seen.push(self.kill_twice(bug, first, Kill::After(nth)).await.0);
            }
        }
        seen
    }

    async fn play_once(&self, bug: Option<Bug>) -> Evidence {
        let stage = Stage::new(self, bug);
        match &self.trouble {
            Trouble::Faults(groups) => {
                let guards = stage.put_in_force(groups);
                let run = stage.run(Mode::Remediate).await;
                let met = guards.iter().all(|group| group.iter().any(|guard| guard.hits() > 0));
                drop(guards);
                Evidence { met, ..stage.settle(self, vec![run]).await }
            }
            Trouble::Person => {
                let person = stage.person(&self.last);
                let run = stage.run(Mode::Remediate).await;
                let met = person.hits() > 0;
                drop(person);
                Evidence { met, ..stage.settle(self, vec![run]).await }
            }
            Trouble::Stranger(nth) => {
                let somebody = stage.stranger(*nth);
                let run = stage.run(Mode::Remediate).await;
                let met = somebody.hits() > 0;
                drop(somebody);
                Evidence { met, ..stage.settle(self, vec![run]).await }
            }
            Trouble::Deleted(nth) => {
                let somebody = stage.lab.emulator.on_call(Rule::any().nth(*nth), |world| {
                    world.delete_role(ACCOUNT, DTS_ROLE);
                });
                let run = stage.run(Mode::Remediate).await;
                let met = somebody.hits() > 0;
                drop(somebody);
                Evidence { met, ..stage.settle(self, vec![run]).await }
            }
            Trouble::Killed(kill) | Trouble::KilledTwice(kill) => {
                let (run, _) = stage.kill(*kill).await;
                stage.settle(self, vec![run]).await
            }
            Trouble::Nothing => {
                let run = stage.run(Mode::Remediate).await;
                stage.settle(self, vec![run]).await
            }
        }
    }

    async fn kill_twice(&self, bug: Option<Bug>, first: Kill, second: Kill) -> (Evidence, String) {
        let stage = Stage::new(self, bug);
        let (one, _) = stage.kill(first).await;
        let (two, operation) = stage.kill(second).await;
        let case = Self { name: format!("{}, then {second:?}", self.name), ..self.clone() };
        (stage.settle(&case, vec![one, two]).await, operation)
    }
}

/// The emulator, the folder and the way to the cloud of one cell.
struct Stage {
    lab: Lab,
    before: Option<RoleSnapshot>,
    transport: Arc<dyn Transport>,
    _folder: Option<TempDir>,
}

impl Stage {
    fn new(case: &Case, bug: Option<Bug>) -> Self {
        let folder = case.journal.then(folder);
        let path = folder.as_ref().map(|folder| folder.path().to_owned());
        let lab = match &path {
            Some(path) => case.seed.lab().set("DTS_GUARD_JOURNAL_DIR", path.to_str().unwrap()),
            None => case.seed.lab(),
        };
        let before = lab.role();
        Self { lab, before, transport: way(bug, &case.last, path), _folder: folder }
    }

    fn put_in_force(&self, groups: &[Vec<Fault>]) -> Vec<Vec<FaultGuard>> {
        let install = |fault: &Fault| self.lab.emulator.fault(fault.clone());
        groups.iter().map(|group| group.iter().map(install).collect()).collect()
    }

    fn person(&self, last: &Write) -> FaultGuard {
        self.lab.emulator.after_call(last.once(), |world| {
            world.detach(ACCOUNT, DTS_ROLE, DTS_POLICY);
        })
    }

    fn stranger(&self, nth: usize) -> FaultGuard {
        self.lab.emulator.on_call(Rule::any().nth(nth), |world| {
            world.delete_role(ACCOUNT, DTS_ROLE);
            world.put_role(ACCOUNT, Role::named(DTS_ROLE).trusting_account(STRANGER));
        })
    }

    async fn run(&self, mode: Mode) -> Run {
        let watch = Watch::begin(&self.lab);
        let report = self.lab.run_over(self.transport.clone(), mode).await;
        watch.end(Some(report))
    }

    async fn kill(&self, kill: Kill) -> (Run, String) {
        let watch = Watch::begin(&self.lab);
        let killed = kill.run(&self.lab, self.transport.clone()).await;
        (watch.end(killed.report), killed.operation)
    }

    /// One further, undisturbed run, and a look.
    async fn settle(&self, case: &Case, disturbed: Vec<Run>) -> Evidence {
        let killed = disturbed.iter().any(|run| run.report.is_none());
        let between = if killed { Some(self.run(Mode::Plan).await) } else { None };
        let further = self.run(Mode::Remediate).await;
        let look = self.run(Mode::Verify).await;
        Evidence { case: case.clone(), before: self.before.clone(), disturbed, between, further, look, met: true }
    }
}

/// Sees a run from the emulator's side.
struct Watch<'a> {
    lab: &'a Lab,
    begin: Option<RoleSnapshot>,
    calls: usize,
    deleted: Arc<Mutex<Vec<Option<String>>>>,
    _hook: FaultGuard,
}

impl<'a> Watch<'a> {
    fn begin(lab: &'a Lab) -> Self {
        let deleted = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&deleted);
        let hook = lab.emulator.on_call(Rule::on("DeleteRole"), move |world| {
            let id = world.role(ACCOUNT, DTS_ROLE).map(|role| role.role_id.clone());
            seen.lock().unwrap().push(id);
        });
        Self { lab, begin: lab.role(), calls: lab.emulator.calls().len(), deleted, _hook: hook }
    }

    fn end(self, report: Option<Report>) -> Run {
        let deleted = self.deleted.lock().unwrap().clone();
        let calls = self.lab.emulator.calls().split_off(self.calls);
        let world = self.lab.emulator.with_world(|world| world.clone());
        Run { report, begin: self.begin, end: self.lab.role(), calls, deleted, world }
    }
}

/// A folder in memory, where the system has one: most of the time would go into flushes.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}
