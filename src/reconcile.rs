//! The sentence, once, for one role: observe, verify, plan, apply, verify, report.

use crate::apply::journal::Journal;
use crate::apply::{self, Applied, Outcome, StepRecord};
use crate::client::Session;
use crate::config::{Approval, Mode, Strategy};
use crate::confirm::{Seen, Wanted, second_look};
use crate::observe::{self, LookError, ObservedRole, Tags};
use crate::plan::{self, Facts, Plan, PlanId, Refusal};
use crate::report::{AccountReport, Before, CallError, QUICK_AUTHORIZATION, Status, commands};
use crate::target::{AccountId, ROLE_NAME};
use crate::telemetry::{Log, chain};
use crate::verify::{self, Baseline, Finding, FindingId};

/// What a run may do, and with what.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The keys of the target's account.
    pub session: Session,
    /// The most that this run may do.
    pub mode: Mode,
    /// How a role that exists is repaired.
    pub strategy: Strategy,
    /// Whether a repair needs a person's word.
    pub approval: Approval,
    /// The plan that a person approved.
    pub approved: Option<PlanId>,
    /// Where the journal's records go.
    pub log: Log,
    /// Names the run in the journal.
    pub request_id: String,
}

/// Looks at one account's role and does what the mode allows.
pub async fn role(guard: &Guard, account: &AccountId) -> AccountReport {
    let observed = match observe::role(&guard.session).await {
        Ok(observed) => observed,
        Err(error) => return unseen(account, &error),
    };
    let findings = verify::role(&observed, &Baseline::DTS);
    let report = AccountReport::observed(account.clone(), &observed, findings.clone());
    if report.status == Status::Authorized {
        return report;
    }
    let report = AccountReport { next: Some(advice_on_drift(&observed)), ..report };
    if guard.mode == Mode::Verify {
        return report;
    }
    let (identity, tags) = tokio::join!(guard.identity(account), guard.tags(&observed));
    let facts = Facts { account, observed: &observed, tags: &tags, findings: &findings, strategy: guard.strategy };
    let Some(plan) = plan::resolve(&facts) else { return report };
    let tags = tags.as_ref().ok().and_then(Option::as_ref);
    let report = planned(report, &observed, tags, &plan);
    if !guard.mode.writes() {
        return would_refuse(report, guard, &plan);
    }
    match identity.map(|refusal| refusal.or_else(|| guard.refusal(&plan))) {
        Err(error) => report.unjudged(&error),
        Ok(Some(refusal)) => refused(report, &refusal),
        Ok(None) => repair(guard, report, &observed, tags, &plan).await,
    }
}

fn advice_on_drift(observed: &ObservedRole) -> String {
    let first = if observed.present().is_some() { "delete the role, then " } else { "" };
    format!("mode `remediate` repairs it; by hand: {first}open {QUICK_AUTHORIZATION}")
}

fn unseen(account: &AccountId, error: &LookError) -> AccountReport {
    AccountReport::failed(Some(account.clone()), CallError::from(error), error.may_pass())
}

impl AccountReport {
    /// The keys' owner could not be found out, so nothing was written.
    fn unjudged(self, error: &crate::client::Error) -> Self {
        let failed = Self::failed(self.account_id.clone(), CallError::from(error), error.kind.may_pass());
        Self { status: failed.status, error: failed.error, next: failed.next, may_pass: failed.may_pass, ..self }
    }
}

impl Guard {
    /// Why these keys must not write to this account, asked only by a run that writes.
    async fn identity(&self, account: &AccountId) -> Result<Option<Refusal>, crate::client::Error> {
        if !self.mode.writes() {
            return Ok(None);
        }
        let caller = self.session.get_caller_identity().await?;
        if caller.account_id != account.as_str() {
            let keys = crate::telemetry::foreign(&caller.account_id);
            return Ok(Some(Refusal::OtherAccount { keys, target: account.clone() }));
        }
        let own = caller.role_name().is_some_and(|role| role.eq_ignore_ascii_case(ROLE_NAME));
        Ok(own.then_some(Refusal::OwnRole))
    }

    /// Tags are read only where the role would be deleted.
    async fn tags(&self, observed: &ObservedRole) -> Result<Option<Tags>, String> {
        match (observed, self.strategy) {
            (ObservedRole::Present(_), Strategy::Recreate) => {
                self.session.list_role_tags(ROLE_NAME).await.map(Some).map_err(|error| chain(&error))
            }
            (ObservedRole::Missing, _) | (_, Strategy::InPlace) => Ok(None),
        }
    }

