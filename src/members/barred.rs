//! Why a member account could not be entered, as far as STS tells, and what a person can do about it.

use std::fmt;

use aliyun::{Error, Kind};
use authorization::text::chain;

/// A member account that could not be entered.
#[derive(Debug)]
pub struct Barred {
    /// The call that failed.
    pub error: Error,
    cause: Cause,
    role_arn: String,
    is_new: bool,
}

/// STS has one code, `NoPermission`, for several causes. Only its `AccessDeniedDetail` tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cause {
    RoleMissing,
    CallerIsRoot,
    NotGranted,
    ControlPolicy,
    NotTrusted,
    NotGrantedOrNotTrusted,
    Other,
}

impl Cause {
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

impl Barred {
    pub(super) fn new(error: Error, role_arn: String, is_new: bool) -> Self {
        Self { cause: Cause::of(&error), error, role_arn, is_new }
    }

    /// Whether the access role of a new member may only not be there yet.
    pub(super) fn may_be_too_early(&self) -> bool {
        match self.cause {
            Cause::RoleMissing | Cause::NotTrusted | Cause::NotGrantedOrNotTrusted => self.is_new,
            Cause::CallerIsRoot | Cause::NotGranted | Cause::ControlPolicy | Cause::Other => false,
        }
    }

    /// Whether the platform's own retry can help.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.error.kind.may_pass() || self.may_be_too_early()
    }
}

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = &self.role_arn;
        match self.cause {
            Cause::RoleMissing => write!(f, "there is no role `{role}`: create it, or name another in the settings"),
            Cause::CallerIsRoot => write!(f, "an account's root cannot assume a role: use the keys of a RAM role"),
            Cause::NotGranted => write!(f, "the guard's own role lacks `sts:AssumeRole` on `{role}`"),
            Cause::ControlPolicy => write!(f, "a control policy of the resource directory forbids `{role}`"),
            Cause::NotTrusted => write!(f, "the role `{role}` does not trust the guard's own role"),
            Cause::NotGrantedOrNotTrusted => write!(
                f,
                "either the guard's own role lacks `sts:AssumeRole` on `{role}`, or that role does not trust it"
            ),
            Cause::Other => write!(f, "the role `{role}` could not be assumed: {}", chain(&self.error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use aliyun::Denial;

    use super::*;

    fn cause(principal: &str, policy: Option<&str>) -> Cause {
        let denial = policy.map(|policy| Denial {
            auth_principal_type: Some(principal.to_owned()),
            policy_type: Some(policy.to_owned()),
            ..Denial::default()
        });
        Cause::of(&Error::denied("AssumeRole", "NoPermission", denial))
    }

    #[test]
    fn the_detail_tells_what_the_code_does_not() {
        for (policy, expected) in [
            (None, Cause::NotGrantedOrNotTrusted),
            (Some("AccountLevelIdentityBasedPolicy"), Cause::NotGranted),
            (Some("SessionPolicy"), Cause::NotGranted),
            (Some("AssumeRolePolicy"), Cause::NotTrusted),
            (Some("ControlPolicy"), Cause::ControlPolicy),
            (Some("SomethingNew"), Cause::NotGrantedOrNotTrusted),
        ] {
            assert_eq!(cause("AssumedRoleUser", policy), expected, "{policy:?}");
        }
        assert_eq!(cause("Account", Some("AccountLevelIdentityBasedPolicy")), Cause::CallerIsRoot);
    }
}
