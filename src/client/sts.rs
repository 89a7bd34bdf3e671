//! STS 2015-04-01, as far as the guard needs it (source: the vendor's STS API reference).

use serde::Deserialize;

use super::{Api, Error, Request, Session};
use crate::credentials::{Credentials, Source};

/// Who the keys belong to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CallerIdentity {
    /// The account's id.
    pub account_id: String,
    /// For a role: `acs:ram::<account>:assumed-role/<role>/<session>`.
    pub arn: String,
}

impl CallerIdentity {
    /// The name of the role that the keys belong to, if they belong to one.
    #[must_use]
    pub fn role_name(&self) -> Option<&str> {
        self.arn.split_once(":assumed-role/")?.1.split('/').next()
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
}

// No `Debug`: it carries keys.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumeRoleReply {
    credentials: AssumedKeys,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedKeys {
    access_key_id: String,
    access_key_secret: String,
    security_token: String,
}

impl Session {
    /// `GetCallerIdentity`.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn get_caller_identity(&self) -> Result<CallerIdentity, Error> {
        self.read(Request::read(Api::Sts, "GetCallerIdentity")).await
    }

    /// `AssumeRole`. It changes nothing, so it is repeated like a read.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn assume_role(&self, role: &AssumeRole) -> Result<Credentials, Error> {
        let request = Request::read(Api::Sts, "AssumeRole")
            .param("RoleArn", &role.role_arn)
            .param("RoleSessionName", &role.session_name)
            .param("DurationSeconds", &role.duration_seconds)
            .optional("Policy", role.policy.as_ref());
        let keys = self.read::<AssumeRoleReply>(request).await?.credentials;
        Ok(Credentials {
            access_key_id: keys.access_key_id,
            access_key_secret: keys.access_key_secret.into(),
            security_token: Some(keys.security_token.into()),
            source: Source::AssumeRole,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_name_stands_in_the_arn() {
        let caller = |arn: &str| CallerIdentity { account_id: "1".into(), arn: arn.into() };
        let session = caller("acs:ram::1234567890123456:assumed-role/dts-role-guard-role/dts-role-guard");
        assert_eq!(session.role_name(), Some("dts-role-guard-role"));
        assert_eq!(caller("acs:ram::1234567890123456:user/alice").role_name(), None);
    }
}
