//! What happens to a call.

use std::time::Duration;

use super::rule::Rule;

/// What happens to a call that a [`Rule`] chose.
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

/// A [`Rule`] with its [`Verdict`]; put in force by [`Emulator::fault`](crate::Emulator::fault).
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    pub(crate) rule: Rule,
    pub(crate) verdict: Verdict,
    pub(crate) moment: Moment,
}

impl Fault {
    /// Lets the call have its effect first.
    pub fn after_effect(mut self) -> Self {
        self.moment = Moment::AfterEffect;
        self
    }

    /// Keeps the call from having an effect, or lets a pause come first.
    pub fn before_effect(mut self) -> Self {
        self.moment = Moment::BeforeEffect;
        self
    }
}
