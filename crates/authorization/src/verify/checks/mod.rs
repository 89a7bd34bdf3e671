//! The questions. Each answers with findings, none if all is well.

mod policies;
mod role_exists;
mod trust;

pub(super) use policies::policies;
pub(super) use role_exists::role_missing;
pub(super) use trust::trust;
