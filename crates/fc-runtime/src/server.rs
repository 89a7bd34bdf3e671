//! Serving until it is time to stop, and stopping without dropping anything.

use std::{convert::Infallible, io, pin::pin, sync::Arc, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{Handler, crowd::Place, lifecycle::Lifecycle, stream::Stream};

/// A head is far smaller: the platform lets 8 KB of headers and 4 KB of path through. hyper's own limit is seven times
/// that, for each connection.
const BUFFER_LIMIT: usize = 64 * 1024;

/// How long to wait when the system has no file descriptor or memory left for a new connection.
const SHORTAGE: Duration = Duration::from_secs(1);

/// Serves until `shutdown` is ready and everything in hand is done.
pub(super) async fn serve<H: Handler>(
    listener: TcpListener,
    lifecycle: Arc<Lifecycle<H>>,
    grace: Duration,
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
        () = give_up(&lifecycle, grace) => (),
    }
    // A client that has gone left no connection to wait for, but perhaps a repair.
    lifecycle.in_hand.close();
    lifecycle.in_hand.wait().await;
}

/// Takes connections for ever.
async fn accept<H: Handler>(
    listener: TcpListener,
    connections: &mut JoinSet<()>,
    lifecycle: &Arc<Lifecycle<H>>,
    stop: &CancellationToken,
) {
    loop {
        let stream = next(&listener).await;
        while connections.try_join_next().is_some() {}
        // With no place the stream is dropped, which closes it.
        if let Some(place) = lifecycle.crowd.enter() {
            connections.spawn(connection(stream, place, Arc::clone(lifecycle), stop.clone()));
        }
    }
}

async fn next(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return stream,
            // The client has gone before it was taken: no news.
            Err(error) if is_of_client(&error) => (),
            Err(error) => {
                tracing::error!(%error, "cannot take a connection");
                sleep(SHORTAGE).await;
            }
        }
    }
}

fn is_of_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// Connections are kept alive and nothing here has a timer: the platform reuses a connection after any idle time, and
/// hyper gets no clock, without which it has no timeout.
async fn connection<H: Handler>(
    stream: TcpStream,
    place: Place,
    lifecycle: Arc<Lifecycle<H>>,
    stop: CancellationToken,
) {
    // Answers are small and awaited, so they must not wait for more to send. Fails only on a connection that is gone.
    let _ = stream.set_nodelay(true);
    let pass = place.pass();
    let service = service_fn(move |request| {
        let answer = Arc::clone(&lifecycle).answer(request, pass.clone());
        async { Ok::<_, Infallible>(answer.await) }
    });
    let mut server = http1::Builder::new();
    // A client that has sent all it wants to send may say so, and still gets its answer.
    server.half_close(true).max_buf_size(BUFFER_LIMIT);
    let mut connection = pin!(server.serve_connection(Stream::new(stream), service));
    // How a connection ends is no news either.
    tokio::select! {
        _ = connection.as_mut() => return,
        () = place.lost() => return,
        () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Waits for connections that stopped in the middle of a request only so long.
async fn give_up<H>(lifecycle: &Lifecycle<H>, grace: Duration) {
    sleep(grace).await;
    lifecycle.closing.cancel();
    lifecycle.in_hand.close();
    lifecycle.in_hand.wait().await;
    // The last answers still have to be sent.
    sleep(grace).await;
    tracing::warn!("a connection with an unfinished request was left behind");
}
