//! How many connections there were, what each costs, and what becomes of those that are open.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::sync::watch;

/// What becomes of every connection that is open at this moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It is closed, and the client is told.
    Close,
    /// It is reset.
    Reset,
    /// Nothing is read or answered any more, and nobody is told: a network that forgot it.
    Silence,
}

/// How a connection was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Opening {
    /// When it was accepted, since the start of the emulator.
    pub started: Duration,
    /// When the first request could be read; `None` before that, and if it never came to it.
    pub finished: Option<Duration>,
    /// The trips that this takes on a network: one for TCP, one more for TLS 1.3, two more for TLS 1.2.
    pub trips: u32,
}

/// What all connections share.
pub(crate) struct Connections {
    openings: Mutex<Vec<Opening>>,
    resumed: AtomicUsize,
    latency_micros: AtomicU64,
    end: watch::Sender<End>,
}

/// What is to become of one connection.
pub(crate) struct Fate {
    end: watch::Receiver<End>,
    /// Its place among the openings.
    index: usize,
}

impl Connections {
    pub(crate) fn new() -> Self {
        Self {
            openings: Mutex::default(),
            resumed: AtomicUsize::new(0),
            latency_micros: AtomicU64::new(0),
            end: watch::Sender::new(End::Close),
        }
    }

    pub(crate) fn accepted(&self, started: Duration) -> Fate {
        let mut openings = self.list();
        let index = openings.len();
        openings.push(Opening { started, finished: None, trips: 0 });
        Fate { end: self.end.subscribe(), index }
    }

    /// It is ready for requests, after so many trips.
    pub(crate) fn opened(&self, fate: &Fate, finished: Duration, trips: u32) {
        if let Some(opening) = self.list().get_mut(fate.index) {
            (opening.finished, opening.trips) = (Some(finished), trips);
        }
    }

    pub(crate) fn openings(&self) -> Vec<Opening> {
        self.list().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.list().len()
    }

    fn list(&self) -> MutexGuard<'_, Vec<Opening>> {
        self.openings.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn has_resumed(&self) {
        self.resumed.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn resumed(&self) -> usize {
        self.resumed.load(Ordering::SeqCst)
    }

    pub(crate) fn latency(&self) -> Duration {
        Duration::from_micros(self.latency_micros.load(Ordering::SeqCst))
    }

    pub(crate) fn set_latency(&self, latency: Duration) {
        self.latency_micros.store(u64::try_from(latency.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
    }

    pub(crate) fn end(&self, end: End) {
        self.end.send_replace(end);
    }
}

impl Fate {
    pub(crate) async fn comes(&mut self) -> End {
        match self.end.changed().await {
            Ok(()) => *self.end.borrow(),
            // The emulator is gone, and closes all.
            Err(_) => std::future::pending().await,
        }
    }
}

impl End {
    pub(crate) async fn befall(self, socket: TcpStream) {
        match self {
            Self::Close => {}
            Self::Reset => {
                let _ = socket.set_zero_linger();
            }
            Self::Silence => std::future::pending().await,
        }
    }
}
