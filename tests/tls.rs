//! The endpoint's certificate is checked against the compiled-in roots before anything is sent.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread;

use authorization::settings::Mode;
use dts_role_guard::report::Status;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use testkit::{Lab, account};

/// A server with a certificate that it made itself.
fn server_config() -> Arc<ServerConfig> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(made.signing_key.serialize_der().into());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    Arc::new(builder.with_no_client_auth().with_single_cert(vec![made.cert.der().clone()], key).unwrap())
}

/// Whether the client went on after it saw the certificate.
fn accepted(config: Arc<ServerConfig>, mut stream: TcpStream) -> bool {
    let mut tls = ServerConnection::new(config).unwrap();
    while tls.is_handshaking() {
        if tls.complete_io(&mut stream).is_err() {
            return false;
        }
    }
    tls.complete_io(&mut stream).is_ok()
}

#[tokio::test]
async fn a_certificate_of_unknown_origin_gets_no_request() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://localhost:{}", listener.local_addr().unwrap().port());
    let config = server_config();
    let (answers, told) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = answers.send(accepted(config.clone(), stream.unwrap()));
        }
    });
    let lab = Lab::new(None).set("DTS_GUARD_RAM_ENDPOINT", &endpoint);
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Failed);
    let said = account(&report)["error"]["message"].as_str().unwrap().to_owned();
    assert!(said.contains("certificate"), "{said}");
    assert!(told.iter().take(2).all(|accepted| !accepted));
    assert_eq!(lab.writes(), [""; 0]);
}
