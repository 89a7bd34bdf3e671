//! What an operation gets of the account.

use jiff::Timestamp;

use crate::world::Account;

/// The account a read looks at, which may be an old state of it.
pub(super) struct View<'a> {
    pub(super) id: &'a str,
    pub(super) account: &'a Account,
}

/// The account a write changes.
pub(super) struct Change<'a> {
    pub(super) id: &'a str,
    pub(super) account: &'a mut Account,
    pub(super) new_id: String,
    pub(super) now: Timestamp,
}
