//! Steps that are sent at the same time: one intent on record, one trip to the cloud.

use std::collections::BTreeSet;
use std::ops::Range;

use authorization::plan::{Step, StepRecord, StepResult, restorable};
use authorization::record::{Act, Phase};
use authorization::role::{Role, Tags};
use authorization::target::PolicyRef;
use authorization::text::{chain, sanitized};
use futures_util::future::join_all;

use super::step::{Performed, ReplyFact, TRIES, TRIES_WITHOUT_WAY_BACK};
use super::time::lacks_time;
use super::{Cause, Course, Item, Run};
use crate::journal::{Intent, Unrecorded};
use crate::observe;
use crate::refusal::Refusal;

/// What the last look before the deletion shows.
pub(super) enum LastLook {
    /// The role that was looked at.
    Same,
    /// None.
    Gone,
    /// Another one with the vendor's default trust policy: what this repair makes.
    Replaced(String),
}

impl<'a> Run<'a, '_> {
    /// The next steps that are sent at the same time, after those that turned out to be needless are left out.
    pub(super) fn next_group(&mut self) -> Option<Range<usize>> {
        let pending = |item: &Item| item.record.is_none();
        let next = self.items.iter().find(|item| pending(item))?;
        // Only now: up to the deletion a reply may still tell that a policy is there after all.
        if matches!(next.step, Step::Attach(_)) {
            self.leave_out();
        }
        let start = self.items.iter().position(pending)?;
        let rest = self.items.get(start..)?;
        let pairs = rest.windows(2).take_while(|pair| match pair {
            [before, item] => item.record.is_none() && item.step.joins(&before.step),
            _ => false,
        });
        Some(start..start + pairs.count() + 1)
    }

    /// A policy that no longer exists cannot come back; one that somebody took away must not.
    fn leave_out(&mut self) {
        let mut needless: BTreeSet<_> = self.open.repair().gone.iter().chain(&self.not_held).cloned().collect();
        needless.remove(&self.case.baseline.policy());
        self.skip(false, |step| match step {
            Step::Attach(policy) if needless.contains(policy) => Some(StepResult::Skipped),
            _ => None,
        });
    }

    /// Gives steps that need no call the result that they have all the same. Of what is `on_record` the journal is told.
    fn skip(&mut self, on_record: bool, result: impl Fn(&Step) -> Option<StepResult>) {
        for item in self.items.iter_mut().filter(|item| item.record.is_none()) {
            let Some(result) = result(&item.step) else { continue };
            let record = StepRecord::without_call(&item.step, &self.case.target.role, result);
            if on_record {
                self.open.end(item.line, &record);
            }
            item.record = Some(record);
        }
    }

    pub(super) async fn group(&mut self, group: Range<usize>) -> Result<(), Cause> {
        let done = self.attempt(group.clone()).await;
        // Where there is no way back, a step that was never sent has failed, and the next one has its turn.
        if let Err(cause) = &done
            && !self.course.is_reversible()
        {
            let items = self.items.get_mut(group).unwrap_or_default();
            for item in items.iter_mut().filter(|item| item.record.is_none()) {
                let record = StepRecord::without_call(&item.step, &self.case.target.role, StepResult::Failed);
                item.record = Some(StepRecord { error: Some(cause.to_string()), ..record });
            }
        }
        done
    }

    async fn attempt(&mut self, group: Range<usize>) -> Result<(), Cause> {
        if self.course.is_reversible() {
            self.check_time(group.start)?;
        }
        let intent = self.intend(group.clone()).await?;
        let Some(first) = self.items.get(group.start).map(|item| item.step.clone()) else { return Ok(()) };
        match first {
            Step::Delete { .. } => match self.look_again().await? {
                LastLook::Same => {}
                LastLook::Gone => {
                    self.skip(true, |step| matches!(step, Step::Delete { .. }).then_some(StepResult::Already));
                    self.course = Course::Forward;
                    return Ok(());
                }
                LastLook::Replaced(id) => {
                    self.use_existing(&id, StepResult::Already);
                    return Ok(());
                }
            },
            Step::UpdateTrust { .. } => match self.look_again().await? {
                LastLook::Same => {}
                LastLook::Gone | LastLook::Replaced(_) => {
                    return Err(Refusal::Changed("another role id".to_owned()).into());
                }
            },
            Step::Detach(_) | Step::Create { .. } | Step::Attach(_) | Step::Tag(_) | Step::LeaveTag(_) => {}
        }
        if first.takes_away() {
            self.open.check_ours().await?;
        }
        if matches!(first, Step::Delete { .. }) {
            self.course = Course::Forward;
        }
        let tries = if self.course.is_reversible() { TRIES } else { TRIES_WITHOUT_WAY_BACK };
        let items = self.items.get(group.clone()).unwrap_or_default();
        let performed = join_all(items.iter().map(|item| self.perform(&intent, &item.step, tries))).await;
        self.take_in(group, performed)
    }

    /// Keeps what became of the steps of a group, and what their replies told.
    fn take_in(&mut self, group: Range<usize>, performed: Vec<Performed>) -> Result<(), Cause> {
        let mut cause = None;
        for (index, mut performed) in group.zip(performed) {
            self.learn(performed.learned);
            let Some(item) = self.items.get_mut(index) else { continue };
            if matches!(item.step, Step::Delete { .. }) {
                match performed.record.result {
                    StepResult::Failed => self.course = Course::Rehearsed,
                    // The creation tells: it succeeds only if the role is gone.
                    StepResult::Unknown => performed.cause = None,
                    _ => {}
                }
            }
            if let (Step::Attach(policy), StepResult::Done) = (&item.step, performed.record.result) {
                self.attached.insert(policy.clone());
            }
            self.open.end(item.line, &performed.record);
            item.record = Some(performed.record);
            cause = cause.or(performed.cause);
        }
        cause.map_or(Ok(()), Err)
    }

    fn learn(&mut self, learned: Vec<ReplyFact>) {
        for fact in learned {
            match fact {
                ReplyFact::Made(id) => {
                    self.open.created(&id);
                    self.created = Some(id);
                }
                ReplyFact::Found(id) => self.open.created(&id),
                // DTS cannot do without its policy, whatever a reply says of it.
                ReplyFact::Gone(policy) if policy == self.case.baseline.policy() => {}
                ReplyFact::Gone(policy) => self.open.gone(&policy),
                ReplyFact::NotHeld(policy) => {
                    self.open.not_held(&policy);
                    self.not_held.insert(policy);
                }
                ReplyFact::Held(policy) => {
                    self.open.held(&policy);
                    self.not_held.remove(&policy);
                }
            }
        }
    }

    /// The role is there already, by whatever hand: nothing is left to detach, delete or create.
    pub(super) fn use_existing(&mut self, id: &str, creation: StepResult) {
        self.course = Course::Forward;
        self.open.created(id);
        self.skip(true, |step| match step {
            Step::Detach(_) | Step::Delete { .. } => Some(StepResult::Already),
            Step::Create { .. } => Some(creation),
            Step::Attach(_) | Step::UpdateTrust { .. } | Step::Tag(_) | Step::LeaveTag(_) => None,
        });
    }

    /// Whether there is no way back any more: somebody has deleted the role. Where another run has taken over, that is its
    /// deletion.
    pub(super) async fn is_gone(&self, cause: &Cause) -> bool {
        let is_ours = !matches!(cause, Cause::Refused(Refusal::AnotherRun(_)));
        let is_begun = self.course == Course::Rehearsed;
        is_ours && is_begun && matches!(observe::facts(self.case).await, Ok(None))
    }

    /// A role that is gone needs no protection, only a new one.
    pub(super) async fn go_forward(&mut self) {
        self.course = Course::Forward;
        self.skip(false, |step| step.takes_away().then_some(StepResult::Already));
        let recorded = self.open.advance(Act::Replace).is_ok();
        if !recorded || self.open.begin(self.case.session, Act::Replace, &[], Unrecorded::GoOn).await.is_err() {
            tracing::warn!("going on without a record: the role comes first");
        }
    }

    pub(super) fn check_time(&self, start: usize) -> Result<(), Cause> {
        let steps: Vec<_> = self.items.iter().map(|item| item.step.clone()).collect();
        let rest = steps.get(start..).unwrap_or_default();
        let is_rehearsed = self.course == Course::Rehearsed;
        let refusal = lacks_time(self.case.session, rest, &steps, is_rehearsed, self.open.slowest());
        refusal.map_or(Ok(()), |why| Err(why.into()))
    }

    /// Puts a group on record. Where there is no way back, a record that cannot be written does not keep the role from
    /// being finished.
    async fn intend(&mut self, group: Range<usize>) -> Result<Intent<'a>, Cause> {
        let items = self.items.get(group).unwrap_or_default();
        let act = items.first().map_or(Act::Build, |item| self.act(&item.step));
        let steps: Vec<_> = items.iter().map(|item| (item.line, &item.step)).collect();
        let unrecorded = if self.course.is_reversible() { Unrecorded::Refuse } else { Unrecorded::GoOn };
        self.open.advance(act)?;
        Ok(self.open.begin(self.case.session, act, &steps, unrecorded).await?)
    }

    fn act(&self, step: &Step) -> Act {
        let is_replaced = self.open.repair().phase == Phase::Replacing;
        match (self.course, Act::of(step)) {
            (Course::PuttingBack, _) => Act::Undo,
            // Somebody else has deleted the role that this repair had begun with, or replaced it.
            (Course::Forward, Act::Build) if self.found.is_some() && !is_replaced => Act::Replace,
            (_, act) => act,
        }
    }

    /// The last look before the deletion. A role that is gone meanwhile needs no protection, only a new one.
    pub(super) async fn look_again(&self) -> Result<LastLook, Cause> {
        let look = if self.deletes() {
            observe::whole(self.case).await
        } else {
            observe::role(self.case).await.map(|role| (role, None))
        };
        let (now, tags) = look.map_err(|error| Cause::Call { error: chain(&error), may_pass: error.may_pass() })?;
        let Some(now) = now.present() else { return Ok(LastLook::Gone) };
        let Some(found) = &self.found else { return Ok(LastLook::Same) };
        if now.id != found.id {
            let known = self.open.repair().knows(now, self.case.baseline);
            return if known { Ok(LastLook::Replaced(now.id.clone())) } else { Err(Cause::Stranger(now.id.clone())) };
        }
        match self.changed(found, now).or_else(|| self.changed_tags(tags.as_ref())) {
            Some(what) => Err(Refusal::Changed(what).into()),
            None => Ok(LastLook::Same),
        }
    }

    /// What of the role is not as it was, leaving out what this run did to it.
    fn changed(&self, found: &Role, now: &Role) -> Option<String> {
        let difference = now.difference(found).map(str::to_owned);
        difference.or_else(|| {
            let attached = |item: &Item, policy: &PolicyRef| {
                item.step == Step::Attach(policy.clone()) && item.record.as_ref().is_some_and(StepRecord::holds)
            };
            let ours = |policy: &PolicyRef| self.items.iter().any(|item| attached(item, policy));
            let added = now.policies.difference(&found.policies).find(|policy| !ours(policy))?;
            Some(format!("policy `{}` was attached", sanitized(&added.to_string())))
        })
    }

    fn changed_tags(&self, now: Option<&Tags>) -> Option<String> {
        let (before, now) = (self.tags.as_ref()?, now?);
        let differs = restorable(before).ne(restorable(now));
        differs.then(|| "another tag".to_owned())
    }
}
