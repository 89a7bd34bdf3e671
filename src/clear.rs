//! Forgets what is on record about an account, when a person says so: on a terminal, or by an event, which reaches the
//! function's folder. It calls no cloud.

use authorization::target::AccountId;

use crate::config::JOURNAL_DIR;
use crate::event::Forget;
use crate::journal::{Journal, JournalLog, RunStore};
use crate::refusal::Refusal;
use crate::report::{AccountReport, Status};

/// Why nothing was forgotten.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotCleared {
    /// Nothing is kept that could be forgotten.
    #[error("there is no journal folder (`{JOURNAL_DIR}`), so nothing is on record that could be forgotten")]
    NoFolder,
    /// Most likely a typing mistake.
    #[error("there is no record of account `{0}` in the journal folder, so nothing was forgotten: look at the id")]
    NoRecord(AccountId),
    /// Another run repairs in this very process.
    #[error(
        "a run that may repair is under way in this instance, so nothing was forgotten: ask again when it has ended"
    )]
    Busy,
    /// The folder or another run stands in the way.
    #[error(transparent)]
    Refused(#[from] Refusal),
}

/// Forgets; tells what, for a person.
///
/// # Errors
/// When nothing was forgotten.
pub(crate) async fn clear(store: Option<RunStore>, log: JournalLog, what: Forget) -> Result<String, NotCleared> {
    let store = store.ok_or(NotCleared::NoFolder)?;
    let mut journal = Journal::look(log, Some(store), true).await;
    let account = journal.record().account_id.clone();
    if !journal.is_on_record()? {
        return Err(NotCleared::NoRecord(account));
    }
    let aside = if what == Forget::Unfinished { journal.give_up().await? } else { None };
    let forgotten = journal.record().remediated.len();
    let repairs = if forgotten == 1 { "repair" } else { "repairs" };
    journal.clear().await?;
    let unfinished = match (aside, what) {
        (Some(name), _) => {
            format!("The record of the unfinished repair is kept as `{name}`; nothing is brought back from it.\n")
        }
        (None, Forget::Unfinished) => "No unfinished repair was on record.\n".to_owned(),
        (None, Forget::Attempts) if journal.record().unfinished().is_some() => {
            "An unfinished repair stays on record: the next run in mode `remediate` finishes it.\n".to_owned()
        }
        (None, Forget::Attempts) => String::new(),
    };
    Ok(format!("account {account}: {forgotten} {repairs} forgotten; its role may be repaired again\n{unfinished}"))
}

/// The account's line in the answer to an event: `skipped`, since nobody looked at the role, or `refused`.
pub(crate) fn line(account: &AccountId, cleared: Result<String, NotCleared>) -> AccountReport {
    let (status, next) = match cleared {
        Ok(text) => (Status::Skipped, text.trim_end().to_owned()),
        Err(why) => (Status::Refused, why.to_string()),
    };
    tracing::info!(account = account.as_str(), status = status.as_str(), next, "clear");
    AccountReport { next: Some(next), ..AccountReport::new(Some(account.clone()), status) }
}
