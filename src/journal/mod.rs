//! What is on record about one account's role: what it takes to finish a repair after a crash.
//!
//! Every record goes to the log, one line of JSON each, whatever the log filter; where the log is a screen, to a file beside
//! it ([`JournalLogFile`]). With a folder ([`Folder`]) it goes there too, flushed before the first
//! write to the cloud, and a later run finishes what it says is unfinished.
//!
//! A run looks at the [`Journal`], and opens or adopts a repair: the [`OpenRepair`] borrows the journal until it ends, and
//! gives an [`Intent`] for each group of writes. A run that takes a role in hand claims the next generation. Before it takes
//! anything away it looks whether its generation is still the newest, after its intent is on record: either the run that
//! adopts the record sees the intent, or this run sees the adoption.

pub(crate) mod disk;
mod folder;
mod log;
mod open_repair;
mod store;
mod trust;

use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::time::Duration;

use authorization::plan::{Plan, Step};
use authorization::record::{Act, DetachWatch, Record, RecordedStep, Repair, Snapshot, Unreadable};
use authorization::role::{Role, Tags};
use authorization::settings::Approval;
use authorization::target::{AccountId, PolicyRef};
use authorization::verify::Finding;
use jiff::Timestamp;

pub use folder::Folder;
pub use log::{JournalLog, JournalLogFile};
pub use open_repair::{Intent, OpenRepair, Unrecorded};
pub(crate) use store::patience;
pub use store::{Records, RunStore, Store};
pub use trust::{Evidence, JournalKey, KEY_LENGTH, Seal, ShortKey};

use crate::refusal::Refusal;
use store::is_lost;
use trust::TRUSTED_FOR;

/// This many files of one account that are not trusted are no accident.
const MOST_UNREADABLE: usize = 16;

/// No run ever comes this far: such a file was written to keep every run from getting a number.
const FORGED: u64 = 1 << 63;

/// What is on record about one account.
#[derive(Debug)]
pub struct Journal {
    log: JournalLog,
    store: Option<RunStore>,
    record: Record,
    /// The highest generation that was ever used.
    newest: u64,
    /// Files that are not trusted.
    unreadable: Vec<Finding>,
    /// Why the folder cannot be used.
    trouble: Option<Refusal>,
    /// Policies that a run which this one took over may have detached, or may still detach.
    suspects: BTreeSet<PolicyRef>,
}

impl Journal {
    /// Reads what is on record. A run that `writes` sets aside what it cannot trust.
    pub(crate) async fn look(log: JournalLog, store: Option<RunStore>, writes: bool) -> Self {
        let mut journal = Self {
            store: store.map(RunStore::measured_anew),
            record: Record::empty(log.target.account.clone()),
            newest: 0,
            unreadable: Vec::new(),
            trouble: None,
            suspects: BTreeSet::new(),
            log,
        };
        if let Err(error) = journal.read(writes).await {
            if !is_lost(&error) {
                tracing::warn!(%error, "the journal folder cannot be used");
            }
            journal.trouble = Some(error.into());
        }
        journal
    }

