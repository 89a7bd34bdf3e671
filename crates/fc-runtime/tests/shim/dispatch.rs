//! Which request does what.

use serde_json::json;

use crate::{
    client::{Answer, invocation, request, sample},
    server::Server,
};

fn ran(server: &Server) -> bool {
    server.markers.read().contains("FC Invoke")
}

fn message(answer: &Answer) -> String {
    answer.json()["errorMessage"].to_string()
}

#[test]
fn an_invocation_reaches_the_handler_and_its_json_goes_back_as_a_success() {
    let server = Server::platform();
    let answer = server.ask(sample("request-invoke.json"));
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-fc-status"), None);
    assert_eq!(answer.header("transfer-encoding"), None);
    assert_eq!(answer.header("content-length"), Some(&*answer.body.len().to_string()));
    let event = r#"{"triggerTime":"2025-11-24T02:00:00Z","triggerName":"nightly-verify","payload":"verify"}"#;
    let id = "1-692414ee-10000001-000000000003";
    assert_eq!(answer.json(), json!({ "echo": event, "requestId": id, "retryCount": 0 }));
}

#[test]
fn an_empty_body_is_an_empty_event() {
    let answer = Server::platform().ask(sample("request-invoke-empty-body.json"));
    assert_eq!(answer.json()["echo"], "");
}

#[test]
fn a_retry_is_known_as_one() {
    let answer = Server::platform().ask(sample("request-invoke-retry.json"));
    assert_eq!(answer.json()["retryCount"], 2);
}

#[test]
fn header_names_may_be_written_in_any_case() {
    let upper = ["X-Fc-Control-Path: /invoke", "X-Fc-Request-Id: 1-b"];
    let answer = Server::platform().ask(request("POST /invoke", &upper, ""));
    assert_eq!(answer.json()["requestId"], "1-b");
}

#[test]
fn the_control_path_alone_decides_where_it_is_present() {
    for server in [Server::platform(), Server::workstation()] {
        let invoke = ["x-fc-control-path: /invoke"];
        assert_eq!(server.ask(request("POST /health", &invoke, "a")).json()["echo"], "a");
        let http = ["x-fc-control-path: /http-invoke"];
        assert_eq!(server.ask(request("GET /health", &http, "")).status, 403);
    }
}

#[test]
fn an_http_trigger_runs_nothing_even_with_the_path_of_an_invocation() {
    for name in ["request-http-invoke.json", "request-http-invoke-lookalike.json"] {
        let server = Server::platform();
        let answer = server.ask(sample(name));
        assert_eq!((answer.status, answer.header("x-fc-status")), (403, None));
        assert_eq!(answer.json()["errorType"], "HttpTriggerRefused");
        assert_eq!(server.markers.read(), "");
    }
}

#[test]
fn on_the_platform_nothing_runs_without_the_control_path() {
    let server = Server::platform();
    for headers in [&[][..], &["x-fc-control-path:"], &["x-fc-control-path:  "]] {
        let answer = server.ask(request("POST /invoke", headers, "verify"));
        assert_eq!((answer.status, &*answer.failure()), (404, "UnknownPath"));
        assert!(message(&answer).contains("x-fc-control-path: /invoke"));
    }
    assert!(!ran(&server));
}

#[test]
fn on_a_workstation_a_bare_post_is_enough() {
    let server = Server::workstation();
    for headers in [&[][..], &["x-fc-control-path:"]] {
        let answer = server.ask(request("POST /invoke", headers, "verify"));
        assert_eq!((answer.status, &answer.json()["echo"]), (200, &json!("verify")));
    }
}

#[test]
fn on_a_workstation_a_web_page_runs_nothing() {
    let server = Server::workstation();
    for control_path in ["x-fc-control-path:", "x-fc-control-path: /invoke"] {
        let headers = ["origin: https://example.com", control_path];
        let answer = server.ask(request("POST /invoke", &headers, "remediate"));
        assert_eq!((answer.status, &*answer.failure()), (403, "WebPageRefused"));
    }
    assert!(!ran(&server));
}

