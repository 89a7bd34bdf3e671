//! The bytes of all events in hand, and which event gives way when they are too many.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use http::StatusCode;
use tokio_util::sync::CancellationToken;

use super::{Diagnostic, answer::Failure};

/// All events in hand, by their order of arrival.
pub(super) struct Intake {
    limit: usize,
    events: Mutex<BTreeMap<u64, Event>>,
}

struct Event {
    bytes: usize,
    /// None once it is complete: from then on it is in the hands of the handler, and stays.
    gives_way: Option<CancellationToken>,
}

impl Intake {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, events: Mutex::default() })
    }

    /// Room for a new event.
    pub(super) fn room(self: &Arc<Self>) -> Room {
        let gives_way = CancellationToken::new();
        let mut events = self.events();
        let id = events.last_key_value().map_or(0, |(last, _)| last + 1);
        events.insert(id, Event { bytes: 0, gives_way: Some(gives_way.clone()) });
        Room { intake: Arc::clone(self), id, gives_way }
    }

    fn events(&self) -> MutexGuard<'_, BTreeMap<u64, Event>> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn overloaded(&self) -> Failure {
        let why = format!(
            "the events in hand have more than {} bytes together, and this one was not complete; nothing ran",
            self.limit
        );
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, Diagnostic::new("Overloaded", why))
    }
}

/// What one event takes up until this is dropped.
pub(super) struct Room {
    intake: Arc<Intake>,
    id: u64,
    gives_way: CancellationToken,
}

impl Room {
    /// Takes up more. If that is too much, those that have been incomplete for longest give way: an honest sender is done
    /// in milliseconds. This event may be among them.
    pub(super) fn grow(&self, bytes: usize) {
        let mut events = self.intake.events();
        if let Some(event) = events.get_mut(&self.id) {
            event.bytes += bytes;
        }
        while events.values().map(|event| event.bytes).sum::<usize>() > self.intake.limit {
            let oldest = events.iter().find_map(|(id, event)| Some((*id, event.gives_way.clone()?)));
            let Some((id, gives_way)) = oldest else { return };
            events.remove(&id);
            gives_way.cancel();
        }
    }

    /// Takes up nothing any more.
    pub(super) fn clear(&self) {
        if let Some(event) = self.intake.events().get_mut(&self.id) {
            event.bytes = 0;
        }
    }

    /// The event is complete, and will not give way.
    pub(super) fn settle(&self) -> Result<(), Failure> {
        let mut events = self.intake.events();
        let event = events.get_mut(&self.id).ok_or_else(|| self.intake.overloaded())?;
        event.gives_way = None;
        Ok(())
    }

    /// Ready once the event has to give way.
    pub(super) async fn lost(&self) -> Failure {
        self.gives_way.cancelled().await;
        self.intake.overloaded()
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.intake.events().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gave_way(room: &Room) -> bool {
        room.gives_way.is_cancelled()
    }

    #[test]
    fn up_to_the_limit_nobody_gives_way() {
        let intake = Intake::new(10);
        let (one, other) = (intake.room(), intake.room());
        one.grow(4);
        other.grow(6);
        assert!(!gave_way(&one) && !gave_way(&other));
        assert!(one.settle().is_ok() && other.settle().is_ok());
    }

    #[test]
    fn the_oldest_incomplete_one_gives_way_first() {
        let intake = Intake::new(10);
        let rooms = [intake.room(), intake.room(), intake.room()];
        rooms[0].grow(4);
        rooms[0].settle().unwrap();
        rooms[1].grow(3);
        rooms[2].grow(3);
        rooms[2].grow(1);
        assert_eq!(rooms.each_ref().map(gave_way), [false, true, false]);
        assert!(rooms[1].settle().is_err() && rooms[2].settle().is_ok());
    }

    #[test]
    fn one_that_gave_way_takes_up_nothing_and_changes_nobody_else() {
        let intake = Intake::new(10);
        let (old, new) = (intake.room(), intake.room());
        old.grow(9);
        new.grow(2);
        old.grow(100);
        drop(old);
        new.grow(8);
        assert!(!gave_way(&new));
    }

    #[test]
    fn complete_events_stay_and_the_newcomer_gives_way() {
        let intake = Intake::new(10);
        let (done, new) = (intake.room(), intake.room());
        done.grow(8);
        done.settle().unwrap();
        new.grow(3);
        assert!(gave_way(&new) && !gave_way(&done));
        drop(done);
        let next = intake.room();
        next.grow(10);
        assert!(next.settle().is_ok());
    }

    #[test]
    fn an_event_that_was_cleared_is_not_counted() {
        let intake = Intake::new(10);
        let (large, other) = (intake.room(), intake.room());
        large.grow(9);
        large.clear();
        other.grow(9);
        assert!(!gave_way(&large) && !gave_way(&other));
    }
}
