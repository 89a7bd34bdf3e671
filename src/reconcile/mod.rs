//! The sentence, once, for one role: observe, verify, plan, apply, verify, report.
//!
//! A run that writes first finishes what an earlier one left behind (`unfinished`); then it judges the role like any other.

mod repair;
mod second_look;
mod unfinished;

use std::collections::BTreeSet;

use aliyun::Session;
use authorization::baseline::Baseline;
use authorization::plan::{self, Facts, Plan, PlanId, StepRecord};
use authorization::role::{ObservedRole, RoleView, Tags};
use authorization::settings::{Approval, Mode, Strategy};
use authorization::target::Target;
use authorization::text::{chain, sanitized};
use authorization::verify;

use crate::apply;
use crate::case::Case;
use crate::journal::{Journal, JournalLog, RunStore};
use crate::observe::{self, LookError};
pub use crate::outcome::AccountOutcome;
use crate::outcome::{Advice, Ending, Failed, Pending, Refused};
use crate::refusal::Refusal;
use crate::report::Status;
use crate::stop::Stop;
use crate::telemetry::Log;

use repair::repair;

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
pub async fn role(guard: &Guard, target: &Target) -> AccountOutcome {
    let case = Case { session: &guard.session, target, baseline: guard.baseline };
    let mut work = Work { guard, case, journal: guard.journal(target).await };
    if guard.stop.is_asked() {
        return AccountOutcome::new(Some(target.account.clone()), Ending::Pending(Pending::Stopped));
    }
    let finished = match work.finish().await {
        Ok(finished) => finished,
        Err(outcome) => return work.still_open(*outcome),
    };
    let observed = match &finished.observed {
        Some(observed) => Ok(observed.clone()),
        None => observe::role(case).await,
    };
    let mut notes = work.journal.unreadable().to_vec();
    let outcome = match observed {
        Err(error) => unseen(case, &error),
        Ok(observed) => match work.unfinished(&observed).await {
            None => work.judged(&observed, finished.has_written()).await,
            Some(unfinished) => {
                notes.push(unfinished.note.clone());
                work.would_finish(&observed, unfinished)
            }
        },
    };
    let mut outcome = finished.then(outcome);
    outcome.findings.extend(notes);
    outcome
}

/// The work on one role.
struct Work<'a> {
    guard: &'a Guard,
    case: Case<'a>,
    journal: Journal,
}

impl Work<'_> {
    /// Judges a role that was observed, and repairs it if that is needed and allowed.
    async fn judged(&mut self, observed: &ObservedRole, has_finished: bool) -> AccountOutcome {
        let guard = self.guard;
        let outcome = judged(self.case, observed);
        if guard.mode == Mode::Verify || outcome.status() == Status::Authorized {
            return outcome;
        }
        let (identity, tags) = tokio::join!(guard.identity(self.case.target), guard.tags(self.case, observed));
        let facts = Facts {
            target: self.case.target,
            baseline: self.case.baseline,
            observed,
            tags: &tags,
            findings: &outcome.findings,
            strategy: guard.strategy,
        };
        let Some(plan) = plan::resolve(&facts) else { return outcome };
        let tags = tags.as_ref().ok().and_then(Option::as_ref);
        let advice = Advice::Repair { exists: observed.present().is_some(), loses: plan.loses.clone() };
        let outcome = AccountOutcome {
            before: RoleView::of(observed.present(), tags),
            plan: Some(plan.id.clone()),
            steps: plan.steps.iter().map(|step| StepRecord::planned(step, &self.case.target.role)).collect(),
            ending: Ending::Judged(Some(advice)),
            ..outcome
        };
        if !guard.mode.writes() {
            return match self.would_refuse(&plan) {
                Some(why) => outcome.ending(Ending::Judged(Some(Advice::WouldRefuse { why, loses: plan.loses }))),
                None => outcome,
            };
        }
        let refusal = match identity {
            // Whose keys they are could not be found out, so nothing is written.
            Err(error) => return outcome.ending(Ending::from(&error)),
            Ok(refusal) => refusal.or_else(|| self.refusal(&plan, has_finished)),
        };
        match refusal {
            Some(why) => {
                if matches!(why, Refusal::TooManyAttempts { .. }) {
                    self.journal.block().await;
                }
                // Whoever approves it must know who loses the role.
                let loses = if why.can_be_approved() { plan.loses } else { BTreeSet::new() };
                refused(outcome, why, loses)
            }
            None if guard.stop.is_asked() => outcome.ending(Ending::Pending(Pending::StoppedBeforeRepair)),
            None => repair(self, outcome, observed, tags, &plan).await,
        }
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
        let of_plan = plan.refusal.clone().map(Refusal::Plan);
        of_plan
            .filter(|refusal| !(is_approved && refusal.can_be_approved()))
            .or_else(|| needs_approval.then(|| Refusal::ApprovalRequired(plan.id.clone())))
            .or_else(|| self.journal.refusal())
            .or_else(|| apply::too_late(session, &plan.steps, self.journal.slowest()))
    }

    /// Why mode `remediate` would not carry out a plan that is only shown.
    fn would_refuse(&self, plan: &Plan) -> Option<Refusal> {
        let needs_approval = self.guard.approval == Approval::Required;
        let of_plan = plan.refusal.clone().map(Refusal::Plan);
        of_plan
            .or_else(|| needs_approval.then(|| Refusal::ApprovalRequired(plan.id.clone())))
            .or_else(|| self.journal.refusal())
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

fn judged(case: Case<'_>, observed: &ObservedRole) -> AccountOutcome {
    AccountOutcome::judged(case.target.account.clone(), observed, verify::role(observed, case.baseline))
}

fn refused(outcome: AccountOutcome, why: Refusal, loses: BTreeSet<String>) -> AccountOutcome {
    tracing::warn!(reason = %why, "refused");
    outcome.ending(Ending::Refused(Refused::For { why, loses }))
}

fn unseen(case: Case<'_>, error: &LookError) -> AccountOutcome {
    let ending = if error.is_out_of_time() {
        Ending::Pending(Pending::TooLate)
    } else {
        Ending::Failed(Failed::Call { error: error.into(), may_pass: error.may_pass() })
    };
    AccountOutcome::new(Some(case.target.account.clone()), ending)
}
