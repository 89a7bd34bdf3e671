//! Policy documents: identity policies and trust policies, evaluated by the emulator's own rules.

mod document;
mod pattern;
mod trust;

pub(crate) use document::{Decision, Document, decide};
pub(crate) use trust::{Caller, Trust};
