//! What an earlier run left behind is finished first, whatever this run was started for.

use aliyun::Error;
use authorization::plan::{self, Plan, Refusal};
use authorization::plan::{StepRecord, StepResult};
use authorization::record::{Repair, Snapshot};
use authorization::resume::{self, Resume};
use authorization::role::{ObservedRole, RoleView, Tags};
use authorization::target::AccountId;
use authorization::verify::{self, Baseline, Finding, FindingId};

use super::repair::{Carried, by_hand, carry_out, lines};
use super::{Guard, noted, refused, unseen};
use crate::apply::journal::{Evidence, History, Journal};
use crate::apply::{self, How};
use crate::confirm::{Aim, Goal, Seen};
use crate::observe;
use crate::report::{AccountReport, Status};

/// What was done before the role was judged.
#[derive(Default)]
pub(super) struct Finished {
    /// The role as the last look showed it.
    pub(super) observed: Option<ObservedRole>,
    steps: Vec<StepRecord>,
    plan_id: Option<String>,
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
    pub(super) fn then(self, report: AccountReport) -> AccountReport {
        let has_written = self.has_written();
        let Some(note) = self.note else { return report };
        let repaired = report.status == Status::Authorized && has_written;
        AccountReport {
            status: if repaired { Status::Remediated } else { report.status },
            findings: std::iter::once(note).chain(report.findings).collect(),
            plan_id: report.plan_id.or(self.plan_id),
            after: if repaired { report.before.clone() } else { report.after },
            before: if repaired { None } else { report.before },
            steps: self.steps.into_iter().chain(report.steps).collect(),
            residual: self.residual.into_iter().chain(report.residual).collect(),
            ..report
        }
    }
}

/// An unfinished repair, held against the role as it is now.
pub(super) struct Unfinished {
    pub(super) resume: Resume,
    plan: Plan,
    note: Finding,
}

/// For a run that does not write: what is unfinished. A run that writes has finished it before.
pub(super) async fn look(
    guard: &Guard,
    account: &AccountId,
    history: &History,
    observed: &ObservedRole,
) -> Option<Unfinished> {
    let repair = history.record().unfinished().filter(|_| !guard.mode.writes())?;
    let tags = tags_now(guard, repair, observed).await.ok().flatten();
    let unfinished = Unfinished::new(account, repair, observed, tags.as_ref());
    let doubt = match history.evidence(guard.approval) {
        Evidence::NeedsApproval(why) if unfinished.has_steps() => format!("; it waits for a person's word ({why})"),
        Evidence::NeedsApproval(_) | Evidence::Trusted => String::new(),
    };
    let what = unfinished.resume.describe() + &doubt;
    let note = Finding::journal_open(&repair.request_id, repair.begun_at, &what);
    Some(Unfinished { note, ..unfinished })
}

impl Unfinished {
    fn new(account: &AccountId, repair: &Repair, observed: &ObservedRole, tags: Option<&Tags>) -> Self {
        let resume = resume::resume(repair, observed, tags);
        let record = serde_json::json!([repair.request_id, repair.begun_at, repair.plan_id]).to_string();
        let plan = plan::finishing(account, &record, observed, resume.steps().to_vec());
        let note = Finding::journal_open(&repair.request_id, repair.begun_at, &resume.describe());
        Self { resume, plan, note }
    }

    pub(super) fn note(&self) -> Finding {
        self.note.clone()
    }

    /// In mode `plan`: the steps that finish it, under an id that a person can approve.
    pub(super) fn shown(&self, report: AccountReport, refusal: Option<&Refusal>) -> AccountReport {
        let next = match refusal {
            Some(refusal) => format!("`remediate` would refuse: {refusal}"),
            None => "mode `remediate` finishes the repair by these steps, then judges the role again".to_owned(),
        };
        AccountReport {
            plan_id: Some(self.plan.id.to_string()),
            steps: self.plan.steps.iter().map(StepRecord::planned).collect(),
            next: Some(next),
            ..report
        }
    }

    pub(super) fn has_steps(&self) -> bool {
        !self.plan.steps.is_empty()
    }

    /// Why a person has to approve these very steps first.
    pub(super) fn refusal(&self, guard: &Guard, history: &History) -> Option<Refusal> {
        match &guard.approved {
            Some(id) if *id == self.plan.id => None,
            Some(_) => Some(Refusal::OtherPlan(self.plan.id.clone())),
            None => match history.evidence(guard.approval) {
                Evidence::Trusted => None,
                Evidence::NeedsApproval(why) => {
                    Some(Refusal::RecordInDoubt { why, account: history.record().account_id.clone() })
                }
            },
        }
    }
}

