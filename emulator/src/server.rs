//! The listener, on a thread of its own, so that it serves async and plain tests alike.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::body::Body;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::{HandshakeKind, ProtocolVersion};

use crate::connections::Fate;
use crate::service::Service;

/// What TCP takes before the first byte.
const TCP_TRIPS: u32 = 1;

/// A running server; it stops when this is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(service: Arc<Service>, port: u16, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let work = move || {
            // Dropping the runtime closes every connection, hanging ones too.
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => {}
                    _ = serve(listener, service, tls) => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("emulator".to_owned()).spawn(work)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed already.
            let _ = thread.join();
        }
    }
}

async fn serve(listener: TcpListener, service: Arc<Service>, tls: Option<TlsAcceptor>) -> io::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { continue };
        // Without TCP_NODELAY a call takes 40 ms.
        let _ = stream.set_nodelay(true);
        connections.spawn(connection(stream, Arc::clone(&service), tls.clone()));
        // Those that have ended.
        while connections.try_join_next().is_some() {}
    }
}

/// One connection, until it ends or meets its fate.
async fn connection(stream: TcpStream, service: Arc<Service>, tls: Option<TlsAcceptor>) {
    let mut fate = service.connections.accepted(service.clock.since_start());
    tokio::time::sleep(service.connections.latency()).await;
    let Some(acceptor) = tls else {
        service.connections.opened(&fate, service.clock.since_start(), TCP_TRIPS);
        return requests(stream, &service, &mut fate, |stream| stream).await;
    };
    if let Ok(stream) = acceptor.accept(stream).await {
        let session = stream.get_ref().1;
        if session.handshake_kind() == Some(HandshakeKind::Resumed) {
            service.connections.has_resumed();
        }
        let tls_trips = if session.protocol_version() == Some(ProtocolVersion::TLSv1_3) { 1 } else { 2 };
        service.connections.opened(&fate, service.clock.since_start(), TCP_TRIPS + tls_trips);
        requests(stream, &service, &mut fate, |stream| stream.into_inner().0).await;
    }
}

async fn requests<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    service: &Service,
    fate: &mut Fate,
    socket: impl FnOnce(S) -> TcpStream,
) {
    let answer = service_fn(|request: hyper::Request<hyper::body::Incoming>| async move {
        Ok::<_, io::Error>(service.answer(request.map(Body::new)).await)
    });
    let mut http = http1::Builder::new();
    // A reply without a `Date` has to be playable.
    http.auto_date_header(false);
    let mut connection = http.serve_connection(TokioIo::new(stream), answer);
    let ended = tokio::select! {
        // A request that comes after the end is not answered, however late this task is.
        biased;
        ended = fate.comes() => ended,
        _ = &mut connection => return,
    };
    ended.befall(socket(connection.into_parts().io.into_inner())).await;
}
