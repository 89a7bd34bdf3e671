//! What an earlier run left behind is finished first, whatever this run was started for.

use std::collections::BTreeSet;

use authorization::plan::{self, Plan, PlanId, StepRecord, StepResult};
use authorization::record::{Repair, Snapshot};
use authorization::resume::{self, Resume};
use authorization::role::{ObservedRole, RoleView, Tags};
use authorization::settings::Mode;
use authorization::target::AccountId;
use authorization::text::chain;
use authorization::verify::{Finding, FindingId};

use super::repair::{Carried, carry_out, stuck};
use super::second_look::{Aim, Seen};
use super::{Guard, Work, judged, refused, unseen};
use crate::apply::{self, Course};
use crate::case::Case;
use crate::journal::{Evidence, OpenRepair};
use crate::observe::{self, LookError};
use crate::outcome::{AccountOutcome, Advice, Ending, Stuck};
use crate::refusal::Refusal;
use crate::report::Status;

/// What was done before the role was judged.
#[derive(Default)]
pub(super) struct Finished {
    /// The role as the last look showed it.
    pub(super) observed: Option<ObservedRole>,
    steps: Vec<StepRecord>,
    plan: Option<PlanId>,
    residual: Vec<Finding>,
    note: Option<Finding>,
}

impl Finished {
    /// Whether something was written.
    pub(super) fn has_written(&self) -> bool {
        self.steps.iter().any(|step| matches!(step.result, StepResult::Done | StepResult::Unknown))
    }

    /// The whole run: what was finished, then what became of the role. An authorized role that this run brought back was
    /// remediated, and the look that found it authorized is its second one.
    pub(super) fn then(self, mut outcome: AccountOutcome) -> AccountOutcome {
        let is_remediated = self.has_written() && outcome.status() == Status::Authorized;
        let Some(note) = self.note else { return outcome };
        if is_remediated {
            outcome.ending = Ending::Remediated;
            outcome.after = outcome.before.take();
        }
        outcome.findings.insert(0, note);
        outcome.plan = outcome.plan.or(self.plan);
        outcome.steps.splice(0..0, self.steps);
        outcome.residual.splice(0..0, self.residual);
        outcome
    }
}

/// An unfinished repair, held against the role as it is now.
pub(super) struct Unfinished {
    resume: Resume,
    account: AccountId,
    plan: Plan,
    steps: Vec<StepRecord>,
    pub(super) note: Finding,
}

impl Unfinished {
    fn new(case: Case<'_>, repair: &Repair, observed: &ObservedRole, tags: Option<&Tags>) -> Self {
        let resume = resume::resume(repair, case.baseline, observed, tags);
        let record = serde_json::json!([repair.request_id, repair.begun_at, repair.plan_id]).to_string();
        let plan = plan::finishing(case.target, &record, observed, resume.steps().to_vec());
        let steps = plan.steps.iter().map(|step| StepRecord::planned(step, &case.target.role)).collect();
        let what = resume.describe(&case.target.role);
        let note = Finding::journal_open(&repair.request_id, repair.begun_at, &what);
        Self { resume, account: case.target.account.clone(), plan, steps, note }
    }

    fn has_steps(&self) -> bool {
        !self.steps.is_empty()
    }

    /// Why a person has to approve the steps that finish it first, if there are any.
    fn doubt(&self, guard: &Guard, evidence: Evidence) -> Option<Refusal> {
        match (&guard.approved, evidence) {
            _ if !self.has_steps() => None,
            (Some(id), _) if *id == self.plan.id => None,
            (Some(_), _) => Some(Refusal::OtherPlan(self.plan.id.clone())),
            (None, Evidence::Trusted) => None,
            (None, Evidence::NeedsApproval(why)) => Some(Refusal::RecordInDoubt { why, account: self.account.clone() }),
        }
    }

    /// The role as it was found, the unfinished repair first.
    fn outcome(&self, case: Case<'_>, observed: &ObservedRole) -> AccountOutcome {
        let mut outcome = judged(case, observed);
        outcome.findings.insert(0, self.note.clone());
        AccountOutcome { plan: Some(self.plan.id.clone()), ..outcome }
    }

    /// A run that writes leaves it to a person who approves its steps.
    fn refused(&self, case: Case<'_>, observed: &ObservedRole, why: Refusal) -> Box<AccountOutcome> {
        let outcome = AccountOutcome { steps: self.steps.clone(), ..self.outcome(case, observed) };
        Box::new(refused(outcome, why, BTreeSet::new()))
    }
}

