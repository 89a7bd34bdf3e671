//! Forgets what is on record about an account, when a person says so: on a terminal, or by an event, which reaches the
//! function's folder. It calls no cloud.

use authorization::target::AccountId;

use crate::event::Forget;
use crate::journal::{Journal, JournalLog, RunStore};
use crate::outcome::{AccountOutcome, Ending, Refused, Skipped};
use crate::refusal::NotCleared;

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

/// The account's outcome in the answer to an event: `skipped`, since nobody looked at the role, or `refused`.
pub(crate) fn outcome(account: &AccountId, cleared: Result<String, NotCleared>) -> AccountOutcome {
    let next = cleared.as_ref().map_or_else(NotCleared::to_string, |text| text.trim_end().to_owned());
    let ending = match cleared {
        Ok(_) => Ending::Skipped(Skipped::Cleared(next.clone())),
        Err(why) => Ending::Refused(Refused::NotCleared(why)),
    };
    let outcome = AccountOutcome::new(Some(account.clone()), ending);
    tracing::info!(account = account.as_str(), status = outcome.status().as_str(), next, "clear");
    outcome
}
