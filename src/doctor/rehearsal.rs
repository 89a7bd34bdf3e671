//! The rehearsal of a repair: each write that must succeed after a deletion, sent while it can only answer "it is so already" or
//! "denied". The writes are the repair's own ([`crate::apply::rehearse`]).

use aliyun::Session;
use authorization::baseline::DTS;
use authorization::plan::{Step, is_privileged};
use authorization::role::ObservedRole;
use authorization::settings::Mode;
use authorization::target::AccountId;
use authorization::text::{chain, sanitized};
use authorization::verify::{self, Finding};
use tokio::sync::Mutex;

use super::checks::{Checks, timed};
use super::report::Answer;
use super::role::{self, Found};
use crate::apply::{Rehearsed, rehearse};
use crate::case::Case;
use crate::observe;

pub(super) const IDS: [&str; 4] = ["rehearsal-create", "rehearsal-attach", "rehearsal-tag", "rehearsal-rest"];
const POLICY: &str = "policies/remediate.json";

/// Why nothing is rehearsed, if nothing is.
fn why_not(mode: Mode, found: Found) -> Option<String> {
    match found {
        _ if !mode.writes() => Some(format!("the mode is `{mode}`, which writes nothing")),
        Found::Unknown => Some("the role could not be read".to_owned()),
        Found::NotAuthorized => Some("the role is not authorized, and a rehearsal would change it".to_owned()),
        Found::Authorized => None,
    }
}

/// Rehearses, if nothing can come of it.
pub(super) async fn check(
    checks: &mut Checks,
    session: Result<&Session, String>,
    mode: Mode,
    found: Found,
    own: Option<&AccountId>,
    repairs: &Mutex<()>,
) {
    let session = match (session, why_not(mode, found)) {
        (Ok(session), None) => session,
        (Err(why), _) | (_, Some(why)) => return checks.skip(&IDS, &why),
    };
    let Some(own) = own else { return checks.skip(&IDS, "the own account is not known: see `caller`") };
    // Between the deletion and the creation of a repair a rehearsal would make the role.
    let Ok(_held) = repairs.try_lock() else { return checks.skip(&IDS, "a repair is under way in this instance") };
    let case = Case { session, target: &DTS.target(own.clone()), baseline: &DTS };
    // The first look may be half a minute old: what was changed since must not be set back.
    let (now, tags) = tokio::join!(observe::role(case), observe::tags(case));
    let role = match now {
        Ok(now) if verify::role(&now, &DTS).iter().any(Finding::failed) => {
            return checks.skip(&IDS, "somebody has changed the role since it was looked at: it is not authorized");
        }
        Ok(ObservedRole::Present(role)) => role,
        Ok(ObservedRole::Missing) => return checks.skip(&IDS, "the role is missing"),
        Err(why) => return checks.skip(&IDS, &format!("the role could not be read again: {}", chain(&why))),
    };
    if let Some(policy) = role.policies.iter().find(|policy| is_privileged(policy)) {
        let said =
            format!("the role holds `{policy}`, which the guard never attaches: it would refuse to recreate the role");
        checks.skip(&IDS[..1], "see `rehearsal-attach`");
        checks.put(IDS[1], Answer::warning(said, "detach it by hand if it does not belong there"));
        return checks.skip(&IDS[2..], "see `rehearsal-attach`");
    }
    let tags = tags.ok().flatten();
    let (tried, took) = timed(&**session.clock(), rehearse(case, &role, tags.as_ref())).await;
    let of = |is_one: fn(&Step) -> bool| tried.iter().filter(move |(step, _)| is_one(step));
    let create = of(|step| matches!(step, Step::Create { .. }));
    checks.put_timed(IDS[0], (answer("CreateRole", create), took));
    let attach = of(|step| matches!(step, Step::Attach(_)));
    checks.put_timed(IDS[1], (answer("AttachPolicyToRole", attach), took));
    let tag = of(|step| matches!(step, Step::Tag(_)));
    checks.put_timed(IDS[2], (answer("TagResources", tag), took));
    let rest = "`DetachPolicyFromRole`, `DeleteRole` and `UpdateRole` cannot be tried without an effect";
    checks.put(
        IDS[3],
        Answer::skipped(rest).but("look whether the guard's own role has the statements of `policies/remediate.json`"),
    );
}

/// The worst of what the replies mean.
fn answer<'a>(operation: &str, tried: impl Iterator<Item = &'a (Step, Rehearsed)>) -> Answer {
    let (mut count, mut worst) = (0, None);
    for (step, rehearsed) in tried {
        count += 1;
        let step = sanitized(&step.target(&DTS.role));
        let answer = match rehearsed {
            Rehearsed::Allowed => continue,
            Rehearsed::Gone => Answer::warning(
                format!("`{operation}`: {step}: the policy no longer exists, so it would not come back after a repair"),
                "detach it from the role, if that still shows it",
            ),
            Rehearsed::Refused(error) => Answer::failed(
                format!("{}; a repair would be refused before it begins", chain(error)),
                role::next(error, POLICY),
            ),
            Rehearsed::Unknown(error) => {
                let why = error.as_ref().map_or_else(String::new, |error| format!(": {}", chain(error)));
                Answer::failed(format!("`{operation}` was not answered{why}"), "run the doctor again")
            }
            Rehearsed::HadEffect(what) => Answer::warning(
                format!("somebody changed the role at this very moment: {what}"),
                "run `dts-role-guard verify`, and look who it was",
            ),
        };
        if worst.as_ref().is_none_or(|worst: &Answer| worst.status < answer.status) {
            worst = Some(answer);
        }
    }
    match worst {
        Some(answer) => answer,
        None if count == 0 => Answer::skipped("the role has no tags that a repair would bring back"),
        None => Answer::ok(format!("`{operation}` is allowed, tried {count} times without an effect")),
    }
}
