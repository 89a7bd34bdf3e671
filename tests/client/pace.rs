//! How fast calls may be made, and what one slow call says about the rest.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aliyun::clock::Clock;
use aliyun::{BoxFuture, Http, Reply, SignedRequest, Transport, TransportError};
use authorization::settings::Mode;
use dts_role_guard::USER_AGENT;
use dts_role_guard::report::Status;
use emulator::{DTS_POLICY, Role};
use testkit::Lab;

/// HTTP on which the first call is given up after ten seconds.
struct FirstHangs {
    http: Http,
    clock: Arc<dyn Clock>,
    calls: AtomicUsize,
}

impl Transport for FirstHangs {
    fn send(&self, request: SignedRequest) -> BoxFuture<'_, Result<Reply, TransportError>> {
        if self.calls.fetch_add(1, Ordering::Relaxed) > 0 {
            return self.http.send(request);
        }
        Box::pin(async {
            self.clock.sleep(Duration::from_secs(10)).await;
            Err(TransportError::NoReply("given up".into()))
        })
    }
}

#[tokio::test]
async fn a_call_that_was_given_up_says_nothing_about_the_pace_of_the_next() {
    let lab = Lab::new(Some(Role::dts().detach(DTS_POLICY)));
    let transport = FirstHangs { http: Http::new(USER_AGENT).unwrap(), clock: lab.clock(), calls: AtomicUsize::new(0) };
    let app = lab.app().wired(|wiring| wiring.transport = Some(Arc::new(transport)));
    let report = lab.ask_app(&app, Mode::Remediate, None, Duration::from_mins(2)).await;
    assert_eq!(report.status, Status::Remediated, "{:?}", report.accounts[0].next);
}

#[tokio::test]
async fn rate_limits_are_the_instances_and_not_the_invocations() {
    let lab = Lab::new(Some(Role::dts())).set("DTS_GUARD_RATE", "1");
    let app = lab.app();
    for seconds in 0..5 {
        let report = lab.ask_app(&app, Mode::Verify, None, Duration::from_mins(1)).await;
        assert_eq!(report.status, Status::Authorized);
        // The real clock runs too, so that a little less may have been waited.
        assert!(lab.slept() + Duration::from_millis(900) >= Duration::from_secs(seconds), "{:?}", lab.slept());
    }
}
