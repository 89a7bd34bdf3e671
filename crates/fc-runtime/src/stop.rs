//! The signals that ask the process to stop.

use std::io;

use tokio::signal::unix::{SignalKind, signal};

/// Ready once SIGTERM or SIGINT came. Both are caught from the moment this returns.
pub(super) fn requested() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
        }
        tracing::info!("asked to stop; finishing what is in hand");
    })
}
