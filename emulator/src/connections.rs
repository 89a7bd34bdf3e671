//! How many connections there were, what each costs, and what becomes of those that are open.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
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

/// What all connections share.
pub(crate) struct Connections {
    count: AtomicUsize,
    resumed: AtomicUsize,
    latency_micros: AtomicU64,
    end: watch::Sender<End>,
}

/// What is to become of one connection.
pub(crate) struct Fate(watch::Receiver<End>);

impl Connections {
    pub(crate) fn new() -> Self {
        Self {
            count: AtomicUsize::new(0),
            resumed: AtomicUsize::new(0),
            latency_micros: AtomicU64::new(0),
            end: watch::Sender::new(End::Close),
        }
    }

    pub(crate) fn opened(&self) -> Fate {
        self.count.fetch_add(1, Ordering::SeqCst);
        Fate(self.end.subscribe())
    }

    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
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
        match self.0.changed().await {
            Ok(()) => *self.0.borrow(),
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
