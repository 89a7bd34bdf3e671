//! Faults: a [`Rule`] says which calls, a [`Verdict`] what happens to them, a [`FaultGuard`] for how long.

mod installed;
mod rule;
mod verdict;

pub use installed::FaultGuard;
pub use rule::Rule;
pub use verdict::{Fault, Moment, Verdict};

pub(crate) use installed::{Faults, Hook, Plan, Rewrite};
pub(crate) use rule::Occurrence;