/// A run that could not finish it says at least that it is there.
pub(super) fn still_open(report: AccountReport, history: &History) -> AccountReport {
    let said = report.findings.iter().any(|finding| finding.id == FindingId::JournalOpen);
    let open = history.record().repair.as_ref().filter(|repair| repair.phase.is_open() && !said);
    let note =
        open.map(|repair| Finding::journal_open(&repair.request_id, repair.begun_at, "this run could not finish it"));
    let notes: Vec<_> = note.into_iter().chain(history.unreadable().iter().cloned()).collect();
    noted(report, &notes)
}

/// Finishes what is on record.
pub(super) async fn finish(
    guard: &Guard,
    account: &AccountId,
    history: &mut History,
) -> Result<Finished, Box<AccountReport>> {
    let Some(repair) = history.record().unfinished().filter(|_| guard.mode.writes()).cloned() else {
        return Ok(Finished::default());
    };
    allowed(guard, account).await?;
    let (observed, unfinished) = hold(guard, account, &repair).await?;
    if let Some(refusal) = unfinished.refusal(guard, history).filter(|_| unfinished.has_steps()) {
        return Err(Box::new(unfinished.refused(account, &observed, &refusal)));
    }
    // What is found after the claim counts: the run that is taken over may have gone on until it saw the claim.
    let mut journal = history.adopt().await.map_err(|refusal| refuse(account, &refusal))?;
    let (observed, unfinished) = hold(guard, account, journal.repair()).await?;
    if let Some(refusal) = unfinished.refusal(guard, history).filter(|_| unfinished.has_steps()) {
        journal.leave_open(Status::Refused.word());
        return Err(Box::new(unfinished.refused(account, &observed, &refusal)));
    }
    let job = Job { unfinished, observed };
    match job.unfinished.resume.clone() {
        Resume::Whole => {
            let note = journal_closed(&journal);
            Ok(job.close(&mut journal, history, note).await)
        }
        Resume::Authorized(missing) => {
            let repair = journal.repair();
            let note = Finding::journal_given_up(&repair.request_id, repair.begun_at, &missing);
            Ok(job.close(&mut journal, history, note).await)
        }
        Resume::Stranger => Err(Box::new(job.stranger(account, &journal))),
        Resume::PutBack(_) => job.carry_out(guard, account, How::PutBack, journal, history).await,
        Resume::Forward(_) => job.carry_out(guard, account, How::Forward, journal, history).await,
    }
}

/// Holds a record against the role as it is now.
async fn hold(
    guard: &Guard,
    account: &AccountId,
    repair: &Repair,
) -> Result<(ObservedRole, Unfinished), Box<AccountReport>> {
    let observed = observe::role(&guard.session).await.map_err(|error| Box::new(unseen(account, &error)))?;
    let tags = tags_now(guard, repair, &observed).await;
    let tags = tags.map_err(|error| Box::new(unseen(account, &error.into())))?;
    let unfinished = Unfinished::new(account, repair, &observed, tags.as_ref());
    Ok((observed, unfinished))
}

impl Unfinished {
    fn refused(&self, account: &AccountId, observed: &ObservedRole, refusal: &Refusal) -> AccountReport {
        let mut findings = verify::role(observed, &Baseline::DTS);
        findings.insert(0, self.note());
        let report = AccountReport::observed(account.clone(), observed, findings);
        refused(self.shown(report, None), refusal)
    }
}

/// What there is to finish, and from where.
struct Job {
    unfinished: Unfinished,
    observed: ObservedRole,
}

impl Job {
    /// Nothing is left to do.
    async fn close(self, journal: &mut Journal, history: &mut History, note: Finding) -> Finished {
        journal.close("whole", false).await;
        history.learn(journal);
        let residual = gone(journal);
        Finished { observed: Some(self.observed), note: Some(note), residual, ..Finished::default() }
    }

