//! Whether the role can be read, and what it looks like.

use aliyun::{Error, Kind, RoleFacts, Session};
use authorization::baseline::{DTS, DTS_ROLE};
use authorization::role::{ObservedRole, Tags};
use authorization::text::chain;
use authorization::verify::{self, Finding, FindingId};

use super::checks::{Checks, timed};
use super::report::Answer;
use crate::observe;

pub(super) const IDS: [&str; 3] = ["role", "policies", "tags"];

/// What was found out about the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Found {
    /// It could not be read.
    Unknown,
    /// It is missing, or a condition of the authorization fails.
    NotAuthorized,
    /// It is as DTS needs it.
    Authorized,
}

/// `GetRole`, `ListPoliciesForRole` and, needed before a repair, `ListTagResources`.
pub(super) async fn check(checks: &mut Checks, session: Result<&Session, String>) -> Found {
    let session = match session {
        Ok(session) => session,
        Err(why) => {
            checks.skip(&IDS, &why);
            return Found::Unknown;
        }
    };
    let clock = session.clock();
    let ((role, role_took), (policies, policies_took), (tags, tags_took)) = tokio::join!(
        timed(&**clock, session.get_role(DTS_ROLE)),
        timed(&**clock, session.list_policies_for_role(DTS_ROLE)),
        timed(&**clock, session.list_role_tags(DTS_ROLE)),
    );
    let trust = role.as_ref().ok().and_then(trust_finding);
    let has_policy = policies.as_ref().is_ok_and(|policies| policies.contains(&DTS.policy()));
    let is_healthy = role.is_ok() && trust.is_none() && has_policy;
    checks.put_timed(IDS[0], (of_role(&role, trust.as_ref()), role_took));
    checks.put_timed(IDS[1], (of_policies(&policies, has_policy), policies_took));
    checks.put_timed(IDS[2], (of_tags(&tags), tags_took));
    match (role, policies) {
        (Ok(_), Ok(_)) if is_healthy => Found::Authorized,
        (Ok(_), Ok(_)) => Found::NotAuthorized,
        (Err(error), _) if error.is_role_missing() => Found::NotAuthorized,
        _ => Found::Unknown,
    }
}

/// Why DTS may not assume the role, whatever is attached to it.
fn trust_finding(facts: &RoleFacts) -> Option<Finding> {
    let role = ObservedRole::Present(observe::present(facts.clone(), Vec::new()));
    let findings = verify::role(&role, &DTS);
    findings.into_iter().find(|finding| finding.id == FindingId::TrustServiceMissing)
}

const NOT_AUTHORIZED: &str = "a run repairs it where the mode allows it: `dts-role-guard plan` shows how";

fn of_role<T>(reply: &Result<T, Error>, trust: Option<&Finding>) -> Answer {
    match reply {
        Ok(_) => match trust {
            None => Answer::ok("`GetRole` is allowed, and the role lets DTS assume it"),
            Some(finding) => Answer::warning(format!("`GetRole` is allowed; {}", finding.message), NOT_AUTHORIZED),
        },
        Err(error) if error.is_role_missing() => {
            Answer::warning("`GetRole` is allowed; the role is missing", NOT_AUTHORIZED)
        }
        Err(error) => Answer::failed(chain(error), next(error, "policies/verify.json")),
    }
}

fn of_policies<T>(reply: &Result<Vec<T>, Error>, has_policy: bool) -> Answer {
    match reply {
        Ok(policies) if has_policy => {
            Answer::ok(format!("`ListPoliciesForRole` is allowed; attached: {}", policies.len()))
        }
        Ok(_) => Answer::warning(
            format!("`ListPoliciesForRole` is allowed; the system policy `{}` is not attached", DTS.policy),
            NOT_AUTHORIZED,
        ),
        Err(error) if error.is_role_missing() => Answer::ok("`ListPoliciesForRole` is allowed; the role is missing"),
        Err(error) => Answer::failed(chain(error), next(error, "policies/verify.json")),
    }
}

fn of_tags(reply: &Result<Tags, Error>) -> Answer {
    match reply {
        Ok(tags) => Answer::ok(format!("`ListTagResources` is allowed; tags: {}", tags.len())),
        Err(error) if error.is_role_missing() => Answer::ok("`ListTagResources` is allowed; the role is missing"),
        Err(error) => Answer::failed(
            format!("{}; without its tags no role is deleted, so a repair would be refused", chain(error)),
            next(error, "policies/verify.json"),
        ),
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
