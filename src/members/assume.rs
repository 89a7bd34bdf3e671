//! `AssumeRole` into a member account, with as few rights and as little time as the run needs.

use std::time::Duration;

use aliyun::{AssumeRole, Error, Kind, Session};
use authorization::settings::Mode;
use authorization::target::{AccountId, RoleName};

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

/// A member account that could not be entered. The report has the sentences.
#[derive(Debug)]
pub struct AccessDenied {
    /// The call that failed.
    pub error: Error,
    /// Why, as far as STS tells.
    pub why: Denied,
    /// The role that was to be assumed.
    pub role_arn: String,
    is_new: bool,
}

/// Why a role could not be assumed. STS has one code, `NoPermission`, for several causes. Only its `AccessDeniedDetail` tells
/// them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Denied {
    RoleMissing,
    CallerIsRoot,
    NotGranted,
    ControlPolicy,
    NotTrusted,
    NotGrantedOrNotTrusted,
    Other,
}

impl Denied {
    fn of(error: &Error) -> Self {
        if error.is_role_missing() {
            return Self::RoleMissing;
        }
        if error.kind != Kind::Denied || !error.is("NoPermission") {
            return Self::Other;
        }
        let Some(denial) = &error.denial else { return Self::NotGrantedOrNotTrusted };
        match (denial.auth_principal_type.as_deref(), denial.policy_type.as_deref()) {
            (Some("Account"), _) => Self::CallerIsRoot,
            (_, Some("ControlPolicy")) => Self::ControlPolicy,
            (_, Some("AssumeRolePolicy")) => Self::NotTrusted,
            (_, Some(policy)) if policy.ends_with("IdentityBasedPolicy") || policy == "SessionPolicy" => {
                Self::NotGranted
            }
            _ => Self::NotGrantedOrNotTrusted,
        }
    }
}

impl AccessDenied {
    /// Whether the access role of a new member may only not be there yet.
    fn may_be_too_early(&self) -> bool {
        match self.why {
            Denied::RoleMissing | Denied::NotTrusted | Denied::NotGrantedOrNotTrusted => self.is_new,
            Denied::CallerIsRoot | Denied::NotGranted | Denied::ControlPolicy | Denied::Other => false,
        }
    }

    /// Whether the platform's own retry can help.
    pub fn may_pass(&self) -> bool {
        self.error.kind.may_pass() || self.may_be_too_early()
    }
}

/// The keys of a member account.
///
/// # Errors
/// With what a person can do about it.
pub async fn assume_member_role(
    session: &Session,
    account: &AccountId,
    entry: Entry<'_>,
) -> Result<Session, AccessDenied> {
    let role_arn = entry.role.arn_in(account);
    let request = AssumeRole {
        role_arn: role_arn.clone(),
        session_name: session_name(&session.clock().nonce()),
        duration_seconds: duration_seconds(session.remaining()),
        policy: Some(session_policy(entry.mode).to_owned()),
        external_id: None,
    };
    let mut waits = WAITS.into_iter().filter(|_| entry.is_new);
    loop {
        let denied = match session.assume_role(&request).await {
            Ok(keys) => return Ok(session.with_keys(keys, account.as_str())),
            Err(error) => {
                AccessDenied { why: Denied::of(&error), error, role_arn: role_arn.clone(), is_new: entry.is_new }
            }
        };
        let Some(wait) = waits.next().filter(|_| denied.may_be_too_early()) else { return Err(denied) };
        tracing::info!(account = account.as_str(), reason = %denied, "waiting for the access role of a new member");
        if !session.pause(Some(wait)).await {
            return Err(denied);
        }
    }
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
    use aliyun::Denial;

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

    fn why(principal: &str, policy: Option<&str>) -> Denied {
        let denial = policy.map(|policy| Denial {
            auth_principal_type: Some(principal.to_owned()),
            policy_type: Some(policy.to_owned()),
            ..Denial::default()
        });
        Denied::of(&Error::denied("AssumeRole", "NoPermission", denial))
    }

    #[test]
    fn the_detail_tells_what_the_code_does_not() {
        for (policy, expected) in [
            (None, Denied::NotGrantedOrNotTrusted),
            (Some("AccountLevelIdentityBasedPolicy"), Denied::NotGranted),
            (Some("SessionPolicy"), Denied::NotGranted),
            (Some("AssumeRolePolicy"), Denied::NotTrusted),
            (Some("ControlPolicy"), Denied::ControlPolicy),
            (Some("SomethingNew"), Denied::NotGrantedOrNotTrusted),
        ] {
            assert_eq!(why("AssumedRoleUser", policy), expected, "{policy:?}");
        }
        assert_eq!(why("Account", Some("AccountLevelIdentityBasedPolicy")), Denied::CallerIsRoot);
    }
}
