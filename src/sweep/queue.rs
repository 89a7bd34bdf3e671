//! The accounts that wait for their turn: first those that earlier runs did not reach, whoever has waited longest before the
//! others; then the rest in no order, so that none is always the last.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use authorization::target::AccountId;
use fastrand::Rng;
use futures_util::{Stream, stream};
use tokio::sync::Notify;

use super::{Admission, Candidate, WorkItem};

/// Filled by who lists the accounts, emptied by who looks at them.
#[derive(Debug)]
pub(super) struct WorkQueue {
    state: Mutex<State>,
    news: Notify,
}

#[derive(Debug)]
struct State {
    /// Those that have waited, by their rank.
    first: BTreeMap<usize, WorkItem>,
    rest: Vec<WorkItem>,
    seen: HashSet<AccountId>,
    /// The ranks of those that have waited.
    ranks: HashMap<AccountId, usize>,
    /// The ranks of those of them that nobody has listed yet.
    awaited: BTreeSet<usize>,
    is_closed: bool,
    total: usize,
    rng: Rng,
}

enum Taken {
    Item(Box<WorkItem>),
    NotYet,
    Over,
}

impl WorkQueue {
    /// An empty one, and who has waited, the longest first. The seed decides the order of the others.
    pub(super) fn new(waited: &[AccountId], seed: &str) -> Self {
        let ranks: HashMap<_, _> = waited.iter().cloned().zip(0..).collect();
        let state = State {
            first: BTreeMap::new(),
            rest: Vec::new(),
            seen: HashSet::new(),
            awaited: ranks.values().copied().collect(),
            ranks,
            is_closed: false,
            total: 0,
            rng: rng(seed),
        };
        Self { state: Mutex::new(state), news: Notify::new() }
    }

    /// Adds an account, unless it was there before: the directory's pages shift while they are read.
    pub(super) fn offer(&self, candidate: Candidate, admission: Admission) {
        let mut state = self.state();
        if state.seen.insert(candidate.account.clone()) {
            let rank = state.ranks.get(&candidate.account).copied();
            let item = WorkItem { candidate, admission, is_certain: false };
            match rank {
                Some(rank) => {
                    state.awaited.remove(&rank);
                    state.first.insert(rank, item);
                }
                None => state.rest.push(item),
            }
        }
        drop(state);
        self.news.notify_one();
    }

    /// How many accounts there are, as far as anybody says.
    pub(super) fn expect(&self, total: usize) {
        self.state().total = total;
    }

    pub(super) fn total(&self) -> usize {
        let state = self.state();
        state.total.max(state.seen.len())
    }

    /// There will be no more.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.news.notify_one();
    }

    /// Those that wait, whoever has waited longest first.
    pub(super) fn waiting(&self) -> Vec<AccountId> {
        let state = self.state();
        state.first.values().chain(&state.rest).map(|item| item.candidate.account.clone()).collect()
    }

    /// One after the other, until there will be no more.
    pub(super) fn items(&self) -> impl Stream<Item = WorkItem> {
        stream::unfold(self, async |queue| Some((queue.next().await?, queue)))
    }

    async fn next(&self) -> Option<WorkItem> {
        loop {
            match self.state().take() {
                Taken::Item(item) => return Some(*item),
                Taken::Over => return None,
                Taken::NotYet => {}
            }
            self.news.notified().await;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// While somebody may come who has waited longer, nobody else has a turn.
    fn take(&mut self) -> Taken {
        let awaited = self.awaited.first().copied().filter(|_| !self.is_closed);
        let first = self.first.first_entry().filter(|first| awaited.is_none_or(|awaited| *first.key() < awaited));
        match (first, self.rest.len()) {
            (Some(first), _) => Taken::Item(Box::new(first.remove())),
            (None, _) if awaited.is_some() => Taken::NotYet,
            (None, 0) if self.is_closed => Taken::Over,
            (None, 0) => Taken::NotYet,
            (None, len) => Taken::Item(Box::new(self.rest.swap_remove(self.rng.usize(..len)))),
        }
    }
}

fn rng(seed: &str) -> Rng {
    let mut hasher = DefaultHasher::new();
    seed.hash(&mut hasher);
    Rng::with_seed(hasher.finish())
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::{FutureExt as _, StreamExt as _};

    use super::super::Reach;
    use super::*;

    fn id(number: usize) -> AccountId {
        format!("{:016}", number + 1_000_000).parse().unwrap()
    }

    fn offer(queue: &WorkQueue, number: usize) {
        let (account, records) = (id(number), Vec::new());
        let candidate = Candidate { account, reach: Reach::Member, reason: None, is_new: false, records };
        queue.offer(candidate, Admission::Open);
    }

    fn drain(queue: &WorkQueue) -> Vec<AccountId> {
        let items = queue.items().map(|item| item.candidate.account).collect::<Vec<_>>();
        items.now_or_never().expect("it is closed")
    }

    fn of_twenty(awaited: &[usize], seed: &str) -> Vec<AccountId> {
        let queue = WorkQueue::new(&awaited.iter().copied().map(id).collect::<Vec<_>>(), seed);
        (0..20).for_each(|number| offer(&queue, number));
        queue.close();
        drain(&queue)
    }

    #[test]
    fn each_account_has_one_turn_however_often_it_is_listed() {
        let queue = WorkQueue::new(&[], "");
        for number in [1, 2, 2, 1, 3] {
            offer(&queue, number);
        }
        queue.close();
        let mut order = drain(&queue);
        order.sort();
        assert_eq!(order, [id(1), id(2), id(3)]);
    }

    #[test]
    fn the_order_is_another_one_in_each_run() {
        let orders: HashSet<_> = ["a", "b", "c"].into_iter().map(|seed| of_twenty(&[], seed)).collect();
        assert_eq!(orders.len(), 3);
        assert_eq!(of_twenty(&[], "a"), of_twenty(&[], "a"));
    }

    #[test]
    fn whoever_has_waited_longest_comes_first() {
        for seed in ["a", "b", "c"] {
            let order = of_twenty(&[17, 3, 99, 5], seed);
            assert_eq!(order[..3], [id(17), id(3), id(5)], "99 is no member any more");
        }
    }

    #[test]
    fn others_wait_until_what_was_not_reached_is_listed() {
        let queue = WorkQueue::new(&[id(7)], "");
        offer(&queue, 1);
        let mut items = pin!(queue.items());
        assert!(items.next().now_or_never().is_none());
        offer(&queue, 7);
        let order: Vec<_> = items.by_ref().take(2).map(|item| item.candidate.account).collect().now_or_never().unwrap();
        assert_eq!(order, [id(7), id(1)]);
    }
}
