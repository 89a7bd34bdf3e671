//! Why a call did not succeed, for the person who has to fix it: which key, which permission on which resource, which
//! address.

use authorization::text::sanitized;

use super::request::Request;
use super::{Error, Kind};
use crate::credentials::Credentials;
use crate::error::{CallContext, Denial};
use crate::redaction::CallSecrets;

impl Denial {
    pub(super) fn redacted(self, secrets: &CallSecrets) -> Self {
        let redact = |text: Option<String>| text.map(|text| secrets.redact(text));
        Self {
            auth_principal_type: redact(self.auth_principal_type),
            auth_principal_display_name: redact(self.auth_principal_display_name),
            auth_principal_owner_id: redact(self.auth_principal_owner_id),
            auth_action: redact(self.auth_action),
            policy_type: redact(self.policy_type),
            no_permission_type: redact(self.no_permission_type),
        }
    }

    /// Whether a control policy of the resource directory denied it: then no grant in the account helps.
    pub fn is_by_control_policy(&self) -> bool {
        self.policy_type.as_deref() == Some("ControlPolicy")
    }

    fn caller(&self) -> Option<String> {
        let name = self.auth_principal_display_name.as_deref()?;
        let account = self.auth_principal_owner_id.as_deref();
        let of = account.map(|account| format!(" of account `{}`", sanitized(account))).unwrap_or_default();
        Some(format!("`{}`{of}", sanitized(name)))
    }
}

impl CallContext {
    pub(super) fn of(request: &Request, account: &str, credentials: &Credentials, address: String) -> Self {
        Self {
            permission: format!("{}:{}", request.api.product(), request.operation),
            resources: resources(request, account),
            address,
            key: beginning(&credentials.access_key_id),
            source: credentials.source.clone(),
            is_temporary: credentials.security_token.is_some(),
        }
    }

    fn key(&self) -> String {
        format!("`{}` from {}", self.key, self.source)
    }
}

/// Enough of a key id to know it by.
fn beginning(id: &str) -> String {
    let shown: String = id.chars().take((id.chars().count() / 2).min(8)).collect();
    sanitized(&format!("{shown}…"))
}

/// In the words of the vendor's authorization tables.
fn resources(request: &Request, account: &str) -> Vec<String> {
    let account = if account.is_empty() { "*" } else { account };
    let param = |name| request.params.iter().find(|(other, _)| *other == name).map(|(_, value)| value.as_str());
    let role = |name: &str| format!("acs:ram:*:{account}:role/{name}");
    if let Some(arn) = param("RoleArn") {
        return vec![arn.to_owned()];
    }
    if let Some(member) = param("AccountId") {
        return vec![format!("acs:resourcemanager:*:{account}:account/{member}")];
    }
    if let Some(names) = param("ResourceNames") {
        let names: Vec<String> = serde_json::from_str(names).unwrap_or_default();
        return names.iter().map(|name| role(name)).collect();
    }
    let policy = param("PolicyName").map(|name| match param("PolicyType") {
        Some("System") => format!("acs:ram:*:system:policy/{name}"),
        _ => format!("acs:ram:*:{account}:policy/{name}"),
    });
    param("RoleName").map(role).into_iter().chain(policy).collect()
}

impl Error {
    /// What a person has to know to fix it, where the cloud's code says it.
    pub fn cause(&self) -> Option<String> {
        let asked = self.call.as_deref()?;
        Some(match (self.code.as_deref()?, self.kind) {
            ("InvalidAccessKeyId.NotFound", _) if asked.is_temporary => {
                format!("the access key id {} is unknown, or its temporary keys have expired", asked.key())
            }
            ("InvalidAccessKeyId.NotFound", _) => format!("the access key id {} is unknown", asked.key()),
            ("InvalidAccessKeyId.Inactive", _) => format!("the access key {} is disabled", asked.key()),
            ("InvalidSecurityToken.Expired", _) => "the temporary keys have expired".to_owned(),
            ("InvalidSecurityToken.MismatchWithAccessKey", _) => {
                format!("the security token does not belong to the access key id {}", asked.key())
            }
            ("MissingSecurityToken", _) => {
                format!("the access key id {} is one of temporary keys, which need their security token", asked.key())
            }
            (code, _) if code.starts_with("InvalidSecurityToken") => {
                format!("the security token from {} is not one that the cloud gave", asked.source)
            }
            ("SignatureDoesNotMatch", _) => {
                format!("the access key secret does not belong to the access key id {}", asked.key())
            }
            ("Inactive", _) => "the account is suspended".to_owned(),
            (_, Kind::Denied) => self.what_is_denied(asked),
            _ => return None,
        })
    }

