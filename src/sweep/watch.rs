//! Tells how far a run is, and keeps its place.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use authorization::settings::Scope;
use authorization::target::AccountId;

use super::phases::Judged;
use super::place::{Memory, Place};
use super::queue::Queue;
use super::{Counts, Sweep};
use crate::event::Approved;

/// How often the place is kept, so that a run that is killed leaves one.
const KEPT_EVERY: Duration = Duration::from_secs(30);

/// One run's.
#[derive(Debug)]
pub(super) struct Watch<'a> {
    sweep: &'a Sweep<'a>,
    /// Of a run over the whole organization.
    whole: Option<(&'a Queue, &'a Place)>,
    /// What earlier runs left.
    memory: &'a Memory,
    begun_with: Duration,
    kept_at: Mutex<Duration>,
}

impl<'a> Watch<'a> {
    pub(super) fn new(sweep: &'a Sweep<'a>, whole: Option<(&'a Queue, &'a Place)>, memory: &'a Memory) -> Self {
        let kept_at = Mutex::new(sweep.guard.session.clock().uptime());
        Self { sweep, whole, memory, begun_with: sweep.guard.session.remaining(), kept_at }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.whole.is_some()
    }

    /// Whether the repair of an account failed when it was last tried.
    pub(super) fn has_failed(&self, account: &AccountId) -> bool {
        self.memory.failed.contains(account)
    }

    /// The time that there was at first.
    pub(super) fn begun_with(&self) -> Duration {
        self.begun_with
    }

    pub(super) async fn judged(&self, judged: &Judged) {
        let Some((queue, place)) = self.whole else {
            return self.approved().into_iter().for_each(|of| self.show(judged.counts(of)));
        };
        self.show(judged.counts(queue.total()));
        if self.is_time_to_keep() {
            let waiting = judged.left().chain(queue.waiting()).collect();
            place.keep(Memory { waiting, failed: self.memory.failed.clone() }).await;
        }
    }

    pub(super) fn repaired(&self, counts: Counts) {
        if self.is_whole() || self.approved().is_some() {
            self.show(counts);
        }
    }

    /// How many plans a person has seen and approved, of an organization.
    fn approved(&self) -> Option<usize> {
        match &self.sweep.request.approved {
            Approved::Shown(plans) if self.sweep.request.scope == Scope::Organization => Some(plans.len()),
            _ => None,
        }
    }

    fn show(&self, counts: Counts) {
        self.sweep.progress.show(counts, self.sweep.guard.session.clock().uptime());
    }

    fn is_time_to_keep(&self) -> bool {
        let now = self.sweep.guard.session.clock().uptime();
        let mut kept_at = self.kept_at.lock().unwrap_or_else(PoisonError::into_inner);
        let is_time = now.saturating_sub(*kept_at) >= KEPT_EVERY;
        if is_time {
            *kept_at = now;
        }
        is_time
    }
}
