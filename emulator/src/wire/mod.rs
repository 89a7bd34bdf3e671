//! The RPC wire: what a request says, and how a reply is put.

pub(crate) mod encoding;
mod reply;
mod request;
mod xml;

pub(crate) use reply::{Failure, Reply, body_of_failure, render};
pub(crate) use request::{Params, Request};
