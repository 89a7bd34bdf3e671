//! Notices of the real binary to a server that answers like each of the services, at its best and at its worst.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "../support/folder.rs"]
mod folder;
#[path = "../support/mod.rs"]
mod support;

mod again;
mod answers;
mod chat;
mod shapes;
