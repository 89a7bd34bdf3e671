//! Every sentence about an account: why a repair did not begin or did not go through, and what a person should do (`next`).
//! A second language is another file like this one.

use std::collections::BTreeSet;
use std::fmt;

use authorization::plan::Unplannable;
use authorization::text::{chain, escaped, sanitized};

use super::{QUICK_AUTHORIZATION, commands};
use crate::apply::Cause;
use crate::members::{AccessDenied, Denied};
use crate::outcome::{AccountOutcome, Advice, Ending, Failed, Pending, Refused, Skipped, Stuck};
use crate::refusal::{Doubt, NotCleared, Refusal};

/// Said in each account that the brake holds back; why it does is said once, for the run.
const HELD_BACK: &str = "the brake holds it back: `reason` of the report says why";

/// What a person should do about an account: the cause first, then what to type, a link last.
pub(super) fn next(outcome: &AccountOutcome) -> Option<String> {
    Some(match &outcome.ending {
        Ending::Judged(None) | Ending::InOrder | Ending::Remediated => return None,
        Ending::Judged(Some(advice)) => advised(advice, outcome),
        Ending::RolledBack(cause) if cause.may_pass() => {
            format!("{cause}; the role is as it was. It may pass: the next run tries again")
        }
        Ending::RolledBack(cause) => format!(
            "{cause}; the role is as it was. Remove the cause, then run again, or authorize by hand: {QUICK_AUTHORIZATION}"
        ),
        Ending::Refused(Refused::For { why, loses }) => format!("{why}{}", losers(loses)),
        Ending::Refused(Refused::Stranger(id)) => Cause::Stranger(id.clone()).to_string(),
        Ending::Refused(Refused::HeldBack) => HELD_BACK.to_owned(),
        Ending::Refused(Refused::NotCleared(why)) => why.to_string(),
        Ending::Stuck { why, role, left } => {
            let commands: String = commands(role, left).iter().map(|command| format!("{command}\n")).collect();
            format!("{why}\n{commands}Without the extras, authorize in the console: {QUICK_AUTHORIZATION}")
        }
        Ending::Panicked => {
            panicked("look at the role, the log has each step; with a journal folder the next run finishes it")
        }
        Ending::Failed(why) => why.to_string(),
        Ending::Pending(what) => what.to_string(),
        Ending::Skipped(why) => why.to_string(),
    })
}

fn advised(advice: &Advice, outcome: &AccountOutcome) -> String {
    match advice {
        Advice::Repair { exists, loses } => {
            let first = if *exists { "delete the role, then " } else { "" };
            let joint = if loses.is_empty() { "; " } else { "\n" };
            format!("mode `remediate` repairs it{}{joint}by hand: {first}open {QUICK_AUTHORIZATION}", losers(loses))
        }
        Advice::WouldRefuse { why, loses } => format!("`remediate` would refuse: {why}{}", losers(loses)),
        Advice::WouldFinish => {
            "mode `remediate` finishes the repair by these steps, then judges the role again".to_owned()
        }
        Advice::WouldLeaveAlone => {
            let account = outcome.account.as_ref().map_or("ID", |account| account.as_str());
            format!(
                "the role that is there is somebody's, so `remediate` leaves it alone: find out whose it is, or give the unfinished repair up:\ndts-role-guard clear --account {account} --unfinished"
            )
        }
        Advice::WouldHoldBack => format!("`remediate` would refuse: {HELD_BACK}"),
    }
}

/// Who loses the role is said before it is deleted: nothing brings that back.
fn losers(loses: &BTreeSet<String>) -> String {
    if loses.is_empty() {
        return String::new();
    }
    let names: Vec<_> = loses.iter().map(String::as_str).collect();
    format!("\nthe new role can no longer be assumed by: {}", names.join(", "))
}

fn panicked(known: &str) -> String {
    format!("the guard broke off there by a mistake of its own (`panic` in the log): {known}")
}

impl fmt::Display for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLate => "too little time was left to look at it: the next run does",
            Self::Stopped => "the run was stopped before it was looked at: run it again",
            Self::Behind => "another run was at work until too little time was left: the next run looks at it",
            Self::TooLateToRepair => "it is broken, and too little time was left to repair it: the next run does",
            Self::StoppedBeforeRepair => "it is broken, and the run was stopped before it was repaired: run it again",
        })
    }
}

impl fmt::Display for Skipped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeftAlone(why) | Self::Cleared(why) => f.write_str(why),
            Self::InFolder(folder) => {
                write!(f, "it is in or below the folder `{folder}` of the setting `DTS_GUARD_EXCLUDE_FOLDERS`")
            }
            Self::NotActive(status) => write!(f, "the resource directory says `{}` of it", sanitized(status)),
            Self::Left => f.write_str("it left the resource directory while the run was under way"),
        }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { error, may_pass: true } => {
                write!(f, "{error}; nothing was written; it may pass: the next run looks again")
            }
            Self::Call { error, may_pass: false } => {
                write!(f, "{error}; nothing was written; a person must mend it")
            }
            Self::Directory { advice, .. } => write!(f, "{advice}; nothing was written"),
            Self::AccessDenied(denied) => write!(f, "{denied}; nothing was written"),
            Self::NotBegun { .. } => f.write_str(
                "not looked at: which accounts the run is about could not be found out (`errors` of the report)",
            ),
            Self::Panicked => f.write_str(&panicked("nothing was written")),
        }
    }
}

