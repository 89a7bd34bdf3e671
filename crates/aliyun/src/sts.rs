//! STS 2015-04-01, as far as the guard needs it (source: the vendor's STS API reference).
#![expect(clippy::missing_errors_doc, reason = "each call may fail with any `Error`; its `Kind` says why")]

use serde::Deserialize;

use super::{Api, Error, Kind, Request, Session};
use crate::credentials::{AssumeRole, Credentials, Source};

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
    pub fn role_name(&self) -> Option<&str> {
        self.arn.split_once(":assumed-role/")?.1.split('/').next()
    }
}

// No `Debug`: it carries keys.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumeRoleReply {
    assumed_role_user: AssumedRoleUser,
    credentials: AssumedKeys,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AssumedRoleUser {
    arn: String,
}

impl AssumedRoleUser {
    /// Whether it is a session of this role: `acs:ram::<account>:role/<name>/<session>` in the vendor's samples,
    /// `assumed-role` elsewhere. The case of the name varies.
    fn is_of(&self, role_arn: &str) -> bool {
        let said = self.arn.to_ascii_lowercase().replacen(":assumed-role/", ":role/", 1);
        let session = said.strip_prefix(&role_arn.to_ascii_lowercase());
        session.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
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
    pub async fn get_caller_identity(&self) -> Result<CallerIdentity, Error> {
        let request = Request::read(Api::Sts, "GetCallerIdentity");
        let caller: CallerIdentity = self.read(&request).await?;
        let account = caller.arn.split(':').nth(3).unwrap_or_default();
        if account == caller.account_id && !account.is_empty() {
            return Ok(caller);
        }
        let why = format!(
            "its ARN is of account `{}`, its account `{}`",
            self.quoted(account),
            self.quoted(&caller.account_id)
        );
        Err(self.failed(&request, Kind::Unrelated, why))
    }

    /// `AssumeRole`. It changes nothing, so it is repeated like a read.
    pub async fn assume_role(&self, role: &AssumeRole) -> Result<Credentials, Error> {
        let request = Request::read(Api::Sts, "AssumeRole")
            .param("RoleArn", &role.role_arn)
            .param("RoleSessionName", &role.session_name)
            .param("DurationSeconds", &role.duration_seconds)
            .optional("Policy", role.policy.as_ref())
            .optional("ExternalId", role.external_id.as_ref());
        let AssumeRoleReply { assumed_role_user: user, credentials: keys } = self.read(&request).await?;
        if !user.is_of(&role.role_arn) {
            let why = format!("the keys are those of `{}`", self.quoted(&user.arn));
            return Err(self.failed(&request, Kind::Unrelated, why));
        }
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
    fn keys_are_those_of_the_role_that_was_asked_for() {
        let user = |arn: &str| AssumedRoleUser { arn: arn.to_owned() };
        let asked = "acs:ram::2234567890123456:role/AccessRole";
        for right in ["role/AccessRole/s", "role/accessrole/s", "assumed-role/AccessRole/s"] {
            assert!(user(&format!("acs:ram::2234567890123456:{right}")).is_of(asked), "{right}");
        }
        for wrong in ["acs:ram::3234567890123456:role/AccessRole/s", "acs:ram::2234567890123456:role/AccessRole2/s", ""]
        {
            assert!(!user(wrong).is_of(asked), "{wrong}");
        }
    }

    #[test]
    fn the_role_name_stands_in_the_arn() {
        let caller = |arn: &str| CallerIdentity { account_id: "1".into(), arn: arn.into() };
        let session = caller("acs:ram::1234567890123456:assumed-role/dts-role-guard-role/dts-role-guard");
        assert_eq!(session.role_name(), Some("dts-role-guard-role"));
        assert_eq!(caller("acs:ram::1234567890123456:user/alice").role_name(), None);
    }
}
