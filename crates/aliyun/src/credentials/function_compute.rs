//! Keys from the headers of the request in hand. They belong to that one request.

use super::{Credentials, Error, Host, Names, RawCredentials, Source};

const NAMES: Names = Names(["`x-fc-access-key-id`", "`x-fc-access-key-secret`", "`x-fc-security-token`"]);

/// The request's keys, if it carries any. Without a role the headers are present but empty.
///
/// # Errors
/// When it carries a part of the set.
pub fn from_headers(found: RawCredentials) -> Result<Option<Credentials>, Error> {
    found.complete(Source::RequestHeaders, &NAMES, Host::Function)
}
