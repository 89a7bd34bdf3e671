//! What a run leaves to the next one, in a file of the journal folder: who waits, and whose repair failed.
//!
//! The file decides an order and nothing else, so one that cannot be read costs no more than a line in the log.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::io::{self, ErrorKind};

use authorization::target::AccountId;
use authorization::verify::Finding;
use serde::{Deserialize, Serialize};

use crate::journal::RunStore;
use crate::outcome::AccountOutcome;
use crate::report::Status;

const NAME: &str = "sweep.json";
const SCHEMA: &str = "dts-role-guard/sweep/v1";

/// Some fifty thousand accounts.
const SIZE_LIMIT: usize = 1024 * 1024;

/// The file, if there is a folder.
#[derive(Debug)]
pub(super) struct Checkpoint(Option<RunStore>);

/// What earlier runs left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Backlog {
    /// Who was not reached or not finished. Who has waited longest comes first.
    pub(super) waiting: Vec<AccountId>,
    /// Whose repair failed when it was last tried: they come last, or they would trip the brake before all others.
    pub(super) failed: BTreeSet<AccountId>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Saved {
    schema: String,
    not_reached: Vec<AccountId>,
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    repair_failed: BTreeSet<AccountId>,
}

/// What a run did.
pub(super) struct Done<'a> {
    pub(super) outcomes: &'a [AccountOutcome],
    /// The accounts that were begun.
    pub(super) begun: &'a HashSet<AccountId>,
    /// Those whose repair failed.
    pub(super) failed: BTreeSet<AccountId>,
    /// Whether every member was listed.
    pub(super) is_whole: bool,
}

/// A class of those that wait, from first to last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Class {
    /// Found broken, and no time was left for the repair. That counts once: who is always broken and never repaired would
    /// take the looks from all others.
    Broken,
    /// Has had no turn, in this run and in earlier ones.
    StillWaiting,
    /// Has had no turn in this run.
    Waiting,
    /// Has had its turn, and it was not enough.
    NotFinished,
}

impl Backlog {
    /// What the next run has to know.
    pub(super) fn after(&self, done: &Done<'_>) -> Self {
        let ranks: HashMap<_, _> = self.waiting.iter().zip(0..).collect();
        let place = |account, is_broken| {
            let rank = ranks.get(account).copied().unwrap_or(usize::MAX);
            (class(rank, done.begun.contains(account), is_broken), rank, account)
        };
        let pending = done.outcomes.iter().filter(|outcome| outcome.status() == Status::Pending);
        let pending = pending.filter_map(|outcome| {
            let is_broken = outcome.findings.iter().any(Finding::failed);
            Some(place(outcome.account.as_ref()?, is_broken))
        });
        // Whoever waited and was not even listed still waits.
        let listed: HashSet<_> = done.outcomes.iter().filter_map(|outcome| outcome.account.as_ref()).collect();
        let unlisted = self.waiting.iter().filter(|account| !done.is_whole && !listed.contains(account));
        let mut waiting: Vec<_> = pending.chain(unlisted.map(|account| place(account, false))).collect();
        waiting.sort_by_key(|(class, rank, _)| (*class, *rank));
        let untried = untried(done.outcomes);
        let still = self.failed.intersection(&untried);
        let failed = done.failed.iter().chain(still).cloned().collect();
        Self { waiting: waiting.into_iter().map(|(.., account)| account.clone()).collect(), failed }
    }
}

fn class(rank: usize, was_begun: bool, is_broken: bool) -> Class {
    match (was_begun, rank) {
        (true, usize::MAX) if is_broken => Class::Broken,
        (true, _) => Class::NotFinished,
        (false, usize::MAX) => Class::Waiting,
        (false, _) => Class::StillWaiting,
    }
}

/// The accounts whose repair was not tried, so that it is not known whether it would still fail.
fn untried(outcomes: &[AccountOutcome]) -> BTreeSet<AccountId> {
    let is_untried = |status| matches!(status, Status::Pending | Status::Refused | Status::Failed);
    let untried = outcomes.iter().filter(|outcome| is_untried(outcome.status()));
    untried.filter_map(|outcome| outcome.account.clone()).collect()
}

impl Checkpoint {
    pub(super) fn new(store: Option<RunStore>) -> Self {
        Self(store)
    }

    /// What the last run left.
    pub(super) async fn read(&self) -> Backlog {
        let Some(store) = &self.0 else { return Backlog::default() };
        let read = store.read_file(NAME, SIZE_LIMIT).await.and_then(|bytes| parse(&bytes));
        read.unwrap_or_else(|error| {
            if error.kind() != ErrorKind::NotFound {
                tracing::warn!(%error, "where the last run ended cannot be read: the order is another one");
            }
            Backlog::default()
        })
    }

    /// Keeps what the next run has to know.
    pub(super) async fn keep(&self, memory: Backlog) {
        let Some(store) = &self.0 else { return };
        let is_empty = memory == Backlog::default();
        let Backlog { waiting: not_reached, failed: repair_failed } = memory;
        let file = Saved { schema: SCHEMA.to_owned(), not_reached, repair_failed };
        let bytes = (!is_empty).then(|| serde_json::to_vec(&file).unwrap_or_default());
        if let Err(error) = store.keep_file(NAME, bytes).await {
            tracing::warn!(%error, "where this run ended cannot be kept");
        }
    }
}

