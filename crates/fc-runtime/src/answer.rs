//! HTTP responses that the platform understands.
//!
//! It takes an invocation for a success unless `x-fc-status` says otherwise, whatever the HTTP status.

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;

use super::Diagnostic;

const STATUS: HeaderName = HeaderName::from_static("x-fc-status");

/// INVARIANT: every answer but a 200 has a content type; `stream` knows by it which answers are not ours.
pub(super) type Answer = Response<Full<Bytes>>;

/// What the platform is to count as a failed invocation.
#[derive(Debug)]
pub(super) struct Failure {
    pub(super) status: StatusCode,
    // Boxed, so that the results that hold a failure stay small.
    pub(super) diagnostic: Box<Diagnostic>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, error_type: &str, why: impl Into<String>) -> Self {
        Self { status, ..Diagnostic::new(error_type, why).into() }
    }

    pub(super) fn into_answer(self) -> Answer {
        let mut answer = self.into_refusal();
        answer.headers_mut().insert(STATUS, HeaderValue::from_static("404"));
        answer
    }

    /// An answer to someone who is not the platform: nothing is counted.
    pub(super) fn into_refusal(self) -> Answer {
        json(self.status, self.diagnostic.to_json().to_string().into())
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self { status: StatusCode::NOT_FOUND, diagnostic: Box::new(diagnostic) }
    }
}

pub(super) fn json(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Answer::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
