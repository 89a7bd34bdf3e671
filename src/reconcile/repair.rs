//! Carries a plan out and says what became of it: what was seen counts, not what was intended.

use authorization::plan::{Difference, StepRecord};
use authorization::plan::{Plan, Step};
use authorization::resume::{self, Resume};
use authorization::role::{ObservedRole, RoleView, Tags};
use authorization::text::chain;
use authorization::verify::Finding;

use super::{Work, refused};
use crate::apply::{self, Applied, Course, Outcome};
use crate::case::Case;
use crate::confirm::{Aim, Goal, Seen, look, second_look};
use crate::journal::OpenRepair;
use crate::observe::LookError;
use crate::report::{AccountReport, Next, Status, Stuck, commands};

/// Repairs a role by a plan that nothing forbids.
pub(super) async fn repair(
    work: &mut Work<'_>,
    report: AccountReport,
    observed: &ObservedRole,
    tags: Option<&Tags>,
    plan: &Plan,
) -> AccountReport {
    let mut open = match work.journal.open(plan, observed.present(), tags).await {
        Ok(open) => open,
        Err(refusal) => return refused(report, &refusal),
    };
    let carried = carry_out(work.case, Course::OF_A_PLAN, &plan.steps, Goal::Repair, &mut open).await;
    let is_seen = carried.look.is_ok();
    let report = judge(work.case, report, plan, carried);
    if is_seen && report.status != Status::Stuck {
        open.close(report.status.as_str(), report.status == Status::Remediated).await;
    } else {
        open.leave_open(report.status.as_str());
    }
    report
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
    goal: Goal,
    open: &mut OpenRepair<'_>,
) -> Carried<'a> {
    let mut applied = apply::run(case, course, steps, open).await;
    let mut rounds = 1..ROUNDS;
    loop {
        let aim = Aim::new(goal, case.baseline, open.repair());
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
    let may_help = matches!(&applied.outcome, Outcome::Applied) || applied.outcome.may_pass() || applied.has_created;
    match resume::resume(open.repair(), case.baseline, &seen.role, None) {
        Resume::Forward(steps) if may_help && seen.role == ObservedRole::Missing && open.has_replaced() => steps,
        _ => Vec::new(),
    }
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
fn judge(case: Case<'_>, report: AccountReport, plan: &Plan, carried: Carried<'_>) -> AccountReport {
    let Carried { applied, look, aim, taken_off } = carried;
    let steps: Vec<_> = applied.steps.iter().chain(&taken_off).cloned().collect();
    let report = AccountReport { steps, ..report };
    let seen = match look {
        Ok(seen) => seen,
        Err(error) => return unconfirmed(case, report, &aim, &applied.outcome, &error),
    };
    let is_strange = aim.is_strange(&seen);
    let status = match &applied.outcome {
        _ if aim.repaired(&seen) => Status::Remediated,
        // Nothing is missing where nothing was taken away.
        Outcome::Stranger(_) if !applied.has_taken_away => Status::Refused,
        _ if is_strange => Status::Stuck,
        outcome if !aim.expected(outcome, &seen) => Status::Stuck,
        Outcome::RolledBack(_) | Outcome::Stuck(_) => Status::RolledBack,
        Outcome::Refused(_) => Status::Refused,
        Outcome::Applied | Outcome::Stranger(_) => Status::Stuck,
    };
    let end = End { case, aim: &aim, applied: &applied, seen: &seen, taken_off: &taken_off };
    let report = AccountReport {
        after: RoleView::of(seen.role.present(), seen.tags.as_ref()),
        next: None,
        may_pass: applied.outcome.may_pass(),
        residual: seen.findings.iter().cloned().chain(end.residue(status, plan)).collect(),
        ..report
    };
    end.tell(status, report)
}

/// How a repair ended, for what is said about it.
struct End<'a> {
    case: Case<'a>,
    aim: &'a Aim<'a>,
    applied: &'a Applied,
    seen: &'a Seen,
    taken_off: &'a [StepRecord],
}

impl End<'_> {
    /// What a recreation changed beside the repair.
    fn residue(&self, status: Status, plan: &Plan) -> Vec<Finding> {
        let replaced = status == Status::Remediated && self.applied.has_deleted && !plan.loses.is_empty();
        let left = self.aim.left(&self.seen.role, self.seen.tags.as_ref());
        let description = (status == Status::Remediated).then_some(left.description).flatten();
        let gone = self.aim.repair().gone.iter().map(Finding::policy_gone);
        let now = self.seen.role.present().map(|role| role.description.as_str()).unwrap_or_default();
        gone.chain(replaced.then(|| Finding::trust_replaced(&plan.loses)))
            .chain(description.map(|wanted| Finding::description_differs(&wanted, now)))
            .collect()
    }

    fn tell(&self, status: Status, report: AccountReport) -> AccountReport {
        let outcome = &self.applied.outcome;
        let cause = outcome.cause();
        let cause = cause.as_deref();
        match status {
            Status::Stuck => {
                let had = self.aim.left(&ObservedRole::Missing, None).describe();
                let why = if self.aim.is_strange(self.seen) {
                    let taken_off = self.taken_off.iter().map(|step| step.target.as_str()).collect();
                    Stuck::Stranger { cause, taken_off, had: &had }
                } else {
                    Stuck::Unfinished { cause, again: false }
                };
                let left = self.aim.left(&self.seen.role, self.seen.tags.as_ref());
                report.then(status, &by_hand(self.case, why, &left))
            }
            Status::RolledBack => {
                let next = Next::RolledBack { cause: cause.unwrap_or_default(), may_pass: outcome.may_pass() };
                report.then(status, &next)
            }
            Status::Refused => AccountReport { status, next: cause.map(str::to_owned), ..report },
            _ => AccountReport { status, ..report },
        }
    }
}

fn unconfirmed(
    case: Case<'_>,
    report: AccountReport,
    aim: &Aim<'_>,
    outcome: &Outcome,
    error: &LookError,
) -> AccountReport {
    let (failure, unseen) = (outcome.cause(), chain(error));
    let why = Stuck::Unseen { cause: failure.as_deref(), error: &unseen, again: false };
    let left = aim.left(&ObservedRole::Missing, None);
    AccountReport { may_pass: error.may_pass(), ..report }.then(Status::Stuck, &by_hand(case, why, &left))
}

/// The cause, then one command a line, ready to paste, and a link last.
pub(super) fn by_hand<'a>(case: Case<'_>, why: Stuck<'a>, left: &Difference) -> Next<'a> {
    Next::Stuck { why, commands: commands(&case.target.role, left) }
}
