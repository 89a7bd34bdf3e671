//! Whether an account that somebody named may be worked in.

use aliyun::Error;
use authorization::settings::Scope;
use futures_util::{StreamExt as _, stream};
use tracing::Instrument as _;

use super::queue::Turn;
use super::{Gate, Look, Place, Sweep, Swept, lines};
use crate::config::FOLDERS;
use crate::event::Selector;
use crate::members::{self, Admission, FolderId, FolderRules, Folders, Standing};
use crate::report::{LeftOut, Next, Results, Status};

/// An account that somebody named.
pub(super) enum Named {
    Turn(Box<Turn>),
    /// None that this run may be about, and why: never entered.
    Outside(Look, String),
}

const EVERY_FOLDER: &FolderRules = &FolderRules::none();

impl Sweep<'_> {
    /// The folders of the settings; in the scope `account` they mean nothing.
    pub(super) fn folders(&self) -> Folders<'_> {
        let rules = if self.config.scope == Scope::Organization { &self.config.folders } else { EVERY_FOLDER };
        Folders::new(rules, &self.guard.session)
    }

    /// A run whose folders could not be found out does nothing.
    pub(super) fn without_folder(&self, folder: &FolderId, error: &Error) -> Swept {
        let accounts = vec![lines::not_begun(&self.own, error.kind.may_pass())];
        let errors = vec![lines::no_directory_folder(folder, error)];
        Swept::Accounts(Results { accounts, errors, ..Results::default() })
    }

    /// The directory is asked about every account before work begins in the first: a wrong list by hand does nothing.
    pub(super) async fn admit_all(&self, looks: Vec<Look>, folders: &Folders<'_>) -> Vec<Named> {
        let named = stream::iter(looks.into_iter().zip(0..)).map(|(look, index)| self.admit(look, index == 0, folders));
        named.buffered(self.config.concurrency).collect().await
    }

    async fn admit(&self, look: Look, is_certain: bool, folders: &Folders<'_>) -> Named {
        let gate = match look.place {
            Place::LeftAlone(_) => Gate::of(&look),
            Place::Own => self.own_gate(&look, folders).await,
            Place::Elsewhere if !is_certain && self.is_late() => {
                Gate::closed(lines::line(&look, Status::Pending, &Next::TooLate))
            }
            Place::Elsewhere => {
                let gate = self.gate(&look, folders).instrument(self.span(&look));
                match self.guard.stop.unless_asked(gate).await {
                    None => Gate::closed(lines::line(&look, Status::Pending, &Next::Stopped)),
                    Some(Ok(gate)) => gate,
                    Some(Err(why)) => return Named::Outside(look, why),
                }
            }
        };
        Named::Turn(Box::new(Turn { look, gate, is_certain }))
    }

    /// # Errors
    /// Why it is none of this run's.
    async fn gate(&self, look: &Look, folders: &Folders<'_>) -> Result<Gate, String> {
        let place = match members::admit(&self.guard.session, &look.account).await {
            Admission::Member(place) => place,
            Admission::Absent(status) => {
                return Ok(Gate::closed(lines::line(look, Status::Skipped, &Next::NotActive(&status))));
            }
            Admission::Unknown(error) => return Ok(Gate::closed(lines::unknown(look, &error))),
            Admission::Stranger => return Err(not_a_member(look)),
        };
        match folders.standing(&place).await {
            Ok(Standing::Inside) => Ok(Gate::Open),
            Ok(Standing::Outside) => {
                Err(format!("account `{}` is in or below none of the folders of `{FOLDERS}`", look.account))
            }
            Ok(Standing::Excluded(folder)) => {
                Ok(Gate::closed(lines::line(look, Status::Skipped, &Next::InFolder(&folder.to_string()))))
            }
            Err(error) => Ok(Gate::closed(lines::unknown(look, &error))),
        }
    }

    /// The own account is looked at in whatever folder it is, unless that one is left alone. That of the management account
    /// is in none.
    pub(super) async fn own_gate(&self, look: &Look, folders: &Folders<'_>) -> Gate {
        if look.place != Place::Own || !folders.exclude() {
            return Gate::of(look);
        }
        match members::admit(&self.guard.session, &look.account).await {
            Admission::Member(place) => match folders.standing(&place).await {
                Ok(Standing::Inside | Standing::Outside) => Gate::Open,
                Ok(Standing::Excluded(folder)) => {
                    Gate::closed(lines::line(look, Status::Skipped, &Next::InFolder(&folder.to_string())))
                }
                Err(error) => Gate::closed(lines::unknown(look, &error)),
            },
            Admission::Absent(_) | Admission::Stranger => Gate::Open,
            Admission::Unknown(error) => Gate::closed(lines::unknown(look, &error)),
        }
    }

    pub(super) fn is_by_hand(&self) -> bool {
        matches!(self.request.selector, Selector::Accounts(_))
    }
}

fn not_a_member(look: &Look) -> String {
    format!("account `{}` is no member of the own account's resource directory", look.account)
}

pub(super) fn as_left_out(look: &Look, why: &str) -> impl Iterator<Item = LeftOut> {
    look.records.iter().map(|record| LeftOut { record: *record, reason: why.to_owned() })
}
