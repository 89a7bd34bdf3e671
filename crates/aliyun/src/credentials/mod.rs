//! The keys that a run works with: from the request's headers, else from the environment, else (on a terminal only) from a
//! profile of the vendor's CLI, else an error that names what this host has: a terminal has no request.
//!
//! A source that is *configured but broken* stops the search: half a set is never completed from the other source.

mod profile;

use std::fmt;
use std::sync::Arc;

pub use profile::{ProfileChoice, ProfileError, ProfileKeys};

use authorization::text::sanitized;

use crate::secret::{ExposeSecret, Secret};

const HEADERS: [&str; 3] = ["`x-fc-access-key-id`", "`x-fc-access-key-secret`", "`x-fc-security-token`"];
const VARIABLES: [&str; 3] =
    ["`ALIBABA_CLOUD_ACCESS_KEY_ID`", "`ALIBABA_CLOUD_ACCESS_KEY_SECRET`", "`ALIBABA_CLOUD_SECURITY_TOKEN`"];

/// Keys that requests can be signed with.
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// `x-fc-access-key-id`, `x-fc-access-key-secret`, `x-fc-security-token`.
    RequestHeaders,
    /// `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, `ALIBABA_CLOUD_SECURITY_TOKEN`.
    Environment,
    /// A profile of the vendor's CLI, by its name.
    Profile(Arc<str>),
    /// The reply of `AssumeRole`.
    AssumeRole,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RequestHeaders => f.write_str("the request headers"),
            Self::Environment => f.write_str("the environment"),
            Self::Profile(name) => write!(f, "the profile `{}`", sanitized(name)),
            Self::AssumeRole => f.write_str("the reply of `AssumeRole`"),
        }
    }
}

/// A run without usable credentials.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The variables of a terminal are empty, and no profile of the vendor's CLI gives keys either; with the reason.
    #[error(
        "no credentials: `ALIBABA_CLOUD_ACCESS_KEY_ID`, `ALIBABA_CLOUD_ACCESS_KEY_SECRET` and \
         `ALIBABA_CLOUD_SECURITY_TOKEN` are empty, and {0}"
    )]
    Profile(String),
    /// The role of a profile gives no keys; with what STS answered.
    #[error("no credentials: the role of the profile cannot be assumed: {0}")]
    NotEntered(String),
    /// A terminal has no keys, and no profile is looked for there.
    #[error(
        "no credentials: set `ALIBABA_CLOUD_ACCESS_KEY_ID` and `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, and for temporary keys \
         `ALIBABA_CLOUD_SECURITY_TOKEN`; all of them are empty"
    )]
    MissingOnTerminal,
    /// Neither source of a function holds anything. Give it a role.
    #[error(
        "no credentials: looked at the request headers (`x-fc-access-key-id`, `x-fc-access-key-secret`, \
         `x-fc-security-token`) and at the environment (`ALIBABA_CLOUD_ACCESS_KEY_ID`, \
         `ALIBABA_CLOUD_ACCESS_KEY_SECRET`, `ALIBABA_CLOUD_SECURITY_TOKEN`), and all are empty; give the function a role"
    )]
    Missing,
    /// A source holds a part of the set.
    #[error("incomplete credentials in {source_name}: {} missing; they are needed together, from the same source", .missing.join(" and "))]
    Partial {
        /// The source that holds the part.
        source_name: Source,
        /// The names without a value.
        missing: Vec<&'static str>,
    },
}

/// Where the program runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Host {
    /// As a function: the keys are those of its role, and temporary.
    #[default]
    Function,
    /// On a terminal: the keys are a person's, and may be permanent ones, which have no token.
    Terminal,
}

