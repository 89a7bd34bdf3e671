//! The event of an invocation, read to its end.

use std::{future::poll_fn, pin::Pin};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::StatusCode,
};

use super::{Diagnostic, answer::Failure};

/// The platform lets nothing larger through. Up to here a body is read even if it is refused: a client that is cut off
/// while it sends does not see the answer.
const READ_LIMIT: u64 = 32 * 1024 * 1024;

/// Reads an event of at most `limit` bytes.
pub(super) async fn receive(mut body: Body, limit: usize) -> Result<Bytes, Failure> {
    let announced = body.size_hint().exact();
    if announced.is_some_and(|size| size > READ_LIMIT) {
        return Err(too_large(limit, announced));
    }
    let mut event = Event::default();
    while let Some(chunk) = next_chunk(&mut body).await? {
        event.take(&chunk, limit);
        if event.size > READ_LIMIT {
            return Err(too_large(limit, None));
        }
    }
    event.complete(limit)
}

/// Reads a body that nobody wants, so that its sender can read the answer.
pub(super) async fn discard(body: Body) {
    // How it ends does not matter: the answer is ready.
    let _ = receive(body, 0).await;
}

#[derive(Default)]
struct Event {
    kept: Vec<u8>,
    size: u64,
}

impl Event {
    fn take(&mut self, chunk: &Bytes, limit: usize) {
        self.size += chunk.len() as u64;
        if self.exceeds(limit) {
            self.kept = Vec::new();
        } else {
            self.kept.extend_from_slice(chunk);
        }
    }

    fn exceeds(&self, limit: usize) -> bool {
        self.size > limit as u64
    }

    fn complete(self, limit: usize) -> Result<Bytes, Failure> {
        if self.exceeds(limit) {
            return Err(too_large(limit, Some(self.size)));
        }
        Ok(self.kept.into())
    }
}

async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, Failure> {
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut *body).poll_frame(cx)).await {
        let frame = frame.map_err(|_| broken_off())?;
        // A frame without data is a trailer.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn broken_off() -> Failure {
    let why = "the connection broke, or the body was malformed, before the event was complete; nothing ran";
    Failure::new(StatusCode::BAD_REQUEST, Diagnostic::new("EventIncomplete", why))
}

fn too_large(limit: usize, size: Option<u64>) -> Failure {
    let size = size.map_or_else(|| "more".to_owned(), |size| format!("{size} bytes"));
    let why = format!("an event may have {limit} bytes, this one has {size}; nothing ran");
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, Diagnostic::new("EventTooLarge", why))
}
