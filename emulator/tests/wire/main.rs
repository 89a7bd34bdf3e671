//! The emulator over the wire, asked by a client that shares no code with it.
#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a helper of a test may fail it")]

mod access;
mod errors;
mod faults;
mod gateway;
mod lists;
mod members;
mod operations;
mod organization;
mod recorder;
mod seeds;
mod sessions;
mod shapes;
mod stale;
mod support;
