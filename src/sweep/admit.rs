//! Whether an account that somebody named may be worked in.

use aliyun::Error;
use authorization::text::chain;
use futures_util::{StreamExt as _, stream};
use tracing::Instrument as _;

use super::{Admission, Candidate, Reach, Sweep, Swept, WorkItem};
use crate::config::FOLDERS;
use crate::members::{self, FolderId, Folders, Membership};
use crate::outcome::{AccountOutcome, Ending, Failed, Pending, Skipped};
use crate::report::{CallError, Results};

/// No account of this run, and why: never entered.
pub(super) struct Outside {
    pub(super) why: String,
    /// The records that named it.
    pub(super) records: Vec<usize>,
}

impl Sweep<'_> {
    /// The folders of the settings.
    pub(super) fn folders(&self) -> Folders<'_> {
        Folders::new(&self.config.folders, &self.guard.session)
    }

    /// A folder of the settings does not exist, or could not be asked for: nothing is looked at.
    pub(super) fn without_folder(&self, folder: &FolderId, error: &Error) -> Swept {
        let not_begun = Ending::Failed(Failed::NotBegun { may_pass: error.kind.may_pass() });
        let advice = members::advice(error).map(|advice| format!("; {advice}")).unwrap_or_default();
        let what = if error.is("EntityNotExists.Folder") { "does not exist" } else { "could not be found" };
        let settings = "the folder of `DTS_GUARD_FOLDERS` or `DTS_GUARD_EXCLUDE_FOLDERS`";
        let message = format!("{settings} `{folder}` {what}, so nothing was looked at: {}{advice}", chain(error));
        Swept::Accounts(Results {
            accounts: vec![AccountOutcome::new(Some(self.own.clone()), not_begun)],
            errors: vec![CallError::from(error).saying(message)],
            ..Results::default()
        })
    }

    /// The directory is asked about every account before work begins in the first: a wrong list by hand does nothing.
    pub(super) async fn admit_all(
        &self,
        candidates: Vec<Candidate>,
        folders: &Folders<'_>,
    ) -> Vec<Result<WorkItem, Outside>> {
        let candidates = stream::iter(candidates.into_iter().zip(0..));
        let admitted = candidates.map(|(candidate, index)| self.admit(candidate, index == 0, folders));
        admitted.buffered(self.config.concurrency).collect().await
    }

    async fn admit(&self, candidate: Candidate, is_certain: bool, folders: &Folders<'_>) -> Result<WorkItem, Outside> {
        let pending = |pending| Admission::closed(candidate.ended(Ending::Pending(pending)));
        let admission = match candidate.reach {
            Reach::LeftAlone(_) => Admission::of(&candidate),
            Reach::Own => self.own_admission(&candidate, folders).await,
            Reach::Member if !is_certain && self.is_late() => pending(Pending::TooLate),
            Reach::Member => {
                let admission = self.member_admission(&candidate, folders).instrument(self.span(&candidate));
                match self.guard.stop.unless_asked(admission).await {
                    None => pending(Pending::Stopped),
                    Some(Ok(admission)) => admission,
                    Some(Err(why)) => return Err(Outside { why, records: candidate.records }),
                }
            }
        };
        Ok(WorkItem { candidate, admission, is_certain })
    }

    /// # Errors
    /// Why it is no account of this run.
    async fn member_admission(&self, candidate: &Candidate, folders: &Folders<'_>) -> Result<Admission, String> {
        let account = &candidate.account;
        match members::membership(&self.guard.session, account).await {
            Membership::Active(location) => match Admission::by_folder(candidate, folders.standing(&location).await) {
                Some(admission) => Ok(admission),
                None => Err(format!("account `{account}` is in or below none of the folders of `{FOLDERS}`")),
            },
            Membership::Absent(status) => {
                Ok(Admission::closed(candidate.ended(Ending::Skipped(Skipped::NotActive(status)))))
            }
            Membership::Unknown(error) => Ok(Admission::unknown(candidate, &error)),
            Membership::Stranger => {
                Err(format!("account `{account}` is no member of the own account's resource directory"))
            }
        }
    }

    /// The own account is looked at in whatever folder it is, unless that one is left alone. That of the management account
    /// is in none.
    pub(super) async fn own_admission(&self, candidate: &Candidate, folders: &Folders<'_>) -> Admission {
        if candidate.reach != Reach::Own || !folders.exclude() {
            return Admission::of(candidate);
        }
        match members::membership(&self.guard.session, &candidate.account).await {
            Membership::Active(location) => {
                Admission::by_folder(candidate, folders.standing(&location).await).unwrap_or(Admission::Open)
            }
            Membership::Absent(_) | Membership::Stranger => Admission::Open,
            Membership::Unknown(error) => Admission::unknown(candidate, &error),
        }
    }
}
