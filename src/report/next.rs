//! Every sentence about an account: why a repair did not begin, and what a person should do (`next`). A second language is
//! another file like this one.

use std::collections::BTreeSet;
use std::fmt;

use authorization::plan::Unplannable;
use authorization::target::AccountId;
use authorization::text::{escaped, sanitized};

use super::QUICK_AUTHORIZATION;
use crate::refusal::{Doubt, Refusal};

/// What became of an account, for the sentence about it.
#[derive(Debug)]
pub enum Next<'a> {
    /// Broken, and the mode allows no write.
    Drifted {
        /// Whether there is a role that would have to be deleted.
        exists: bool,
    },
    /// The same in mode `plan`, where the plan deletes the role: who loses it.
    Planned {
        /// Whether there is a role that would have to be deleted.
        exists: bool,
        /// Whom the new role will not know.
        loses: &'a BTreeSet<String>,
    },
    /// Mode `remediate` would not begin.
    WouldRefuse {
        /// Why.
        why: &'a Refusal,
        /// Whom the new role would not know.
        loses: &'a BTreeSet<String>,
    },
    /// Mode `remediate` would finish what an earlier run left behind.
    WouldFinish,
    /// Mode `remediate` would leave a role of unknown origin alone.
    WouldLeaveAlone(&'a AccountId),
    /// The guard did not begin, or put everything back.
    Refused {
        /// Why.
        why: &'a Refusal,
        /// Whom the new role would not know, where a person can approve the plan.
        loses: &'a BTreeSet<String>,
    },
    /// The brake holds the repair back.
    HeldBack,
    /// The brake would hold the repair back.
    WouldHoldBack,
    /// Too little time was left to look.
    TooLate,
    /// The run was stopped before the look.
    Stopped,
    /// Another run may write, and did not end in time.
    Behind,
    /// Broken, and too little time was left to repair it.
    TooLateToRepair,
    /// Broken, and the run was stopped before the repair.
    StoppedBeforeRepair,
    /// A call failed.
    Failed {
        /// The call's own words.
        error: &'a str,
        /// Whether the next run may succeed.
        may_pass: bool,
    },
    /// A call failed, and what to do about it is known.
    Advised(&'a str),
    /// The accounts of the run could not be found out.
    NotBegun,
    /// A panic: a mistake of this program. What a run that writes had done by then is not known here.
    BrokenOff {
        /// Whether it may have written.
        writes: bool,
    },
    /// The settings leave it alone.
    LeftAlone(&'a str),
    /// It is below a folder that the settings leave alone.
    InFolder(&'a str),
    /// The directory does not count it among its active members.
    NotActive(&'a str),
    /// It left the directory during the run.
    Left,
    /// The repair failed, and the role is as it was.
    RolledBack {
        /// Why.
        cause: &'a str,
        /// Whether the next run may succeed.
        may_pass: bool,
    },
    /// A person must finish it.
    Stuck {
        /// Why.
        why: Stuck<'a>,
        /// What to type.
        commands: Vec<String>,
    },
}

/// Why a person must finish a repair.
#[derive(Debug)]
pub enum Stuck<'a> {
    /// Not everything that was written shows.
    Unfinished {
        /// Why it did not go through, where that is known.
        cause: Option<&'a str>,
        /// Whether the next run tries again: it finishes what is on record.
        again: bool,
    },
    /// The look afterwards failed.
    Unseen {
        /// Why it did not go through, where that is known.
        cause: Option<&'a str>,
        /// Why the look failed.
        error: &'a str,
        /// Whether the next run tries again.
        again: bool,
    },
    /// Another role has taken the place of the one that was looked at.
    Stranger {
        /// Where that showed, if before the second look.
        cause: Option<&'a str>,
        /// What was attached to it by name and taken off again.
        taken_off: Vec<&'a str>,
        /// What the old role had.
        had: &'a str,
    },
    /// The unfinished repair does not know the role that is there.
    Unknown {
        /// Whose role it is.
        account: &'a AccountId,
        /// What the old role had.
        had: &'a str,
    },
}

/// Said in each account that the brake holds back; why it does is said once, for the run.
const HELD_BACK: &str = "the brake holds it back: `reason` of the report says why";

const NOT_BEGUN: &str =
    "not looked at: which accounts the run is about could not be found out (`errors` of the report)";

const UNKNOWN_WRITES: &str = "look at the role, the log has each step; with a journal folder the next run finishes it";

impl fmt::Display for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Drifted { exists } => drifted(f, *exists, &BTreeSet::new()),
            Self::Planned { exists, loses } => drifted(f, *exists, loses),
            Self::WouldRefuse { why, loses } => {
                write!(f, "`remediate` would refuse: {why}").and_then(|()| losers(f, loses))
            }
            Self::WouldFinish => {
                f.write_str("mode `remediate` finishes the repair by these steps, then judges the role again")
            }
            Self::WouldLeaveAlone(account) => write!(
                f,
                "the role that is there is somebody's, so `remediate` leaves it alone: find out whose it is, or give the unfinished repair up:\ndts-role-guard clear --account {account} --unfinished"
            ),
            Self::Refused { why, loses } => write!(f, "{why}").and_then(|()| losers(f, loses)),
            Self::HeldBack => f.write_str(HELD_BACK),
            Self::WouldHoldBack => write!(f, "`remediate` would refuse: {HELD_BACK}"),
            Self::TooLate => f.write_str("too little time was left to look at it: the next run does"),
            Self::Stopped => f.write_str("the run was stopped before it was looked at: run it again"),
            Self::Behind => {
                f.write_str("another run was at work until too little time was left: the next run looks at it")
            }
            Self::TooLateToRepair => {
                f.write_str("it is broken, and too little time was left to repair it: the next run does")
            }
            Self::StoppedBeforeRepair => {
                f.write_str("it is broken, and the run was stopped before it was repaired: run it again")
            }
            Self::Failed { error, may_pass: true } => {
                write!(f, "{error}; nothing was written; it may pass: the next run looks again")
            }
            Self::Failed { error, may_pass: false } => {
                write!(f, "{error}; nothing was written; a person must mend it")
            }
            Self::Advised(advice) => write!(f, "{advice}; nothing was written"),
            Self::NotBegun => f.write_str(NOT_BEGUN),
            Self::BrokenOff { writes } => {
                let known = if *writes { UNKNOWN_WRITES } else { "nothing was written" };
                write!(f, "the guard broke off there by a mistake of its own (`panic` in the log): {known}")
            }
            Self::LeftAlone(why) => f.write_str(why),
            Self::InFolder(folder) => {
                write!(f, "it is in or below the folder `{folder}` of the setting `DTS_GUARD_EXCLUDE_FOLDERS`")
            }
            Self::NotActive(status) => write!(f, "the resource directory says `{}` of it", sanitized(status)),
            Self::Left => f.write_str("it left the resource directory while the run was under way"),
            Self::RolledBack { cause, may_pass: true } => {
                write!(f, "{cause}; the role is as it was. It may pass: the next run tries again")
            }
            Self::RolledBack { cause, may_pass: false } => write!(
                f,
                "{cause}; the role is as it was. Remove the cause, then run again, or authorize by hand: {QUICK_AUTHORIZATION}"
            ),
            Self::Stuck { why, commands } => {
                writeln!(f, "{why}")?;
                commands.iter().try_for_each(|command| writeln!(f, "{command}"))?;
                write!(f, "Without the extras, authorize in the console: {QUICK_AUTHORIZATION}")
            }
        }
    }
}

