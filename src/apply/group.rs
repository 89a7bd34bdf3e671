//! Steps that are sent at the same time: one intent on record, one trip to the cloud.

use std::ops::Range;

use authorization::plan::{Step, StepRecord, StepResult, restorable};
use authorization::record::{Act, Phase};
use authorization::role::{Role, Tags};
use authorization::target::PolicyRef;
use authorization::text::{chain, sanitized};
use futures_util::future::join_all;

use super::settled::role_id_now;
use super::step::{Learned, Performed, TRIES, TRIES_WITHOUT_WAY_BACK};
use super::time::{Left, lacks_time};
use super::{Cause, Course, Item, Run};
use crate::journal::{Intent, Unrecorded};
use crate::observe;
use crate::refusal::Refusal;

/// What the last look before the deletion shows.
pub(super) enum Now {
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
        let (role, needed) = (&self.case.target.role, self.case.baseline.policy());
        let gone = &self.open.repair().gone;
        let needless =
            |policy: &PolicyRef| (gone.contains(policy) || self.not_held.contains(policy)) && *policy != needed;
        let needless: Vec<_> =
            self.items.iter().map(|item| matches!(&item.step, Step::Attach(policy) if needless(policy))).collect();
        for (item, needless) in self.items.iter_mut().zip(needless) {
            if needless && item.record.is_none() {
                item.record = Some(StepRecord::without_call(&item.step, role, StepResult::Skipped));
            }
        }
    }

    pub(super) async fn group(&mut self, group: Range<usize>) -> Result<(), Cause> {
        let done = self.attempt(group.clone()).await;
        if let Err(cause) = &done
            && !self.course.is_reversible()
        {
            self.fail(group, cause);
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
                Now::Same => {}
                Now::Gone => {
                    self.settle(group, StepResult::Already);
                    self.course = Course::Forward;
                    return Ok(());
                }
                Now::Replaced(id) => {
                    self.take_over(&id, StepResult::Already);
                    return Ok(());
                }
            },
            Step::UpdateTrust { .. } => match self.look_again().await? {
                Now::Same => {}
                Now::Gone | Now::Replaced(_) => {
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
                    StepResult::Failed => self.course = Course::Reversible { is_rehearsed: true },
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

    fn learn(&mut self, learned: Vec<Learned>) {
        for fact in learned {
            match fact {
                Learned::Made(id) => {
                    self.open.created(&id);
                    self.created = Some(id);
                }
                Learned::Found(id) => self.open.created(&id),
                // DTS cannot do without its policy, whatever a reply says of it.
                Learned::Gone(policy) if policy == self.case.baseline.policy() => {}
                Learned::Gone(policy) => self.open.gone(&policy),
                Learned::NotHeld(policy) => {
                    self.open.not_held(&policy);
                    self.not_held.insert(policy);
                }
                Learned::Held(policy) => {
                    self.open.held(&policy);
                    self.not_held.remove(&policy);
                }
            }
        }
    }

    /// The role is there already, by whatever hand: nothing is left to detach, delete or create.
    pub(super) fn take_over(&mut self, id: &str, creation: StepResult) {
        let role = &self.case.target.role;
        self.course = Course::Forward;
        self.open.created(id);
        for item in self.items.iter_mut().filter(|item| item.record.is_none()) {
            let result = match item.step {
                Step::Detach(_) | Step::Delete { .. } => StepResult::Already,
                Step::Create { .. } => creation,
                Step::Attach(_) | Step::UpdateTrust { .. } | Step::Tag(_) | Step::LeaveTag(_) => continue,
            };
            let record = StepRecord::without_call(&item.step, role, result);
            self.open.end(item.line, &record);
            item.record = Some(record);
        }
    }

    /// Whether there is no way back any more: somebody has deleted the role. Where another run has taken over, that is its
    /// deletion.
    pub(super) async fn is_gone(&self, cause: &Cause) -> bool {
        let is_ours = !matches!(cause, Cause::Refused(Refusal::AnotherRun(_)));
        let is_begun = self.course == Course::Reversible { is_rehearsed: true };
        is_ours && is_begun && matches!(role_id_now(self.case).await, Ok(None))
    }

    /// A role that is gone needs no protection, only a new one.
    pub(super) async fn go_forward(&mut self) {
        let role = &self.case.target.role;
        self.course = Course::Forward;
        for item in self.items.iter_mut().filter(|item| item.record.is_none()) {
            if matches!(item.step, Step::Detach(_) | Step::Delete { .. }) {
                item.record = Some(StepRecord::without_call(&item.step, role, StepResult::Already));
            }
        }
        let recorded = self.open.advance(Act::Replace).is_ok();
        if !recorded || self.open.begin(self.case.session, Act::Replace, &[], Unrecorded::GoOn).await.is_err() {
            tracing::warn!("going on without a record: the role comes first");
        }
    }

    fn settle(&mut self, group: Range<usize>, result: StepResult) {
        let role = &self.case.target.role;
        for item in self.items.get_mut(group).unwrap_or_default() {
            let record = StepRecord::without_call(&item.step, role, result);
            self.open.end(item.line, &record);
            item.record = Some(record);
        }
    }

    /// Where there is no way back, a step that was never sent has failed, and the next one has its turn.
    fn fail(&mut self, group: Range<usize>, cause: &Cause) {
        let role = &self.case.target.role;
        for item in self.items.get_mut(group).unwrap_or_default().iter_mut().filter(|item| item.record.is_none()) {
            let record = StepRecord::without_call(&item.step, role, StepResult::Failed);
            item.record = Some(StepRecord { error: Some(cause.to_string()), ..record });
        }
    }

    pub(super) fn check_time(&self, start: usize) -> Result<(), Cause> {
        let steps: Vec<_> = self.items.iter().map(|item| item.step.clone()).collect();
        let rest = steps.get(start..).unwrap_or_default();
        let left = Left { rest, all: &steps, is_rehearsed: self.course == Course::Reversible { is_rehearsed: true } };
        lacks_time(self.case.session, left, self.open.slowest()).map_or(Ok(()), |why| Err(why.into()))
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
    pub(super) async fn look_again(&self) -> Result<Now, Cause> {
        let look = if self.deletes() {
            observe::whole(self.case).await
        } else {
            observe::role(self.case).await.map(|role| (role, None))
        };
        let (now, tags) = look.map_err(|error| Cause::Call { error: chain(&error), may_pass: error.may_pass() })?;
        let Some(now) = now.present() else { return Ok(Now::Gone) };
        let Some(found) = &self.found else { return Ok(Now::Same) };
        if now.id != found.id {
            let known = self.open.repair().knows(now, self.case.baseline);
            return if known { Ok(Now::Replaced(now.id.clone())) } else { Err(Cause::Stranger(now.id.clone())) };
        }
        match self.changed(found, now).or_else(|| self.changed_tags(tags.as_ref())) {
            Some(what) => Err(Refusal::Changed(what).into()),
            None => Ok(Now::Same),
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
