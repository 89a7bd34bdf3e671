//! The keys that a run works with: from the request's headers, else from the environment, else a clear error.
//!
//! A source that is *configured but broken* stops the search: half a set is never completed from the other source.

mod environment;
mod function_compute;

use std::fmt;

pub use environment::from_environment;
pub use function_compute::from_headers;

use crate::secret::Secret;

/// Temporary keys of the function's role.
#[derive(Clone)]
pub struct Credentials {
    /// Names the key. It is no secret, but it is not printed either.
    pub access_key_id: String,
    /// Signs.
    pub access_key_secret: Secret,
    /// Goes with temporary keys.
    pub security_token: Option<Secret>,
    /// Where the keys came from, for the log.
    pub source: Source,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("source", &self.source).finish_non_exhaustive()
    }
}

/// Where keys come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `x-fc-access-key-id`, `x-fc-access-key-secret`, `x-fc-security-token`.
    RequestHeaders,
    /// `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, `ALIBABA_CLOUD_SECURITY_TOKEN`.
    Environment,
    /// The reply of `AssumeRole`.
    AssumeRole,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::RequestHeaders => "the request headers",
            Self::Environment => "the environment",
            Self::AssumeRole => "the reply of `AssumeRole`",
        })
    }
}

/// A run without usable credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Neither source holds anything. Give the function a role.
    #[error(
        "no credentials: looked at the request headers (`x-fc-access-key-id`, `x-fc-access-key-secret`, \
         `x-fc-security-token`) and at the environment (`ALIBABA_CLOUD_ACCESS_KEY_ID`, \
         `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, `ALIBABA_CLOUD_SECURITY_TOKEN`), and all are empty; give the function a role"
    )]
    Missing,
    /// A source holds a part of the set.
    #[error("incomplete credentials in {source_name}: {} missing; all three are needed, from the same source", .missing.join(" and "))]
    Partial {
        /// The source that holds the part.
        source_name: Source,
        /// The names without a value.
        missing: Vec<&'static str>,
    },
}

/// One source's three values as they were found.
#[derive(Debug, Default, Clone)]
pub struct Found {
    /// The key's name.
    pub access_key_id: Option<Secret>,
    /// The key's secret.
    pub access_key_secret: Option<Secret>,
    /// The session's token.
    pub security_token: Option<Secret>,
}

/// The first source that holds anything.
///
/// # Errors
/// When both are empty, or the first that is not holds only a part.
pub fn resolve(headers: Found, environment: Found) -> Result<Credentials, Error> {
    if let Some(credentials) = from_headers(headers)? {
        return Ok(credentials);
    }
    from_environment(environment)?.ok_or(Error::Missing)
}

/// The three names of a source's values.
struct Names([&'static str; 3]);

impl Found {
    fn complete(self, source: Source, names: &Names) -> Result<Option<Credentials>, Error> {
        use secrecy::ExposeSecret;
        match (self.access_key_id, self.access_key_secret, self.security_token) {
            (None, None, None) => Ok(None),
            (Some(id), Some(secret), Some(token)) => Ok(Some(Credentials {
                access_key_id: id.expose_secret().to_owned(),
                access_key_secret: secret,
                security_token: Some(token),
                source,
            })),
            (id, secret, token) => {
                let present = [id.is_some(), secret.is_some(), token.is_some()];
                let missing = names.0.into_iter().zip(present).filter(|(_, present)| !present).map(|(name, _)| name);
                Err(Error::Partial { source_name: source, missing: missing.collect() })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, secret: &str, token: &str) -> Found {
        let value = |text: &str| (!text.is_empty()).then(|| Secret::from(text));
        Found { access_key_id: value(id), access_key_secret: value(secret), security_token: value(token) }
    }

    #[test]
    fn headers_come_before_the_environment() {
        let credentials = resolve(found("h", "h", "h"), found("e", "e", "e")).unwrap();
        assert_eq!((credentials.access_key_id.as_str(), credentials.source), ("h", Source::RequestHeaders));
    }

    #[test]
    fn empty_headers_lead_to_the_environment() {
        let credentials = resolve(Found::default(), found("e", "e", "e")).unwrap();
        assert_eq!((credentials.access_key_id.as_str(), credentials.source), ("e", Source::Environment));
    }

    #[test]
    fn a_part_is_never_completed_from_the_other_source() {
        let error = resolve(found("h", "", ""), found("e", "e", "e")).unwrap_err();
        let missing = vec!["`x-fc-access-key-secret`", "`x-fc-security-token`"];
        assert_eq!(error, Error::Partial { source_name: Source::RequestHeaders, missing });
    }

    #[test]
    fn without_any_the_error_names_both_sources() {
        let text = resolve(Found::default(), Found::default()).unwrap_err().to_string();
        assert!(text.contains("x-fc-security-token") && text.contains("ALIBABA_CLOUD_SECURITY_TOKEN"), "{text}");
    }

    #[test]
    fn debug_shows_no_key() {
        let credentials = resolve(found("key-id", "key-secret", "token"), Found::default()).unwrap();
        assert_eq!(format!("{credentials:?}"), "Credentials { source: RequestHeaders, .. }");
    }
}
