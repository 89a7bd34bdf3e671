//! Carries a plan out and says what became of it: what was seen counts, not what was intended.

use authorization::plan::StepRecord;
use authorization::plan::{Plan, Step};
use authorization::resume::{self, Resume};
use authorization::role::{ObservedRole, RoleView, Tags};
use authorization::text::{chain, escaped};
use authorization::verify::Finding;

use super::{Work, refused};
use crate::apply::{self, Applied, Course, Outcome};
use crate::case::Case;
use crate::confirm::{Aim, Goal, Seen, look, second_look};
use crate::journal::OpenRepair;
use crate::observe::LookError;
use crate::report::{AccountReport, QUICK_AUTHORIZATION, Status, commands};

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
    let report = judge(report, plan, carried);
    if is_seen && report.status != Status::Stuck {
        open.close(report.status.word(), report.status == Status::Remediated).await;
    } else {
        open.leave_open(report.status.word());
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
fn judge(report: AccountReport, plan: &Plan, carried: Carried<'_>) -> AccountReport {
    let Carried { applied, look, aim, taken_off } = carried;
    let steps: Vec<_> = applied.steps.iter().chain(&taken_off).cloned().collect();
    let report = AccountReport { steps, ..report };
    let seen = match look {
        Ok(seen) => seen,
        Err(error) => return unconfirmed(report, &aim, &applied.outcome, &error),
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
    let end = End { aim: &aim, outcome: &applied.outcome, seen: &seen, taken_off: &taken_off };
    AccountReport {
        status,
        after: RoleView::of(seen.role.present(), seen.tags.as_ref()),
        next: end.next(status),
        may_pass: applied.outcome.may_pass(),
        residual: seen.findings.iter().cloned().chain(end.residue(status, plan, applied.has_deleted)).collect(),
        ..report
    }
}

/// How a repair ended, for the sentences about it.
struct End<'a> {
    aim: &'a Aim<'a>,
    outcome: &'a Outcome,
    seen: &'a Seen,
    taken_off: &'a [StepRecord],
}

impl End<'_> {
    /// What a recreation changed beside the repair.
    fn residue(&self, status: Status, plan: &Plan, has_deleted: bool) -> Vec<Finding> {
        let replaced = status == Status::Remediated && has_deleted && !plan.loses.is_empty();
        let left = self.aim.left(&self.seen.role, self.seen.tags.as_ref());
        let description = (status == Status::Remediated).then_some(left.description).flatten();
        let gone = self.aim.repair().gone.iter().map(Finding::policy_gone);
        let now = self.seen.role.present().map(|role| role.description.as_str()).unwrap_or_default();
        gone.chain(replaced.then(|| Finding::trust_replaced(&plan.loses)))
            .chain(description.map(|wanted| Finding::description_differs(&wanted, now)))
            .collect()
    }

    fn next(&self, status: Status) -> Option<String> {
        let cause = self.outcome.cause();
        match status {
            Status::Stuck if self.aim.is_strange(self.seen) => Some(self.strange(cause)),
            Status::Stuck => {
                let cause = cause.unwrap_or_else(|| "the second look does not show what was written".to_owned());
                Some(by_hand(&format!("{cause}. To finish by hand:"), self.aim, self.seen))
            }
            Status::RolledBack => {
                let cause = cause.unwrap_or_default();
                Some(format!("{cause}; the role is as it was. {}", advice(self.outcome)))
            }
            Status::Refused => cause,
            _ => None,
        }
    }

    /// Commands that attach something to a role of unknown origin come with a warning.
    fn strange(&self, cause: Option<String>) -> String {
        let cause = cause.unwrap_or_else(|| {
            "another role of that name stands in the place of the one that was looked at".to_owned()
        });
        let taken_off: Vec<_> = self.taken_off.iter().map(|step| step.target.as_str()).collect();
        let taken_off = if taken_off.is_empty() {
            "nothing stays attached to it by the guard".to_owned()
        } else {
            format!(
                "what the guard had attached to it by name was taken off again ({})",
                escaped(&taken_off.join(", "))
            )
        };
        let had = self.aim.left(&ObservedRole::Missing, None).describe();
        let ask = format!(
            "{cause}; {taken_off}. Find out whose it is. The old role had: {had}. Only if the new role is yours, bring that back by hand:"
        );
        by_hand(&ask, self.aim, self.seen)
    }
}

fn unconfirmed(report: AccountReport, aim: &Aim<'_>, outcome: &Outcome, error: &LookError) -> AccountReport {
    let cause = match outcome.cause() {
        Some(cause) => {
            format!("{cause}; what became of the role is not known, since the look at it failed ({})", chain(error))
        }
        None => format!("every step was done, but the look at the role afterwards failed ({})", chain(error)),
    };
    let lines = lines(&format!("{cause}. Look at the role; if it is missing:"), aim, &ObservedRole::Missing, None);
    AccountReport { status: Status::Stuck, next: Some(lines), may_pass: error.may_pass(), ..report }
}

fn advice(outcome: &Outcome) -> String {
    if outcome.may_pass() {
        "It may pass: the next run tries again".to_owned()
    } else {
        format!("Remove the cause, then run again, or authorize by hand: {QUICK_AUTHORIZATION}")
    }
}

/// The cause, then one command a line, ready to paste, and a link last.
pub(super) fn by_hand(cause: &str, aim: &Aim<'_>, seen: &Seen) -> String {
    lines(cause, aim, &seen.role, seen.tags.as_ref())
}

pub(super) fn lines(cause: &str, aim: &Aim<'_>, now: &ObservedRole, tags: Option<&Tags>) -> String {
    let commands = commands(aim.role(), &aim.left(now, tags));
    let link = format!("Without the extras, authorize in the console: {QUICK_AUTHORIZATION}");
    let lines = std::iter::once(cause.to_owned()).chain(commands).chain([link]);
    lines.collect::<Vec<_>>().join("\n")
}
