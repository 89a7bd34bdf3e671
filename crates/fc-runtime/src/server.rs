//! Serving until it is time to stop, and stopping without dropping anything.

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{Handler, budget::Claim, lifecycle::Lifecycle, stream::Stream};

/// A head is far smaller: the platform lets 8 KB of headers and 4 KB of path through. hyper's own limit is seven times
/// that, for each connection.
const HEAD_LIMIT: usize = 64 * 1024;

/// How long to wait when the system has no file descriptor or memory left for a new connection.
const SHORTAGE: Duration = Duration::from_secs(1);

/// Serves until `shutdown` is ready and everything in hand is done.
pub(super) async fn serve<H: Handler>(
    listener: TcpListener,
    lifecycle: Arc<Lifecycle<H>>,
    shutdown: impl Future<Output = ()>,
) {
    let stop = CancellationToken::new();
    // Dropping it ends what is left.
    let mut connections = JoinSet::new();
    tokio::select! {
        () = accept(listener, &mut connections, &lifecycle, &stop) => (),
        () = shutdown => (),
    }
    stop.cancel();
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => (),
        () = give_up(&lifecycle) => (),
    }
    // A client that has gone left no connection to wait for, but perhaps a repair.
    lifecycle.in_hand.close();
    lifecycle.in_hand.wait().await;
}

/// Takes connections until it is dropped.
async fn accept<H: Handler>(
    listener: TcpListener,
    connections: &mut JoinSet<()>,
    lifecycle: &Arc<Lifecycle<H>>,
    stop: &CancellationToken,
) {
    let mut was_full = false;
    loop {
        let stream = next(&listener).await;
        while connections.try_join_next().is_some() {}
        let claim = lifecycle.connections.claim();
        let is_full = claim.grow(1);
        if is_full && !was_full {
            let limit = lifecycle.runtime.connection_limit;
            tracing::warn!(limit, "too many connections; those that wait longest are closed");
        }
        was_full = is_full;
        // Where all others have work in hand the new one has to leave: the stream is dropped, which closes it.
        if !claim.is_evicted() {
            connections.spawn(connection(stream, claim, Arc::clone(lifecycle), stop.clone()));
        }
    }
}

async fn next(listener: &TcpListener) -> TcpStream {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // The client has gone before it was taken.
            Err(error) if matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset) => (),
            Err(error) => {
                tracing::error!(%error, "cannot take a connection");
                sleep(SHORTAGE).await;
            }
        }
    }
}

/// Connections are kept alive and nothing here has a timer: the platform reuses a connection after any idle time, and
/// hyper gets no clock, without which it has no timeout.
async fn connection<H: Handler>(
    stream: TcpStream,
    claim: Claim,
    lifecycle: Arc<Lifecycle<H>>,
    stop: CancellationToken,
) {
    // Answers are small and awaited, so they must not wait for more to send. Fails only on a connection that is gone.
    let _ = stream.set_nodelay(true);
    let ticket = claim.ticket();
    let service = service_fn(move |request| {
        let answer = Arc::clone(&lifecycle).answer(request, ticket.clone());
        async { Ok::<_, Infallible>(answer.await) }
    });
    let mut server = http1::Builder::new();
    // A client that has sent all it wants to send may say so, and still gets its answer.
    server.half_close(true).max_buf_size(HEAD_LIMIT);
    let mut connection = pin!(server.serve_connection(Stream::new(stream), service));
    // How a connection ends does not matter either.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = claim.evicted() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Waits a while for connections that stopped in the middle of a request.
async fn give_up<H>(lifecycle: &Lifecycle<H>) {
    let grace = lifecycle.runtime.grace;
    sleep(grace).await;
    lifecycle.closing.cancel();
    lifecycle.in_hand.close();
    lifecycle.in_hand.wait().await;
    // The last answers still have to be sent.
    sleep(grace).await;
    tracing::warn!("a connection with an unfinished request was left behind");
}

/// Ready once SIGTERM, SIGINT or SIGHUP came. All are caught from the moment this returns.
pub(super) fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => (),
            _ = interrupt.recv() => (),
            _ = hangup.recv() => (),
        }
        tracing::info!("asked to stop; finishing what is in hand");
    })
}
