//! HTTP responses that the platform understands.
//!
//! It takes an invocation for a success unless `x-fc-status` says otherwise, whatever the HTTP status.

use axum::{
    body::Bytes,
    http::{
        StatusCode,
        header::{ALLOW, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};

use super::{Diagnostic, headers};

const JSON: (axum::http::HeaderName, &str) = (CONTENT_TYPE, "application/json");

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

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let failed = [(headers::STATUS, "404")];
        (failed, refusal(self.status, &self.diagnostic)).into_response()
    }
}

/// An answer to someone who is not the platform: nothing is counted.
pub(super) fn refusal(status: StatusCode, diagnostic: &Diagnostic) -> Response {
    (status, [JSON], diagnostic.to_json().to_string()).into_response()
}

pub(super) fn wrong_method(allowed: &'static str, diagnostic: Diagnostic) -> Response {
    let failure = Failure::new(StatusCode::METHOD_NOT_ALLOWED, diagnostic);
    ([(ALLOW, allowed)], failure).into_response()
}

pub(super) fn success(body: Bytes) -> Response {
    ([JSON], body).into_response()
}

/// 200 and nothing else, for hooks and the health check.
pub(super) fn fine() -> Response {
    StatusCode::OK.into_response()
}
