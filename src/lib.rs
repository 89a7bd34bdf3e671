//! Placeholder.

pub mod runtime;
