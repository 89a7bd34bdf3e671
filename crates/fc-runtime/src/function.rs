//! What a function is: a service from an invocation to JSON, or to the reason of its failure.

use bytes::Bytes;
use serde_json::{Value, json};
use tower::Service;

use super::Context;

/// One call of the function.
#[derive(Clone, Debug)]
pub struct Invocation {
    /// The event as it came, possibly empty, possibly not JSON.
    pub event: Bytes,
    /// What the platform says about the call.
    pub context: Context,
}

/// A function: every [`tower::Service`] from an [`Invocation`] to the bytes of a JSON document has this trait.
///
/// It is cloned for each invocation. [`service_fn`](super::service_fn) makes one of a closure.
pub trait Handler:
    Service<Invocation, Response: Into<Bytes> + Send, Error = Diagnostic, Future: Send> + Clone + Send + Sync + 'static
{
}

impl<S> Handler for S where
    S: Service<Invocation, Response: Into<Bytes> + Send, Error = Diagnostic, Future: Send>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Why an invocation failed, for the platform and for the caller.
///
/// The body follows the convention of the built-in runtimes, with a report beside it. The platform counts the invocation
/// as failed and may try an asynchronous one again, so fail only where that can help.
///
/// ```
/// use fc_runtime::Diagnostic;
/// use serde_json::json;
///
/// let diagnostic = Diagnostic::new("Throttled", "the cloud asked to slow down");
/// assert_eq!(
///     diagnostic.to_json(),
///     json!({ "errorMessage": "the cloud asked to slow down", "errorType": "Throttled", "stackTrace": [] }),
/// );
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{error_type}: {error_message}")]
pub struct Diagnostic {
    /// One word that a program can branch on.
    pub error_type: String,
    /// A sentence for a person.
    pub error_message: String,
    /// What was found out before the failure.
    pub report: Option<Value>,
}

impl Diagnostic {
    /// A diagnostic without a report.
    pub fn new(error_type: impl Into<String>, error_message: impl Into<String>) -> Self {
        Self { error_type: error_type.into(), error_message: error_message.into(), report: None }
    }

    /// The same with a report.
    #[must_use]
    pub fn with_report(self, report: Value) -> Self {
        Self { report: Some(report), ..self }
    }

    /// The body of the answer.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "errorMessage": self.error_message,
            "errorType": self.error_type,
            "stackTrace": [],
        });
        if let (Some(fields), Some(report)) = (body.as_object_mut(), &self.report) {
            fields.insert("report".to_owned(), report.clone());
        }
        body
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_stands_beside_the_error() {
        let diagnostic = Diagnostic::new("Stuck", "see `next`").with_report(json!({ "status": "stuck" }));
        assert_eq!(
            diagnostic.to_json(),
            json!({ "errorMessage": "see `next`", "errorType": "Stuck", "stackTrace": [], "report": { "status": "stuck" } })
        );
        assert_eq!(diagnostic.to_string(), "Stuck: see `next`");
    }

    #[test]
    fn without_a_report_the_key_is_absent() {
        assert_eq!(Diagnostic::new("A", "b").to_json().get("report"), None);
    }
}
