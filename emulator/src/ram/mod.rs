//! RAM, version 2015-05-01.

mod attachments;
mod errors;
mod names;
mod operations;
mod policies;
mod roles;
mod tags;
mod view;

pub(crate) use operations::{VERSION, call, is_read, is_write, names};
pub(crate) use tags::wanted as wanted_tags;
