//! HTTP responses that the platform understands.
//!
//! It takes an invocation for a success unless `x-fc-status` says otherwise, whatever the HTTP status.

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{ALLOW, CONTENT_TYPE},
};
use http_body_util::Full;

use super::{Diagnostic, headers};

/// INVARIANT: every answer but a 200 has a content type; `stream` knows by it which answers are not ours.
pub(super) type Answer = Response<Full<Bytes>>;

/// What the platform is to count as a failed invocation.
#[derive(Debug)]
pub(super) struct Failure {
    status: StatusCode,
    // Boxed, so that the results that hold a failure stay small.
    diagnostic: Box<Diagnostic>,
}

impl Failure {
    pub(super) fn new(status: StatusCode, diagnostic: Diagnostic) -> Self {
        Self { status, diagnostic: Box::new(diagnostic) }
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::new(StatusCode::NOT_FOUND, diagnostic)
    }
}

impl Failure {
    pub(super) fn into_answer(self) -> Answer {
        let answer = refusal(self.status, &self.diagnostic);
        with(answer, headers::STATUS, HeaderValue::from_static("404"))
    }
}

/// An answer to someone who is not the platform: nothing is counted.
pub(super) fn refusal(status: StatusCode, diagnostic: &Diagnostic) -> Answer {
    json(status, diagnostic.to_json().to_string().into())
}

pub(super) fn wrong_method(allowed: &'static str, diagnostic: Diagnostic) -> Answer {
    let failure = Failure::new(StatusCode::METHOD_NOT_ALLOWED, diagnostic);
    with(failure.into_answer(), ALLOW, HeaderValue::from_static(allowed))
}

pub(super) fn success(body: Bytes) -> Answer {
    json(StatusCode::OK, body)
}

/// 200 and nothing else, for hooks and the health check.
pub(super) fn fine() -> Answer {
    Answer::default()
}

fn json(status: StatusCode, body: Bytes) -> Answer {
    let mut answer = Answer::new(body.into());
    *answer.status_mut() = status;
    with(answer, CONTENT_TYPE, HeaderValue::from_static("application/json"))
}

fn with(mut answer: Answer, name: HeaderName, value: HeaderValue) -> Answer {
    answer.headers_mut().insert(name, value);
    answer
}