    async fn read(&mut self, writes: bool) -> io::Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        let account = &self.log.target.account;
        let mut generations =
            if writes { store.generations(account).await? } else { store.generations_seen(account).await? };
        // A generation is never used twice, not even one whose file is set aside.
        self.newest = generations.last().copied().unwrap_or_default();
        while let Some(generation) = generations.pop() {
            match read(store, account, generation).await? {
                Some(Ok(record)) => {
                    self.record = record;
                    break;
                }
                Some(Err(why)) => {
                    let aside = if writes { Some(store.set_aside(account, generation).await?) } else { None };
                    self.unreadable.push(Finding::journal_unreadable(generation, &why.to_string(), aside.as_deref()));
                }
                None => {}
            }
            if self.unreadable.len() >= MOST_UNREADABLE {
                return Err(io::Error::new(ErrorKind::InvalidData, "too many of its files are not trusted"));
            }
        }
        Ok(())
    }

    pub(crate) fn record(&self) -> &Record {
        &self.record
    }

    /// Whether there is anything about the account.
    pub(crate) fn is_on_record(&self) -> Result<bool, Refusal> {
        self.trouble.clone().map_or(Ok(self.newest > 0), Err)
    }

    pub(crate) fn evidence(&self, approval: Approval) -> Evidence {
        let seal = self.store.as_ref().map_or(Seal::PrivateFolder, RunStore::seal);
        seal.evidence(&self.record, approval, self.log.now())
    }

    pub(crate) fn slowest(&self) -> Duration {
        self.store.as_ref().map_or(Duration::ZERO, RunStore::slowest)
    }

    /// Files that are not trusted.
    pub(crate) fn unreadable(&self) -> &[Finding] {
        &self.unreadable
    }

    /// Why no repair of this role may begin.
    pub(crate) fn refusal(&self) -> Option<Refusal> {
        self.trouble.clone().or_else(|| {
            let times = self.record.too_many_repairs(self.log.now())?;
            Some(Refusal::TooManyAttempts { times, account: self.record.account_id.clone() })
        })
    }

    /// Leaves the role alone from now on, until a person clears it.
    pub(crate) async fn block(&mut self) {
        if self.record.blocked_since.is_some() {
            return;
        }
        self.record.blocked_since = Some(self.log.now());
        if let Err(why) = self.claim_next().await {
            tracing::warn!(%why, "the journal does not remember that the role is left alone");
        }
    }

    /// Forgets how often the role was repaired.
    pub(crate) async fn clear(&mut self) -> Result<(), Refusal> {
        if let Some(trouble) = &self.trouble {
            return Err(trouble.clone());
        }
        self.discard_forged().await?;
        self.record.remediated.clear();
        self.record.blocked_since = None;
        self.claim_next().await
    }

    /// Sets the files aside whose numbers no run of the guard ever took.
    async fn discard_forged(&mut self) -> Result<(), Refusal> {
        let Some(store) = self.store.as_ref().filter(|_| self.newest >= FORGED) else { return Ok(()) };
        let account = &self.log.target.account;
        let generations = store.generations(account).await?;
        let (forged, honest): (Vec<_>, Vec<_>) = generations.into_iter().partition(|generation| *generation >= FORGED);
        for generation in forged {
            store.set_aside(account, generation).await?;
        }
        self.newest = honest.last().copied().unwrap_or_default();
        Ok(())
    }

    /// Gives up an unfinished repair: its file is kept under another name, and nothing is brought back from it.
    pub(crate) async fn give_up(&mut self) -> Result<Option<String>, Refusal> {
        let orders_nothing = self.record.unfinished().is_none() && self.record.watch.is_none();
        let Some(store) = self.store.as_ref().filter(|_| !orders_nothing) else { return Ok(None) };
        let aside = store.set_aside(&self.record.account_id, self.record.generation).await?;
        self.record.repair = None;
        self.record.watch = None;
        Ok(Some(aside))
    }

    /// Opens a repair: its record is flushed before the first write to the cloud.
    pub(crate) async fn open(
        &mut self,
        plan: &Plan,
        before: Option<&Role>,
        tags: Option<&Tags>,
    ) -> Result<OpenRepair<'_>, Refusal> {
        let begun = Repair::new(self.log.request_id.clone(), self.log.now(), &plan.id.to_string());
        self.record.repair = Some(Repair {
            steps: self.lines(&plan.steps),
            before: before.map(|role| Snapshot::of(role, tags)),
            ..begun
        });
        if self.store.is_some() && !self.record.has_room() {
            return Err(Refusal::Journal("what the role has is too much for a record".to_owned()));
        }
        self.claim_next().await?;
        self.log.begin(plan, before, tags);
        self.forget_earlier().await;
        Ok(OpenRepair::of(self))
    }

    /// Takes over the unfinished repair that is on record.
    pub(crate) async fn adopt(&mut self) -> Result<OpenRepair<'_>, Refusal> {
        let earlier = self.record.generation;
        let repair = self.record.repair.as_mut().ok_or_else(nothing_to_finish)?;
        repair.phase = repair.phase.next(Act::Adopt).map_err(|illegal| Refusal::Journal(illegal.to_string()))?;
        let before = repair.before.as_ref().map(Snapshot::role);
        self.suspects.extend(before.iter().flat_map(|role| role.policies.clone()));
        if self.record.watch.is_none() {
            let since = self.log.now();
            let until = since.checked_add(TRUSTED_FOR).unwrap_or(Timestamp::MAX);
            self.record.watch = before.map(|role| {
                let policies = role.policies.into_iter().collect();
                DetachWatch { since: Some(since), until, role_id: role.id, policies }
            });
        }
        self.suspects.extend(self.record.watch.iter().flat_map(|watch| watch.policies.clone()));
        self.claim_next().await?;
        self.log.adopt(self.record.generation);
        self.read_adopted_again(earlier).await?;
        self.forget_earlier().await;
        Ok(OpenRepair::of(self))
    }

    /// The run that was taken over may have gone on until it saw the claim: what it wrote last counts, and stands in the
    /// new file before the old one is forgotten.
    async fn read_adopted_again(&mut self, earlier: u64) -> Result<(), Refusal> {
        let Some(store) = &self.store else { return Ok(()) };
        let last = read(store, &self.record.account_id, earlier).await?;
        let Some(Ok(Record { repair, remediated, .. })) = last else { return Ok(()) };
        if repair.is_none() {
            return Err(nothing_to_finish());
        }
        if repair == self.record.repair {
            return Ok(());
        }
        self.record = Record { remediated, repair, ..self.record.clone() };
        Ok(self.write().await?)
    }

    fn lines(&self, steps: &[Step]) -> Vec<RecordedStep> {
        steps.iter().map(|step| RecordedStep::planned(step, &self.log.target.role)).collect()
    }

    async fn claim_next(&mut self) -> Result<(), Refusal> {
        let account = &self.record.account_id;
        self.newest = self.newest.checked_add(1).ok_or_else(|| {
            Refusal::Journal(format!(
                "a file has the highest number there is: type `dts-role-guard clear --account {account}`"
            ))
        })?;
        self.record.generation = self.newest;
        let Some(store) = &self.store else { return Ok(()) };
        let bytes = store.seal().bytes(self.record.clone());
        // A record that the next run would not trust is worth nothing.
        Record::read(&bytes, account, self.newest)
            .map_err(|why| Refusal::Journal(format!("the record could not be read back: {why}")))?;
        if !store.claim(account, self.newest, bytes).await? {
            return Err(Refusal::AnotherRun("began to work on the role at the same moment"));
        }
        // A slow run may claim a generation that others have left behind and forgotten meanwhile.
        match self.newest_generation().await? {
            Some(newest) if newest > self.newest => Err(Refusal::AnotherRun("has worked on the role since")),
            _ => Ok(()),
        }
    }

    async fn newest_generation(&self) -> io::Result<Option<u64>> {
        let Some(store) = &self.store else { return Ok(None) };
        Ok(store.generations(&self.record.account_id).await?.last().copied())
    }

    /// Replaces the file of this run's generation.
    async fn write(&self) -> io::Result<()> {
        let Some(store) = &self.store else { return Ok(()) };
        let Record { account_id, generation, .. } = &self.record;
        store.replace(account_id, *generation, store.seal().bytes(self.record.clone())).await
    }

    async fn forget_earlier(&self) {
        let Some(store) = &self.store else { return };
        // The newest file counts, so an old one that stays does no harm.
        let _ = store.forget_before(&self.record.account_id, self.record.generation).await;
    }
}