fn parse(bytes: &[u8]) -> io::Result<Backlog> {
    let file: Saved = serde_json::from_slice(bytes)?;
    if file.schema != SCHEMA {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is of another version"));
    }
    Ok(Backlog { waiting: file.not_reached, failed: file.repair_failed })
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use aliyun::clock::SystemClock;
    use authorization::verify::FindingId;
    use serde_json::json;

    use super::*;
    use crate::apply::Cause;
    use crate::journal::Folder;
    use crate::outcome::{Ending, Pending, Refused};

    fn checkpoint(folder: &Path) -> Checkpoint {
        Checkpoint::new(Some(RunStore::new(Arc::new(Folder::new(folder.to_owned())), Arc::new(SystemClock::start()))))
    }

    fn ids(numbers: &[usize]) -> Vec<AccountId> {
        numbers.iter().map(|number| format!("{:016}", number + 1_000_000).parse().unwrap()).collect()
    }

    fn memory(waiting: &[usize], failed: &[usize]) -> Backlog {
        Backlog { waiting: ids(waiting), failed: ids(failed).into_iter().collect() }
    }

    fn ended(ending: impl Fn() -> Ending, numbers: &[usize]) -> Vec<AccountOutcome> {
        ids(numbers).into_iter().map(|id| AccountOutcome::new(Some(id), ending())).collect()
    }

    fn pending(numbers: &[usize]) -> Vec<AccountOutcome> {
        ended(|| Ending::Pending(Pending::TooLate), numbers)
    }

    fn broken(mut outcome: AccountOutcome) -> AccountOutcome {
        outcome.findings.push(Finding::new(FindingId::RoleMissing, String::new(), json!({})));
        outcome
    }

    /// After a run that began some accounts, and said this.
    fn after(before: &Backlog, outcomes: &[AccountOutcome], begun: &[usize], is_whole: bool) -> Vec<AccountId> {
        let begun = ids(begun).into_iter().collect();
        before.after(&Done { outcomes, begun: &begun, failed: BTreeSet::new(), is_whole }).waiting
    }

    #[test]
    fn whoever_had_no_turn_keeps_its_place_and_whoever_had_one_goes_to_the_end() {
        let pending = pending(&[1, 2, 3, 4, 5]);
        assert_eq!(after(&memory(&[4, 3, 2], &[]), &pending, &[4], true), ids(&[3, 2, 1, 5, 4]));
    }

    #[test]
    fn a_role_that_was_found_broken_comes_first_but_not_for_ever() {
        let pending: Vec<_> = pending(&[1, 2]).into_iter().map(broken).chain(pending(&[3])).collect();
        assert_eq!(after(&memory(&[2], &[]), &pending, &[1, 2], true), ids(&[1, 3, 2]));
    }

    #[test]
    fn whoever_was_reached_or_is_gone_waits_no_longer_and_who_was_not_listed_does() {
        let all: Vec<_> = ended(|| Ending::Judged(None), &[1]).into_iter().chain(pending(&[2])).collect();
        assert_eq!(after(&memory(&[9, 1], &[]), &all, &[1], true), ids(&[2]));
        assert_eq!(after(&memory(&[9, 1], &[]), &all, &[1], false), ids(&[9, 2]));
    }

    #[test]
    fn a_repair_that_failed_is_remembered_until_another_one_does_not() {
        let all = [
            ended(|| Ending::Refused(Refused::HeldBack), &[1]),
            pending(&[2]),
            ended(|| Ending::Remediated, &[3]),
            ended(|| Ending::Judged(None), &[4]),
            ended(|| Ending::RolledBack(Cause::Deleted), &[5]),
        ];
        let done = Done {
            outcomes: &all.into_iter().flatten().collect::<Vec<_>>(),
            begun: &HashSet::new(),
            failed: ids(&[5]).into_iter().collect(),
            is_whole: true,
        };
        let kept = memory(&[], &[1, 2, 3, 4]).after(&done).failed;
        assert_eq!(kept.into_iter().collect::<Vec<_>>(), ids(&[1, 2, 5]));
    }

    #[tokio::test]
    async fn it_is_kept_in_its_order_until_there_is_nothing_to_keep() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = checkpoint(folder.path());
        assert_eq!(checkpoint.read().await, Backlog::default());
        for kept in [memory(&[7, 3, 5], &[]), memory(&[], &[4]), memory(&[2], &[1])] {
            checkpoint.keep(kept.clone()).await;
            assert_eq!(checkpoint.read().await, kept);
        }
        checkpoint.keep(Backlog::default()).await;
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_file_of_an_earlier_version_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let id = ids(&[1]);
        let text = format!(r#"{{"schema":"{SCHEMA}","notReached":["{}"]}}"#, id[0]);
        std::fs::write(folder.path().join(NAME), text).unwrap();
        assert_eq!(checkpoint(folder.path()).read().await, memory(&[1], &[]));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_trusted_only_changes_the_order() {
        let folder = tempfile::tempdir().unwrap();
        let checkpoint = checkpoint(folder.path());
        let id = "\"1234567890123456\"";
        for text in [
            "{".to_owned(),
            format!(r#"{{"schema":"other","notReached":[{id}]}}"#),
            format!(r#"{{"schema":"{SCHEMA}","notReached":[{id}],"more":1}}"#),
            format!(r#"{{"schema":"{SCHEMA}","notReached":["me"]}}"#),
            " ".repeat(SIZE_LIMIT + 1),
        ] {
            std::fs::write(folder.path().join(NAME), text).unwrap();
            assert_eq!(checkpoint.read().await, Backlog::default());
        }
    }
}
