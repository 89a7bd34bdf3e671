//! One request from its arrival to its answer.

use std::{fmt, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{FutureExt, future::BoxFuture};
use http::{HeaderMap, Request, StatusCode};
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::{
    Context, Diagnostic, Handler, Invocation, RequestId, Runtime,
    answer::{self, Answer, Failure},
    body,
    budget::{Budget, Claim, Ticket},
    context,
    markers::Phase,
    route::Route,
};

/// What every request needs.
pub(super) struct Lifecycle<H> {
    pub(super) handler: H,
    pub(super) runtime: Runtime,
    pub(super) connections: Arc<Budget>,
    /// Bytes of all events in hand.
    pub(super) events: Arc<Budget>,
    /// Invocations that have begun, those whose client has gone among them.
    pub(super) in_hand: TaskTracker,
    /// Once cancelled, no event that is not complete yet is waited for.
    pub(super) closing: CancellationToken,
}

/// What a function does at `/initialize`, before its first invocation, and how long it may take.
#[derive(Clone)]
pub(super) struct Initializer {
    pub(super) timeout: Duration,
    pub(super) work: Arc<dyn Fn(Context) -> BoxFuture<'static, Result<(), Diagnostic>> + Send + Sync>,
}

impl fmt::Debug for Initializer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Initializer").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

impl<H: Handler> Lifecycle<H> {
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>, connection: Ticket) -> Answer {
        let (parts, body) = request.into_parts();
        match Route::of(&parts, self.runtime.site) {
            Route::Health => Answer::default(),
            Route::Hook(phase) => self.hook(phase, &parts.headers, &connection).await,
            Route::Invoke => {
                let context = Context::from_headers(&parts.headers, Instant::now());
                let (id, lifecycle) = (context.request_id.clone(), Arc::clone(&self));
                let work = async move { lifecycle.outcome(context, body, &connection).await };
                self.finish(id, Phase::Invoke, work).await
            }
            Route::Refused(answer) => {
                body::discard(body).await;
                answer
            }
        }
    }

    async fn hook(self: Arc<Self>, phase: Phase, headers: &HeaderMap, connection: &Ticket) -> Answer {
        if let (Phase::Initialize, Some(initializer)) = (phase, self.runtime.initializer.clone()) {
            let _work = connection.work();
            let arrival = Instant::now();
            // The deadline of a hook is that of the initializer, not that of an invocation.
            let deadline = arrival + initializer.timeout;
            let context = Context { deadline, ..Context::from_headers(headers, arrival) };
            return self.finish(context.request_id.clone(), phase, initialize(initializer, context)).await;
        }
        let id = context::request_id(headers);
        self.runtime.markers.start(phase, &id);
        self.runtime.markers.end(phase, &id, false);
        Answer::default()
    }

    /// The work is a task of its own: a client that goes away drops this future, and must not stop a repair half way.
    async fn finish(
        self: Arc<Self>,
        id: RequestId,
        phase: Phase,
        work: impl Future<Output = Result<Answer, Failure>> + Send + 'static,
    ) -> Answer {
        let (lifecycle, task_id) = (Arc::clone(&self), id.clone());
        let done = self.in_hand.spawn(async move {
            let markers = &lifecycle.runtime.markers;
            markers.start(phase, &task_id);
            let outcome = work.await;
            markers.end(phase, &task_id, outcome.is_err());
            outcome.unwrap_or_else(Failure::into_answer)
        });
        // Only a mistake in this crate gets here.
        done.await.unwrap_or_else(|_| after_panic("runtime", &id).into_answer())
    }

    async fn outcome(&self, context: Context, body: Incoming, connection: &Ticket) -> Result<Answer, Failure> {
        // The bytes are the event's until its answer is there.
        let claim = self.events.claim();
        let event = self.event(body, &claim).await?;
        let _work = connection.work();
        let id = context.request_id.clone();
        let call = async { self.handler.clone().oneshot(Invocation { event, context }).await.map(Into::into) };
        // What the handler shares with other invocations is for the handler to keep whole.
        match AssertUnwindSafe(call).catch_unwind().await {
            Ok(reply) => Ok(answer::json(StatusCode::OK, reply?)),
            Err(_) => Err(after_panic("handler", &id)),
        }
    }

    async fn event(&self, body: Incoming, claim: &Claim) -> Result<Bytes, Failure> {
        let event = tokio::select! {
            biased;
            () = self.closing.cancelled() => {
                let why = "the process stops and does not wait for the rest of the event; nothing ran";
                return Err(Failure::new(StatusCode::SERVICE_UNAVAILABLE, "Stopping", why));
            }
            () = claim.evicted() => None,
            event = body::receive(body, self.runtime.body_limit, claim) => Some(event?),
        };
        event.filter(|_| claim.keep()).ok_or_else(|| {
            let limit = self.runtime.buffer_limit;
            let why = format!(
                "the events in hand have more than {limit} bytes together, and this one was not complete; nothing ran"
            );
            Failure::new(StatusCode::SERVICE_UNAVAILABLE, "Overloaded", why)
        })
    }
}

/// The platform answers a failure here with another try at the next call, and a 500 with another instance: a panic may have
/// left what invocations share half made.
async fn initialize(initializer: Initializer, context: Context) -> Result<Answer, Failure> {
    let (id, deadline) = (context.request_id.clone(), context.deadline);
    // Called inside, so that a panic before its first `await` is caught where all others are.
    let work = timeout_at(deadline, async { (initializer.work)(context).await });
    let Ok(outcome) = AssertUnwindSafe(work).catch_unwind().await else {
        return Err(Failure { status: StatusCode::INTERNAL_SERVER_ERROR, ..after_panic("initializer", &id) });
    };
    let outcome = outcome.unwrap_or_else(|_| {
        let why = "the initializer was stopped at its timeout; the next call tries again";
        Err(Diagnostic::new("InitializerTimeout", why))
    });
    outcome.map(|()| Answer::default()).map_err(|diagnostic| {
        // Nobody sees the answer to a hook.
        tracing::error!(
            request_id = %id,
            error_type = diagnostic.error_type,
            error_message = diagnostic.error_message,
            "the initializer failed"
        );
        diagnostic.into()
    })
}

/// Says nothing of what the panic said, which may quote anything. That, and where it was, is the business of the one panic
/// hook of the program.
fn after_panic(who: &str, id: &RequestId) -> Failure {
    tracing::error!(request_id = %id, "the {who} panicked");
    Diagnostic::new("Panic", format!("the {who} panicked; see the log")).into()
}
