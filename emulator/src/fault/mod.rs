//! Faults: a [`Rule`] says which calls, a [`Verdict`] what happens to them, a [`FaultGuard`] for how long.

mod installed;
mod rule;
mod verdict;
mod written;

pub use installed::FaultGuard;
pub use rule::{Fault, Rule};
pub use verdict::{Moment, Verdict};
pub use written::{WrittenFault, WrongFault};

pub(crate) use installed::{Faults, Hook, Plan, Rewrite};
pub(crate) use rule::Occurrence;
