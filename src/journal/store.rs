//! Where the journal's files live, and one run's way to them.
//!
//! A file belongs to one account and generation. Only the run that claimed a generation writes its file, always as a whole;
//! a claim fails where the file exists. So no lock is needed, and no file is ever half written under its own name.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io::{self, ErrorKind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aliyun::clock::{Clock, Deadline, SharedClock};
use authorization::target::AccountId;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use super::trust::Seal;

/// The accounts that there are files of, each with its generations, lowest first.
pub type Records = BTreeMap<AccountId, Vec<u64>>;

/// What the journal needs of a place for its files.
pub trait Store: Send + Sync {
    /// What vouches for the records there.
    fn seal(&self) -> Seal {
        Seal::Nothing
    }
    /// Everything that there are files of.
    fn records(&self) -> BoxFuture<'_, io::Result<Records>>;
    /// The generations of an account, lowest first.
    fn generations<'a>(&'a self, account: &'a AccountId) -> BoxFuture<'a, io::Result<Vec<u64>>>;
    /// A file.
    fn read<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<Vec<u8>>>;
    /// Makes the file of a new generation; false where another run was faster.
    fn claim<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<bool>>;
    /// Replaces a file as a whole.
    fn replace<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<()>>;
    /// Keeps a file under another name, and returns that name.
    fn set_aside<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<String>>;
    /// Removes the files of earlier generations.
    fn forget_before<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<()>>;
    /// Reads a file that is not a record.
    fn read_file(&self, _name: &'static str, _limit: usize) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        Box::pin(async { Err(ErrorKind::NotFound.into()) })
    }
    /// Keeps such a file, or removes it.
    fn keep_file(&self, _name: &'static str, _bytes: Option<Vec<u8>>) -> BoxFuture<'_, io::Result<()>> {
        Box::pin(async { Ok(()) })
    }
}

impl std::fmt::Debug for dyn Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Store")
    }
}

/// The longest that one operation may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Near the deadline an operation has this part of what is left: the run has more to do than to wait for it.
const SHARE_OF_THE_REST: u32 = 4;

pub(crate) fn patience(clock: &dyn Clock, deadline: Deadline) -> Duration {
    PATIENCE.min(deadline.remaining(clock) / SHARE_OF_THE_REST)
}

/// One run's way to a [`Store`]. Every operation is timed; none holds the run up for long, and a store that was given up
/// once is not asked again. Clones share all of that.
#[derive(Debug, Clone)]
pub struct RunStore {
    store: Arc<dyn Store>,
    clock: SharedClock,
    /// Without it an operation may take as long as it likes.
    deadline: Option<Deadline>,
    run: Arc<RunState>,
    slowest_micros: Arc<AtomicU64>,
}

#[derive(Debug, Default)]
struct RunState {
    /// Why the store is not asked any more.
    lost: OnceLock<(ErrorKind, String)>,
    /// What the store held when this run first looked.
    seen: OnceCell<Records>,
}

impl RunStore {
    /// For a run that waits as long as an operation takes.
    pub fn new(store: Arc<dyn Store>, clock: SharedClock) -> Self {
        Self { store, clock, deadline: None, run: Arc::default(), slowest_micros: Arc::default() }
    }

    /// The same for a run that has to answer in time.
    #[must_use]
    pub fn until(self, deadline: Deadline) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// The same with a measurement of its own: how long one account's files take says nothing of another's.
    pub(super) fn measured_anew(self) -> Self {
        Self { slowest_micros: Arc::default(), ..self }
    }

    /// The longest that an operation has taken so far. A store that is not asked any more takes no time.
    pub(super) fn slowest(&self) -> Duration {
        let micros = if self.run.lost.get().is_some() { 0 } else { self.slowest_micros.load(Ordering::Relaxed) };
        Duration::from_micros(micros)
    }

