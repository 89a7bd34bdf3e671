//! The signals that end a run: the first in order, the second at once.

use conformance::Interrupt;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::say;

/// What a shell says of a command that was interrupted.
pub(crate) const CUT_OFF: i32 = 130;

/// Raises the interrupt at the first signal; ready at the second one.
pub(crate) async fn second(interrupt: &Interrupt) {
    let kinds = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];
    // Where signals cannot be caught, one stops at once.
    let mut caught: Vec<_> = kinds.into_iter().filter_map(|kind| signal(kind).ok()).collect();
    next(&mut caught).await;
    interrupt.raise();
    say("\nStopping: nothing more is tried, and what was made is removed. A second signal stops at once.\n");
    next(&mut caught).await;
}

async fn next(caught: &mut [Signal]) {
    std::future::poll_fn(|context| {
        let is_there = caught.iter_mut().any(|signal| signal.poll_recv(context).is_ready());
        if is_there { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
    })
    .await;
}
