//! The runtime shim over real sockets: a server on a thread of its own, with the runtime that production uses, and a client
//! that writes HTTP by hand.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod address;
mod answers;
mod any_request;
mod bodies;
mod client;
mod dispatch;
mod heads;
mod initializer;
mod limits;
mod server;
mod stopping;
