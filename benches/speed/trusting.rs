//! The guard that trusts the emulator's certificate: this program, started again, since the real binary has its roots compiled
//! in and takes no others.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use aliyun::clock::{SharedClock, SystemClock};
use aliyun::{Http, Network};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use dts_role_guard::USER_AGENT;
use dts_role_guard::config::Variables;
use dts_role_guard::handler::App;
use dts_role_guard::telemetry::{Log, Markers};
use emulator::Emulator;
use fc_runtime::{Runtime, service_fn};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tempfile::TempDir;
use testkit::platform::Failure;

/// The certificate's file; set for the program that is to serve.
pub(crate) const GUARD_TRUSTS: &str = "SPEED_TRUSTS";
/// The same for the peer: it is OpenSSL that reads it.
pub(crate) const PEER_TRUSTS: &str = "SSL_CERT_FILE";

/// The emulator's certificate as a file, and beside it what the instance prints.
pub(crate) struct Certificate {
    folder: TempDir,
}

impl Certificate {
    pub(crate) fn of(cloud: &Emulator) -> Result<Self, Failure> {
        let text = STANDARD.encode(cloud.certificate().ok_or("a cloud without TLS")?);
        let mut pem = "-----BEGIN CERTIFICATE-----\n".to_owned();
        for line in text.as_bytes().chunks(64) {
            pem.push_str(str::from_utf8(line)?);
            pem.push('\n');
        }
        pem.push_str("-----END CERTIFICATE-----\n");
        let certificate = Self { folder: tempfile::tempdir()? };
        fs::write(certificate.path(), pem)?;
        Ok(certificate)
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("cloud.pem")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }
}

/// The file of the certificate, if this program is to serve.
pub(crate) fn is_asked_for() -> Option<PathBuf> {
    std::env::var_os(GUARD_TRUSTS).map(PathBuf::from)
}

/// What `main` of the product does, `/initialize` included.
pub(crate) fn serve(certificate: PathBuf) -> Result<(), Failure> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate)?)?;
    let variables: Variables = std::env::vars().collect();
    let clock: SharedClock = Arc::new(SystemClock::start());
    let log = Log::Stdout;
    log.start(None, clock.clone());
    let network = Network::default().with_roots(GUARD_TRUSTS, roots);
    let http = Http::through(USER_AGENT, network, clock.clone()).map_err(|error| error.to_string())?;
    let app = Arc::new(App::new(&variables, clock, log).wired(|wiring| wiring.http = Arc::new(http).into()));
    let early = Arc::clone(&app);
    let initialize = move |_| {
        let app = Arc::clone(&early);
        async move {
            app.warm().await;
            Ok(())
        }
    };
    let runtime = Runtime::from_env()?.initializer(Duration::from_millis(2500), initialize);
    let runtime = runtime.markers(fc_runtime::Markers::to(Markers(log)));
    let handler = service_fn(move |invocation| Arc::clone(&app).invoke(invocation));
    let tokio = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    tokio.block_on(runtime.run(handler))?;
    Ok(())
}
