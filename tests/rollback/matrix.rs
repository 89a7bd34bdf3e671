//! Plays cells, several at a time, and holds what is seen against every promise.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::case::{Case, Evidence, Run, Trouble};
use crate::invariants::{OF_CASE, OF_RUN, OF_STRANGERS, report, told};
use crate::saboteur::Bug;
use crate::seeds::{Course, SEEDS};

/// A promise that was not kept.
pub(crate) struct Violation {
    case: String,
    pub(crate) promise: &'static str,
    sentence: &'static str,
    what: String,
    told: String,
}

impl fmt::Debug for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { case, promise, sentence, what, told } = self;
        write!(f, "{case}\n  {promise}: \"{sentence}\"\n  {what}\n  {told}")
    }
}

/// What came of a part of the matrix.
#[derive(Default)]
pub(crate) struct Examined {
    pub(crate) cells: usize,
    pub(crate) calls: usize,
    /// How the disturbed runs ended.
    pub(crate) ends: BTreeMap<&'static str, usize>,
    pub(crate) violations: Vec<Violation>,
}

/// How many cells are played at a time; most of a cell's time is spent waiting for the other side.
const AT_ONCE: usize = 3;

/// The cells of every plan along one axis.
pub(crate) fn every_plan(axis: fn(&Course) -> Vec<Case>) -> Vec<Case> {
    let runtime = runtime();
    SEEDS.iter().flat_map(|seed| axis(&runtime.block_on(seed.course()))).collect()
}

/// Plays the cells with a guard that has a bug or none.
pub(crate) fn examine(cases: &[Case], bug: Option<Bug>) -> Examined {
    let (next, examined) = (AtomicUsize::new(0), Mutex::new(Examined::default()));
    let work = || {
        let runtime = runtime();
        while let Some(case) = cases.get(next.fetch_add(1, Ordering::SeqCst)) {
            for evidence in runtime.block_on(case.play(bug)) {
                examined.lock().unwrap().add(&evidence);
            }
        }
    };
    std::thread::scope(|scope| (0..AT_ONCE).for_each(|_| drop(scope.spawn(work))));
    examined.into_inner().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

impl Examined {
    fn add(&mut self, evidence: &Evidence) {
        self.cells += 1;
        self.calls += evidence
            .disturbed
            .iter()
            .chain(&evidence.between)
            .chain([&evidence.further, &evidence.look])
            .map(|run| run.calls.len())
            .sum::<usize>();
        let word = evidence.disturbed[0].report.as_ref().map_or("killed", |report| report.status.as_str());
        *self.ends.entry(word).or_default() += 1;
        if let Trouble::Stranger(_) = evidence.case.trouble {
            // What somebody destroyed is not lost by the guard.
            for (promise, sentence, holds) in OF_STRANGERS {
                if let Err(what) = holds(&evidence.disturbed[0]) {
                    self.note(evidence, (promise, sentence), what, told(&evidence.disturbed[0]));
                }
            }
            return;
        }
        for run in evidence.disturbed.iter().chain([&evidence.further]) {
            self.add_run(evidence, run);
        }
        for (promise, sentence, holds) in OF_CASE {
            if let Err(what) = holds(evidence) {
                self.note(evidence, (promise, sentence), what, told(&evidence.disturbed[0]));
            }
        }
    }

    fn add_run(&mut self, evidence: &Evidence, run: &Run) {
        if run.report.is_none() {
            return;
        }
        for (promise, sentence, holds) in OF_RUN {
            if let Err(what) = holds(evidence, run, report(run)) {
                self.note(evidence, (promise, sentence), what, told(run));
            }
        }
    }

    fn note(&mut self, evidence: &Evidence, promise: (&'static str, &'static str), what: String, told: String) {
        let (promise, sentence) = promise;
        self.violations.push(Violation { case: evidence.case.describe(), promise, sentence, what, told });
    }

    /// Prints what was played; with violations, it fails and prints the first of each promise.
    pub(crate) fn expect_none(&self, name: &str) {
        println!("{name}: {} cells, {} calls: {:?}", self.cells, self.calls, self.ends);
        let mut first: BTreeMap<&str, (usize, &Violation)> = BTreeMap::new();
        for violation in &self.violations {
            first.entry(violation.promise).and_modify(|(count, _)| *count += 1).or_insert((1, violation));
        }
        let list: Vec<_> = first.values().map(|(count, violation)| format!("{count} x {violation:?}")).collect();
        assert!(list.is_empty(), "{name}:\n{}", list.join("\n"));
    }
}
