//! What becomes of `/initialize` where the function has something to do there.

use std::{
    future,
    sync::{Arc, Mutex},
    time::Duration,
};

use fc_runtime::{Context, Diagnostic, service_fn};
use serde_json::json;

use crate::{
    client::{Answer, PATIENCE, invocation, sample},
    server::{Server, platform},
};

const START: &str = "FC Initialize Start RequestId: 1-692414ee-10000001-000000000003\n";
const END: &str = "FC Initialize End RequestId: 1-692414ee-10000001-000000000003";
const FAILED: &str = ", Error: Unhandled function error\n";

/// A server whose initializer does this, and the answer that its hook gets.
fn initialized<D>(timeout: Duration, work: impl Fn(Context) -> D + Send + Sync + 'static) -> (Server, Answer)
where
    D: Future<Output = Result<(), Diagnostic>> + Send + 'static,
{
    let server = Server::start(platform().initializer(timeout, work), service_fn(|_| async { Ok("{}") }));
    let answer = server.ask(sample("request-initialize.json"));
    (server, answer)
}

fn failure(server: &Server, answer: &Answer) -> (u16, String) {
    assert_eq!(server.markers.read(), format!("{START}{END}{FAILED}"));
    // The next call finds the process alive.
    assert_eq!(server.ask(invocation("")).status, 200);
    (answer.status, answer.failure())
}

#[test]
fn it_runs_before_the_answer_with_the_context_of_the_hook() {
    let seen = Arc::new(Mutex::new(None));
    let seen_by_work = Arc::clone(&seen);
    let (server, answer) = initialized(Duration::from_millis(2500), move |context| {
        let (seen, arrival) = (Arc::clone(&seen_by_work), tokio::time::Instant::now());
        async move {
            tokio::task::yield_now().await;
            let left = context.deadline.duration_since(arrival);
            *seen.lock().unwrap() = Some((context.region, context.credentials.is_some(), left));
            Ok(())
        }
    });
    assert_eq!((answer.status, answer.header("x-fc-status")), (200, None));
    assert_eq!(server.markers.read(), format!("{START}{END}\n"));
    let (region, has_credentials, left) = seen.lock().unwrap().take().unwrap();
    assert_eq!((region.as_deref(), has_credentials), (Some("cn-hangzhou"), true));
    assert!(left <= Duration::from_millis(2500), "not the deadline of an invocation: {left:?}");
}

#[test]
fn its_failure_lets_the_next_call_try_again() {
    let (server, answer) = initialized(PATIENCE, |_| async {
        Err(Diagnostic::new("Unreachable", "no route").with_report(json!({ "host": "h" })))
    });
    assert_eq!(failure(&server, &answer), (404, "Unreachable".to_owned()));
    assert_eq!(answer.json()["report"], json!({ "host": "h" }));
    let log = server.log.read();
    let line = log.lines().find(|line| line.contains("the initializer failed")).unwrap();
    for part in ["ERROR", "Unreachable", "no route", "1-692414ee-10000001-000000000003"] {
        assert!(line.contains(part), "{part} is not in {line}");
    }
}

#[test]
fn one_that_does_not_end_is_stopped_at_its_timeout() {
    let (server, answer) = initialized(Duration::ZERO, |_| future::pending());
    assert_eq!(failure(&server, &answer), (404, "InitializerTimeout".to_owned()));
}

#[test]
fn its_panic_asks_for_another_instance_and_quotes_nothing() {
    let (server, answer) = initialized(PATIENCE, |context| {
        assert!(context.region.is_none(), "a secret: hunter2");
        future::ready(Ok(()))
    });
    assert_eq!(failure(&server, &answer), (500, "Panic".to_owned()));
    assert!(!String::from_utf8(answer.body).unwrap().contains("hunter2"));
}

#[test]
fn other_hooks_do_not_run_it() {
    let server = Server::start(
        platform().initializer(PATIENCE, |_| async { Err(Diagnostic::new("Ran", "the wrong hook")) }),
        service_fn(|_| async { Ok("{}") }),
    );
    assert_eq!(server.ask(sample("request-pre-stop.json")).status, 200);
}
