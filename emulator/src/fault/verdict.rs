//! What happens to a call.

use std::time::Duration;

/// What happens to a call that a [`Rule`](crate::Rule) chose.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// An error envelope.
    Error {
        /// The HTTP status.
        status: u16,
        /// `Code`.
        code: String,
    },
    /// `NoPermission` by an identity policy.
    Deny,
    /// `NoPermission` by a control policy.
    DenyByControlPolicy,
    /// A page of HTML, as a gateway in trouble sends it.
    Html {
        /// The HTTP status.
        status: u16,
    },
    /// Half of the reply, then the connection closes.
    HalfBody,
    /// No answer, the connection stays open.
    Hang,
    /// No answer, the connection closes.
    Lose,
    /// Reads see an earlier state.
    Stale {
        /// How many changes earlier.
        writes: usize,
    },
    /// Lists lack their last item.
    PartialList,
    /// A pause.
    Latency(Duration),
}

/// Whether the call has its effect before the verdict falls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// The call has no effect, or (for a pause) not yet.
    BeforeEffect,
    /// The call has had its effect.
    AfterEffect,
}
