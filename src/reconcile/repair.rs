//! Carries a plan out and says what became of it: what was seen counts, not what was intended.

use super::{Guard, refused};
use crate::apply::journal::{History, Journal};
use crate::apply::recover::{self, Resume};
use crate::apply::{self, Applied, How, Outcome, StepRecord};
use crate::client::Session;
use crate::confirm::{Goal, Seen, Wanted, second_look};
use crate::observe::{LookError, ObservedRole, Role, Tags};
use crate::plan::{Plan, Step};
use crate::report::{AccountReport, Before, QUICK_AUTHORIZATION, Status, commands};
use crate::telemetry::chain;
use crate::verify::{Finding, FindingId};

/// Repairs a role by a plan that nothing forbids.
pub(super) async fn repair(
    guard: &Guard,
    report: AccountReport,
    observed: &ObservedRole,
    tags: Option<&Tags>,
    plan: &Plan,
    history: &mut History,
) -> AccountReport {
    let before = observed.present();
    let mut journal = match history.open(plan, before, tags).await {
        Ok(journal) => journal,
        Err(refusal) => return refused(report, &refusal),
    };
    let aim = Aim { goal: Goal::Repair, before, tags };
    let (applied, look) = carry_out(&guard.session, How::Plan, &plan.steps, &aim, &mut journal).await;
    let seen = look.as_ref().ok().map(|seen| seen.role.clone());
    let report = judge(report, &aim.wanted(&journal), &applied, look);
    match seen {
        Some(now) if report.status != Status::Stuck => {
            journal.close(report.status.word(), report.status == Status::Remediated, &now).await;
        }
        _ => journal.leave_open(report.status.word()),
    }
    report
}

/// What a run is after, from its begin on.
pub(super) struct Aim<'a> {
    pub(super) goal: Goal,
    pub(super) before: Option<&'a Role>,
    pub(super) tags: Option<&'a Tags>,
}

impl<'a> Aim<'a> {
    pub(super) fn wanted(&self, journal: &'a Journal) -> Wanted<'a> {
        Wanted { goal: self.goal, before: self.before, tags: self.tags, gone: &journal.repair().gone }
    }
}

/// A role that is deleted over and over again is left to a person.
const ROUNDS: usize = 3;

/// Carries steps out and looks. A role that the look shows to be missing is made in a further round: somebody else may
/// have deleted the new one, too.
pub(super) async fn carry_out(
    session: &Session,
    how: How,
    steps: &[Step],
    aim: &Aim<'_>,
    journal: &mut Journal,
) -> (Applied, Result<Seen, LookError>) {
    let mut applied = apply::run(session, how, steps, aim.before, journal).await;
    for _ in 1..ROUNDS {
        let look = second_look(session, &aim.wanted(journal), &applied.outcome).await;
        let left = look.as_ref().map_or_else(|_| Vec::new(), |seen| left(&applied, seen, journal));
        if left.is_empty() {
            return (applied, look);
        }
        journal.extend(&left);
        applied = applied.then(apply::run(session, How::Forward, &left, aim.before, journal).await);
    }
    let look = second_look(session, &aim.wanted(journal), &applied.outcome).await;
    (applied, look)
}

/// What a further round would do. A creation that failed for a cause that does not pass is left to a person.
fn left(applied: &Applied, seen: &Seen, journal: &Journal) -> Vec<Step> {
    let created = applied.steps.iter().any(StepRecord::has_created);
    let may_help = matches!(&applied.outcome, Outcome::Applied) || applied.outcome.may_pass() || created;
    match recover::resume(journal.repair(), &seen.role, None) {
        Resume::Forward(steps) if may_help && seen.role == ObservedRole::Missing && journal.has_replaced() => steps,
        _ => Vec::new(),
    }
}

/// What the run says in the end: what was seen counts, not what was intended.
fn judge(
    report: AccountReport,
    wanted: &Wanted<'_>,
    applied: &Applied,
    look: Result<Seen, LookError>,
) -> AccountReport {
    let report = AccountReport { steps: applied.steps.clone(), ..report };
    let seen = match look {
        Ok(seen) => seen,
        Err(error) => return unconfirmed(report, wanted, &applied.outcome, &error),
    };
    let status = match &applied.outcome {
        _ if wanted.repaired(&seen) => Status::Remediated,
        outcome if !wanted.expected(outcome, &seen) => Status::Stuck,
        Outcome::RolledBack(_) | Outcome::Stuck(_) => Status::RolledBack,
        Outcome::Refused(_) => Status::Refused,
        Outcome::Applied => Status::Stuck,
    };
    AccountReport {
        status,
        after: Before::of(seen.role.present(), seen.tags.as_ref()),
        next: next(status, &applied.outcome, wanted, &seen.role),
        may_pass: applied.outcome.may_pass(),
        residual: seen.findings.iter().cloned().chain(residue(wanted, applied, &report.findings, status)).collect(),
        ..report
    }
}

/// What a recreation changed beside the repair.
fn residue(wanted: &Wanted<'_>, applied: &Applied, before: &[Finding], status: Status) -> Vec<Finding> {
    let replaced = (status == Status::Remediated && deleted(&applied.steps))
        .then(|| before.iter().find(|finding| finding.id == FindingId::TrustExtraPrincipal))
        .flatten()
        .map(Finding::replaced);
    wanted.gone.iter().map(Finding::policy_gone).chain(replaced).collect()
}

fn deleted(steps: &[StepRecord]) -> bool {
    steps.iter().any(|step| step.action == "DeleteRole")
}

fn unconfirmed(report: AccountReport, wanted: &Wanted<'_>, outcome: &Outcome, error: &LookError) -> AccountReport {
    let unknown = ObservedRole::Missing;
    let how = by_hand(wanted, &unknown);
    let cause = outcome.cause().unwrap_or_else(|| "every step was done".to_owned());
    let next =
        format!("{cause}, but the second look failed ({}): look at the role; if it is missing: {how}", chain(error));
    AccountReport { status: Status::Stuck, next: Some(next), may_pass: error.may_pass(), ..report }
}

fn next(status: Status, outcome: &Outcome, wanted: &Wanted<'_>, now: &ObservedRole) -> Option<String> {
    let cause = outcome.cause();
    match status {
        Status::Stuck => {
            let cause = cause.unwrap_or_else(|| "the second look does not show what was written".to_owned());
            Some(format!("{cause}. To finish by hand: {}", by_hand(wanted, now)))
        }
        Status::RolledBack => {
            let cause = cause.unwrap_or_default();
            Some(format!("{cause}; the role is as it was. {}", advice(outcome)))
        }
        Status::Refused => cause,
        _ => None,
    }
}

fn advice(outcome: &Outcome) -> String {
    if outcome.may_pass() {
        "It may pass: the next run tries again".to_owned()
    } else {
        format!("Mend the cause, then run again, or authorize by hand: {QUICK_AUTHORIZATION}")
    }
}

fn by_hand(wanted: &Wanted<'_>, now: &ObservedRole) -> String {
    let commands = commands(wanted.before, wanted.tags, now);
    let commands = if commands.is_empty() { "nothing is missing".to_owned() } else { commands.join(" && ") };
    format!("{commands} (or, without the extras: {QUICK_AUTHORIZATION})")
}
