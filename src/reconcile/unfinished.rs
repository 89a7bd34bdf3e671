//! What an earlier run left behind is finished first, whatever this run was started for.

use super::repair::{Aim, carry_out};
use super::{Guard, noted, refused, unseen};
use crate::apply::journal::{Evidence, History, Journal, Repair, Snapshot};
use crate::apply::recover::{self, Resume};
use crate::apply::{self, Applied, How, StepRecord};
use crate::client::Error;
use crate::confirm::Goal;
use crate::observe::{self, ObservedRole, Role, Tags};
use crate::plan::{Refusal, Step};
use crate::report::{AccountReport, Before, Status, commands};
use crate::target::{AccountId, ROLE_NAME};
use crate::verify::{self, Baseline, Finding, FindingId};

/// What was done before the role was judged.
#[derive(Default)]
pub(super) struct Finished {
    /// The role as the last look showed it.
    pub(super) observed: Option<ObservedRole>,
    steps: Vec<StepRecord>,
    plan_id: Option<String>,
    gone: Vec<Finding>,
    note: Option<Finding>,
}

impl Finished {
    /// The whole run: what was finished, then what became of the role. An authorized role that this run brought back was
    /// remediated, and the look that found it authorized is its second one.
    pub(super) fn then(self, report: AccountReport) -> AccountReport {
        let Some(note) = self.note else { return report };
        let repaired = report.status == Status::Authorized && !self.steps.is_empty();
        AccountReport {
            status: if repaired { Status::Remediated } else { report.status },
            findings: std::iter::once(note).chain(report.findings).collect(),
            plan_id: report.plan_id.or(self.plan_id),
            after: if repaired { report.before.clone() } else { report.after },
            before: if repaired { None } else { report.before },
            steps: self.steps.into_iter().chain(report.steps).collect(),
            residual: self.gone.into_iter().chain(report.residual).collect(),
            ..report
        }
    }
}

/// For a run that does not write: what is unfinished.
pub(super) async fn note(guard: &Guard, history: &History, observed: &ObservedRole) -> Option<Finding> {
    if guard.mode.writes() {
        return None;
    }
    let record = history.record();
    let repair = record.repair.as_ref()?;
    let what = if repair.phase.is_open() {
        let tags = tags_now(guard, repair, observed).await.ok().flatten();
        recover::resume(repair, observed, tags.as_ref()).describe()
    } else {
        let steps = recover::taken_away(record.watch.as_ref()?, observed, guard.session.clock().now());
        (!steps.is_empty()).then(|| Resume::PutBack(steps).describe())?
    };
    let what = match history.evidence(guard.approval) {
        Evidence::Trusted => what,
        Evidence::NeedsApproval(why) => format!("{what}; it waits for a person's word ({why})"),
    };
    Some(Finding::journal_open(&repair.request_id, repair.begun_at, &what))
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
    if !guard.mode.writes() {
        return Ok(Finished::default());
    }
    if history.record().unfinished().is_some() {
        return adopt(guard, account, history).await;
    }
    match history.record().watch {
        Some(_) => give_back(guard, account, history).await,
        None => Ok(Finished::default()),
    }
}

/// Takes an open repair over and finishes it.
async fn adopt(guard: &Guard, account: &AccountId, history: &mut History) -> Result<Finished, Box<AccountReport>> {
    allowed(guard, account).await?;
    let doubt = doubt(guard, account, history);
    if let Some(doubt) = &doubt {
        left_as_it_is(guard, account, history, doubt).await?;
    }
    let mut journal = history.adopt().await.map_err(|refusal| refuse(account, &refusal))?;
    let observed = look(guard, account).await?;
    let before = journal.repair().before.clone();
    let tags = before.as_ref().and_then(Snapshot::tags).filter(|tags| !tags.is_empty());
    let tags_now = tags_now(guard, journal.repair(), &observed).await;
    let tags_now = tags_now.map_err(|error| Box::new(unseen(account, &error.into())))?;
    let resume = recover::resume(journal.repair(), &observed, tags_now.as_ref());
    let job = Job {
        note: journal.note(&resume.describe()),
        before: before.as_ref().map(Snapshot::role),
        tags: tags.cloned(),
        observed,
    };
    match resume {
        Resume::Whole => Ok(job.whole(&mut journal, history).await),
        Resume::Stranger => Err(Box::new(job.stranger(account, &journal))),
        Resume::PutBack(_) | Resume::Forward(_) if let Some(doubt) = &doubt => Err(refuse(account, doubt)),
        Resume::PutBack(steps) => job.carry_out(guard, account, How::PutBack, &steps, journal, history).await,
        Resume::Forward(steps) => job.carry_out(guard, account, How::Forward, &steps, journal, history).await,
    }
}

