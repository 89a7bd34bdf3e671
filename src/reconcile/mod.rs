//! The sentence, once, for one role: observe, verify, plan, apply, verify, report.
//!
//! A run that writes first finishes what an earlier one left behind (`unfinished`); then it judges the role like any other.

mod repair;
mod unfinished;

use std::collections::BTreeSet;

use aliyun::Session;
use authorization::baseline::Baseline;
use authorization::plan::{self, Facts, Plan, PlanId, StepRecord};
use authorization::resume::Resume;
use authorization::role::{ObservedRole, RoleView, Tags};
use authorization::settings::{Approval, Mode, Strategy};
use authorization::target::Target;
use authorization::text::{chain, sanitized};
use authorization::verify::{self, Finding};

use crate::apply;
use crate::case::Case;
use crate::journal::{Journal, JournalLog, RunStore};
use crate::observe::{self, LookError};
use crate::refusal::Refusal;
use crate::report::{AccountReport, CallError, Next, Status};
use crate::stop::Stop;
use crate::telemetry::Log;

use repair::repair;
use unfinished::Unfinished;

/// What a run may do, and with what.
#[derive(Debug, Clone)]
pub struct Guard {
    /// The keys of the target's account.
    pub session: Session,
    /// What the role must look like.
    pub baseline: &'static Baseline,
    /// The most that this run may do.
    pub mode: Mode,
    /// How a role that exists is repaired.
    pub strategy: Strategy,
    /// Whether a repair needs a person's approval.
    pub approval: Approval,
    /// The plan that a person approved.
    pub approved: Option<PlanId>,
    /// Where the journal's lines go.
    pub log: Log,
    /// The way to its files, if they live anywhere.
    pub store: Option<RunStore>,
    /// Names the run in the journal.
    pub request_id: String,
    /// When the run began, as uptime.
    pub begun: std::time::Duration,
    /// Asks the run to end. What has begun is finished all the same.
    pub stop: Stop,
}

/// Looks at one role and does what the mode allows.
pub async fn role(guard: &Guard, target: &Target) -> AccountReport {
    let case = Case { session: &guard.session, target, baseline: guard.baseline };
    let mut work = Work { guard, case, journal: guard.journal(target).await };
    if guard.stop.is_asked() {
        return AccountReport::line(Some(target.account.clone()), Status::Pending, &Next::Stopped);
    }
    let finished = match work.finish().await {
        Ok(finished) => finished,
        Err(report) => return work.still_open(*report),
    };
    let observed = match &finished.observed {
        Some(observed) => Ok(observed.clone()),
        None => observe::role(case).await,
    };
    let observed = match observed {
        Ok(observed) => observed,
        Err(error) => return noted(finished.then(unseen(case, &error)), work.journal.unreadable()),
    };
    let unfinished = work.unfinished(&observed).await;
    let mut notes = work.journal.unreadable().to_vec();
    notes.extend(unfinished.as_ref().map(Unfinished::note));
    let report = match &unfinished {
        Some(unfinished) => work.would_finish(&observed, unfinished),
        None => work.judged(&observed, finished.has_written()).await,
    };
    noted(finished.then(report), &notes)
}

/// The work on one role.
struct Work<'a> {
    guard: &'a Guard,
    case: Case<'a>,
    journal: Journal,
}

impl Work<'_> {
    /// A run that does not write says what one that does would do first.
    fn would_finish(&self, observed: &ObservedRole, unfinished: &Unfinished) -> AccountReport {
        let report = report_of(self.case, observed);
        if self.guard.mode == Mode::Plan && unfinished.has_steps() {
            return unfinished
                .shown(report, unfinished.doubt(self.guard, self.journal.evidence(self.guard.approval)).as_ref());
        }
        let status = report.status;
        match unfinished.resume {
            Resume::Stranger => report.then(status, &Next::WouldLeaveAlone(&self.case.target.account)),
            Resume::Whole | Resume::Authorized(_) | Resume::PutBack(_) | Resume::Forward(_) => {
                advised(report, observed)
            }
        }
    }

    /// Judges a role that was observed, and repairs it if that is needed and allowed.
    async fn judged(&mut self, observed: &ObservedRole, has_finished: bool) -> AccountReport {
        let guard = self.guard;
        let report = advised(report_of(self.case, observed), observed);
        if report.status == Status::Authorized || guard.mode == Mode::Verify {
            return report;
        }
        let (identity, tags) = tokio::join!(guard.identity(self.case.target), guard.tags(self.case, observed));
        let facts = Facts {
            target: self.case.target,
            baseline: self.case.baseline,
            observed,
            tags: &tags,
            findings: &report.findings,
            strategy: guard.strategy,
        };
        let Some(plan) = plan::resolve(&facts) else { return report };
        let tags = tags.as_ref().ok().and_then(Option::as_ref);
        let report = self.planned(report, observed, tags, &plan);
        if !guard.mode.writes() {
            return self.would_refuse(report, &plan);
        }
        match identity.map(|refusal| refusal.or_else(|| self.refusal(&plan, has_finished))) {
            Err(error) => report.unjudged(&error),
            Ok(Some(refusal)) => {
                if matches!(refusal, Refusal::TooManyAttempts { .. }) {
                    self.journal.block().await;
                }
                // Whoever approves it must know who loses the role.
                let loses = if refusal.can_be_approved() { &plan.loses } else { &BTreeSet::new() };
                refused_with(report, &refusal, loses)
            }
            Ok(None) if guard.stop.is_asked() => report.then(Status::Pending, &Next::StoppedBeforeRepair),
            Ok(None) => repair(self, report, observed, tags, &plan).await,
        }
    }

    fn planned(
        &self,
        report: AccountReport,
        observed: &ObservedRole,
        tags: Option<&Tags>,
        plan: &Plan,
    ) -> AccountReport {
        let next = Next::Planned { exists: observed.present().is_some(), loses: &plan.loses };
        let report = AccountReport {
            before: RoleView::of(observed.present(), tags),
            plan_id: Some(plan.id.to_string()),
            steps: plan.steps.iter().map(|step| StepRecord::planned(step, &self.case.target.role)).collect(),
            ..report
        };
        report.then(Status::Drifted, &next)
    }

    /// Why a repair must not begin.
    fn refusal(&self, plan: &Plan, has_finished: bool) -> Option<Refusal> {
        let Guard { session, approved, approval, .. } = self.guard;
        let is_approved = match approved {
            // What was approved is done; that the role is broken still, nobody has been told yet.
            Some(id) if *id != plan.id && has_finished => return Some(Refusal::NextPlan(plan.id.clone())),
            Some(id) if *id != plan.id => return Some(Refusal::OtherPlan(plan.id.clone())),
            approved => approved.is_some(),
        };
        let needs_approval = *approval == Approval::Required && !is_approved;
        let of_plan =
            plan.refusal.clone().map(Refusal::Plan).filter(|refusal| !(is_approved && refusal.can_be_approved()));
        of_plan
            .or_else(|| needs_approval.then(|| Refusal::ApprovalRequired(plan.id.clone())))
            .or_else(|| self.journal.refusal())
            .or_else(|| apply::too_late(session, &plan.steps, self.journal.slowest()))
    }

    /// A plan that `remediate` would not carry out says so.
    fn would_refuse(&self, report: AccountReport, plan: &Plan) -> AccountReport {
        let needs_approval = self.guard.approval == Approval::Required;
        let refusal = plan.refusal.clone().map(Refusal::Plan);
        let refusal = refusal.or_else(|| needs_approval.then(|| Refusal::ApprovalRequired(plan.id.clone())));
        match refusal.or_else(|| self.journal.refusal()) {
            Some(refusal) => {
                let report = AccountReport { is_held: !refusal.can_be_approved(), ..report };
                report.then(Status::Drifted, &Next::WouldRefuse { why: &refusal, loses: &plan.loses })
            }
            None => report,
        }
    }
}