    fn refusal(&self, plan: &Plan) -> Option<Refusal> {
        let approved = match &self.approved {
            Some(id) if *id != plan.id => return Some(Refusal::OtherPlan(plan.id.clone())),
            approved => approved.is_some(),
        };
        let lifted = |refusal: &Refusal| approved && refusal.can_be_approved();
        let needs_word = || {
            let needed = self.approval == Approval::Required && !approved;
            needed.then(|| Refusal::ApprovalRequired(plan.id.clone()))
        };
        let refusal = plan.refusal.clone().filter(|refusal| !lifted(refusal));
        refusal.or_else(needs_word).or_else(|| apply::too_late(&self.session, plan))
    }
}

fn planned(report: AccountReport, observed: &ObservedRole, tags: Option<&Tags>, plan: &Plan) -> AccountReport {
    AccountReport {
        before: Before::of(observed.present(), tags),
        plan_id: Some(plan.id.to_string()),
        steps: plan.steps.iter().map(StepRecord::planned).collect(),
        ..report
    }
}

/// A plan that `remediate` would not carry out says so.
fn would_refuse(report: AccountReport, guard: &Guard, plan: &Plan) -> AccountReport {
    let needs_word = (guard.approval == Approval::Required).then(|| Refusal::ApprovalRequired(plan.id.clone()));
    match plan.refusal.clone().or(needs_word) {
        Some(refusal) => AccountReport { next: Some(format!("`remediate` would refuse: {refusal}")), ..report },
        None => report,
    }
}

fn refused(report: AccountReport, refusal: &Refusal) -> AccountReport {
    tracing::warn!(reason = %refusal, "refused");
    AccountReport { status: Status::Refused, next: Some(refusal.to_string()), ..report }
}

async fn repair(
    guard: &Guard,
    report: AccountReport,
    observed: &ObservedRole,
    tags: Option<&Tags>,
    plan: &Plan,
) -> AccountReport {
    let (account, before) = (report.account_id.clone(), observed.present());
    let Some(account) = account else { return report };
    let journal =
        Journal::in_log(guard.log, guard.session.clock().clone(), account, guard.request_id.clone(), tags.cloned());
    let applied = apply::run(&guard.session, plan, before, &journal).await;
    let wanted = Wanted { before, tags, gone: &applied.gone };
    let look = second_look(&guard.session, &wanted, &applied.outcome).await;
    judge(report, &wanted, &applied, look)
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
        may_pass: may_pass(&applied.outcome),
        residual: seen.findings.iter().cloned().chain(residue(applied, &report.findings, status)).collect(),
        ..report
    }
}

fn may_pass(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::RolledBack(cause) | Outcome::Stuck(cause) => cause.may_pass,
        Outcome::Applied | Outcome::Refused(_) => false,
    }
}

/// What a recreation changed beside the repair.
fn residue(applied: &Applied, before: &[Finding], status: Status) -> Vec<Finding> {
    let replaced = (status == Status::Remediated && deleted(&applied.steps))
        .then(|| before.iter().find(|finding| finding.id == FindingId::TrustExtraPrincipal))
        .flatten()
        .map(Finding::replaced);
    applied.gone.iter().map(Finding::policy_gone).chain(replaced).collect()
}

fn deleted(steps: &[StepRecord]) -> bool {
    steps.iter().any(|step| step.action == "DeleteRole")
}

fn unconfirmed(report: AccountReport, wanted: &Wanted<'_>, outcome: &Outcome, error: &LookError) -> AccountReport {
    let unknown = ObservedRole::Missing;
    let how = by_hand(wanted, &unknown);
    let cause = cause(outcome).unwrap_or_else(|| "every step was done".to_owned());
    let next =
        format!("{cause}, but the second look failed ({}): look at the role; if it is missing: {how}", chain(error));
    AccountReport { status: Status::Stuck, next: Some(next), may_pass: error.may_pass(), ..report }
}

fn next(status: Status, outcome: &Outcome, wanted: &Wanted<'_>, now: &ObservedRole) -> Option<String> {
    let cause = cause(outcome);
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

fn cause(outcome: &Outcome) -> Option<String> {
    match outcome {
        Outcome::Applied => None,
        Outcome::RolledBack(cause) | Outcome::Stuck(cause) => Some(cause.text.clone()),
        Outcome::Refused(refusal) => Some(refusal.to_string()),
    }
}

fn advice(outcome: &Outcome) -> String {
    if may_pass(outcome) {
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
