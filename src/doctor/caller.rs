//! Whose keys they are.

use aliyun::{CallerIdentity, Error, Kind, Session};
use authorization::baseline::DTS_ROLE;
use authorization::settings::Scope;
use authorization::target::AccountId;
use authorization::text::{chain, sanitized};

use super::report::Answer;

/// What is known of who calls.
pub(super) struct Caller {
    /// The own account.
    pub(super) account: Option<AccountId>,
    /// Why nobody else is called with these keys.
    pub(super) useless: Option<String>,
}

/// Whose account, whose role; not the role that is guarded.
pub(super) async fn check(
    session: Result<&Session, String>,
    told: Option<&AccountId>,
    scope: Scope,
) -> (Answer, Caller) {
    let unknown = Caller { account: told.cloned(), useless: None };
    let session = match session {
        Ok(session) => session,
        Err(why) => return (Answer::skipped(why), unknown),
    };
    match session.get_caller_identity().await {
        Ok(caller) => {
            let is_another = told.is_some_and(|told| told.as_str() != caller.account_id);
            let useless = is_another.then(|| "the keys are those of another account: see `caller`".to_owned());
            let account = caller.account_id.parse().ok().or(unknown.account);
            (of(&caller, told, scope), Caller { account, useless })
        }
        Err(error) => {
            let useless = are_refused(&error).then(|| "the cloud does not accept the keys: see `caller`".to_owned());
            (failed(&error), Caller { useless, ..unknown })
        }
    }
}

fn of(caller: &CallerIdentity, told: Option<&AccountId>, scope: Scope) -> Answer {
    let account = sanitized(&caller.account_id);
    if let Some(told) = told.filter(|told| told.as_str() != caller.account_id) {
        return Answer::failed(
            format!("the keys are those of account `{account}`, but the function is in account `{told}`"),
            "give the function a role of its own account",
        );
    }
    match caller.role_name() {
        Some(role) if role.eq_ignore_ascii_case(DTS_ROLE) => Answer::failed(
            format!("the keys are those of the role `{DTS_ROLE}`, which is the one that is guarded"),
            "give the function a role of its own: a repair would delete the role whose keys it works with",
        ),
        Some(role) => Answer::ok(format!("role `{}` of account `{account}`", sanitized(role))),
        None if caller.arn.ends_with(":root") => {
            let said = format!("the root of account `{account}`");
            let next = "use the keys of a RAM role with the policies in `policies/`";
            match scope {
                Scope::Account => Answer::warning(said + ", which may do everything", next),
                Scope::Organization => Answer::failed(said + ", which cannot assume a role in a member", next),
            }
        }
        None => Answer::ok(format!("`{}`", sanitized(&caller.arn))),
    }
}

fn failed(error: &Error) -> Answer {
    let next = match error.kind {
        _ if error.is("InvalidSecurityToken.Expired") => {
            "get fresh temporary keys; a function's come with each invocation"
        }
        _ if are_refused(error) => "give the program other keys: these are not accepted",
        Kind::Denied => "allow `sts:GetCallerIdentity`: before every repair the guard asks whose its keys are",
        _ => "run the doctor again; if it stays so, look at the status page of STS",
    };
    Answer::failed(chain(error), next)
}

/// Whether it is the keys that are refused, and not the call.
fn are_refused(error: &Error) -> bool {
    const CODES: [&str; 5] =
        ["InvalidAccessKeyId", "InvalidSecurityToken", "MissingSecurityToken", "SignatureDoesNotMatch", "Inactive"];
    error.code.as_deref().is_some_and(|code| CODES.iter().any(|refused| code.starts_with(refused)))
}