#[test]
fn two_different_control_paths_run_nothing() {
    for server in [Server::platform(), Server::workstation()] {
        for [one, other] in [["/invoke", "/http-invoke"], ["/http-invoke", "/invoke"], ["/invoke", "/initialize"]] {
            let lines = [format!("x-fc-control-path: {one}"), format!("X-Fc-Control-Path: {other}")];
            let joined = format!("x-fc-control-path: {one}, {other}");
            for headers in [&[&*lines[0], &*lines[1]][..], &[&*joined]] {
                let answer = server.ask(request("POST /invoke", headers, "remediate"));
                assert_eq!((answer.status, &*answer.failure()), (403, "TwoControlPaths"), "{headers:?}");
            }
        }
        assert_eq!(server.markers.read(), "");
    }
}

#[test]
fn the_same_control_path_twice_is_one() {
    let headers = ["x-fc-control-path: /invoke", "x-fc-control-path:", "x-fc-control-path: /invoke"];
    assert_eq!(Server::platform().ask(request("POST /invoke", &headers, "a")).json()["echo"], "a");
}

#[test]
fn a_control_path_that_is_not_text_does_not_pass_for_a_missing_one() {
    for server in [Server::platform(), Server::workstation()] {
        let mut head = b"POST /invoke HTTP/1.1\r\nhost: localhost\r\nx-fc-control-path: \xff\r\n\r\n".to_vec();
        assert_eq!(server.ask(&head).failure(), "UnknownControlPath");
        head.truncate(head.len() - 2);
        head.extend_from_slice(b"x-fc-control-path: /invoke\r\n\r\n");
        assert_eq!(server.ask(&head).failure(), "TwoControlPaths");
        assert!(!ran(&server));
    }
}

#[test]
fn on_a_workstation_only_loopback_is_the_host() {
    let ask = |server: &Server, target: &str, hosts: &str| {
        server.ask(format!("{target} HTTP/1.1\r\n{hosts}x-fc-control-path: /invoke\r\ncontent-length: 1\r\n\r\na"))
    };
    let server = Server::workstation();
    for hosts in ["", "host:\r\n", "host: localhost:9000\r\n", "host: 127.0.0.1:9000\r\n", "host: [::1]\r\n"] {
        assert_eq!(ask(&server, "POST /invoke", hosts).json()["echo"], "a", "{hosts}");
    }
    let platform = Server::platform();
    assert_eq!(ask(&platform, "POST /invoke", "host: 21.0.5.5\r\n").json()["echo"], "a");
    let markers = server.markers.read();
    for hosts in ["host: example.com\r\n", "host: localhost\r\nhost: rebound.example.com:9000\r\n", "host: \u{fc}\r\n"]
    {
        for target in ["POST /invoke", "GET /health", "POST /initialize", "GET /"] {
            let answer = ask(&server, target, hosts);
            assert_eq!((answer.status, &*answer.failure()), (403, "HostRefused"), "{target} {hosts}");
        }
    }
    let answer = ask(&server, "POST http://rebound.example.com/invoke", "host: localhost\r\n");
    assert_eq!(answer.failure(), "HostRefused");
    assert_eq!(server.markers.read(), markers, "nothing ran");
}

#[test]
fn on_a_workstation_a_browser_may_only_be_told_where_to_go_by_a_person() {
    let server = Server::workstation();
    for site in ["cross-site", "same-site", "Same-Origin", "", "same-origin, cross-site"] {
        for line in ["POST /invoke", "GET /health", "POST /initialize"] {
            let answer = server.ask(request(line, &[&format!("sec-fetch-site: {site}")], "a"));
            assert_eq!((answer.status, &*answer.failure()), (403, "WebPageRefused"), "{site}");
        }
    }
    let both = ["sec-fetch-site: none", "sec-fetch-site: cross-site"];
    assert_eq!(server.ask(request("POST /invoke", &both, "a")).failure(), "WebPageRefused");
    assert_eq!(server.markers.read(), "");
    for site in ["same-origin", "none"] {
        let answer = server.ask(request("POST /invoke", &[&format!("sec-fetch-site: {site}")], "a"));
        assert_eq!(answer.json()["echo"], "a", "{site}");
    }
    let platform = Server::platform();
    let headers = ["sec-fetch-site: cross-site", "x-fc-control-path: /invoke"];
    assert_eq!(platform.ask(request("POST /invoke", &headers, "a")).json()["echo"], "a");
}

