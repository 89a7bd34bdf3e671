//! A server on a thread of its own, with all that it wrote.

use std::{
    io::{self, Write},
    net::SocketAddr,
    sync::{Arc, Mutex, mpsc},
    thread,
};

use fc_runtime::{Diagnostic, Handler, Invocation, Markers, Runtime, service_fn};
use serde_json::json;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::client::{Client, PATIENCE};

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) markers: Text,
    pub(crate) log: Text,
    stop: CancellationToken,
    ended: mpsc::Receiver<()>,
}

impl Server {
    pub(crate) fn start(runtime: Runtime, handler: impl Handler) -> Self {
        let (markers, log, stop) = (Text::default(), Text::default(), CancellationToken::new());
        let (listening, address) = mpsc::channel();
        let (end, ended) = mpsc::channel();
        let runtime = runtime.markers(Markers::to(markers.clone()));
        let (writer, shutdown) = (log.clone(), stop.clone());
        thread::spawn(move || {
            let _logged = capture(writer);
            production_runtime().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                listening.send(listener.local_addr().unwrap()).unwrap();
                runtime.serve_until(listener, handler, shutdown.cancelled()).await;
            });
            // Fails if the test has ended, which is fine.
            let _ = end.send(());
        });
        let address = address.recv_timeout(PATIENCE).unwrap();
        Self { address, markers, log, stop, ended }
    }

    /// Echoes, as on the platform.
    pub(crate) fn platform() -> Self {
        Self::start(platform(), service_fn(echo))
    }

    /// Echoes, as on a workstation.
    pub(crate) fn workstation() -> Self {
        Self::start(workstation(), service_fn(echo))
    }

    pub(crate) fn connect(&self) -> Client {
        Client::connect(self.address)
    }

    pub(crate) fn ask(&self, request: impl AsRef<[u8]>) -> crate::client::Answer {
        self.connect().ask(request)
    }

    pub(crate) fn begin_to_stop(&self) {
        self.stop.cancel();
    }

    pub(crate) fn wait_for_its_end(&self) {
        self.ended.recv_timeout(PATIENCE).expect("the server did not stop");
    }

    pub(crate) fn stop(&self) {
        self.begin_to_stop();
        self.wait_for_its_end();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

pub(crate) fn platform() -> Runtime {
    let region = ("FC_REGION".to_owned(), "cn-hangzhou".to_owned());
    Runtime::from_vars([region]).unwrap()
}

pub(crate) fn workstation() -> Runtime {
    Runtime::from_vars([]).unwrap()
}

pub(crate) fn production_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Answers with what reached it. An answer with `echo` in it is proof that the handler ran.
async fn echo(invocation: Invocation) -> Result<Vec<u8>, Diagnostic> {
    let echo = json!({
        "echo": String::from_utf8_lossy(&invocation.event),
        "requestId": invocation.context.request_id.as_str(),
        "retryCount": invocation.context.retry_count,
    });
    Ok(echo.to_string().into_bytes())
}

/// Everything that this thread logs, as lines of JSON.
pub(crate) fn capture(log: Text) -> tracing::subscriber::DefaultGuard {
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || log.clone())
        .finish();
    tracing::subscriber::set_default(subscriber)
}

/// What was written to it.
#[derive(Clone, Default)]
pub(crate) struct Text(Arc<Mutex<Vec<u8>>>);

impl Text {
    pub(crate) fn read(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
