//! Keys from the three `ALIBABA_CLOUD_*` variables, which the platform sets when an instance starts.

use super::{Credentials, Error, Host, Names, RawCredentials, Source};

const NAMES: Names =
    Names(["`ALIBABA_CLOUD_ACCESS_KEY_ID`", "`ALIBABA_CLOUD_ACCESS_KEY_SECRET`", "`ALIBABA_CLOUD_SECURITY_TOKEN`"]);

impl RawCredentials {
    /// Reads the variables through a lookup; an empty one counts as unset.
    #[must_use]
    pub fn in_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| lookup(name).filter(|text| !text.is_empty()).map(Into::into);
        Self {
            access_key_id: value("ALIBABA_CLOUD_ACCESS_KEY_ID"),
            access_key_secret: value("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
            security_token: value("ALIBABA_CLOUD_SECURITY_TOKEN"),
        }
    }
}

/// The environment's keys, if it holds any.
///
/// # Errors
/// When it holds a part of the set.
pub fn from_environment(found: RawCredentials, host: Host) -> Result<Option<Credentials>, Error> {
    found.complete(Source::Environment, &NAMES, host)
}
