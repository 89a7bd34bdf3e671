//! Serving until it is time to stop, and stopping without dropping anything.

use std::{sync::Arc, time::Duration};

use axum::{Router, extract::Request, serve::ListenerExt};
use tokio::{
    net::{TcpListener, TcpStream},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::{Handler, lifecycle::Lifecycle};

/// Serves until `shutdown` is ready and everything in hand is done.
///
/// Connections are kept alive and nothing here has a timer: the platform reuses a connection after any idle time, and
/// `axum::serve` gives hyper no clock, without which it has no timeout.
pub(super) async fn serve<H: Handler>(
    listener: TcpListener,
    lifecycle: Arc<Lifecycle<H>>,
    grace: Duration,
    shutdown: impl Future<Output = ()>,
) {
    let stop = CancellationToken::new();
    let serving = axum::serve(listener.tap_io(no_delay), router(&lifecycle))
        .with_graceful_shutdown(stop.clone().cancelled_owned());
    tokio::select! {
        // Ends once it was told to stop and every connection has ended; it has no errors.
        _ = serving => (),
        () = give_up(&lifecycle, grace, shutdown, stop) => (),
    }
    // A client that has gone left no connection to wait for, but perhaps a repair.
    lifecycle.in_hand.close();
    lifecycle.in_hand.wait().await;
}

/// Waits for connections that stopped in the middle of a request only so long.
async fn give_up<H>(
    lifecycle: &Lifecycle<H>,
    grace: Duration,
    shutdown: impl Future<Output = ()>,
    stop: CancellationToken,
) {
    shutdown.await;
    stop.cancel();
    sleep(grace).await;
    lifecycle.closing.cancel();
    lifecycle.in_hand.close();
    lifecycle.in_hand.wait().await;
    // The last answers still have to be sent.
    sleep(grace).await;
    tracing::warn!("a connection with an unfinished request was left behind");
}

fn router<H: Handler>(lifecycle: &Arc<Lifecycle<H>>) -> Router {
    let lifecycle = Arc::clone(lifecycle);
    Router::new().fallback(move |request: Request| Arc::clone(&lifecycle).answer(request))
}

/// Answers are small and awaited, so they must not wait for more to send.
fn no_delay(stream: &mut TcpStream) {
    // Fails only on a connection that is gone already, which is no news.
    let _ = stream.set_nodelay(true);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn accepted_sockets_do_not_delay() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (mut stream, _) = accepted.unwrap();
        stream.set_nodelay(false).unwrap();
        no_delay(&mut stream);
        assert!(stream.nodelay().unwrap());
    }
}
