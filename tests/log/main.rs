//! What the real binary writes while it works: whatever becomes of the streams, and what its lines say.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod day;
mod lines;
mod streams;
