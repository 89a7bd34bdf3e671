//! The lines of accounts that no look at the role came to.

use aliyun::Error;
use authorization::target::AccountId;
use authorization::text::{chain, foreign};

use super::Look;
use crate::config::HELD_BACK;
use crate::members::{self, Barred, FolderId};
use crate::report::{AccountReport, CallError, Status};

fn line(look: &Look, status: Status, next: String) -> AccountReport {
    AccountReport { next: Some(next), ..AccountReport::new(Some(look.account.clone()), status) }
}

pub(super) fn skipped(look: &Look, why: &str) -> AccountReport {
    line(look, Status::Skipped, why.to_owned())
}

pub(super) fn in_folder(look: &Look, folder: &FolderId) -> AccountReport {
    skipped(look, &format!("it is in or below the folder `{folder}` of the setting `DTS_GUARD_EXCLUDE_FOLDERS`"))
}

pub(super) fn absent(look: &Look, status: &str) -> AccountReport {
    skipped(look, &format!("the resource directory says `{}` of it", foreign(status)))
}

pub(super) fn gone(look: &Look) -> AccountReport {
    skipped(look, "it left the resource directory while the run was under way")
}

pub(super) fn pending(look: &Look) -> AccountReport {
    AccountReport::pending(Some(look.account.clone()))
}

/// The run was asked to end.
pub(super) fn stopped(look: &Look) -> AccountReport {
    AccountReport::stopped(Some(look.account.clone()))
}

/// Another run may write, and did not end in time.
pub(super) fn behind(look: &Look) -> AccountReport {
    line(
        look,
        Status::Pending,
        "another run was at work until too little time was left: the next run looks at it".to_owned(),
    )
}

/// A broken role that there was no time to repair.
pub(super) fn unrepaired(seen: AccountReport) -> AccountReport {
    let next = "it is broken, and too little time was left to repair it: the next run does".to_owned();
    AccountReport { status: Status::Pending, next: Some(next), ..seen }
}

/// A broken role that the brake keeps from being repaired.
pub(super) fn held(seen: AccountReport) -> AccountReport {
    AccountReport { status: Status::Refused, next: Some(HELD_BACK.to_owned()), ..seen }
}

/// A plan that the brake would keep from being carried out.
pub(super) fn warned(seen: AccountReport) -> AccountReport {
    AccountReport { next: Some(format!("`remediate` would refuse: {HELD_BACK}")), is_held: true, ..seen }
}

/// The settings name a folder that does not exist, or could not be asked for: nothing is looked at.
pub(super) fn not_begun(own: &AccountId, may_pass: bool) -> AccountReport {
    let next = "not looked at: which accounts the run is about could not be found out (`errors` of the report)";
    AccountReport { next: Some(next.to_owned()), may_pass, ..AccountReport::new(Some(own.clone()), Status::Failed) }
}

/// Of the run, not of an account.
pub(super) fn no_directory_folder(folder: &FolderId, error: &Error) -> CallError {
    let advice = members::advice(error).map(|advice| format!("; {advice}")).unwrap_or_default();
    let what = if error.is("EntityNotExists.Folder") { "does not exist" } else { "could not be found" };
    let settings = "the folder of `DTS_GUARD_FOLDERS` or `DTS_GUARD_EXCLUDE_FOLDERS`";
    CallError::from(error)
        .saying(format!("{settings} `{folder}` {what}, so nothing was looked at: {}{advice}", chain(error)))
}

/// Of the run, not of an account.
pub(super) fn no_folder(error: &std::io::Error) -> CallError {
    let message = format!("the journal folder cannot be used, so unfinished repairs are not known: {error}");
    tracing::warn!(message);
    CallError::of_reply("journal", message)
}

pub(super) fn unknown(look: &Look, error: &Error) -> AccountReport {
    let report = AccountReport::failed(Some(look.account.clone()), CallError::from(error), error.kind.may_pass());
    match members::advice(error) {
        Some(advice) => AccountReport { next: Some(format!("{advice}; nothing was written")), ..report },
        None => report,
    }
}

/// A panic: a mistake of this program. What a run that writes had done by then is not known here.
pub(super) fn broken_off(look: &Look, writes: bool) -> AccountReport {
    let (status, what) = if writes {
        (Status::Stuck, "look at the role, the log has each step; with a journal folder the next run finishes it")
    } else {
        (Status::Failed, "nothing was written")
    };
    line(look, status, format!("the guard broke off there by a mistake of its own (`panic` in the log): {what}"))
}

pub(super) fn not_entered(look: &Look, barred: &Barred) -> AccountReport {
    tracing::warn!(reason = %barred, "not entered");
    let may_pass = barred.may_pass();
    let report = AccountReport::failed(Some(look.account.clone()), CallError::from(&barred.error), may_pass);
    AccountReport { next: Some(format!("{barred}; nothing was written")), ..report }
}
