//! Carries a plan out and says what became of it: what was seen counts, not what was intended.

use std::collections::BTreeSet;

use authorization::plan::{Difference, Plan, Step, StepRecord};
use authorization::resume;
use authorization::role::{ObservedRole, RoleView, Tags};
use authorization::target::RoleName;
use authorization::text::chain;
use authorization::verify::Finding;

use super::second_look::{Aim, Seen, look, second_look};
use super::{Work, refused};
use crate::apply::{self, Applied, Cause, Course, Outcome};
use crate::case::Case;
use crate::journal::OpenRepair;
use crate::observe::LookError;
use crate::outcome::{AccountOutcome, Ending, Refused, Stuck};
use crate::report::Status;

/// Repairs a role by a plan that nothing forbids.
pub(super) async fn repair(
    work: &mut Work<'_>,
    planned: AccountOutcome,
    observed: &ObservedRole,
    tags: Option<&Tags>,
    plan: &Plan,
) -> AccountOutcome {
    let mut open = match work.journal.open(plan, observed.present(), tags).await {
        Ok(open) => open,
        Err(refusal) => return refused(planned, refusal, BTreeSet::new()),
    };
    let carried = carry_out(work.case, Course::Planned, &plan.steps, &mut open).await;
    let is_seen = carried.look.is_ok();
    let outcome = judge(&work.case.target.role, planned, plan, carried);
    let status = outcome.status();
    if is_seen && status != Status::Stuck {
        open.close(status.as_str(), status == Status::Remediated).await;
    } else {
        open.leave_open(status.as_str());
    }
    outcome
}

/// What was done, and what a look showed in the end.
pub(super) struct Carried<'a> {
    pub(super) applied: Applied,
    pub(super) look: Result<Seen, LookError>,
    pub(super) aim: Aim<'a>,
    /// What was attached to a role that is somebody's and taken off again.
    pub(super) taken_off: Vec<StepRecord>,
}

/// A role that is deleted over and over again is left to a person.
const ROUNDS: usize = 3;

/// Carries steps out and looks. A role that the look shows to be missing is made in a further round: somebody else may
/// have deleted the new one, too.
pub(super) async fn carry_out<'a>(
    case: Case<'a>,
    course: Course,
    steps: &[Step],
    open: &mut OpenRepair<'_>,
) -> Carried<'a> {
    let mut applied = apply::run(case, course, steps, open).await;
    let mut rounds = 1..ROUNDS;
    loop {
        let aim = Aim::new(course, case.baseline, open.repair());
        let look = second_look(case, &aim, &applied.outcome).await;
        let left = look.as_ref().map_or_else(|_| Vec::new(), |seen| left(case, &applied, seen, open));
        if left.is_empty() || rounds.next().is_none() {
            let carried = Carried { applied, look, aim, taken_off: Vec::new() };
            return take_off(case, carried, open).await;
        }
        open.extend(&left);
        applied = applied.then(apply::run(case, Course::Forward, &left, open).await);
    }
}

/// What a further round would do. A creation that failed for a cause that does not pass is left to a person.
fn left(case: Case<'_>, applied: &Applied, seen: &Seen, open: &OpenRepair<'_>) -> Vec<Step> {
    let may_help = applied.has_created || applied.outcome.cause().is_none_or(Cause::may_pass);
    if !may_help || seen.role != ObservedRole::Missing || !open.has_replaced() {
        return Vec::new();
    }
    resume::resume(open.repair(), case.baseline, &seen.role, None).steps().to_vec()
}

/// Writes go by name. Where another role stood under the name when a policy was attached, it is taken off again.
async fn take_off<'a>(case: Case<'a>, carried: Carried<'a>, open: &mut OpenRepair<'_>) -> Carried<'a> {
    let Ok(seen) = &carried.look else { return carried };
    let Some(role) = seen.role.present().filter(|_| carried.aim.is_strange(seen)) else { return carried };
    let policies: Vec<_> = carried.applied.attached.intersection(&role.policies).cloned().collect();
    if policies.is_empty() {
        return carried;
    }
    let taken_off = apply::take_off(case, &policies, open).await;
    let look = look(case, &carried.aim).await;
    Carried { look, taken_off, ..carried }
}

/// What the run says in the end: what was seen counts, not what was intended.
fn judge(role: &RoleName, planned: AccountOutcome, plan: &Plan, carried: Carried<'_>) -> AccountOutcome {
    let Carried { applied, look, aim, taken_off } = carried;
    let steps = applied.steps.iter().chain(&taken_off).cloned().collect();
    let cause = applied.outcome.cause().cloned();
    let seen = match look {
        Ok(seen) => seen,
        Err(error) => {
            let why = Stuck::Unseen { cause, error: chain(&error), again: false };
            return AccountOutcome { steps, ..planned }.ending(stuck(
                role,
                why,
                aim.left(&ObservedRole::Missing, None),
            ));
        }
    };
    let left = aim.left(&seen.role, seen.tags.as_ref());
    let residual = residue(&aim, &applied, &seen, plan, &left);
    let is_expected = aim.expected(&applied.outcome, &seen);
    let ending = match applied.outcome {
        _ if aim.repaired(&seen) => Ending::Remediated,
        // Nothing is missing where nothing was taken away.
        Outcome::RolledBack(Cause::Stranger(id)) if !applied.has_taken_away => Ending::Refused(Refused::Stranger(id)),
        _ if aim.is_strange(&seen) => {
            let had = aim.left(&ObservedRole::Missing, None).describe();
            let taken_off = taken_off.into_iter().map(|step| step.target).collect();
            stuck(role, Stuck::Stranger { cause, taken_off, had }, left)
        }
        Outcome::RolledBack(Cause::Refused(why)) if is_expected => Ending::from(why),
        Outcome::RolledBack(cause) | Outcome::Stuck(cause) if is_expected => Ending::RolledBack(cause),
        Outcome::Applied | Outcome::RolledBack(_) | Outcome::Stuck(_) => {
            stuck(role, Stuck::Unfinished { cause, again: false }, left)
        }
    };
    let after = RoleView::of(seen.role.present(), seen.tags.as_ref());
    AccountOutcome { steps, after, residual, ending, ..planned }
}

/// What the second look found, and what a recreation changed beside the repair.
fn residue(aim: &Aim<'_>, applied: &Applied, seen: &Seen, plan: &Plan, left: &Difference) -> Vec<Finding> {
    let is_remediated = aim.repaired(seen);
    let mut residual = seen.findings.clone();
    residual.extend(aim.repair.gone.iter().map(Finding::policy_gone));
    if is_remediated && applied.has_deleted && !plan.loses.is_empty() {
        residual.push(Finding::trust_replaced(&plan.loses));
    }
    if let Some(wanted) = left.description.as_ref().filter(|_| is_remediated) {
        let now = seen.role.present().map(|role| role.description.as_str()).unwrap_or_default();
        residual.push(Finding::description_differs(wanted, now));
    }
    residual
}

pub(super) fn stuck(role: &RoleName, why: Stuck, left: Difference) -> Ending {
    Ending::Stuck { why, role: role.clone(), left: Box::new(left) }
}
