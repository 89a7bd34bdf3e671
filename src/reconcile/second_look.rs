//! The second look: whether what was written, or taken back, is what the cloud shows.

use authorization::baseline::Baseline;
use authorization::plan::{Difference, ExpectedRole};
use authorization::record::{Repair, Snapshot};
use authorization::role::{ObservedRole, Role, Tags};
use authorization::verify::{self, Finding};

use crate::apply::{Cause, Course, Outcome};
use crate::case::Case;
use crate::observe::{self, LookError};

/// How often the second look is repeated until the cloud shows what was written.
const CONFIRMATIONS: usize = 6;

/// What the second look must show. After a plan that is an authorized role with everything that it had; a run that finishes
/// another one gives back what that one took away, and whether the role is authorized is judged afterwards.
#[derive(Debug)]
pub(super) struct Aim<'a> {
    course: Course,
    baseline: &'a Baseline,
    pub(super) repair: Repair,
    before: Option<Role>,
}

/// What the second look showed.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) role: ObservedRole,
    pub(super) findings: Vec<Finding>,
    pub(super) tags: Option<Tags>,
}

impl<'a> Aim<'a> {
    /// The record is asked once the writes are done: they may have told that a policy was not attached, or is gone.
    pub(super) fn new(course: Course, baseline: &'a Baseline, repair: &Repair) -> Self {
        Self { course, baseline, repair: repair.clone(), before: repair.before.as_ref().map(Snapshot::role) }
    }

    pub(super) fn tags(&self) -> Option<&Tags> {
        self.repair.before.as_ref().and_then(Snapshot::tags)
    }

    /// What is left between a role and the one that should be.
    pub(super) fn left(&self, now: &ObservedRole, tags: Option<&Tags>) -> Difference {
        ExpectedRole {
            baseline: self.baseline,
            before: self.before.as_ref(),
            tags: self.tags(),
            gone: &self.repair.gone,
        }
        .left(now, tags)
    }

    /// Authorized, and everything that the role had is back.
    pub(super) fn repaired(&self, seen: &Seen) -> bool {
        let authorized = !seen.findings.iter().any(Finding::failed);
        authorized && !self.is_strange(seen) && self.left(&seen.role, seen.tags.as_ref()).is_settled()
    }

    /// Whether the role that is there is somebody's.
    pub(super) fn is_strange(&self, seen: &Seen) -> bool {
        seen.role.present().is_some_and(|role| !self.repair.knows(role, self.baseline))
    }

    /// As it was found: the same role with what it had.
    fn unchanged(&self, seen: &Seen) -> bool {
        match (&self.before, seen.role.present()) {
            (None, now) => now.is_none(),
            (Some(before), Some(now)) => now.difference(before).is_none() && self.has_policies(now),
            (Some(_), None) => false,
        }
    }

    /// As [`Self::unchanged`], with exactly the same policies: an extra one would be our own attachment that could not be
    /// undone.
    fn untouched(&self, seen: &Seen) -> bool {
        let policies = |role: Option<&Role>| role.map(|role| role.policies.clone());
        self.unchanged(seen) && policies(self.before.as_ref()) == policies(seen.role.present())
    }

    /// Everything that we took away is there again, whatever somebody else did to the role meanwhile.
    fn put_back(&self, seen: &Seen) -> bool {
        self.before.is_none() || seen.role.present().is_some_and(|now| self.has_policies(now))
    }

    fn has_policies(&self, now: &Role) -> bool {
        let before = self.before.iter().flat_map(|before| &before.policies);
        before.into_iter().all(|policy| now.policies.contains(policy) || self.repair.gone.contains(policy))
    }

    /// The role has what it had. Settings that somebody changed meanwhile are not ours to change back.
    pub(super) fn given_back(&self, seen: &Seen) -> bool {
        let Some(before) = &self.before else { return true };
        let left = self.left(&seen.role, seen.tags.as_ref());
        seen.role.present().is_some_and(|now| {
            let policies = left.attach.iter().all(|policy| !before.policies.contains(policy));
            policies && (now.id == before.id || left.tags.is_empty()) && !self.is_strange(seen)
        })
    }

    pub(super) fn expected(&self, outcome: &Outcome, seen: &Seen) -> bool {
        match outcome {
            Outcome::RolledBack(Cause::Stranger(_)) => self.is_strange(seen),
            _ if !self.course.is_reversible() => self.given_back(seen),
            Outcome::Applied => self.repaired(seen),
            Outcome::Stuck(_) => self.repaired(seen) || self.untouched(seen),
            Outcome::RolledBack(Cause::Refused(_)) => self.put_back(seen),
            Outcome::RolledBack(_) => self.unchanged(seen),
        }
    }
}

/// Looks until the cloud shows what was written: a reply may be some seconds old.
pub(super) async fn second_look(case: Case<'_>, aim: &Aim<'_>, outcome: &Outcome) -> Result<Seen, LookError> {
    let mut pauses = case.session.pauses(CONFIRMATIONS - 1);
    loop {
        let seen = look(case, aim).await;
        let is_expected = seen.as_ref().is_ok_and(|seen| aim.expected(outcome, seen));
        if is_expected || !case.session.pause(pauses.next()).await {
            return seen;
        }
    }
}

/// Tags are read only where the old role had some.
pub(super) async fn look(case: Case<'_>, aim: &Aim<'_>) -> Result<Seen, LookError> {
    let had_tags = aim.tags().is_some_and(|tags| !tags.is_empty());
    let (role, tags) = if had_tags { observe::whole(case).await? } else { (observe::role(case).await?, None) };
    let findings = verify::role(&role, case.baseline);
    Ok(Seen { role, findings, tags })
}
