//! The lines of accounts that no look at the role came to.

use aliyun::Error;
use authorization::target::AccountId;
use authorization::text::chain;

use super::Look;
use crate::members::{self, Barred, FolderId};
use crate::report::{AccountReport, CallError, Next, Status};

/// An account that no look came to.
pub(super) fn line(look: &Look, status: Status, next: &Next<'_>) -> AccountReport {
    AccountReport::line(Some(look.account.clone()), status, next)
}

/// The settings name a folder that does not exist, or could not be asked for: nothing is looked at.
pub(super) fn not_begun(own: &AccountId, may_pass: bool) -> AccountReport {
    let line = AccountReport { may_pass, ..AccountReport::new(Some(own.clone()), Status::Failed) };
    line.then(Status::Failed, &Next::NotBegun)
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
        Some(advice) => report.then(Status::Failed, &Next::Advised(&advice)),
        None => report,
    }
}

pub(super) fn not_entered(look: &Look, barred: &Barred) -> AccountReport {
    tracing::warn!(reason = %barred, "not entered");
    let may_pass = barred.may_pass();
    let report = AccountReport::failed(Some(look.account.clone()), CallError::from(&barred.error), may_pass);
    report.then(Status::Failed, &Next::Advised(&barred.to_string()))
}