/// One source's three values as they were found.
#[derive(Debug, Default, Clone)]
pub struct RawCredentials {
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
pub fn resolve(headers: RawCredentials, environment: RawCredentials, host: Host) -> Result<Credentials, Error> {
    if let Some(credentials) = headers.complete(Source::RequestHeaders, Host::Function)? {
        return Ok(credentials);
    }
    environment.complete(Source::Environment, host)?.ok_or(match host {
        Host::Function => Error::Missing,
        Host::Terminal => Error::MissingOnTerminal,
    })
}

impl RawCredentials {
    /// Reads the variables, which the platform sets when an instance starts, through a lookup.
    pub fn in_environment(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let value = |name: &str| lookup(name).map(Into::into);
        Self {
            access_key_id: value("ALIBABA_CLOUD_ACCESS_KEY_ID"),
            access_key_secret: value("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
            security_token: value("ALIBABA_CLOUD_SECURITY_TOKEN"),
        }
    }

    /// The keys, if the source holds any. Without a role, a request's headers are present but empty.
    ///
    /// # Errors
    /// When the source holds a part of the set.
    pub fn complete(self, source: Source, host: Host) -> Result<Option<Credentials>, Error> {
        // White space around a key, such as the line break of a file that was pasted, does not belong to it.
        let trim = |secret: Secret| match secret.expose_secret().trim() {
            "" => None,
            text if text.len() == secret.expose_secret().len() => Some(secret),
            text => Some(Secret::from(text)),
        };
        let token = self.security_token.and_then(trim);
        // Permanent keys, which a person may have, have no token.
        let has_token = token.is_some() || host == Host::Terminal;
        match (self.access_key_id.and_then(trim), self.access_key_secret.and_then(trim)) {
            (None, None) if token.is_none() => Ok(None),
            (Some(id), Some(secret)) if has_token => Ok(Some(Credentials {
                access_key_id: id.expose_secret().to_owned(),
                access_key_secret: secret,
                security_token: token,
                source,
            })),
            (id, secret) => {
                let names = match source {
                    Source::RequestHeaders => HEADERS,
                    // The last two give all or nothing.
                    Source::Environment | Source::Profile(_) | Source::AssumeRole => VARIABLES,
                };
                let present = [id.is_some(), secret.is_some(), has_token];
                let missing = names.into_iter().zip(present).filter(|(_, present)| !present).map(|(name, _)| name);
                Err(Error::Partial { source_name: source, missing: missing.collect() })
            }
        }
    }
}

/// The parameters of `AssumeRole`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AssumeRole {
    /// `acs:ram::<account>:role/<name>`
    pub role_arn: String,
    /// 2 to 32 characters: letters, digits, `.`, `@`, `-`, `_`.
    pub session_name: String,
    /// Seconds, 900 to the role's own limit.
    pub duration_seconds: u32,
    /// Narrows the session; at most 2048 characters.
    pub policy: Option<String>,
    /// What the role's trust policy may ask for, so that no caller is tricked into assuming it for somebody else.
    pub external_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(id: &str, secret: &str, token: &str) -> RawCredentials {
        let value = |text: &str| (!text.is_empty()).then(|| Secret::from(text));
        RawCredentials { access_key_id: value(id), access_key_secret: value(secret), security_token: value(token) }
    }

    #[test]
    fn headers_come_before_the_environment() {
        let credentials = resolve(found("h", "h", "h"), found("e", "e", "e"), Host::Function).unwrap();
        assert_eq!((credentials.access_key_id.as_str(), credentials.source), ("h", Source::RequestHeaders));
    }

    #[test]
    fn empty_headers_lead_to_the_environment() {
        let credentials = resolve(RawCredentials::default(), found("e", "e", "e"), Host::Function).unwrap();
        assert_eq!((credentials.access_key_id.as_str(), credentials.source), ("e", Source::Environment));
    }

    #[test]
    fn a_part_is_never_completed_from_the_other_source() {
        let error = resolve(found("h", "", ""), found("e", "e", "e"), Host::Function).unwrap_err();
        let missing = vec!["`x-fc-access-key-secret`", "`x-fc-security-token`"];
        assert_eq!(error, Error::Partial { source_name: Source::RequestHeaders, missing });
    }

    #[test]
    fn without_any_the_error_names_both_sources() {
        let text =
            resolve(RawCredentials::default(), RawCredentials::default(), Host::Function).unwrap_err().to_string();
        assert!(text.contains("x-fc-security-token") && text.contains("ALIBABA_CLOUD_SECURITY_TOKEN"), "{text}");
    }

    #[test]
    fn a_terminal_is_told_of_variables_and_not_of_headers() {
        let text =
            resolve(RawCredentials::default(), RawCredentials::default(), Host::Terminal).unwrap_err().to_string();
        assert!(text.contains("ALIBABA_CLOUD_ACCESS_KEY_ID") && !text.contains("x-fc"), "{text}");
        assert!(!text.contains("header") && !text.contains("function"), "{text}");
    }

    #[test]
    fn a_pair_without_a_token_is_enough_on_a_terminal_only() {
        let pair = || found("id", "secret", "");
        let credentials = resolve(RawCredentials::default(), pair(), Host::Terminal).unwrap();
        assert!(credentials.security_token.is_none());
        let error = resolve(RawCredentials::default(), pair(), Host::Function).unwrap_err();
        assert!(error.to_string().contains("ALIBABA_CLOUD_SECURITY_TOKEN"), "{error}");
        let error = resolve(RawCredentials::default(), found("id", "", ""), Host::Terminal).unwrap_err();
        let missing = vec!["`ALIBABA_CLOUD_ACCESS_KEY_SECRET`"];
        assert_eq!(error, Error::Partial { source_name: Source::Environment, missing });
    }

    /// Source: ali-sdk/ali-oss issue 1363, a key id with a line break at its end.
    #[test]
    fn white_space_around_a_key_belongs_to_none() {
        let (headers, none) = (found("id\n", " secret", "\ttoken\r\n"), RawCredentials::default);
        for (headers, environment) in [(headers.clone(), none()), (none(), headers)] {
            let credentials = resolve(headers, environment, Host::Function).unwrap();
            assert_eq!(credentials.access_key_id, "id");
            assert_eq!(credentials.access_key_secret.expose_secret(), "secret");
            assert_eq!(credentials.security_token.unwrap().expose_secret(), "token");
        }
        let blank = resolve(found(" ", "\n", "\t"), found("e", "e", "e"), Host::Function).unwrap();
        assert_eq!(blank.access_key_id, "e", "what is blank is not there");
    }

    #[test]
    fn debug_shows_no_key() {
        let credentials =
            resolve(found("key-id", "key-secret", "token"), RawCredentials::default(), Host::Function).unwrap();
        assert_eq!(format!("{credentials:?}"), "Credentials { source: RequestHeaders, .. }");
    }
}