impl Work<'_> {
    /// For a run that does not write: what is unfinished. A run that writes has finished it before.
    pub(super) async fn unfinished(&self, observed: &ObservedRole) -> Option<Unfinished> {
        let repair = self.journal.record().unfinished().filter(|_| !self.guard.mode.writes())?;
        let tags = tags_now(self.case, repair, observed).await.ok().flatten();
        let unfinished = Unfinished::new(self.case, repair, observed, tags.as_ref());
        let doubt = match self.journal.evidence(self.guard.approval) {
            Evidence::NeedsApproval(why) if unfinished.has_steps() => {
                format!("; it waits for a person's approval ({why})")
            }
            Evidence::NeedsApproval(_) | Evidence::Trusted => String::new(),
        };
        let what = unfinished.resume.describe(&self.case.target.role) + &doubt;
        let note = Finding::journal_open(&repair.request_id, repair.begun_at, &what);
        Some(Unfinished { note, ..unfinished })
    }

    /// A run that does not write says what one that does would do first; in mode `plan` with the steps that finish it, under
    /// an id that a person can approve.
    pub(super) fn would_finish(&self, observed: &ObservedRole, unfinished: Unfinished) -> AccountOutcome {
        let outcome = judged(self.case, observed);
        if self.guard.mode == Mode::Plan && unfinished.has_steps() {
            let advice = match unfinished.doubt(self.guard, self.journal.evidence(self.guard.approval)) {
                Some(why) => Advice::WouldRefuse { why, loses: BTreeSet::new() },
                None => Advice::WouldFinish,
            };
            let Unfinished { plan, steps, .. } = unfinished;
            return AccountOutcome { plan: Some(plan.id), steps, ..outcome }.ending(Ending::Judged(Some(advice)));
        }
        match unfinished.resume {
            Resume::Stranger => outcome.ending(Ending::Judged(Some(Advice::WouldLeaveAlone))),
            Resume::Whole | Resume::Authorized(_) | Resume::PutBack(_) | Resume::Forward(_) => outcome,
        }
    }

    /// A run that could not finish it says at least that it is there.
    pub(super) fn still_open(&self, mut outcome: AccountOutcome) -> AccountOutcome {
        let is_said = outcome.findings.iter().any(|finding| finding.id == FindingId::JournalOpen);
        if let Some(repair) = self.journal.record().unfinished().filter(|_| !is_said) {
            let what = "this run could not finish it";
            outcome.findings.push(Finding::journal_open(&repair.request_id, repair.begun_at, what));
        }
        outcome.findings.extend_from_slice(self.journal.unreadable());
        outcome
    }

    /// Finishes what is on record.
    pub(super) async fn finish(&mut self) -> Result<Finished, Box<AccountOutcome>> {
        let (guard, case) = (self.guard, self.case);
        let Some(repair) = self.journal.record().unfinished().filter(|_| guard.mode.writes()) else {
            return Ok(Finished::default());
        };
        match guard.identity(case.target).await {
            Ok(None) => {}
            Ok(Some(refusal)) => return Err(unlooked(case, refusal)),
            Err(error) => {
                return Err(Box::new(AccountOutcome::new(Some(case.target.account.clone()), Ending::from(&error))));
            }
        }
        let (observed, unfinished) = compare(case, repair).await?;
        if let Some(refusal) = unfinished.doubt(guard, self.journal.evidence(guard.approval)) {
            return Err(unfinished.refused(case, &observed, refusal));
        }
        // What is found after the claim counts: the run that is taken over may have gone on until it saw the claim.
        let open = self.journal.adopt().await.map_err(|refusal| unlooked(case, refusal))?;
        let (observed, unfinished) = compare(case, open.repair()).await?;
        if let Some(refusal) = unfinished.doubt(guard, open.evidence(guard.approval)) {
            open.leave_open(Status::Refused.as_str());
            return Err(unfinished.refused(case, &observed, refusal));
        }
        let course = match &unfinished.resume {
            Resume::Whole => return Ok(close(open, observed, None).await),
            Resume::Authorized(missing) => return Ok(close(open, observed, Some(missing)).await),
            Resume::Stranger => return Err(Box::new(stranger(case, open, &unfinished, &observed))),
            Resume::PutBack(_) => Course::PuttingBack,
            Resume::Forward(_) => Course::Forward,
        };
        finish_by(case, course, &unfinished, open, &observed).await
    }
}

/// A role that was not looked at.
fn unlooked(case: Case<'_>, why: Refusal) -> Box<AccountOutcome> {
    let outcome = AccountOutcome::new(Some(case.target.account.clone()), Ending::Judged(None));
    Box::new(refused(outcome, why, BTreeSet::new()))
}

