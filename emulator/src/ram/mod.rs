//! RAM, version 2015-05-01.

mod attachments;
mod catalogue;
mod errors;
mod model;
mod names;
mod operations;
mod policies;
mod roles;
mod tags;

pub(crate) use model::{Attachment, CustomPolicy, Limits};
pub use model::{Attachment as AttachedPolicy, PolicyType, RoleRecord};
pub(crate) use operations::{VERSION, call, is_read, is_write};
pub(crate) use policies::documents;
pub(crate) use tags::wanted as wanted_tags;
