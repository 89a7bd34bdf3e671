//! One request from its arrival to its answer.

use std::{panic::AssertUnwindSafe, sync::Arc};

use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Request, StatusCode};
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use super::{
    Context, Diagnostic, Handler, Invocation, Markers, RequestId,
    address::Site,
    answer::{self, Answer, Failure},
    body, context,
    crowd::{Crowd, Pass},
    initializer::Initializer,
    intake::{Intake, Room},
    markers::Phase,
    route::Route,
};

/// What every request needs.
pub(super) struct Lifecycle<H> {
    pub(super) handler: H,
    pub(super) initializer: Option<Initializer>,
    pub(super) site: Site,
    pub(super) body_limit: usize,
    pub(super) intake: Arc<Intake>,
    pub(super) crowd: Arc<Crowd>,
    pub(super) markers: Markers,
    /// Invocations that have begun, those whose client has gone among them.
    pub(super) in_hand: TaskTracker,
    /// Once cancelled, no event that is not complete yet is waited for.
    pub(super) closing: CancellationToken,
}

impl<H: Handler> Lifecycle<H> {
    pub(super) async fn answer(self: Arc<Self>, request: Request<Incoming>, pass: Pass) -> Answer {
        let (parts, body) = request.into_parts();
        match Route::of(&parts, self.site) {
            Route::Health => answer::fine(),
            Route::Hook(phase) => self.hook(phase, &parts.headers, &pass).await,
            Route::Invoke => self.invoke(&parts.headers, body, pass).await,
            Route::Refused(answer) => {
                body::discard(body).await;
                answer
            }
        }
    }

    async fn hook(self: Arc<Self>, phase: Phase, headers: &HeaderMap, pass: &Pass) -> Answer {
        if let (Phase::Initialize, Some(initializer)) = (phase, self.initializer.clone()) {
            let _work = pass.work();
            let context = initializer.context(headers, Instant::now());
            return self.finish(context.request_id.clone(), phase, initialize(initializer, context)).await;
        }
        let id = context::request_id(headers);
        self.markers.start(phase, &id);
        self.markers.end(phase, &id, false);
        answer::fine()
    }

    async fn invoke(self: Arc<Self>, headers: &HeaderMap, body: Incoming, pass: Pass) -> Answer {
        let context = Context::from_headers(headers, Instant::now());
        let id = context.request_id.clone();
        let lifecycle = Arc::clone(&self);
        self.finish(id, Phase::Invoke, async move { lifecycle.outcome(context, body, &pass).await }).await
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
            lifecycle.markers.start(phase, &task_id);
            let outcome = work.await;
            lifecycle.markers.end(phase, &task_id, outcome.is_err());
            outcome.unwrap_or_else(Failure::into_answer)
        });
        // Only a mistake in this crate gets here.
        done.await.unwrap_or_else(|_| Failure::from(after_panic("runtime", &id)).into_answer())
    }

    async fn outcome(&self, context: Context, body: Incoming, pass: &Pass) -> Result<Answer, Failure> {
        // The room is the event's until its answer is there.
        let room = self.intake.room();
        let event = self.event(body, &room).await?;
        let _work = pass.work();
        let id = context.request_id.clone();
        // What the handler shares with other invocations is for the handler to keep whole.
        let call = AssertUnwindSafe(self.call(Invocation { event, context }));
        call.catch_unwind().await.unwrap_or_else(|_| Err(after_panic("handler", &id).into())).map(answer::success)
    }

    async fn event(&self, body: Incoming, room: &Room) -> Result<Bytes, Failure> {
        let event = tokio::select! {
            biased;
            () = self.closing.cancelled() => return Err(stopping()),
            lost = room.lost() => return Err(lost),
            event = body::receive(body, self.body_limit, room) => event?,
        };
        room.settle()?;
        Ok(event)
    }

    async fn call(&self, invocation: Invocation) -> Result<Bytes, Failure> {
        let reply = self.handler.clone().oneshot(invocation).await?;
        Ok(reply.into())
    }
}

/// The platform answers a failure here with another try at the next call, and a 500 with another instance: a panic may have
/// left what invocations share half made.
async fn initialize(initializer: Initializer, context: Context) -> Result<Answer, Failure> {
    let id = context.request_id.clone();
    match AssertUnwindSafe(initializer.run(context)).catch_unwind().await {
        Ok(Ok(())) => Ok(answer::fine()),
        Ok(Err(diagnostic)) => {
            // Nobody sees the answer to a hook.
            tracing::error!(
                request_id = %id,
                error_type = diagnostic.error_type,
                error_message = diagnostic.error_message,
                "the initializer failed"
            );
            Err(diagnostic.into())
        }
        Err(_) => Err(Failure::new(StatusCode::INTERNAL_SERVER_ERROR, after_panic("initializer", &id))),
    }
}

/// Says nothing of what the panic said, which may quote anything. That, and where it was, is the business of the one panic
/// hook of the program.
fn after_panic(who: &str, id: &RequestId) -> Diagnostic {
    tracing::error!(request_id = %id, "the {who} panicked");
    Diagnostic::new("Panic", format!("the {who} panicked; see the log"))
}

fn stopping() -> Failure {
    let why = "the process stops and does not wait for the rest of the event; nothing ran";
    Failure::new(StatusCode::SERVICE_UNAVAILABLE, Diagnostic::new("Stopping", why))
}
