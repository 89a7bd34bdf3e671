//! Whose keys they are.

use aliyun::{CallerIdentity, Error, Kind, Session};
use authorization::baseline::DTS_ROLE;
use authorization::settings::Scope;
use authorization::target::AccountId;
use authorization::text::{chain, sanitized};

use super::checks::CheckResult;

pub(super) struct Caller {
    pub(super) account: Option<AccountId>,
    /// Why no other call is made with these keys.
    pub(super) unusable: Option<String>,
}

/// `expected` is the function's account, where the platform says it.
pub(super) async fn check(
    session: Result<&Session, String>,
    expected: Option<&AccountId>,
    scope: Scope,
) -> (CheckResult, Caller) {
    let unknown = Caller { account: expected.cloned(), unusable: None };
    let session = match session {
        Ok(session) => session,
        Err(why) => return (CheckResult::skipped(why), unknown),
    };
    match session.get_caller_identity().await {
        Ok(caller) => {
            let is_another = expected.is_some_and(|expected| expected.as_str() != caller.account_id);
            let unusable = is_another.then(|| "the keys are those of another account: see `caller`".to_owned());
            let account = caller.account_id.parse().ok().or(unknown.account);
            (of_identity(&caller, expected, scope), Caller { account, unusable })
        }
        Err(error) => {
            let unusable = are_refused(&error).then(|| "the cloud does not accept the keys: see `caller`".to_owned());
            let next = match error.kind {
                _ if error.is("InvalidSecurityToken.Expired") => {
                    "get fresh temporary keys; a function's come with each invocation"
                }
                _ if unusable.is_some() => "give the program other keys: these are not accepted",
                Kind::Denied => "allow `sts:GetCallerIdentity`: before every repair the guard asks whose its keys are",
                _ => "run the doctor again; if it stays so, look at the status page of STS",
            };
            (CheckResult::failed(chain(&error), next), Caller { unusable, ..unknown })
        }
    }
}

fn of_identity(caller: &CallerIdentity, expected: Option<&AccountId>, scope: Scope) -> CheckResult {
    let account = sanitized(&caller.account_id);
    if let Some(expected) = expected.filter(|expected| expected.as_str() != caller.account_id) {
        return CheckResult::failed(
            format!("the keys are those of account `{account}`, but the function is in account `{expected}`"),
            "give the function a role of its own account",
        );
    }
    match caller.role_name() {
        Some(role) if role.eq_ignore_ascii_case(DTS_ROLE) => CheckResult::failed(
            format!("the keys are those of the role `{DTS_ROLE}`, which is the one that is guarded"),
            "give the function a role of its own: a repair would delete the role whose keys it works with",
        ),
        Some(role) => CheckResult::ok(format!("role `{}` of account `{account}`", sanitized(role))),
        None if caller.arn.ends_with(":root") => {
            let said = format!("the root of account `{account}`");
            let next = "use the keys of a RAM role with the policies in `policies/`";
            match scope {
                Scope::Account => CheckResult::warning(said + ", which may do everything", next),
                Scope::Organization => CheckResult::failed(said + ", which cannot assume a role in a member", next),
            }
        }
        None => CheckResult::ok(format!("`{}`", sanitized(&caller.arn))),
    }
}

/// Whether the keys are refused, and not only the call.
fn are_refused(error: &Error) -> bool {
    const CODES: [&str; 5] =
        ["InvalidAccessKeyId", "InvalidSecurityToken", "MissingSecurityToken", "SignatureDoesNotMatch", "Inactive"];
    error.code.as_deref().is_some_and(|code| CODES.iter().any(|refused| code.starts_with(refused)))
}