    async fn carry_out(
        self,
        guard: &Guard,
        account: &AccountId,
        how: How,
        mut journal: Journal,
        history: &mut History,
    ) -> Result<Finished, Box<AccountReport>> {
        let steps = &self.unfinished.plan.steps;
        if let Some(refusal) = apply::too_late(&guard.session, steps, journal.slowest()) {
            return Err(Box::new(refused(self.report(account), &refusal)));
        }
        journal.extend(steps);
        let carried = carry_out(&guard.session, how, steps, Goal::GiveBack, &mut journal).await;
        let Carried { applied, look, aim, taken_off } = carried;
        let done: Vec<_> = applied.steps.iter().chain(&taken_off).cloned().collect();
        let cause = applied.outcome.cause();
        let stuck = |next: String, may_pass| AccountReport {
            steps: done.clone(),
            may_pass,
            ..self.stuck(account, &journal, next)
        };
        let seen = match look {
            Ok(seen) if aim.given_back(&seen) => seen,
            Ok(seen) => {
                let cause = cause.unwrap_or_else(|| "the second look does not show what was written".to_owned());
                let next = by_hand(&format!("{cause}; the next run tries again. To finish by hand:"), &aim, &seen);
                let report = stuck(next, applied.outcome.may_pass());
                return Err(Box::new(AccountReport { after: RoleView::of(seen.role.present(), None), ..report }));
            }
            Err(error) => {
                let cause = cause.unwrap_or_else(|| "the look at the role afterwards failed".to_owned());
                let text = format!("{cause}; the next run tries again. Look at the role; if it is missing:");
                let next = lines(&text, &aim, &ObservedRole::Missing, None);
                return Err(Box::new(stuck(next, error.may_pass())));
            }
        };
        let residual = residue(&aim, &seen);
        journal.close("finished", false).await;
        history.learn(&journal);
        Ok(Finished {
            observed: Some(seen.role),
            steps: done,
            plan_id: Some(self.unfinished.plan.id.to_string()),
            residual,
            note: Some(journal_closed(&journal)),
        })
    }

    fn report(&self, account: &AccountId) -> AccountReport {
        let mut findings = verify::role(&self.observed, &Baseline::DTS);
        findings.insert(0, self.unfinished.note());
        let plan_id = Some(self.unfinished.plan.id.to_string());
        AccountReport { plan_id, ..AccountReport::observed(account.clone(), &self.observed, findings) }
    }

    fn stuck(&self, account: &AccountId, journal: &Journal, next: String) -> AccountReport {
        journal.leave_open(Status::Stuck.word());
        AccountReport { status: Status::Stuck, next: Some(next), ..self.report(account) }
    }

    fn stranger(&self, account: &AccountId, journal: &Journal) -> AccountReport {
        let aim = Aim::new(Goal::GiveBack, journal.repair());
        let had = aim.left(&ObservedRole::Missing, None).describe();
        let text = format!(
            "the role that exists now is somebody's: the unfinished repair does not know it, so it is left alone. The old role \
             had: {had}. To give that up:\n\
             dts-role-guard clear --account {account} --unfinished\n\
             Only if the role is yours, bring it back by hand:"
        );
        self.stuck(account, journal, lines(&text, &aim, &self.observed, None))
    }
}

fn journal_closed(journal: &Journal) -> Finding {
    let repair = journal.repair();
    Finding::journal_closed(&repair.request_id, repair.begun_at)
}

/// An earlier run may have found some of them.
fn gone(journal: &Journal) -> Vec<Finding> {
    journal.repair().gone.iter().map(Finding::policy_gone).collect()
}

/// What the finished repair changed beside: policies that are gone, and the principals of the old trust policy.
fn residue(aim: &Aim, seen: &Seen) -> Vec<Finding> {
    let repair = aim.repair();
    let old = repair.before.as_ref().map(Snapshot::role);
    let replaced = old.filter(|old| seen.role.present().is_some_and(|now| now.id != old.id));
    let loses =
        replaced.map(|old| authorization::policy::everybody_but(&old.trust, verify::DTS_SERVICE)).unwrap_or_default();
    let gone = repair.gone.iter().map(Finding::policy_gone);
    gone.chain((!loses.is_empty()).then(|| Finding::trust_replaced(&loses))).collect()
}

async fn allowed(guard: &Guard, account: &AccountId) -> Result<(), Box<AccountReport>> {
    match guard.identity(account).await {
        Ok(None) => Ok(()),
        Ok(Some(refusal)) => Err(refuse(account, &refusal)),
        Err(error) => Err(Box::new(AccountReport::new(Some(account.clone()), Status::Failed).unjudged(&error))),
    }
}

fn refuse(account: &AccountId, refusal: &Refusal) -> Box<AccountReport> {
    Box::new(refused(AccountReport::new(Some(account.clone()), Status::Refused), refusal))
}

/// Tags are read only where the old role had some, and a new one exists.
async fn tags_now(guard: &Guard, repair: &Repair, observed: &ObservedRole) -> Result<Option<Tags>, Error> {
    let had = repair.before.as_ref().and_then(Snapshot::tags).is_some_and(|tags| !tags.is_empty());
    if !had || observed.present().is_none() {
        return Ok(None);
    }
    observe::tags(&guard.session).await
}