/// Why what is on record is no order.
fn doubt(guard: &Guard, account: &AccountId, history: &History) -> Option<Refusal> {
    match history.evidence(guard.approval) {
        Evidence::Trusted => None,
        Evidence::NeedsApproval(why) => Some(Refusal::RecordInDoubt { why, account: account.clone() }),
    }
}

/// A record in doubt is not even taken over, unless there is nothing left to do but to close it.
async fn left_as_it_is(
    guard: &Guard,
    account: &AccountId,
    history: &History,
    doubt: &Refusal,
) -> Result<(), Box<AccountReport>> {
    let Some(repair) = history.record().unfinished() else { return Ok(()) };
    let observed = look(guard, account).await?;
    let tags = tags_now(guard, repair, &observed).await;
    let tags = tags.map_err(|error| Box::new(unseen(account, &error.into())))?;
    match recover::resume(repair, &observed, tags.as_ref()) {
        Resume::Whole => Ok(()),
        left @ (Resume::PutBack(_) | Resume::Forward(_) | Resume::Stranger) => {
            Err(Box::new(waiting(account, history, doubt, &left)))
        }
    }
}

/// What is left to do, and that nothing of it is done.
fn waiting(account: &AccountId, history: &History, doubt: &Refusal, left: &Resume) -> AccountReport {
    let repair = history.record().repair.as_ref();
    let note = repair.map(|repair| Finding::journal_open(&repair.request_id, repair.begun_at, &left.describe()));
    noted(*refuse(account, doubt), note.as_slice())
}

/// A run that was taken over may have had one last call on the way.
async fn give_back(guard: &Guard, account: &AccountId, history: &mut History) -> Result<Finished, Box<AccountReport>> {
    let observed = look(guard, account).await?;
    let watch = history.record().watch.as_ref();
    let steps = watch.map_or_else(Vec::new, |watch| recover::taken_away(watch, &observed, guard.session.clock().now()));
    let (false, Some(role)) = (steps.is_empty(), observed.present()) else {
        return Ok(Finished { observed: Some(observed), ..Finished::default() });
    };
    if let Some(doubt) = doubt(guard, account, history) {
        return Err(Box::new(waiting(account, history, &doubt, &Resume::PutBack(steps))));
    }
    allowed(guard, account).await?;
    let held = role.policies.iter().chain(watch.into_iter().flat_map(|watch| &watch.policies));
    let before = Role { policies: held.cloned().collect(), ..role.clone() };
    let journal = history.give_back(&steps, &before).await.map_err(|refusal| refuse(account, &refusal))?;
    let note = journal.note(&Resume::PutBack(steps.clone()).describe());
    let job = Job { note, before: Some(before), tags: None, observed };
    job.carry_out(guard, account, How::PutBack, &steps, journal, history).await
}

/// What there is to finish, and from where.
struct Job {
    note: Finding,
    before: Option<Role>,
    tags: Option<Tags>,
    observed: ObservedRole,
}

impl Job {
    async fn whole(self, journal: &mut Journal, history: &mut History) -> Finished {
        journal.close("whole", false, &self.observed).await;
        history.learn(journal);
        let note = Some(journal.note_closed());
        Finished { observed: Some(self.observed), note, gone: gone(journal), ..Finished::default() }
    }