/// Holds a record against the role as it is now.
async fn compare(case: Case<'_>, repair: &Repair) -> Result<(ObservedRole, Unfinished), Box<AccountOutcome>> {
    let look = async {
        let observed = observe::role(case).await?;
        let tags = tags_now(case, repair, &observed).await?;
        Ok::<_, LookError>((observed, tags))
    };
    let (observed, tags) = look.await.map_err(|error| Box::new(unseen(case, &error)))?;
    let unfinished = Unfinished::new(case, repair, &observed, tags.as_ref());
    Ok((observed, unfinished))
}

/// Nothing is left to do; `missing` did not come back, since the role's owner has authorized it anew.
async fn close(open: OpenRepair<'_>, observed: ObservedRole, missing: Option<&String>) -> Finished {
    let repair = open.repair();
    let note = match missing {
        None => Finding::journal_closed(&repair.request_id, repair.begun_at),
        Some(missing) => Finding::journal_given_up(&repair.request_id, repair.begun_at, missing),
    };
    // An earlier run may have found some of them.
    let residual = repair.gone.iter().map(Finding::policy_gone).collect();
    open.close("whole", false).await;
    Finished { observed: Some(observed), note: Some(note), residual, ..Finished::default() }
}

async fn finish_by(
    case: Case<'_>,
    course: Course,
    unfinished: &Unfinished,
    mut open: OpenRepair<'_>,
    observed: &ObservedRole,
) -> Result<Finished, Box<AccountOutcome>> {
    let (plan, mut outcome) = (&unfinished.plan, unfinished.outcome(case, observed));
    if let Some(refusal) = apply::too_late(case.session, &plan.steps, open.slowest()) {
        open.leave_open(Status::Refused.as_str());
        return Err(Box::new(refused(outcome, refusal, BTreeSet::new())));
    }
    open.extend(&plan.steps);
    let carried = carry_out(case, course, &plan.steps, &mut open).await;
    let Carried { applied, look, aim, taken_off } = carried;
    let steps = applied.steps.into_iter().chain(taken_off).collect();
    let why = applied.outcome.cause().cloned();
    let ending = match look {
        Ok(seen) if aim.given_back(&seen) => {
            let note = Some(Finding::journal_closed(&open.repair().request_id, open.repair().begun_at));
            let residual = residue(&aim, &seen, case);
            open.close("finished", false).await;
            return Ok(Finished { observed: Some(seen.role), steps, plan: Some(plan.id.clone()), residual, note });
        }
        Ok(seen) => {
            outcome.after = RoleView::of(seen.role.present(), None);
            let left = aim.left(&seen.role, seen.tags.as_ref());
            stuck(&case.target.role, Stuck::Unfinished { cause: why, again: true }, left)
        }
        Err(error) => {
            let why = Stuck::Unseen { cause: why, error: chain(&error), again: true };
            stuck(&case.target.role, why, aim.left(&ObservedRole::Missing, None))
        }
    };
    open.leave_open(Status::Stuck.as_str());
    Err(Box::new(AccountOutcome { steps, ..outcome }.ending(ending)))
}

fn stranger(case: Case<'_>, open: OpenRepair<'_>, unfinished: &Unfinished, observed: &ObservedRole) -> AccountOutcome {
    let aim = Aim::new(Course::PuttingBack, case.baseline, open.repair());
    let had = aim.left(&ObservedRole::Missing, None).describe();
    let why = Stuck::Unknown { account: case.target.account.clone(), had };
    let ending = stuck(&case.target.role, why, aim.left(observed, None));
    open.leave_open(Status::Stuck.as_str());
    unfinished.outcome(case, observed).ending(ending)
}

/// What the finished repair changed beside: policies that are gone, and the principals of the old trust policy.
fn residue(aim: &Aim<'_>, seen: &Seen, case: Case<'_>) -> Vec<Finding> {
    let repair = &aim.repair;
    let old = repair.before.as_ref().map(Snapshot::role);
    let replaced = old.filter(|old| seen.role.present().is_some_and(|now| now.id != old.id));
    let loses =
        replaced.map(|old| authorization::policy::everybody_but(&old.trust, case.baseline.service)).unwrap_or_default();
    let gone = repair.gone.iter().map(Finding::policy_gone);
    gone.chain((!loses.is_empty()).then(|| Finding::trust_replaced(&loses))).collect()
}

/// Tags are read only where the old role had some, and a new one exists.
async fn tags_now(case: Case<'_>, repair: &Repair, observed: &ObservedRole) -> Result<Option<Tags>, aliyun::Error> {
    let had = repair.before.as_ref().and_then(Snapshot::tags).is_some_and(|tags| !tags.is_empty());
    if !had || observed.present().is_none() {
        return Ok(None);
    }
    observe::tags(case).await
}
