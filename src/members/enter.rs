//! `AssumeRole` into a member account, with as few rights and as little time as the run needs.

use std::time::Duration;

use aliyun::{AssumeRole, Error, Session};
use authorization::settings::Mode;
use authorization::target::{AccountId, RoleName};

use super::Barred;

/// The sessions of the guard are known by the start of their name.
pub const SESSION_PREFIX: &str = "dts-role-guard-";

/// The session's rights are those of the role *and* those of one of these documents.
const VERIFY: &str = include_str!("../../policies/verify.json");
const REMEDIATE: &str = include_str!("../../policies/remediate.json");

/// The access role of a new member appears a little after the account (inferred): half a minute is waited for it.
const WAITS: [Duration; 5] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
    Duration::from_secs(8),
    Duration::from_secs(15),
];

/// How a member account is entered.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// By which role.
    pub role: &'a RoleName,
    /// For what.
    pub mode: Mode,
    /// Whether the account has just become a member.
    pub is_new: bool,
}

/// The keys of a member account.
///
/// # Errors
/// With what a person can do about it.
pub async fn enter(session: &Session, account: &AccountId, entry: Entry<'_>) -> Result<Session, Barred> {
    let ask = AssumeRole {
        role_arn: entry.role.arn_in(account),
        session_name: session_name(&session.clock().nonce()),
        duration_seconds: duration_seconds(session.remaining()),
        policy: Some(session_policy(entry.mode).to_owned()),
        external_id: None,
    };
    let mut waits = WAITS.into_iter().filter(|_| entry.is_new);
    loop {
        let barred = match session.assume_role(&ask).await {
            Ok(keys) => return Ok(session.with_keys(keys, account.as_str())),
            Err(error) => barred(error, account, entry),
        };
        let Some(wait) = waits.next().filter(|_| barred.may_be_too_early()) else { return Err(barred) };
        tracing::info!(account = account.as_str(), reason = %barred, "waiting for the access role of a new member");
        if !session.pause(wait).await {
            return Err(barred);
        }
    }
}

fn barred(error: Error, account: &AccountId, entry: Entry<'_>) -> Barred {
    Barred::new(error, entry.role.arn_in(account), entry.is_new)
}

/// 2 to 32 characters.
fn session_name(nonce: &str) -> String {
    let unique = nonce.chars().filter(char::is_ascii_alphanumeric).take(12);
    SESSION_PREFIX.chars().chain(unique).collect()
}

/// At least what STS takes, at most what every role allows.
fn duration_seconds(remaining: Duration) -> u32 {
    u32::try_from(remaining.as_secs()).unwrap_or(u32::MAX).clamp(900, 3600)
}

fn session_policy(mode: Mode) -> &'static str {
    match mode {
        Mode::Verify | Mode::Plan => VERIFY,
        Mode::Remediate => REMEDIATE,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_keeps_to_the_limits_of_sts() {
        for (nonce, name) in [("6f1d2c3b-4a59-6877-0000", "dts-role-guard-6f1d2c3b4a59"), ("é", "dts-role-guard-")] {
            assert_eq!(session_name(nonce), name);
            assert!((2..=32).contains(&name.len()));
        }
        for (seconds, asked) in [(0, 900), (1000, 1000), (4000, 3600)] {
            assert_eq!(duration_seconds(Duration::from_secs(seconds)), asked);
        }
        assert_eq!(duration_seconds(Duration::MAX), 3600);
        for mode in [Mode::Verify, Mode::Plan, Mode::Remediate] {
            assert!((1..=2048).contains(&session_policy(mode).chars().count()), "{mode}");
        }
    }
}