#[test]
fn an_unknown_control_path_is_a_failure() {
    let server = Server::platform();
    let answer = server.ask(request("POST /invoke", &["x-fc-control-path: /invoked"], ""));
    assert_eq!((answer.status, &*answer.failure()), (404, "UnknownControlPath"));
    assert!(!ran(&server));
}

#[test]
fn an_invocation_is_a_post() {
    let server = Server::workstation();
    for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
        let answer = server.ask(request(&format!("{method} /invoke"), &[], ""));
        assert_eq!((answer.status, answer.header("allow")), (405, Some("POST")), "{method}");
        assert_eq!(answer.failure(), "WrongMethod");
    }
    assert!(!ran(&server));
}

#[test]
fn hooks_succeed_are_marked_and_run_nothing() {
    let server = Server::platform();
    for name in ["request-initialize.json", "request-pre-stop.json"] {
        let answer = server.ask(sample(name));
        assert_eq!((answer.status, answer.header("x-fc-status")), (200, None), "{name}");
    }
    assert_eq!(
        server.markers.read(),
        "FC Initialize Start RequestId: 1-692414ee-10000001-000000000003\n\
         FC Initialize End RequestId: 1-692414ee-10000001-000000000003\n\
         FC PreStop Start RequestId: 1-692414ee-10000001-000000000003\n\
         FC PreStop End RequestId: 1-692414ee-10000001-000000000003\n"
    );
}

#[test]
fn hooks_are_known_by_header_or_by_path() {
    for server in [Server::platform(), Server::workstation()] {
        let id = "x-fc-request-id: 1-a";
        assert_eq!(server.ask(request("GET /", &["x-fc-control-path: /pre-freeze", id], "")).status, 200);
        assert_eq!(server.ask(request("GET /pre-stop", &[id], "")).status, 200);
        assert_eq!(server.ask(request("POST /initialize", &[id], "")).status, 200);
        let phases: Vec<_> = server.markers.read().lines().map(ToOwned::to_owned).collect();
        assert_eq!(phases[0], "FC PreFreeze Start RequestId: 1-a");
        assert_eq!(phases[3], "FC PreStop End RequestId: 1-a");
        assert_eq!(phases[5], "FC Initialize End RequestId: 1-a");
    }
}

#[test]
fn the_health_check_leaves_no_trace() {
    for server in [Server::platform(), Server::workstation()] {
        assert_eq!(server.ask(request("GET /health", &[], "")).status, 200);
        assert_eq!(server.markers.read(), "");
        assert_eq!(server.log.read().lines().count(), 1, "only the start is logged");
    }
}

#[test]
fn an_unknown_path_says_what_would_be_right() {
    let server = Server::workstation();
    for line in ["GET /", "POST /", "POST /health", "POST /invoke/", "OPTIONS *"] {
        let answer = server.ask(request(line, &[], ""));
        assert_eq!((answer.status, &*answer.failure()), (404, "UnknownPath"), "{line}");
        assert!(message(&answer).contains("/invoke") && message(&answer).contains("GET /health"));
    }
    assert!(!ran(&server));
}

#[test]
fn a_head_request_is_not_found() {
    let head = "HEAD /health HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    let server = Server::workstation();
    let mut client = server.connect();
    client.send(head);
    assert_eq!(client.status_alone(), 404);
}

#[test]
fn one_connection_carries_many_requests_and_the_server_does_not_end_it() {
    let server = Server::platform();
    let mut client = server.connect();
    for event in ["one", "two", "three"] {
        let answer = client.ask(invocation(event));
        assert_eq!(answer.json()["echo"], event);
        assert_eq!(answer.header("connection"), None);
    }
}

#[test]
fn connections_that_break_are_neither_errors_nor_news() {
    let server = Server::platform();
    drop(server.connect());
    let mut half = server.connect();
    half.send("POST /invoke HTT");
    drop(half);
    let mut rude = server.connect();
    rude.send(request("GET /health", &[], ""));
    rude.wait_for_a_byte();
    // An answer that nobody read makes the system reset the connection.
    drop(rude);
    assert_eq!(server.ask(invocation("still here")).json()["echo"], "still here");
    assert_eq!(server.log.read().lines().count(), 1, "only the start is logged");
}
