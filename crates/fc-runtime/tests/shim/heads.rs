//! Requests that hyper refuses by itself: the platform must take the answers for failures.

use std::fmt::Write as _;

use crate::{
    client::{Answer, invocation},
    server::Server,
};

fn refused(head: &str) -> Answer {
    let server = Server::platform();
    let mut client = server.connect();
    let answer = client.ask(head);
    assert!(client.is_closed());
    assert_eq!(server.markers.read(), "", "nothing ran");
    assert_eq!(server.ask(invocation("alive")).json()["echo"], "alive");
    answer
}

fn with_headers(count: usize) -> String {
    let mut head = "POST /invoke HTTP/1.1\r\nx-fc-control-path: /invoke\r\n".to_owned();
    for number in 1..count {
        write!(head, "x-{number}: a\r\n").unwrap();
    }
    head + "\r\n"
}

#[test]
fn a_hundred_headers_are_taken() {
    assert_eq!(Server::platform().ask(with_headers(100)).json()["echo"], "");
}

#[test]
fn more_than_a_hundred_headers_are_a_failure() {
    for count in [101, 200, 5000] {
        let answer = refused(&with_headers(count));
        assert_eq!((answer.status, &*answer.failure()), (431, "HeadTooLarge"), "{count}");
        assert_eq!(answer.header("connection"), Some("close"));
    }
}

#[test]
fn a_head_without_end_is_a_failure() {
    let endless = format!("POST /invoke HTTP/1.1\r\nx-long: {}", "a".repeat(65_536));
    let answer = refused(&endless[..65_536]);
    assert_eq!((answer.status, &*answer.failure()), (431, "HeadTooLarge"));
}

#[test]
fn what_is_not_http_is_a_failure() {
    for head in [
        "\x16\x03\x01 a greeting of TLS\r\n\r\n",
        "POST /invoke HTTP/3.0\r\n\r\n",
        "POST /in voke HTTP/1.1\r\n\r\n",
        "POST /invoke HTTP/1.1\r\nno header\r\n\r\n",
        "POST /invoke HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        "POST /invoke HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "POST /invoke HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
    ] {
        let answer = refused(head);
        assert_eq!((answer.status, &*answer.failure()), (400, "MalformedRequest"), "{head}");
    }
}

#[test]
fn a_later_request_of_a_connection_is_no_different() {
    let server = Server::platform();
    let mut client = server.connect();
    assert_eq!(client.ask(invocation("one")).json()["echo"], "one");
    let answer = client.ask(with_headers(101));
    assert_eq!((answer.status, &*answer.failure()), (431, "HeadTooLarge"));
    assert!(client.is_closed());
}
