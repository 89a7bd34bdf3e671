//! What a function is: a service from an invocation to JSON.

use bytes::Bytes;
use tower::Service;

use super::{Context, Diagnostic};

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
