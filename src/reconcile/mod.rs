//! The sentence, once, for one role: observe, verify, plan, apply, verify, report.
//!
//! A run that writes first finishes what an earlier one left behind (`unfinished`); then it judges the role like any other.

mod repair;
mod unfinished;

use std::sync::Arc;

use aliyun::Session;
use authorization::plan::{self, Facts, Plan, PlanId, Refusal, StepRecord};
use authorization::resume::Resume;
use authorization::role::{ObservedRole, RoleView, Tags};
use authorization::settings::{Approval, Mode, Strategy};
use authorization::target::{AccountId, ROLE_NAME};
use authorization::text::chain;
use authorization::verify::{self, Baseline, Finding};

use crate::apply;
use crate::apply::journal::{History, LogBook, Store};
use crate::observe::{self, LookError};
use crate::report::{AccountReport, CallError, QUICK_AUTHORIZATION, Status};
use crate::stop::Stop;
use crate::telemetry::Log;

use repair::repair;
use unfinished::Unfinished;

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
    /// Where the journal's lines go.
    pub log: Log,
    /// Where its files live, if they live anywhere.
    pub store: Option<Arc<dyn Store>>,
    /// Names the run in the journal.
    pub request_id: String,
    /// When the run began, as uptime.
    pub begun: std::time::Duration,
    /// Asks the run to end. What has begun is finished all the same.
    pub stop: Stop,
}

/// Looks at one account's role and does what the mode allows.
pub async fn role(guard: &Guard, account: &AccountId) -> AccountReport {
    let mut history = guard.history(account).await;
    if guard.stop.is_asked() {
        return AccountReport::stopped(Some(account.clone()));
    }
    let finished = match unfinished::finish(guard, account, &mut history).await {
        Ok(finished) => finished,
        Err(report) => return unfinished::still_open(*report, &history),
    };
    let observed = match &finished.observed {
        Some(observed) => Ok(observed.clone()),
        None => observe::role(&guard.session).await,
    };
    let observed = match observed {
        Ok(observed) => observed,
        Err(error) => return noted(finished.then(unseen(account, &error)), history.unreadable()),
    };
    let unfinished = unfinished::look(guard, account, &history, &observed).await;
    let mut notes = history.unreadable().to_vec();
    notes.extend(unfinished.as_ref().map(Unfinished::note));
    let report = match &unfinished {
        Some(unfinished) => would_finish(guard, account, &observed, &history, unfinished),
        None => judged(guard, account, &observed, &mut history, finished.has_written()).await,
    };
    noted(finished.then(report), &notes)
}

/// A run that does not write says what one that does would do first.
fn would_finish(
    guard: &Guard,
    account: &AccountId,
    observed: &ObservedRole,
    history: &History,
    unfinished: &Unfinished,
) -> AccountReport {
    let report = AccountReport::observed(account.clone(), observed, verify::role(observed, &Baseline::DTS));
    if guard.mode == Mode::Plan && unfinished.has_steps() {
        return unfinished.shown(report, unfinished.refusal(guard, history).as_ref());
    }
    let next = match unfinished.resume {
        Resume::Stranger => Some(format!(
            "the role that is there is somebody's, so `remediate` leaves it alone: find out whose it is, or give the unfinished repair up:\ndts-role-guard clear --account {account} --unfinished"
        )),
        Resume::Whole | Resume::Authorized(_) | Resume::PutBack(_) | Resume::Forward(_) => {
            (report.status != Status::Authorized).then(|| advice_on_drift(observed))
        }
    };
    AccountReport { next, ..report }
}

/// Judges a role that was observed, and repairs it if that is needed and allowed.
async fn judged(
    guard: &Guard,
    account: &AccountId,
    observed: &ObservedRole,
    history: &mut History,
    has_finished: bool,
) -> AccountReport {
    let findings = verify::role(observed, &Baseline::DTS);
    let report = AccountReport::observed(account.clone(), observed, findings.clone());
    if report.status == Status::Authorized {
        return report;
    }
    let report = AccountReport { next: Some(advice_on_drift(observed)), ..report };
    if guard.mode == Mode::Verify {
        return report;
    }
    let (identity, tags) = tokio::join!(guard.identity(account), guard.tags(observed));
    let facts = Facts { account, observed, tags: &tags, findings: &findings, strategy: guard.strategy };
    let Some(plan) = plan::resolve(&facts) else { return report };
    let tags = tags.as_ref().ok().and_then(Option::as_ref);
    let report = planned(report, observed, tags, &plan);
    if !guard.mode.writes() {
        return would_refuse(report, guard, &plan, history);
    }
    match identity.map(|refusal| refusal.or_else(|| guard.refusal(&plan, history, has_finished))) {
        Err(error) => report.unjudged(&error),
        Ok(Some(refusal)) => {
            if matches!(refusal, Refusal::TooManyAttempts { .. }) {
                history.block().await;
            }
            // Whoever approves it must know who loses the role.
            let losers = if refusal.can_be_approved() { losers(&plan) } else { String::new() };
            let report = refused(report, &refusal);
            AccountReport { next: report.next.map(|next| next + &losers), ..report }
        }
        Ok(None) if guard.stop.is_asked() => report.unrepaired(),
        Ok(None) => repair(guard, report, observed, tags, &plan, history).await,
    }
}