impl fmt::Display for Stuck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished { cause, again } => {
                f.write_str(cause.unwrap_or("the second look does not show what was written"))?;
                f.write_str(if *again {
                    "; the next run tries again. To finish by hand:"
                } else {
                    ". To finish by hand:"
                })
            }
            Self::Unseen { cause, again: true, .. } => {
                f.write_str(cause.unwrap_or("the look at the role afterwards failed"))?;
                f.write_str("; the next run tries again. Look at the role; if it is missing:")
            }
            Self::Unseen { cause, error, again: false } => {
                match cause {
                    Some(cause) => write!(
                        f,
                        "{cause}; what became of the role is not known, since the look at it failed ({error})"
                    )?,
                    None => write!(f, "every step was done, but the look at the role afterwards failed ({error})")?,
                }
                f.write_str(". Look at the role; if it is missing:")
            }
            Self::Stranger { cause, taken_off, had } => {
                let place = "another role of that name stands in the place of the one that was looked at";
                f.write_str(cause.unwrap_or(place))?;
                if taken_off.is_empty() {
                    f.write_str("; nothing stays attached to it by the guard")?;
                } else {
                    let names = escaped(&taken_off.join(", "));
                    write!(f, "; what the guard had attached to it by name was taken off again ({names})")?;
                }
                write!(
                    f,
                    ". Find out whose it is. The old role had: {had}. Only if the new role is yours, bring that back by hand:"
                )
            }
            Self::Unknown { account, had } => write!(
                f,
                "the role that exists now is somebody's: the unfinished repair does not know it, so it is left alone. The old role had: {had}. To give that up:\ndts-role-guard clear --account {account} --unfinished\nOnly if the role is yours, bring it back by hand:"
            ),
        }
    }
}

/// The cause first, a link last.
fn drifted(f: &mut fmt::Formatter<'_>, exists: bool, loses: &BTreeSet<String>) -> fmt::Result {
    let first = if exists { "delete the role, then " } else { "" };
    f.write_str("mode `remediate` repairs it")?;
    losers(f, loses)?;
    let joint = if loses.is_empty() { "; " } else { "\n" };
    write!(f, "{joint}by hand: {first}open {QUICK_AUTHORIZATION}")
}

/// Who loses the role is said before it is deleted: nothing brings that back.
fn losers(f: &mut fmt::Formatter<'_>, loses: &BTreeSet<String>) -> fmt::Result {
    if loses.is_empty() {
        return Ok(());
    }
    let names: Vec<_> = loses.iter().map(String::as_str).collect();
    write!(f, "\nthe new role can no longer be assumed by: {}", names.join(", "))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cause_comes_first_and_a_link_last() {
        let loses = BTreeSet::from(["Service ecs.aliyuncs.com".to_owned()]);
        let planned = Next::Planned { exists: true, loses: &loses }.to_string();
        let lines: Vec<_> = planned.lines().collect();
        assert_eq!(
            lines[..2],
            ["mode `remediate` repairs it", "the new role can no longer be assumed by: Service ecs.aliyuncs.com"]
        );
        assert_eq!(lines[2], format!("by hand: delete the role, then open {QUICK_AUTHORIZATION}"));
        let why = Stuck::Unfinished { cause: None, again: false };
        let stuck = Next::Stuck { why, commands: vec!["aliyun ram CreateRole".to_owned()] }.to_string();
        assert!(stuck.lines().last().is_some_and(|line| line.ends_with(QUICK_AUTHORIZATION)), "{stuck}");
    }
}
