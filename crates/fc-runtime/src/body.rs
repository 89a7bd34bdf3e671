//! The event of an invocation, read to its end.

use bytes::Bytes;
use http::StatusCode;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::{answer::Failure, budget::Claim};

/// The platform lets nothing larger through. Up to here a body is read even if it is refused: a client that is cut off
/// while it sends does not see the answer.
const READ_LIMIT: u64 = 32 * 1024 * 1024;

/// Reads an event of at most `limit` bytes.
pub(super) async fn receive(mut body: Incoming, limit: usize, claim: &Claim) -> Result<Bytes, Failure> {
    let announced = body.size_hint().exact();
    if announced.is_some_and(|size| size > READ_LIMIT) {
        return Err(too_large(limit, announced));
    }
    let (mut event, mut size) = (Vec::new(), 0);
    while let Some(chunk) = next_chunk(&mut body).await? {
        size += chunk.len() as u64;
        if size > READ_LIMIT {
            return Err(too_large(limit, None));
        }
        if size > limit as u64 {
            event = Vec::new();
            claim.clear();
        } else {
            claim.grow(chunk.len());
            event.extend_from_slice(&chunk);
        }
    }
    if size > limit as u64 {
        return Err(too_large(limit, Some(size)));
    }
    Ok(event.into())
}

/// Reads a body that is not needed, so that its sender can read the answer.
pub(super) async fn discard(mut body: Incoming) {
    let mut left = READ_LIMIT;
    if body.size_hint().exact().is_some_and(|size| size > left) {
        return;
    }
    // How it ends does not matter: the answer is ready.
    while let Ok(Some(chunk)) = next_chunk(&mut body).await {
        let Some(rest) = left.checked_sub(chunk.len() as u64) else { return };
        left = rest;
    }
}

async fn next_chunk(body: &mut Incoming) -> Result<Option<Bytes>, Failure> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            let why = "the connection broke, or the body was malformed, before the event was complete; nothing ran";
            Failure::new(StatusCode::BAD_REQUEST, "EventIncomplete", why)
        })?;
        // A frame without data is a trailer.
        if let Ok(data) = frame.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

fn too_large(limit: usize, size: Option<u64>) -> Failure {
    let size = size.map_or_else(|| "more".to_owned(), |size| format!("{size} bytes"));
    let why = format!("an event may have {limit} bytes, this one has {size}; nothing ran");
    Failure::new(StatusCode::PAYLOAD_TOO_LARGE, "EventTooLarge", why)
}