    async fn ask<T>(&self, operation: impl Future<Output = io::Result<T>> + Send) -> io::Result<T> {
        if let Some((kind, why)) = self.run.lost.get() {
            return Err(io::Error::new(*kind, why.clone()));
        }
        let begin = self.clock.uptime();
        let done = match self.deadline {
            None => operation.await,
            Some(deadline) => {
                let patience = patience(&*self.clock, deadline);
                // Real time: a file system knows no other.
                tokio::time::timeout(patience, operation).await.unwrap_or_else(|_| Err(given_up(patience)))
            }
        };
        let took = self.clock.uptime().saturating_sub(begin);
        self.slowest_micros.fetch_max(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
        if let Err(error) = &done
            && is_lost(error)
            && self.run.lost.set((error.kind(), error.to_string())).is_ok()
        {
            tracing::warn!(%error, "the journal folder cannot be used");
        }
        done
    }

    pub(super) fn seal(&self) -> Seal {
        self.store.seal()
    }

    async fn seen(&self) -> io::Result<&Records> {
        self.ask(self.run.seen.get_or_try_init(|| self.store.records())).await
    }

    pub(crate) async fn accounts(&self) -> io::Result<BTreeSet<AccountId>> {
        Ok(self.seen().await?.keys().cloned().collect())
    }

    /// The generations of an account as this run has seen them first: one listing serves all accounts.
    pub(super) async fn generations_seen(&self, account: &AccountId) -> io::Result<Vec<u64>> {
        Ok(self.seen().await?.get(account).cloned().unwrap_or_default())
    }

    pub(super) async fn generations(&self, account: &AccountId) -> io::Result<Vec<u64>> {
        self.ask(self.store.generations(account)).await
    }

    pub(super) async fn read(&self, account: &AccountId, generation: u64) -> io::Result<Vec<u8>> {
        self.ask(self.store.read(account, generation)).await
    }

    pub(super) async fn claim(&self, account: &AccountId, generation: u64, bytes: Vec<u8>) -> io::Result<bool> {
        self.ask(self.store.claim(account, generation, bytes)).await
    }

    pub(super) async fn replace(&self, account: &AccountId, generation: u64, bytes: Vec<u8>) -> io::Result<()> {
        self.ask(self.store.replace(account, generation, bytes)).await
    }

    pub(super) async fn set_aside(&self, account: &AccountId, generation: u64) -> io::Result<String> {
        self.ask(self.store.set_aside(account, generation)).await
    }

    pub(super) async fn forget_before(&self, account: &AccountId, generation: u64) -> io::Result<()> {
        self.ask(self.store.forget_before(account, generation)).await
    }

    pub(crate) async fn read_file(&self, name: &'static str, limit: usize) -> io::Result<Vec<u8>> {
        self.ask(self.store.read_file(name, limit)).await
    }

    pub(crate) async fn keep_file(&self, name: &'static str, bytes: Option<Vec<u8>>) -> io::Result<()> {
        self.ask(self.store.keep_file(name, bytes)).await
    }
}

fn given_up(patience: Duration) -> io::Error {
    let text = format!("it did not answer within {} ms and is not asked again in this run", patience.as_millis());
    io::Error::new(ErrorKind::TimedOut, text)
}

/// Whether an error is about the store as a whole. The log has it then.
pub(super) fn is_lost(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::FileTooLarge)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aliyun::clock::SystemClock;

    use super::*;

    /// Counts how often it is asked, and never answers when asked to read.
    #[derive(Default)]
    struct Counting {
        listed: AtomicUsize,
        read: AtomicUsize,
    }

    impl Store for Counting {
        fn records(&self) -> BoxFuture<'_, io::Result<Records>> {
            self.listed.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Ok((0..3).map(|n| (account(n), vec![n, n + 1])).collect()) })
        }
        fn generations<'a>(&'a self, _: &'a AccountId) -> BoxFuture<'a, io::Result<Vec<u64>>> {
            Box::pin(async { Ok(vec![9]) })
        }
        fn read<'a>(&'a self, _: &'a AccountId, _: u64) -> BoxFuture<'a, io::Result<Vec<u8>>> {
            Box::pin(async {
                self.read.fetch_add(1, Ordering::Relaxed);
                std::future::pending().await
            })
        }
        fn claim<'a>(&'a self, _: &'a AccountId, _: u64, _: Vec<u8>) -> BoxFuture<'a, io::Result<bool>> {
            Box::pin(async { Err(ErrorKind::StorageFull.into()) })
        }
        fn replace<'a>(&'a self, _: &'a AccountId, _: u64, _: Vec<u8>) -> BoxFuture<'a, io::Result<()>> {
            unreachable!()
        }
        fn set_aside<'a>(&'a self, _: &'a AccountId, _: u64) -> BoxFuture<'a, io::Result<String>> {
            unreachable!()
        }
        fn forget_before<'a>(&'a self, _: &'a AccountId, _: u64) -> BoxFuture<'a, io::Result<()>> {
            unreachable!()
        }
    }

    fn account(n: u64) -> AccountId {
        (1_234_567_890_123_456 + n).to_string().parse().unwrap()
    }

    fn bounded(left: Duration) -> (Arc<Counting>, RunStore) {
        let (store, clock) = (Arc::new(Counting::default()), Arc::new(SystemClock::start()));
        let deadline = Deadline::after(&*clock, left);
        (store.clone(), RunStore::new(store, clock).until(deadline))
    }

    #[tokio::test]
    async fn one_listing_serves_all_accounts_and_an_account_in_repair_is_looked_up_anew() {
        let (store, bounded) = bounded(PATIENCE * 10);
        for n in [0, 1, 2] {
            assert_eq!(bounded.generations_seen(&account(n)).await.unwrap(), [n, n + 1]);
            assert_eq!(bounded.generations(&account(n)).await.unwrap(), [9]);
        }
        assert!(bounded.generations_seen(&account(3)).await.unwrap().is_empty());
        assert_eq!(bounded.accounts().await.unwrap().len(), 3);
        assert_eq!(store.listed.load(Ordering::Relaxed), 1);
    }

    /// A quarter of the time that is left is enough to wait.
    #[tokio::test]
    async fn what_was_given_up_once_is_not_tried_again() {
        let clock = SystemClock::start();
        let (store, bounded) = bounded(PATIENCE / 5);
        for _ in 0..100 {
            assert_eq!(bounded.read(&account(0), 1).await.unwrap_err().kind(), ErrorKind::TimedOut);
        }
        assert!(bounded.generations(&account(0)).await.is_err(), "whatever is asked");
        assert_eq!(store.read.load(Ordering::Relaxed), 1);
        assert!(clock.uptime() < PATIENCE, "waited for once");
    }

    #[tokio::test]
    async fn an_error_is_no_silence() {
        let (_, bounded) = bounded(PATIENCE * 10);
        assert!(bounded.claim(&account(0), 1, Vec::new()).await.is_err());
        assert_eq!(bounded.generations(&account(0)).await.unwrap(), [9], "it is asked again");
    }
}