/// A file, or why it is not trusted; nothing where another run has removed it.
async fn read(
    store: &RunStore,
    account: &AccountId,
    generation: u64,
) -> io::Result<Option<Result<Record, Unreadable>>> {
    match store.read(account, generation).await {
        Ok(bytes) => Ok(Some(Record::read(&bytes, account, generation).and_then(|record| store.seal().check(record)))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if is_not_plain(&error) => Ok(Some(Err(Unreadable(error.to_string())))),
        Err(error) => Err(error),
    }
}

/// Something of that name is there and is not a plain file.
fn is_not_plain(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::IsADirectory)
        || matches!(error.raw_os_error(), Some(libc::ELOOP | libc::ENXIO))
}

fn nothing_to_finish() -> Refusal {
    Refusal::Journal("no repair is on record".to_owned())
}

/// The folder cannot be used: no other file is read or written where a refusal can follow.
impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Journal(error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use aliyun::clock::SystemClock;

    use authorization::baseline;

    use super::*;
    use crate::telemetry::Log;

    const ACCOUNT: &str = "1234567890123456";

    #[tokio::test]
    async fn a_generation_that_others_left_behind_is_of_no_use() {
        let folder = tempfile::tempdir().unwrap();
        let path = |generation: u64| folder.path().join(format!("{ACCOUNT}.{generation}.json"));
        let account: AccountId = ACCOUNT.parse().unwrap();
        let first = Record { generation: 1, ..Record::empty(account.clone()) };
        std::fs::write(path(1), first.bytes()).unwrap();
        let target = baseline::DTS.target(account);
        let clock = Arc::new(SystemClock::start());
        let store = RunStore::new(Arc::new(Folder::new(folder.path().to_owned())), clock.clone());
        let log = JournalLog::new(Log::Off, clock, target, "slow".to_owned());
        let mut slow = Journal::look(log, Some(store), true).await;
        std::fs::rename(path(1), path(3)).unwrap();
        assert!(matches!(slow.clear().await, Err(Refusal::AnotherRun(_))));
    }
}
