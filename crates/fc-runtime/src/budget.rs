//! A limit on what all clients take up together, and which of them leaves when it is reached.
//!
//! Nothing here has a timeout, since the platform reuses a connection after any idle time. Connections whose client has vanished,
//! for example while an instance was frozen, would add up, and a limit alone would keep all others out in the end. So the
//! share that has waited longest is evicted.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// What clients share: connections, or bytes of events.
pub(super) struct Budget {
    limit: usize,
    shares: Mutex<Shares>,
}

#[derive(Default)]
struct Shares {
    /// The next share's id, and the age of what happens next.
    next: u64,
    by_id: BTreeMap<u64, Share>,
}

struct Share {
    size: usize,
    /// The lowest is evicted first. None while the handler works for it: it stays.
    waits_since: Option<u64>,
    evicted: CancellationToken,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, shares: Mutex::default() })
    }

    /// A share for a newcomer, who takes up nothing yet.
    pub(super) fn claim(self: &Arc<Self>) -> Claim {
        let evicted = CancellationToken::new();
        let mut shares = self.shares();
        let id = shares.tick();
        shares.by_id.insert(id, Share { size: 0, waits_since: Some(id), evicted: evicted.clone() });
        Claim { evicted, ticket: Ticket { budget: Arc::clone(self), id } }
    }

    fn shares(&self) -> MutexGuard<'_, Shares> {
        self.shares.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shares {
    fn tick(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// One share, given back when this is dropped.
pub(super) struct Claim {
    evicted: CancellationToken,
    ticket: Ticket,
}

impl Claim {
    /// Takes up more. If that is too much, those leave that have waited longest, and this share may be one of them. Says
    /// whether the limit was reached.
    pub(super) fn grow(&self, size: usize) -> bool {
        let Ticket { budget, id } = &self.ticket;
        let mut shares = budget.shares();
        if let Some(share) = shares.by_id.get_mut(id) {
            share.size += size;
        }
        let mut is_full = false;
        while shares.by_id.values().map(|share| share.size).sum::<usize>() > budget.limit {
            is_full = true;
            let waiting = shares.by_id.iter().filter_map(|(id, share)| Some((share.waits_since?, *id)));
            let Some((_, longest)) = waiting.min() else { break };
            if let Some(share) = shares.by_id.remove(&longest) {
                share.evicted.cancel();
            }
        }
        is_full
    }

    /// Takes up nothing any more.
    pub(super) fn clear(&self) {
        self.ticket.update(|share| share.size = 0);
    }

    /// From now on it is not evicted; false if it already has been.
    pub(super) fn keep(&self) -> bool {
        self.ticket.update(|share| share.waits_since = None)
    }

    pub(super) fn is_evicted(&self) -> bool {
        self.evicted.is_cancelled()
    }

    /// Ready once the share is evicted.
    pub(super) async fn evicted(&self) {
        self.evicted.cancelled().await;
    }

    pub(super) fn ticket(&self) -> Ticket {
        self.ticket.clone()
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.ticket.budget.shares().by_id.remove(&self.ticket.id);
    }
}

/// Names a share to the requests that use it; these may outlive it.
#[derive(Clone)]
pub(super) struct Ticket {
    budget: Arc<Budget>,
    id: u64,
}

impl Ticket {
    /// Until the result is dropped, the share is not evicted. After that it counts as a newcomer.
    pub(super) fn work(&self) -> Work {
        self.update(|share| share.waits_since = None);
        Work(self.clone())
    }

    /// False, and nothing done, if the share has gone.
    fn update(&self, change: impl FnOnce(&mut Share)) -> bool {
        self.budget.shares().by_id.get_mut(&self.id).map(change).is_some()
    }
}

pub(super) struct Work(Ticket);

impl Drop for Work {
    fn drop(&mut self) {
        let now = self.0.budget.shares().tick();
        self.0.update(|share| share.waits_since = Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection, and whether it is the one that has to leave.
    fn enter(budget: &Arc<Budget>) -> Option<Claim> {
        let claim = budget.claim();
        claim.grow(1);
        (!claim.is_evicted()).then_some(claim)
    }

    #[test]
    fn the_connection_that_came_first_leaves_first() {
        let budget = Budget::new(2);
        let claims = [enter(&budget).unwrap(), enter(&budget).unwrap(), enter(&budget).unwrap()];
        assert_eq!(claims.each_ref().map(Claim::is_evicted), [true, false, false]);
    }

    #[test]
    fn a_connection_that_was_answered_waits_anew() {
        let budget = Budget::new(2);
        let (old, young) = (enter(&budget).unwrap(), enter(&budget).unwrap());
        drop(old.ticket().work());
        let _new = enter(&budget).unwrap();
        assert!(young.is_evicted() && !old.is_evicted());
    }

    #[test]
    fn work_in_hand_is_never_evicted() {
        let budget = Budget::new(2);
        let (one, other) = (enter(&budget).unwrap(), enter(&budget).unwrap());
        let works = [one.ticket().work(), other.ticket().work()];
        assert!(enter(&budget).is_none());
        drop(works);
        assert!(enter(&budget).is_some());
    }

    #[test]
    fn a_connection_that_ended_makes_room() {
        let budget = Budget::new(2);
        let (one, other) = (enter(&budget).unwrap(), enter(&budget).unwrap());
        drop(other);
        let new = enter(&budget).unwrap();
        assert!(!one.is_evicted() && !new.is_evicted());
    }

    #[test]
    fn up_to_the_limit_no_event_is_evicted() {
        let budget = Budget::new(10);
        let (one, other) = (budget.claim(), budget.claim());
        assert!(!one.grow(4) && !other.grow(6));
        assert!(!one.is_evicted() && !other.is_evicted());
        assert!(one.keep() && other.keep());
    }

    #[test]
    fn the_oldest_incomplete_event_is_evicted_first() {
        let budget = Budget::new(10);
        let claims = [budget.claim(), budget.claim(), budget.claim()];
        claims[0].grow(4);
        assert!(claims[0].keep());
        claims[1].grow(3);
        claims[2].grow(3);
        assert!(claims[2].grow(1));
        assert_eq!(claims.each_ref().map(Claim::is_evicted), [false, true, false]);
        assert!(!claims[1].keep() && claims[2].keep());
    }

    #[test]
    fn an_evicted_event_takes_up_nothing_and_changes_no_other() {
        let budget = Budget::new(10);
        let (old, new) = (budget.claim(), budget.claim());
        old.grow(9);
        new.grow(2);
        old.grow(100);
        drop(old);
        new.grow(8);
        assert!(!new.is_evicted());
    }

    #[test]
    fn complete_events_stay_and_the_newcomer_is_evicted() {
        let budget = Budget::new(10);
        let (done, new) = (budget.claim(), budget.claim());
        done.grow(8);
        assert!(done.keep());
        new.grow(3);
        assert!(new.is_evicted() && !done.is_evicted());
        drop(done);
        let next = budget.claim();
        next.grow(10);
        assert!(next.keep());
    }

    #[test]
    fn an_event_that_was_cleared_is_not_counted() {
        let budget = Budget::new(10);
        let (large, other) = (budget.claim(), budget.claim());
        large.grow(9);
        large.clear();
        other.grow(9);
        assert!(!large.is_evicted() && !other.is_evicted());
    }
}
