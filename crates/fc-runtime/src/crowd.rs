//! The open connections, and which of them is closed when they are too many.
//!
//! None has a timeout, since the platform reuses one after any idle time. So those whose client has gone without a word, when an
//! instance was frozen for example, would add up, and a limit alone would keep everybody out in the end.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio_util::sync::CancellationToken;

/// All open connections.
pub(super) struct Crowd {
    limit: usize,
    inside: Mutex<Inside>,
}

#[derive(Default)]
struct Inside {
    /// The next connection's id, and the age of what happens next.
    next: u64,
    connections: BTreeMap<u64, Connection>,
    is_warned: bool,
}

struct Connection {
    /// When it came, or was last answered; none while the handler works for it.
    waits_since: Option<u64>,
    close: CancellationToken,
}

impl Crowd {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, inside: Mutex::default() })
    }

    /// A place for a new connection, at the cost of the one that has waited longest. None if all have work in hand.
    pub(super) fn enter(self: &Arc<Self>) -> Option<Place> {
        let mut inside = self.inside();
        let is_full = inside.connections.len() >= self.limit;
        if is_full && !inside.is_warned {
            tracing::warn!(limit = self.limit, "too many connections; those that wait longest are closed");
        }
        inside.is_warned = is_full;
        if is_full {
            let waiting = inside.connections.iter().filter_map(|(id, connection)| Some((connection.waits_since?, *id)));
            let (_, longest) = waiting.min()?;
            let left = inside.connections.remove(&longest)?;
            left.close.cancel();
        }
        let (id, close) = (inside.tick(), CancellationToken::new());
        inside.connections.insert(id, Connection { waits_since: Some(id), close: close.clone() });
        Some(Place { close, pass: Pass { crowd: Arc::clone(self), id } })
    }

    fn inside(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inside {
    fn tick(&mut self) -> u64 {
        self.next += 1;
        self.next
    }
}

/// One connection's place, until this is dropped.
pub(super) struct Place {
    close: CancellationToken,
    pass: Pass,
}

impl Place {
    pub(super) fn pass(&self) -> Pass {
        self.pass.clone()
    }

    /// Ready once the connection is to be closed.
    pub(super) async fn lost(&self) {
        self.close.cancelled().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pass.crowd.inside().connections.remove(&self.pass.id);
    }
}

/// Tells that a connection has work in hand.
#[derive(Clone)]
pub(super) struct Pass {
    crowd: Arc<Crowd>,
    id: u64,
}

impl Pass {
    /// Until this is dropped, the connection is not closed.
    pub(super) fn work(&self) -> Work {
        self.set(None);
        Work(self.clone())
    }

    /// Nothing if the connection has gone.
    fn set(&self, waits_since: Option<u64>) {
        if let Some(connection) = self.crowd.inside().connections.get_mut(&self.id) {
            connection.waits_since = waits_since;
        }
    }
}

pub(super) struct Work(Pass);

impl Drop for Work {
    fn drop(&mut self) {
        let now = self.0.crowd.inside().tick();
        self.0.set(Some(now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_closed(place: &Place) -> bool {
        place.close.is_cancelled()
    }

    #[test]
    fn the_one_that_came_first_leaves_first() {
        let crowd = Crowd::new(2);
        let places = [crowd.enter().unwrap(), crowd.enter().unwrap(), crowd.enter().unwrap()];
        assert_eq!(places.each_ref().map(is_closed), [true, false, false]);
    }

    #[test]
    fn one_that_was_answered_waits_anew() {
        let crowd = Crowd::new(2);
        let (old, young) = (crowd.enter().unwrap(), crowd.enter().unwrap());
        drop(old.pass().work());
        let _new = crowd.enter().unwrap();
        assert!(is_closed(&young) && !is_closed(&old));
    }

    #[test]
    fn work_in_hand_is_never_closed() {
        let crowd = Crowd::new(2);
        let (one, other) = (crowd.enter().unwrap(), crowd.enter().unwrap());
        let works = [one.pass().work(), other.pass().work()];
        assert!(crowd.enter().is_none());
        drop(works);
        assert!(crowd.enter().is_some());
    }

    #[test]
    fn one_that_ended_makes_room() {
        let crowd = Crowd::new(2);
        let (one, other) = (crowd.enter().unwrap(), crowd.enter().unwrap());
        drop(other);
        let new = crowd.enter().unwrap();
        assert!(!is_closed(&one) && !is_closed(&new));
    }
}
