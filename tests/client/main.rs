//! The way to the cloud: pace, rate limits, clocks, replies and their causes, connections.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic, reason = "tests")]

mod causes;
mod clock;
mod connections;
mod pace;
mod replies;