impl fmt::Display for Stuck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |cause: &Option<Cause>, other: &str| cause.as_ref().map_or_else(|| other.to_owned(), Cause::to_string);
        match self {
            Self::Unfinished { cause, again } => {
                let cause = or(cause, "the second look does not show what was written");
                let again = if *again { "; the next run tries again" } else { "" };
                write!(f, "{cause}{again}. To finish by hand:")
            }
            Self::Unseen { cause, again: true, .. } => {
                let cause = or(cause, "the look at the role afterwards failed");
                write!(f, "{cause}; the next run tries again. Look at the role; if it is missing:")
            }
            Self::Unseen { cause: Some(cause), error, again: false } => write!(
                f,
                "{cause}; what became of the role is not known, since the look at it failed ({error}). Look at the role; if it is missing:"
            ),
            Self::Unseen { cause: None, error, again: false } => write!(
                f,
                "every step was done, but the look at the role afterwards failed ({error}). Look at the role; if it is missing:"
            ),
            Self::Stranger { cause, taken_off, had } => {
                let cause = or(cause, "another role of that name stands in the place of the one that was looked at");
                let attached = if taken_off.is_empty() {
                    "nothing stays attached to it by the guard".to_owned()
                } else {
                    let names = escaped(&taken_off.join(", "));
                    format!("what the guard had attached to it by name was taken off again ({names})")
                };
                write!(
                    f,
                    "{cause}; {attached}. Find out whose it is. The old role had: {had}. Only if the new role is yours, bring that back by hand:"
                )
            }
            Self::Unknown { account, had } => write!(
                f,
                "the role that exists now is somebody's: the unfinished repair does not know it, so it is left alone. The old role had: {had}. To give that up:\ndts-role-guard clear --account {account} --unfinished\nOnly if the role is yours, bring it back by hand:"
            ),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Call { error, .. } => f.write_str(error),
            Self::Unseen { error, .. } => {
                write!(f, "the role could not be looked at before anything was put back: {error}")
            }
            Self::Refused(refusal) => refusal.fmt(f),
            Self::Stranger(id) => write!(
                f,
                "another role of that name, with the id `{}`, stands in the place of the one that was looked at",
                sanitized(id)
            ),
            Self::Deleted => f.write_str("the role was deleted by somebody while it was being repaired"),
            Self::UnknownOrigin => f.write_str(
                "the role exists, but the reply that would tell whether this run made it was lost: it is left alone",
            ),
            Self::Illegal(illegal) => illegal.fmt(f),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plan(why) => unplannable(f, why),
            Self::ApprovalRequired(plan) => write!(
                f,
                "`DTS_GUARD_APPROVAL` is `required`: invoke again with `{{\"mode\":\"remediate\",\"planId\":\"{plan}\"}}` to carry out this plan"
            ),
            Self::OtherPlan(plan) => write!(
                f,
                "the approved plan is another one: the role, the record or the settings changed since; look at the new plan `{plan}` and approve that"
            ),
            Self::NextPlan(plan) => write!(
                f,
                "the approved plan is carried out, and the role is still broken: look at the new plan `{plan}` and approve that"
            ),
            Self::OtherAccount { keys, target } => write!(
                f,
                "the keys belong to account `{keys}`, not to the target's account `{target}`: nothing is written"
            ),
            Self::OwnRole => f.write_str(
                "the guard's own role is `AliyunDTSDefaultRole`: deleting it would lock the guard out; give the function a role of its own",
            ),
            Self::TooLate { needed_ms, left_ms } => write!(
                f,
                "too little time is left: {needed_ms} ms are needed for the repair and its undo, {left_ms} ms are left; raise the function's timeout"
            ),
            Self::Journal(why) => write!(
                f,
                "the journal folder cannot be used ({why}), and nothing is written without a record: mend the folder, or set `DTS_GUARD_JOURNAL_DIR` to another one (`off`: the log only)"
            ),
            Self::RecordInDoubt { why, account } => write!(
                f,
                "an unfinished repair is on record, and it is only carried out with a person's word ({why}): look what is left of it with mode `plan` and approve that with its `planId`; to give it up: dts-role-guard clear --account {account} --unfinished"
            ),
            Self::Rehearsal(why) => write!(
                f,
                "the role could be deleted but not be made again as it was: {why}; nothing was taken away. Grant what is missing, then run again"
            ),
            Self::AnotherRun(did) => write!(
                f,
                "another run {did}: this one stopped, and put back what it had taken away; no action is needed"
            ),
            Self::TooManyAttempts { times, account } => write!(
                f,
                "the role was repaired {} times within 24 hours (last at {}) and broke again: something else changes it, and the guard does not fight it; find out what does, then run `dts-role-guard clear --account {account}`",
                times.count,
                times.last.strftime("%Y-%m-%dT%H:%M:%SZ")
            ),
            Self::Changed(what) => write!(
                f,
                "the role changed between the look and the deletion ({what}): nothing was deleted; find out who is changing it, then run again"
            ),
        }
    }
}

