//! What comes from outside and is not quite what it should be: nothing is done because of a guess.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod clear;
mod newcomers;
mod trust;
