//! The rehearsal of a repair: each write that must succeed after a deletion, sent while it can only be answered "exists already"
//! or "denied". The writes are the repair's own ([`crate::apply::rehearse`]).

use aliyun::Session;
use authorization::baseline::DTS;
use authorization::plan::{Step, is_privileged};
use authorization::role::ObservedRole;
use authorization::settings::Mode;
use authorization::target::AccountId;
use authorization::text::{chain, sanitized};
use authorization::verify::{self, Finding};
use tokio::sync::Mutex;

use super::NO_ACCOUNT;
use super::checks::{CheckResult, Checks, timed};
use super::role::{self, RoleHealth};
use crate::apply::{Rehearsed, rehearse};
use crate::case::Case;
use crate::observe;

pub(super) const IDS: [&str; 4] = ["rehearsal-create", "rehearsal-attach", "rehearsal-tag", "rehearsal-rest"];
const POLICY: &str = "policies/remediate.json";

pub(super) async fn check(
    checks: &mut Checks,
    session: Result<&Session, String>,
    mode: Mode,
    health: RoleHealth,
    own: Option<&AccountId>,
    repairs: &Mutex<()>,
) -> Result<(), String> {
    let session = session?;
    match health {
        _ if !mode.writes() => return Err(format!("the mode is `{mode}`, which writes nothing")),
        RoleHealth::Unknown => return Err("the role could not be read".to_owned()),
        RoleHealth::NotAuthorized => {
            return Err("the role is not authorized, and a rehearsal would change it".to_owned());
        }
        RoleHealth::Authorized => {}
    }
    let own = own.ok_or(NO_ACCOUNT)?;
    // Between the deletion and the creation of a repair a rehearsal would make the role.
    let _held = repairs.try_lock().map_err(|_| "a repair is under way in this instance")?;
    let case = Case { session, target: &DTS.target(own.clone()), baseline: &DTS };
    // The first look may be half a minute old: what was changed since must not be set back.
    let (now, tags) = tokio::join!(observe::role(case), observe::tags(case));
    let now = now.map_err(|why| format!("the role could not be read again: {}", chain(&why)))?;
    if verify::role(&now, &DTS).iter().any(Finding::failed) {
        return Err("somebody has changed the role since it was looked at: it is not authorized".to_owned());
    }
    let ObservedRole::Present(role) = now else { return Err("the role is missing".to_owned()) };
    if let Some(policy) = role.policies.iter().find(|policy| is_privileged(policy)) {
        let said =
            format!("the role holds `{policy}`, which the guard never attaches: it would refuse to recreate the role");
        checks.skip(&IDS[..1], "see `rehearsal-attach`");
        checks.put(IDS[1], CheckResult::warning(said, "detach it by hand if it does not belong there"));
        return Err("see `rehearsal-attach`".to_owned());
    }
    let tags = tags.ok().flatten();
    let (tried, took) = timed(&**session.clock(), rehearse(case, &role, tags.as_ref())).await;
    for (id, operation) in IDS.into_iter().zip(["CreateRole", "AttachPolicyToRole", "TagResources"]) {
        let steps: Vec<_> = tried.iter().filter(|(step, _)| step.action() == operation).collect();
        checks.put_timed(id, (result(operation, &steps), took));
    }
    let rest = "`DetachPolicyFromRole`, `DeleteRole` and `UpdateRole` cannot be tried without an effect";
    let next = "look whether the guard's own role has the statements of `policies/remediate.json`";
    checks.put(IDS[3], CheckResult::skipped(rest).with_next(next));
    Ok(())
}

/// The worst of what the replies mean; of equals the first.
fn result(operation: &str, tried: &[&(Step, Rehearsed)]) -> CheckResult {
    let mut worst = match tried.len() {
        0 => CheckResult::skipped("the role has no tags that a repair would bring back"),
        count => CheckResult::ok(format!("`{operation}` is allowed, tried {count} times without an effect")),
    };
    for (step, rehearsed) in tried {
        let result = match rehearsed {
            Rehearsed::Allowed => continue,
            Rehearsed::Gone => CheckResult::warning(
                format!(
                    "`{operation}`: {}: the policy no longer exists, so it would not come back after a repair",
                    sanitized(&step.target(&DTS.role))
                ),
                "detach it from the role, if that still shows it",
            ),
            Rehearsed::Refused(error) => CheckResult::failed(
                format!("{}; a repair would be refused before it begins", chain(error)),
                role::next(error, POLICY),
            ),
            Rehearsed::Unknown(error) => {
                let why = error.as_ref().map_or_else(String::new, |error| format!(": {}", chain(error)));
                CheckResult::failed(format!("`{operation}` was not answered{why}"), "run the doctor again")
            }
            Rehearsed::HadEffect(what) => CheckResult::warning(
                format!("somebody changed the role at this very moment: {what}"),
                "run `dts-role-guard verify`, and find out who it was",
            ),
        };
        if worst.status < result.status {
            worst = result;
        }
    }
    worst
}