fn noted(report: AccountReport, notes: &[Finding]) -> AccountReport {
    let findings = report.findings.into_iter().chain(notes.iter().cloned()).collect();
    AccountReport { findings, ..report }
}

fn advice_on_drift(observed: &ObservedRole) -> String {
    let first = if observed.present().is_some() { "delete the role, then " } else { "" };
    format!("mode `remediate` repairs it; by hand: {first}open {QUICK_AUTHORIZATION}")
}

fn unseen(account: &AccountId, error: &LookError) -> AccountReport {
    if error.is_out_of_time() {
        return AccountReport::pending(Some(account.clone()));
    }
    AccountReport::failed(Some(account.clone()), CallError::from(error), error.may_pass())
}

impl AccountReport {
    /// The run was asked to end before the first write to a broken role.
    pub(crate) fn unrepaired(self) -> Self {
        let next = "it is broken, and the run was stopped before it was repaired: run it again".to_owned();
        Self { status: Status::Pending, next: Some(next), ..self }
    }

    /// The keys' owner could not be found out, so nothing was written.
    fn unjudged(self, error: &aliyun::Error) -> Self {
        let failed = Self::failed(self.account_id.clone(), CallError::from(error), error.kind.may_pass());
        Self { status: failed.status, error: failed.error, next: failed.next, may_pass: failed.may_pass, ..self }
    }
}

impl Guard {
    async fn history(&self, account: &AccountId) -> History {
        let log = LogBook::new(self.log, self.session.clock().clone(), account.clone(), self.request_id.clone());
        History::look(log.begun_at(self.begun), self.store.clone(), self.mode.writes()).await
    }

    /// Why these keys must not write to this account, asked only by a run that writes.
    async fn identity(&self, account: &AccountId) -> Result<Option<Refusal>, aliyun::Error> {
        if !self.mode.writes() {
            return Ok(None);
        }
        let caller = self.session.get_caller_identity().await?;
        if caller.account_id != account.as_str() {
            let keys = authorization::text::foreign(&caller.account_id);
            return Ok(Some(Refusal::OtherAccount { keys, target: account.clone() }));
        }
        let own = caller.role_name().is_some_and(|role| role.eq_ignore_ascii_case(ROLE_NAME));
        Ok(own.then_some(Refusal::OwnRole))
    }

    /// Tags are read only where the role would be deleted.
    async fn tags(&self, observed: &ObservedRole) -> Result<Option<Tags>, String> {
        match (observed, self.strategy) {
            (ObservedRole::Present(_), Strategy::Recreate | Strategy::Least) => {
                match observe::tags(&self.session).await {
                    Ok(Some(tags)) => Ok(Some(tags)),
                    Ok(None) => Err("the role is gone meanwhile".to_owned()),
                    Err(error) => Err(chain(&error)),
                }
            }
            (ObservedRole::Missing, _) | (_, Strategy::InPlace) => Ok(None),
        }
    }

    fn refusal(&self, plan: &Plan, history: &History, has_finished: bool) -> Option<Refusal> {
        let approved = match &self.approved {
            // What was approved is done; that the role is broken still, nobody has been told yet.
            Some(id) if *id != plan.id && has_finished => return Some(Refusal::NextPlan(plan.id.clone())),
            Some(id) if *id != plan.id => return Some(Refusal::OtherPlan(plan.id.clone())),
            approved => approved.is_some(),
        };
        let lifted = |refusal: &Refusal| approved && refusal.can_be_approved();
        let needs_word = || {
            let needed = self.approval == Approval::Required && !approved;
            needed.then(|| Refusal::ApprovalRequired(plan.id.clone()))
        };
        let refusal = plan.refusal.clone().filter(|refusal| !lifted(refusal));
        let refusal = refusal.or_else(needs_word).or_else(|| history.refusal());
        refusal.or_else(|| apply::too_late(&self.session, &plan.steps, history.slowest()))
    }
}

fn planned(report: AccountReport, observed: &ObservedRole, tags: Option<&Tags>, plan: &Plan) -> AccountReport {
    AccountReport {
        before: RoleView::of(observed.present(), tags),
        plan_id: Some(plan.id.to_string()),
        steps: plan.steps.iter().map(StepRecord::planned).collect(),
        next: report.next.map(|next| next + &losers(plan)),
        ..report
    }
}

/// Who loses the role is said before it is deleted: nothing brings that back.
fn losers(plan: &Plan) -> String {
    if plan.loses.is_empty() {
        return String::new();
    }
    let names: Vec<_> = plan.loses.iter().map(String::as_str).collect();
    format!("\nthe new role can no longer be assumed by: {}", names.join(", "))
}

/// A plan that `remediate` would not carry out says so.
fn would_refuse(report: AccountReport, guard: &Guard, plan: &Plan, history: &History) -> AccountReport {
    let needs_word = (guard.approval == Approval::Required).then(|| Refusal::ApprovalRequired(plan.id.clone()));
    match plan.refusal.clone().or(needs_word).or_else(|| history.refusal()) {
        Some(refusal) => {
            let next = format!("`remediate` would refuse: {refusal}{}", losers(plan));
            AccountReport { next: Some(next), is_held: !refusal.can_be_approved(), ..report }
        }
        None => report,
    }
}

fn refused(report: AccountReport, refusal: &Refusal) -> AccountReport {
    tracing::warn!(reason = %refusal, "refused");
    AccountReport { status: Status::Refused, next: Some(refusal.to_string()), ..report }
}
