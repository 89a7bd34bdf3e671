//! Whether the role can be read, and what it looks like.

use aliyun::{Error, Kind, Session};
use authorization::baseline::{DTS, DTS_ROLE};
use authorization::role::ObservedRole;
use authorization::text::chain;
use authorization::verify::{self, FindingId};

use super::checks::{CheckResult, Checks, timed};
use crate::observe;

pub(super) const IDS: [&str; 3] = ["role", "policies", "tags"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RoleHealth {
    Unknown,
    /// It is missing, or a condition of the authorization fails.
    NotAuthorized,
    Authorized,
}

const POLICY: &str = "policies/verify.json";
const NOT_AUTHORIZED: &str = "a run repairs it where the mode allows it: `dts-role-guard plan` shows how";

/// `GetRole`, `ListPoliciesForRole` and, needed before a repair, `ListTagResources`.
pub(super) async fn check(checks: &mut Checks, session: Result<&Session, String>) -> Result<RoleHealth, String> {
    let session = session?;
    let clock = session.clock();
    let ((role, role_took), (policies, policies_took), (tags, tags_took)) = tokio::join!(
        timed(&**clock, session.get_role(DTS_ROLE)),
        timed(&**clock, session.list_policies_for_role(DTS_ROLE)),
        timed(&**clock, session.list_role_tags(DTS_ROLE)),
    );
    // Why DTS may not assume the role, whatever is attached to it.
    let trust = role.as_ref().ok().and_then(|facts| {
        let role = ObservedRole::Present(observe::present(facts.clone(), Vec::new()));
        verify::role(&role, &DTS).into_iter().find(|finding| finding.id == FindingId::TrustServiceMissing)
    });
    let has_policy = policies.as_ref().is_ok_and(|policies| policies.contains(&DTS.policy()));
    let health = match (&role, &policies) {
        (Ok(_), Ok(_)) if trust.is_none() && has_policy => RoleHealth::Authorized,
        (Ok(_), Ok(_)) => RoleHealth::NotAuthorized,
        (Err(error), _) if error.is_role_missing() => RoleHealth::NotAuthorized,
        _ => RoleHealth::Unknown,
    };
    let of_role = match &role {
        Err(error) if error.is_role_missing() => {
            CheckResult::warning("`GetRole` is allowed; the role is missing", NOT_AUTHORIZED)
        }
        reply => of_read("GetRole", reply, |_| match trust {
            None => CheckResult::ok("`GetRole` is allowed, and the role lets DTS assume it"),
            Some(finding) => CheckResult::warning(format!("`GetRole` is allowed; {}", finding.message), NOT_AUTHORIZED),
        }),
    };
    checks.put_timed(IDS[0], (of_role, role_took));
    let of_policies = of_read("ListPoliciesForRole", &policies, |policies| {
        if has_policy {
            return CheckResult::ok(format!("`ListPoliciesForRole` is allowed; attached: {}", policies.len()));
        }
        let missing = format!("the system policy `{}` is not attached", DTS.policy);
        CheckResult::warning(format!("`ListPoliciesForRole` is allowed; {missing}"), NOT_AUTHORIZED)
    });
    checks.put_timed(IDS[1], (of_policies, policies_took));
    let of_tags = match &tags {
        Err(error) if !error.is_role_missing() => CheckResult::failed(
            format!("{}; without its tags no role is deleted, so a repair would be refused", chain(error)),
            next(error, POLICY),
        ),
        reply => of_read("ListTagResources", reply, |tags| {
            CheckResult::ok(format!("`ListTagResources` is allowed; tags: {}", tags.len()))
        }),
    };
    checks.put_timed(IDS[2], (of_tags, tags_took));
    Ok(health)
}

/// Where a role is missing, the call was allowed.
fn of_read<T>(operation: &str, reply: &Result<T, Error>, found: impl FnOnce(&T) -> CheckResult) -> CheckResult {
    match reply {
        Ok(reply) => found(reply),
        Err(error) if error.is_role_missing() => {
            CheckResult::ok(format!("`{operation}` is allowed; the role is missing"))
        }
        Err(error) => CheckResult::failed(chain(error), next(error, POLICY)),
    }
}

/// What to do about a call that failed, where `policy` would allow it.
pub(super) fn next(error: &Error, policy: &str) -> String {
    let by_control_policy = error.denial.as_deref().is_some_and(aliyun::Denial::is_by_control_policy);
    match error.kind {
        Kind::Denied if by_control_policy => {
            "ask whoever manages the resource directory's control policies to let the guard's role do it".to_owned()
        }
        Kind::Denied => format!("attach the statements of `{policy}` to the guard's own role"),
        Kind::Throttled => "run the doctor again later; if it stays so, lower `DTS_GUARD_RATE`".to_owned(),
        Kind::DeadlineExceeded => "give the function more time (`timeout`)".to_owned(),
        _ => "run the doctor again; if it stays so, ask the vendor with the request id".to_owned(),
    }
}
