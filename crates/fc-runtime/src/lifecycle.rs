//! One request from its arrival to its answer.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::{
    Context, Diagnostic, Handler, Invocation, Markers, RequestId,
    address::Site,
    answer::{self, Failure},
    body, context,
    markers::Phase,
    panics::{self, Panicked},
    route::Route,
};

/// What every request needs.
pub(super) struct Lifecycle<H> {
    pub(super) handler: H,
    pub(super) site: Site,
    pub(super) body_limit: usize,
    pub(super) markers: Markers,
    /// Invocations that have begun, those whose client has gone among them.
    pub(super) in_hand: TaskTracker,
    /// Once cancelled, no event that is not complete yet is waited for.
    pub(super) closing: CancellationToken,
}

impl<H: Handler> Lifecycle<H> {
    pub(super) async fn answer(self: Arc<Self>, request: Request) -> Response {
        let (parts, body) = request.into_parts();
        match Route::of(&parts, self.site) {
            Route::Health => answer::fine(),
            Route::Hook(phase) => self.hook(phase, &parts.headers),
            Route::Invoke => self.invoke(&parts.headers, body).await,
            Route::Refused(answer) => {
                body::discard(body).await;
                answer
            }
        }
    }

    fn hook(&self, phase: Phase, headers: &HeaderMap) -> Response {
        let id = context::request_id(headers);
        self.markers.start(phase, &id);
        self.markers.end(phase, &id, false);
        answer::fine()
    }

    /// The work is a task of its own: a client that goes away drops this future, and must not stop a repair half way.
    async fn invoke(self: Arc<Self>, headers: &HeaderMap, body: Body) -> Response {
        let context = Context::from_headers(headers, Instant::now());
        let work = Arc::clone(&self).work(context, body);
        let done = self.in_hand.spawn(work).await;
        done.unwrap_or_else(|_| Failure::from(after_panic()).into_response())
    }

    async fn work(self: Arc<Self>, context: Context, body: Body) -> Response {
        let id = context.request_id.clone();
        self.markers.start(Phase::Invoke, &id);
        let outcome = self.outcome(context, body).await;
        self.markers.end(Phase::Invoke, &id, outcome.is_err());
        outcome.map_or_else(Failure::into_response, answer::success)
    }

    async fn outcome(&self, context: Context, body: Body) -> Result<Bytes, Failure> {
        let event = self.event(body).await?;
        let id = context.request_id.clone();
        let call = self.call(Invocation { event, context });
        let outcome = panics::catch(call).await;
        outcome.unwrap_or_else(|panicked| Err(logged(&panicked, &id).into()))
    }

    async fn event(&self, body: Body) -> Result<Bytes, Failure> {
        tokio::select! {
            biased;
            () = self.closing.cancelled() => Err(stopping()),
            event = body::receive(body, self.body_limit) => event,
        }
    }

    async fn call(&self, invocation: Invocation) -> Result<Bytes, Failure> {
        let reply = self.handler.clone().oneshot(invocation).await?;
        Ok(reply.into())
    }
}

fn logged(panicked: &Panicked, id: &RequestId) -> Diagnostic {
    tracing::error!(
        request_id = %id,
        message_of_panic = panicked.message,
        location = panicked.location,
        "the handler panicked"
    );
    after_panic()
}

/// Says nothing of what the panic said, which may quote anything.
fn after_panic() -> Diagnostic {
    Diagnostic::new("Panic", "the handler panicked; see the log")
}

fn stopping() -> Failure {
    let why = "the process stops and does not wait for the rest of the event; nothing ran";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, Diagnostic::new("Stopping", why))
}