impl Guard {
    async fn journal(&self, target: &Target) -> Journal {
        let log = JournalLog::new(self.log, self.session.clock().clone(), target.clone(), self.request_id.clone());
        Journal::look(log.begun_at(self.begun), self.store.clone(), self.mode.writes()).await
    }

    /// Why these keys must not write to this account, asked only by a run that writes.
    async fn identity(&self, target: &Target) -> Result<Option<Refusal>, aliyun::Error> {
        if !self.mode.writes() {
            return Ok(None);
        }
        let caller = self.session.get_caller_identity().await?;
        if caller.account_id != target.account.as_str() {
            let keys = sanitized(&caller.account_id);
            return Ok(Some(Refusal::OtherAccount { keys, target: target.account.clone() }));
        }
        let own = caller.role_name().is_some_and(|role| target.role.is(role));
        Ok(own.then_some(Refusal::OwnRole))
    }

    /// Tags are read only where the role would be deleted.
    async fn tags(&self, case: Case<'_>, observed: &ObservedRole) -> Result<Option<Tags>, String> {
        match (observed, self.strategy) {
            (ObservedRole::Present(_), Strategy::Recreate | Strategy::Least) => match observe::tags(case).await {
                Ok(Some(tags)) => Ok(Some(tags)),
                Ok(None) => Err("the role is gone meanwhile".to_owned()),
                Err(error) => Err(chain(&error)),
            },
            (ObservedRole::Missing, _) | (_, Strategy::InPlace) => Ok(None),
        }
    }
}

fn report_of(case: Case<'_>, observed: &ObservedRole) -> AccountReport {
    let findings = verify::role(observed, case.baseline);
    AccountReport::observed(case.target.account.clone(), observed, findings)
}

fn unseen(case: Case<'_>, error: &LookError) -> AccountReport {
    let account = Some(case.target.account.clone());
    if error.is_out_of_time() {
        return AccountReport::line(account, Status::Pending, &Next::TooLate);
    }
    AccountReport::failed(account, CallError::from(error), error.may_pass())
}

fn noted(report: AccountReport, notes: &[Finding]) -> AccountReport {
    let findings = report.findings.into_iter().chain(notes.iter().cloned()).collect();
    AccountReport { findings, ..report }
}

/// A broken role is repaired by mode `remediate`, or by hand.
fn advised(report: AccountReport, observed: &ObservedRole) -> AccountReport {
    if report.status == Status::Authorized {
        return report;
    }
    let status = report.status;
    report.then(status, &Next::Drifted { exists: observed.present().is_some() })
}

impl AccountReport {
    /// The keys' owner could not be found out, so nothing was written.
    fn unjudged(self, error: &aliyun::Error) -> Self {
        let failed = Self::failed(self.account_id.clone(), CallError::from(error), error.kind.may_pass());
        Self { status: failed.status, error: failed.error, next: failed.next, may_pass: failed.may_pass, ..self }
    }
}

fn refused(report: AccountReport, refusal: &Refusal) -> AccountReport {
    refused_with(report, refusal, &BTreeSet::new())
}

fn refused_with(report: AccountReport, refusal: &Refusal, loses: &BTreeSet<String>) -> AccountReport {
    tracing::warn!(reason = %refusal, "refused");
    report.then(Status::Refused, &Next::Refused { why: refusal, loses })
}