    fn what_is_denied(&self, asked: &CallContext) -> String {
        let denial = self.denial.as_deref();
        let told = denial.and_then(|denial| denial.auth_action.as_deref());
        let resources: Vec<_> = asked.resources.iter().map(|resource| format!("`{}`", sanitized(resource))).collect();
        let on = if resources.is_empty() { String::new() } else { format!(" on {}", resources.join(" and ")) };
        let what = format!("`{}`{on}", sanitized(told.unwrap_or(&asked.permission)));
        let caller = denial.and_then(Denial::caller);
        let of = caller.as_ref().map(|caller| format!(" of {caller}")).unwrap_or_default();
        let policy = denial.and_then(|denial| denial.policy_type.as_deref()).unwrap_or_default();
        let is_explicit = denial.and_then(|denial| denial.no_permission_type.as_deref()) == Some("ExplicitDeny");
        match policy {
            "ControlPolicy" => {
                let who = caller.map(|caller| format!(" to {caller}")).unwrap_or_default();
                format!("a control policy of the resource directory forbids {what}{who}")
            }
            "SessionPolicy" => format!("the session policy{of} does not allow {what}"),
            _ if is_explicit => format!("a policy{of} forbids {what}"),
            _ => {
                let who = caller.unwrap_or_else(|| format!("the owner of the access key {}", asked.key()));
                format!("{who} lacks the permission {what}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Source;

    fn error(code: &str, denial: Option<Denial>) -> Error {
        let asked = CallContext {
            permission: "ram:GetRole".to_owned(),
            resources: vec!["acs:ram:*:1234567890123456:role/AliyunDTSDefaultRole".to_owned()],
            address: "ram.aliyuncs.com:443".to_owned(),
            key: beginning("LTAI5tExampleKeyId"),
            source: Source::Environment,
            is_temporary: false,
        };
        Error { call: Some(Box::new(asked)), ..Error::denied("GetRole", code, denial) }
    }

    fn denial(policy: &str, kind: &str) -> Denial {
        Denial {
            auth_principal_display_name: Some("guard:s".to_owned()),
            policy_type: Some(policy.to_owned()),
            no_permission_type: Some(kind.to_owned()),
            ..Denial::default()
        }
    }

    #[test]
    fn a_denial_names_caller_permission_and_resource() {
        let what = "`ram:GetRole` on `acs:ram:*:1234567890123456:role/AliyunDTSDefaultRole`";
        for (denial, says) in [
            (None, format!("the owner of the access key `LTAI5tEx…` from the environment lacks the permission {what}")),
            (
                Some(denial("AccountLevelIdentityBasedPolicy", "ImplicitDeny")),
                format!("`guard:s` lacks the permission {what}"),
            ),
            (
                Some(denial("AccountLevelIdentityBasedPolicy", "ExplicitDeny")),
                format!("a policy of `guard:s` forbids {what}"),
            ),
            (
                Some(denial("ControlPolicy", "ExplicitDeny")),
                format!("a control policy of the resource directory forbids {what} to `guard:s`"),
            ),
            (
                Some(denial("SessionPolicy", "ImplicitDeny")),
                format!("the session policy of `guard:s` does not allow {what}"),
            ),
        ] {
            assert_eq!(error("NoPermission", denial).cause(), Some(says));
        }
    }

    #[test]
    fn an_unknown_key_is_called_unknown_and_a_wrong_secret_wrong() {
        let cause = |code| error(code, None).cause().unwrap();
        let key = "the access key id `LTAI5tEx…` from the environment";
        assert_eq!(cause("InvalidAccessKeyId.NotFound"), format!("{key} is unknown"));
        assert_eq!(cause("SignatureDoesNotMatch"), format!("the access key secret does not belong to {key}"));
    }

    #[test]
    fn no_key_id_is_shown_whole() {
        assert_eq!(beginning("STS.Lab"), "STS…");
        assert_eq!(beginning("LTAI\n5tExample"), "LTAI\\u{a}5t…");
        assert_eq!(beginning(""), "…");
    }

    #[test]
    fn a_detail_of_another_shape_is_read_as_far_as_it_goes() {
        let detail = r#"{"PolicyType": null, "AuthAction": ["x"], "AuthPrincipalOwnerId": 12345, "New": {}}"#;
        let denial: Denial = serde_json::from_str(detail).unwrap();
        assert_eq!(denial, Denial { auth_principal_owner_id: Some("12345".to_owned()), ..Denial::default() });
    }
}
