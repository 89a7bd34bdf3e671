//! Carries a plan out: the only writer.
//!
//! Steps that do not need each other's effect are sent at the same time, as one intent (`group`). Before the deletion a
//! failure puts back what was taken away (`undo`); after it the only way is forward. What must succeed after the deletion
//! is tried before it, where it has no effect (`rehearsal`). A lost reply is followed by a look, never by a guess
//! (`step`). What is done is on record before it is done ([`crate::journal`]), so that a later run can finish it ([`authorization::resume`]).

mod group;
mod outcome;
mod rehearsal;
mod step;
mod time;
mod undo;

pub(crate) use outcome::{Applied, Cause, Outcome};
pub(crate) use rehearsal::{Rehearsed, rehearse};
pub(crate) use time::too_late;
pub(crate) use undo::take_off;

use std::collections::BTreeSet;

use authorization::plan::{Step, StepRecord};
use authorization::record::Snapshot;
use authorization::role::{Role, Tags};
use authorization::target::PolicyRef;

use crate::case::Case;
use crate::journal::OpenRepair;
use crate::observe;

/// How far the work is from its way back: what a failure leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// A plan begins: the role that was looked at is there, and a failure takes back what was done.
    Planned,
    /// The same, and every write that must succeed after the deletion was tried.
    Rehearsed,
    /// What an earlier run took away is put back on the role that is still there.
    PuttingBack,
    /// The role that was looked at is gone, or may be: what can be done is done.
    Forward,
}

impl Course {
    pub(crate) fn is_reversible(self) -> bool {
        matches!(self, Self::Planned | Self::Rehearsed)
    }
}

/// Carries steps out, as far as they go. They are the last ones of the journal's record.
pub(crate) async fn run(case: Case<'_>, course: Course, steps: &[Step], open: &mut OpenRepair<'_>) -> Applied {
    let mut run = Run::new(case, course, steps, open);
    let outcome = run.all().await;
    Applied::new(outcome, run)
}

/// A repair under way.
struct Run<'a, 'j> {
    case: Case<'a>,
    course: Course,
    items: Vec<Item>,
    /// What could not be taken back.
    undone: Vec<StepRecord>,
    /// The role that the plan was made for, and its tags where they were read.
    found: Option<Role>,
    tags: Option<Tags>,
    /// The id of the role that this run made.
    created: Option<String>,
    /// Policies that the list showed and that were not attached: somebody took them away.
    not_held: BTreeSet<PolicyRef>,
    /// Policies that this run attached, to whatever role bore the name.
    attached: BTreeSet<PolicyRef>,
    open: &'a mut OpenRepair<'j>,
}

/// A step, its line in the journal, and what became of it once it was begun.
struct Item {
    step: Step,
    line: usize,
    record: Option<StepRecord>,
}

impl<'a, 'j> Run<'a, 'j> {
    fn new(case: Case<'a>, course: Course, steps: &[Step], open: &'a mut OpenRepair<'j>) -> Self {
        let before = open.repair().before.as_ref();
        let (found, tags) = (before.map(Snapshot::role), before.and_then(Snapshot::tags).cloned());
        let first_line = open.repair().steps.len().saturating_sub(steps.len());
        let items = steps.iter().zip(first_line..).map(|(step, line)| Item { step: step.clone(), line, record: None });
        Self {
            case,
            course,
            items: items.collect(),
            undone: Vec::new(),
            found,
            tags,
            created: None,
            not_held: BTreeSet::new(),
            attached: BTreeSet::new(),
            open,
        }
    }

    async fn all(&mut self) -> Outcome {
        if self.deletes()
            && let Err(cause) = self.rehearse().await
        {
            return self.back(cause).await;
        }
        let mut failure = None;
        while let Some(group) = self.next_group() {
            let creates = self.items.get(group.start).is_some_and(|item| matches!(item.step, Step::Create { .. }));
            let Err(cause) = self.group(group.clone()).await else { continue };
            if matches!(cause, Cause::Stranger(_)) {
                return Outcome::RolledBack(cause);
            }
            if self.course.is_reversible() || (creates && self.is_still_there().await) {
                if self.is_gone(&cause).await {
                    self.go_forward().await;
                    continue;
                }
                return self.back(cause).await;
            }
            failure.get_or_insert(cause);
            if creates {
                break;
            }
        }
        failure.map_or(Outcome::Applied, Outcome::Stuck)
    }

    /// Whether the creation failed because the role that it was to replace was not deleted after all.
    async fn is_still_there(&self) -> bool {
        let replaces = self.items.iter().find_map(|Item { step, .. }| match step {
            Step::Create { replaces, .. } => replaces.as_ref(),
            _ => None,
        });
        let Some(old) = replaces else { return false };
        matches!(observe::facts(self.case).await, Ok(Some(role)) if role.role_id == *old)
    }

    fn deletes(&self) -> bool {
        self.items.iter().any(|item| matches!(item.step, Step::Delete { .. }))
    }

    /// Whether the role exists because this run, or somebody in its place, has just made it: a reply that says that it is
    /// missing may be an old one.
    fn is_made(&self) -> bool {
        !self.course.is_reversible() || self.created.is_some()
    }
}
