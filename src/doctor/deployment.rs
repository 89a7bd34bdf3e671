//! What can be said without a call: settings, keys, and what only the platform's console shows.

use aliyun::credentials::{Credentials, Error, Host};

use super::checks::{CheckResult, Checks};
use crate::config::{Config, InvalidSettings};

pub(super) const IDS: [&str; 2] = ["queue", "log"];

pub(super) fn settings(config: &Result<&Config, InvalidSettings>) -> CheckResult {
    match config {
        Ok(config) => CheckResult::ok(format!("mode `{}`, scope `{}`", config.mode, config.scope)),
        Err(InvalidSettings(mistakes)) => {
            CheckResult::failed(mistakes.join("; "), "correct these environment variables; until then every run fails")
        }
    }
}

pub(super) fn credentials(found: &Result<Credentials, Error>) -> CheckResult {
    let error = match found {
        Ok(keys) if keys.security_token.is_some() => {
            let source = &keys.source;
            return CheckResult::ok(format!("temporary keys from {source}; their lifetime is not known"));
        }
        Ok(keys) => return CheckResult::ok(format!("permanent keys from {}, which do not expire", keys.source)),
        Err(error) => error,
    };
    let next = match error {
        Error::Missing => "give the function a role (`role` in `s.yaml`, see docs/deploying.md)",
        Error::MissingOnTerminal => "set these variables",
        Error::Profile(_) => "set these variables, or name a profile with `--profile`",
        Error::NotEntered(_) => "let the profile's user assume the role, and the role trust the user",
        Error::Partial { .. } => "give all of them together, or none, so that the next source is looked at",
    };
    CheckResult::failed(error.to_string(), next)
}

/// A function cannot read where its failed runs go, nor its log.
pub(super) fn queue_and_log(checks: &mut Checks, host: Host, notices: usize, request_id: &str) {
    match host {
        Host::Terminal => {
            checks.skip(&IDS[..1], "a terminal has no queue of failed runs");
            checks.skip(&IDS[1..], "a terminal writes its log to standard error");
        }
        Host::Function => {
            let chats = if notices == 0 { "no chat".to_owned() } else { format!("{notices} chats") };
            let queue = format!(
                "a function cannot read where the platform puts its failed runs; `DTS_GUARD_NOTIFY` notifies {chats}"
            );
            let next = "look at `asyncInvokeConfig` of the function: `destinationConfig.onFailure` must name a queue";
            checks.put(IDS[0], CheckResult::skipped(queue).with_next(next));
            let next = format!("search the log store for `{request_id}`: the doctor has written a line with it");
            checks.put(IDS[1], CheckResult::skipped("a function cannot read its own log").with_next(next));
        }
    }
}
