//! What people and tools read: every kind of report through every format.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod compact;
mod files;
mod human;
mod model;
mod samples;
mod screen;
mod terminal;