    async fn carry_out(
        self,
        guard: &Guard,
        account: &AccountId,
        how: How,
        steps: &[Step],
        mut journal: Journal,
        history: &mut History,
    ) -> Result<Finished, Box<AccountReport>> {
        if let Some(refusal) = apply::too_late(&guard.session, steps, journal.slowest()) {
            return Err(Box::new(refused(self.report(account, &journal), &refusal)));
        }
        journal.extend(steps);
        let aim = Aim { goal: Goal::GiveBack, before: self.before.as_ref(), tags: self.tags.as_ref() };
        let (applied, look) = carry_out(&guard.session, how, steps, &aim, &mut journal).await;
        let seen = match look {
            Ok(seen) if aim.wanted(&journal).given_back(&seen) => seen,
            Ok(seen) => return Err(Box::new(self.stuck(account, &journal, applied, &seen.role))),
            Err(error) => {
                let report = self.stuck(account, &journal, applied, &ObservedRole::Missing);
                return Err(Box::new(AccountReport { may_pass: error.may_pass(), ..report }));
            }
        };
        journal.close("finished", false, &seen.role).await;
        history.learn(&journal);
        Ok(Finished {
            observed: Some(seen.role),
            steps: applied.steps,
            plan_id: Some(journal.repair().plan_id.clone()),
            gone: gone(&journal),
            note: Some(journal.note_closed()),
        })
    }

    fn report(&self, account: &AccountId, journal: &Journal) -> AccountReport {
        let mut findings = verify::role(&self.observed, &Baseline::DTS);
        findings.insert(0, self.note.clone());
        let plan_id = Some(journal.repair().plan_id.clone());
        AccountReport { plan_id, ..AccountReport::observed(account.clone(), &self.observed, findings) }
    }

    fn stuck(&self, account: &AccountId, journal: &Journal, applied: Applied, now: &ObservedRole) -> AccountReport {
        journal.leave_open(Status::Stuck.word());
        let cause =
            applied.outcome.cause().unwrap_or_else(|| "the second look does not show what was written".to_owned());
        let next = format!("{cause}; the next run tries again. To finish by hand: {}", self.by_hand(now));
        AccountReport {
            status: Status::Stuck,
            after: Before::of(now.present(), None),
            may_pass: applied.outcome.may_pass(),
            steps: applied.steps,
            next: Some(next),
            ..self.report(account, journal)
        }
    }

    fn stranger(&self, account: &AccountId, journal: &Journal) -> AccountReport {
        journal.leave_open(Status::Stuck.word());
        let next = format!(
            "the role that exists now is another one than the unfinished repair knows, so it is left alone. To bring back \
             what the old one had: {}. To give that up: dts-role-guard clear --account {account} --unfinished",
            self.by_hand(&self.observed)
        );
        AccountReport { status: Status::Stuck, next: Some(next), ..self.report(account, journal) }
    }

    fn by_hand(&self, now: &ObservedRole) -> String {
        commands(self.before.as_ref(), self.tags.as_ref(), now).join(" && ")
    }
}

/// An earlier run may have found some of them.
fn gone(journal: &Journal) -> Vec<Finding> {
    journal.repair().gone.iter().map(Finding::policy_gone).collect()
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

async fn look(guard: &Guard, account: &AccountId) -> Result<ObservedRole, Box<AccountReport>> {
    observe::role(&guard.session).await.map_err(|error| Box::new(unseen(account, &error)))
}

/// Tags are read only where the old role had some, and a new one exists.
async fn tags_now(guard: &Guard, repair: &Repair, observed: &ObservedRole) -> Result<Option<Tags>, Error> {
    let had = repair.before.as_ref().and_then(Snapshot::tags).is_some_and(|tags| !tags.is_empty());
    if !had || observed.present().is_none() {
        return Ok(None);
    }
    guard.session.list_role_tags(ROLE_NAME).await.map(Some)
}