fn unplannable(f: &mut fmt::Formatter<'_>, why: &Unplannable) -> fmt::Result {
    match why {
        Unplannable::ServiceLinked => {
            f.write_str("the role is service-linked: it is not ours to change; ask who made it")
        }
        Unplannable::Privileged(policy) => write!(
            f,
            "the role holds the privileged system policy `{policy}`, which the guard never attaches: detach it by hand if it does not belong there, then run again"
        ),
        Unplannable::NoRoom(held) => write!(
            f,
            "the role holds {held} system policies and `AliyunDTSRolePolicy` is not among them; the cloud allows 20, so not all of them could be attached again: detach one that is not needed, then run again"
        ),
        Unplannable::UnreadableTrust => f.write_str(
            "the trust policy holds fragments that the guard does not understand (finding `trust-unreadable`), and it does not delete what it could not read: read it, then approve this very plan with its `planId`",
        ),
        Unplannable::OthersMayAssume(others) => write!(
            f,
            "others may assume the role ({others}), and `AliyunDTSRolePolicy` would give them its permissions: remove them from the trust policy, or approve this very plan with its `planId`"
        ),
        Unplannable::UnreadableTags(why) => {
            write!(f, "the role's tags cannot be read, so they could not be brought back: {why}")
        }
        Unplannable::InPlace(why) => write!(
            f,
            "strategy `in-place` cannot mend this trust policy: {why}; mend it by hand or use strategy `recreate`"
        ),
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Approval => "`DTS_GUARD_APPROVAL` is `required`, and the record is not signed",
            Self::Age => "the record is not signed and not of the last 24 hours",
            Self::Watch => "the record is not signed and watches over the role for more than 24 hours",
        })
    }
}

impl fmt::Display for AccessDenied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let role = &self.role_arn;
        match self.why {
            Denied::RoleMissing => write!(f, "there is no role `{role}`: create it, or name another in the settings"),
            Denied::CallerIsRoot => write!(f, "an account's root cannot assume a role: use the keys of a RAM role"),
            Denied::NotGranted => write!(f, "the guard's own role lacks `sts:AssumeRole` on `{role}`"),
            Denied::ControlPolicy => write!(f, "a control policy of the resource directory forbids `{role}`"),
            Denied::NotTrusted => write!(f, "the role `{role}` does not trust the guard's own role"),
            Denied::NotGrantedOrNotTrusted => write!(
                f,
                "either the guard's own role lacks `sts:AssumeRole` on `{role}`, or that role does not trust it"
            ),
            Denied::Other => write!(f, "the role `{role}` could not be assumed: {}", chain(&self.error)),
        }
    }
}

impl fmt::Display for NotCleared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFolder => f.write_str(
                "there is no journal folder (`DTS_GUARD_JOURNAL_DIR`), so nothing is on record that could be forgotten",
            ),
            Self::NoRecord(account) => write!(
                f,
                "there is no record of account `{account}` in the journal folder, so nothing was forgotten: look at the id"
            ),
            Self::Busy => f.write_str(
                "a run that may repair is under way in this instance, so nothing was forgotten: ask again when it has ended",
            ),
            Self::Refused(refusal) => refusal.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use authorization::baseline;
    use authorization::plan::Difference;

    use super::*;

    #[test]
    fn the_cause_comes_first_and_a_link_last() {
        let loses = BTreeSet::from(["Service ecs.aliyuncs.com".to_owned()]);
        let of = |ending| next(&AccountOutcome::new(None, ending)).unwrap();
        let planned = of(Ending::Judged(Some(Advice::Repair { exists: true, loses })));
        let lines: Vec<_> = planned.lines().collect();
        assert_eq!(
            lines[..2],
            ["mode `remediate` repairs it", "the new role can no longer be assumed by: Service ecs.aliyuncs.com"]
        );
        assert_eq!(lines[2], format!("by hand: delete the role, then open {QUICK_AUTHORIZATION}"));
        let why = Stuck::Unfinished { cause: None, again: false };
        let (role, left) = (baseline::DTS.role.clone(), Box::new(Difference::default()));
        let stuck = of(Ending::Stuck { why, role, left });
        assert!(stuck.lines().last().is_some_and(|line| line.ends_with(QUICK_AUTHORIZATION)), "{stuck}");
    }
}
