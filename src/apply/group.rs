//! Steps that are sent at the same time: one intent on record, one trip to the cloud.

use std::ops::Range;

use authorization::plan::{Refusal, Step, dts_policy, restorable};
use authorization::plan::{StepRecord, StepResult};
use authorization::record::{Act, Phase};
use authorization::role::{Role, Tags};
use authorization::target::PolicyRef;
use authorization::text::{chain, foreign};
use futures_util::future::join_all;

use super::settled::role_id_now;
use super::step::{Learned, Performed, TRIES, TRIES_WITHOUT_WAY_BACK};
use super::time::{Left, lacks_time};
use super::{How, Item, Run, Stop, Way};
use crate::observe;

/// What the last look before the deletion shows.
pub(super) enum Now {
    /// The role that was looked at.
    Same,
    /// None.
    Gone,
    /// Another one with the vendor's default trust policy: what this repair makes.
    Replaced(String),
}

impl Run<'_> {
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
        let gone = &self.journal.repair().gone;
        let needless =
            |policy: &PolicyRef| (gone.contains(policy) || self.not_held.contains(policy)) && *policy != dts_policy();
        let needless: Vec<_> =
            self.items.iter().map(|item| matches!(&item.step, Step::Attach(policy) if needless(policy))).collect();
        for (item, needless) in self.items.iter_mut().zip(needless) {
            if needless && item.record.is_none() {
                item.record = Some(StepRecord::without_call(&item.step, StepResult::Skipped));
            }
        }
    }

    pub(super) async fn group(&mut self, group: Range<usize>) -> Result<(), Stop> {
        let done = self.attempt(group.clone()).await;
        if let Err(stop) = &done
            && self.way == Way::Forward
        {
            self.fail(group, stop);
        }
        done
    }

    async fn attempt(&mut self, group: Range<usize>) -> Result<(), Stop> {
        if self.way == Way::Back {
            self.check_time(group.start)?;
        }
        self.intend(group.clone()).await?;
        let Some(first) = self.items.get(group.start).map(|item| item.step.clone()) else { return Ok(()) };
        match first {
            Step::Delete { .. } => match self.look_again().await? {
                Now::Same => {}
                Now::Gone => {
                    self.settle(group, StepResult::Already);
                    self.way = Way::Forward;
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
                    return Err(Stop::Refused(Refusal::Changed("another role id".to_owned())));
                }
            },
            Step::Detach(_) | Step::Create { .. } | Step::Attach(_) | Step::Tag(_) | Step::LeaveTag(_) => {}
        }
        if first.takes_away() {
            self.journal.check_ours().await.map_err(Stop::Refused)?;
        }
        if matches!(first, Step::Delete { .. }) {
            self.way = Way::Forward;
        }
        let tries = if self.way == Way::Forward { TRIES_WITHOUT_WAY_BACK } else { TRIES };
        let items = self.items.get(group.clone()).unwrap_or_default();
        let performed = join_all(items.iter().map(|item| self.perform(&item.step, tries))).await;
        self.take_in(group, performed)
    }

    /// Keeps what became of the steps of a group, and what their replies told.
    fn take_in(&mut self, group: Range<usize>, performed: Vec<Performed>) -> Result<(), Stop> {
        let mut stop = None;
        for (index, mut performed) in group.zip(performed) {
            self.learn(performed.learned);
            let Some(item) = self.items.get_mut(index) else { continue };
            if matches!(item.step, Step::Delete { .. }) {
                match performed.record.result {
                    StepResult::Failed => self.way = Way::Back,
                    // The creation tells: it succeeds only if the role is gone.
                    StepResult::Unknown => performed.stop = None,
                    _ => {}
                }
            }
            if let (Step::Attach(policy), StepResult::Done) = (&item.step, performed.record.result) {
                self.attached.insert(policy.clone());
            }
            self.journal.end(item.line, &performed.record);
            item.record = Some(performed.record);
            stop = stop.or(performed.stop);
        }
        stop.map_or(Ok(()), Err)
    }

    fn learn(&mut self, learned: Vec<Learned>) {
        for fact in learned {
            match fact {
                Learned::Made(id) => {
                    self.journal.created(&id);
                    self.created = Some(id);
                }
                Learned::Found(id) => self.journal.created(&id),
                // DTS cannot do without its policy, whatever a reply says of it.
                Learned::Gone(policy) if policy == dts_policy() => {}
                Learned::Gone(policy) => self.journal.gone(&policy),
                Learned::NotHeld(policy) => {
                    self.journal.not_held(&policy);
                    self.not_held.insert(policy);
                }
                Learned::Held(policy) => {
                    self.journal.held(&policy);
                    self.not_held.remove(&policy);
                }
            }
        }
    }

    /// The role is there already, by whatever hand: nothing is left to detach, delete or create.
    pub(super) fn take_over(&mut self, id: &str, creation: StepResult) {
        self.way = Way::Forward;
        self.journal.created(id);
        for item in self.items.iter_mut().filter(|item| item.record.is_none()) {
            let result = match item.step {
                Step::Detach(_) | Step::Delete { .. } => StepResult::Already,
                Step::Create { .. } => creation,
                Step::Attach(_) | Step::UpdateTrust { .. } | Step::Tag(_) | Step::LeaveTag(_) => continue,
            };
            let record = StepRecord::without_call(&item.step, result);
            self.journal.end(item.line, &record);
            item.record = Some(record);
        }
    }

    /// Whether there is no way back any more: somebody has deleted the role. Where another run has taken over, that is its
    /// deletion.
    pub(super) async fn is_gone(&self, stop: &Stop) -> bool {
        let is_ours = !matches!(stop, Stop::Refused(Refusal::AnotherRun(_)));
        let is_begun = self.is_rehearsed && self.way == Way::Back;
        is_ours && is_begun && matches!(role_id_now(self.session).await, Ok(None))
    }

    /// A role that is gone needs no protection, only a new one.
    pub(super) async fn go_forward(&mut self) {
        self.way = Way::Forward;
        for item in self.items.iter_mut().filter(|item| item.record.is_none()) {
            if matches!(item.step, Step::Detach(_) | Step::Delete { .. }) {
                item.record = Some(StepRecord::without_call(&item.step, StepResult::Already));
            }
        }
        let recorded =
            self.journal.advance(Act::Replace).is_ok() && self.journal.begin(Act::Replace, &[]).await.is_ok();
        if !recorded {
            tracing::warn!("going on without a record: the role comes first");
        }
    }

    fn settle(&mut self, group: Range<usize>, result: StepResult) {
        for item in self.items.get_mut(group).unwrap_or_default() {
            let record = StepRecord::without_call(&item.step, result);
            self.journal.end(item.line, &record);
            item.record = Some(record);
        }
    }

    /// Where there is no way back, a step that was never sent has failed, and the next one has its turn.
    fn fail(&mut self, group: Range<usize>, stop: &Stop) {
        let error = match stop {
            Stop::Failed(cause) => cause.text.clone(),
            Stop::Refused(refusal) => refusal.to_string(),
            Stop::Stranger(text) => text.clone(),
        };
        for item in self.items.get_mut(group).unwrap_or_default().iter_mut().filter(|item| item.record.is_none()) {
            let record = StepRecord::without_call(&item.step, StepResult::Failed);
            item.record = Some(StepRecord { error: Some(error.clone()), ..record });
        }
    }

    pub(super) fn check_time(&self, start: usize) -> Result<(), Stop> {
        let steps: Vec<_> = self.items.iter().map(|item| item.step.clone()).collect();
        let rest = steps.get(start..).unwrap_or_default();
        let left = Left { rest, all: &steps, is_rehearsed: self.is_rehearsed };
        lacks_time(self.session, left, self.journal.slowest()).map_or(Ok(()), |why| Err(Stop::Refused(why)))
    }

    /// Puts a group on record. Where there is no way back, a record that cannot be written does not keep the role from
    /// being finished.
    async fn intend(&mut self, group: Range<usize>) -> Result<(), Stop> {
        let Some(items) = self.items.get(group) else { return Ok(()) };
        let act = items.first().map_or(Act::Build, |item| self.act(&item.step));
        let steps: Vec<_> = items.iter().map(|item| (item.line, &item.step)).collect();
        self.journal.advance(act)?;
        match self.journal.begin(act, &steps).await {
            Err(why) if self.way == Way::Forward || act == Act::Undo => {
                tracing::warn!(%why, "going on without a record: the role comes first");
                Ok(())
            }
            recorded => recorded.map_err(Stop::Refused),
        }
    }

    fn act(&self, step: &Step) -> Act {
        let is_replaced = self.journal.repair().phase == Phase::Replacing;
        match (self.how, Act::of(step)) {
            (How::PutBack, _) => Act::Undo,
            // Somebody else has deleted the role that this repair had begun with, or replaced it.
            (How::Forward, Act::Build) if self.found.is_some() && !is_replaced => Act::Replace,
            (_, act) => act,
        }
    }

    /// The last look before the deletion. A role that is gone meanwhile needs no protection, only a new one.
    pub(super) async fn look_again(&self) -> Result<Now, Stop> {
        let look = if self.deletes() {
            observe::whole(self.session).await
        } else {
            observe::role(self.session).await.map(|role| (role, None))
        };
        let (now, tags) =
            look.map_err(|error| Stop::Failed(super::Cause { text: chain(&error), may_pass: error.may_pass() }))?;
        let Some(now) = now.present() else { return Ok(Now::Gone) };
        let Some(found) = &self.found else { return Ok(Now::Same) };
        if now.id != found.id {
            let known = self.journal.repair().knows(now);
            return if known { Ok(Now::Replaced(now.id.clone())) } else { Err(Stop::stranger(&now.id)) };
        }
        match self.changed(found, now).or_else(|| self.changed_tags(tags.as_ref())) {
            Some(what) => Err(Stop::Refused(Refusal::Changed(what))),
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
            Some(format!("policy `{}` was attached", foreign(&added.to_string())))
        })
    }

    fn changed_tags(&self, now: Option<&Tags>) -> Option<String> {
        let (before, now) = (self.tags.as_ref()?, now?);
        let differs = restorable(before).ne(restorable(now));
        differs.then(|| "another tag".to_owned())
    }
}

impl Stop {
    pub(super) fn stranger(role_id: &str) -> Self {
        let id = foreign(role_id);
        Self::Stranger(format!(
            "another role of that name, with the id `{id}`, stands in the place of the one that was looked at"
        ))
    }
}
