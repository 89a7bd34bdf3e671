//! Where the server listens.

use std::net::TcpListener;

use fc_runtime::{Error, Runtime, service_fn};

use crate::server::{Text, capture, production_runtime, workstation};

fn listening_on(listen: &str, server: &str) -> (String, String) {
    let log = Text::default();
    let _logged = capture(log.clone());
    let var = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let vars = [var("FC_CUSTOM_LISTEN_PORT", listen), var("FC_SERVER_PORT", server)];
    let runtime = Runtime::from_vars(vars).unwrap();
    (runtime.socket_address().to_string(), log.read())
}

#[test]
fn ports_that_disagree_are_a_warning_and_the_documented_one_counts() {
    let (address, log) = listening_on("81", "9000");
    assert_eq!(address, "0.0.0.0:81");
    assert!(log.contains("WARN") && log.contains("81") && log.contains("9000"), "{log}");
}

#[test]
fn ports_that_agree_are_no_news() {
    assert_eq!(listening_on("81", "81"), ("0.0.0.0:81".to_owned(), String::new()));
}

#[test]
fn a_workstation_listens_on_loopback() {
    assert_eq!(workstation().socket_address().to_string(), "127.0.0.1:9000");
}

#[test]
fn a_port_that_is_taken_is_an_error_that_names_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let handler = service_fn(|_| async { Ok("{}") });
    let run = workstation().port(address.port()).run(handler);
    let error = production_runtime().block_on(run).unwrap_err();
    assert!(matches!(error, Error::Listen { .. }));
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}
