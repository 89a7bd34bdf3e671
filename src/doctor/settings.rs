//! Settings and credentials, before anybody is called.

use aliyun::credentials::{Credentials, Error};

use super::report::Answer;
use crate::config::{Config, InvalidSettings};

/// Whether the settings are right, and what they say.
pub(super) fn check(config: &Result<&Config, InvalidSettings>) -> Answer {
    match config {
        Ok(config) => Answer::ok(format!("mode `{}`, scope `{}`", config.mode, config.scope)),
        Err(InvalidSettings(mistakes)) => {
            Answer::failed(mistakes.join("; "), "correct these environment variables; until then every run fails")
        }
    }
}

/// Where the keys come from, what they are, and how long they last.
pub(super) fn credentials(found: &Result<Credentials, Error>) -> Answer {
    match found {
        Ok(keys) if keys.security_token.is_some() => {
            Answer::ok(format!("temporary keys from {}; how long they last is not told", keys.source))
        }
        Ok(keys) => Answer::ok(format!("permanent keys from {}, which do not expire", keys.source)),
        Err(error @ Error::Missing) => {
            Answer::failed(error.to_string(), "give the function a role (`role` in `s.yaml`, see docs/deploying.md)")
        }
        Err(error @ Error::MissingOnTerminal) => Answer::failed(error.to_string(), "set these variables"),
        Err(error @ (Error::NoHome | Error::Profile { .. })) => {
            Answer::failed(error.to_string(), "set these variables, or name a profile with `--profile`")
        }
        Err(error @ Error::NotEntered(_)) => {
            Answer::failed(error.to_string(), "let the profile's user assume the role, and the role trust the user")
        }
        Err(error @ Error::Partial { .. }) => Answer::failed(
            error.to_string(),
            "give all of them together, or none, so that the next source is looked at",
        ),
    }
}
