//! One run's way to the files: no operation holds it up for long, and what was given up once is not tried again.

use std::collections::BTreeSet;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aliyun::clock::{Deadline, SharedClock};
use authorization::target::AccountId;
use futures_util::future::BoxFuture;
use tokio::sync::OnceCell;

use super::store::{Records, Store};
use super::trust::Seal;

/// An operation has so long.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// Near the deadline it has this part of what is left: the run has more to do than to wait for it.
const SHARE_OF_THE_REST: u32 = 4;

/// A store for one run.
#[derive(Debug)]
pub struct Bounded {
    store: Arc<dyn Store>,
    /// The run's clock and deadline, if it has one.
    until: Option<(SharedClock, Deadline)>,
    /// Why it is not asked any more.
    lost: OnceLock<(ErrorKind, String)>,
    /// What lies there, as this run has seen it first.
    seen: OnceCell<Records>,
}

impl Bounded {
    /// For a run without a deadline.
    #[must_use]
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store, until: None, lost: OnceLock::new(), seen: OnceCell::new() }
    }

    /// For a run that has to answer in time.
    #[must_use]
    pub fn until(store: Arc<dyn Store>, clock: SharedClock, deadline: Deadline) -> Self {
        Self { until: Some((clock, deadline)), ..Self::new(store) }
    }

    fn patience(&self) -> Duration {
        let left = self.until.as_ref().map_or(Duration::MAX, |(clock, deadline)| deadline.remaining(&**clock));
        PATIENCE.min(left / SHARE_OF_THE_REST)
    }

    /// The time is real time: a file system knows no other.
    async fn bound<T>(&self, work: impl Future<Output = io::Result<T>> + Send) -> io::Result<T> {
        if let Some((kind, why)) = self.lost.get() {
            return Err(io::Error::new(*kind, why.clone()));
        }
        let patience = self.patience();
        let done = tokio::time::timeout(patience, work).await.unwrap_or_else(|_| {
            let text =
                format!("it did not answer within {} ms and is not asked again in this run", patience.as_millis());
            Err(io::Error::new(ErrorKind::TimedOut, text))
        });
        if let Err(error) = &done
            && is_lost(error)
            && self.lost.set((error.kind(), error.to_string())).is_ok()
        {
            tracing::warn!(%error, "the journal folder cannot be used");
        }
        done
    }

    fn doing<'a, T: Send + 'a>(&'a self, work: BoxFuture<'a, io::Result<T>>) -> BoxFuture<'a, io::Result<T>> {
        Box::pin(self.bound(work))
    }

    async fn seen(&self) -> io::Result<&Records> {
        self.bound(self.seen.get_or_try_init(|| self.store.records())).await
    }
}

/// Whether an error is about the folder as a whole, and was told.
pub(super) fn is_lost(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::TimedOut | ErrorKind::FileTooLarge)
}

impl Store for Bounded {
    fn seal(&self) -> Seal {
        self.store.seal()
    }

    fn records(&self) -> BoxFuture<'_, io::Result<Records>> {
        Box::pin(async { self.seen().await.cloned() })
    }

    fn accounts(&self) -> BoxFuture<'_, io::Result<BTreeSet<AccountId>>> {
        Box::pin(async {
            match self.seen().await {
                Err(error) if error.kind() == ErrorKind::Unsupported => self.bound(self.store.accounts()).await,
                seen => seen.map(|records| records.keys().cloned().collect()),
            }
        })
    }

    fn generations<'a>(&'a self, account: &'a AccountId) -> BoxFuture<'a, io::Result<Vec<u64>>> {
        self.doing(self.store.generations(account))
    }

    fn generations_seen<'a>(&'a self, account: &'a AccountId) -> BoxFuture<'a, io::Result<Vec<u64>>> {
        Box::pin(async move {
            match self.seen().await {
                Err(error) if error.kind() == ErrorKind::Unsupported => self.generations(account).await,
                seen => seen.map(|records| records.get(account).cloned().unwrap_or_default()),
            }
        })
    }

    fn read<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        self.doing(self.store.read(account, generation))
    }

    fn claim<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<bool>> {
        self.doing(self.store.claim(account, generation, bytes))
    }

    fn replace<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<()>> {
        self.doing(self.store.replace(account, generation, bytes))
    }

    fn set_aside<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<String>> {
        self.doing(self.store.set_aside(account, generation))
    }

    fn forget_before<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<()>> {
        self.doing(self.store.forget_before(account, generation))
    }

    fn read_file(&self, name: &'static str, limit: usize) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        self.doing(self.store.read_file(name, limit))
    }

    fn keep_file(&self, name: &'static str, bytes: Option<Vec<u8>>) -> BoxFuture<'_, io::Result<()>> {
        self.doing(self.store.keep_file(name, bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aliyun::clock::{Clock as _, SystemClock};

    use super::*;

    /// Counts how often it is asked, and never answers when asked to read.
    #[derive(Default)]
    struct Place {
        listed: AtomicUsize,
        read: AtomicUsize,
    }

    impl Store for Place {
        fn accounts(&self) -> BoxFuture<'_, io::Result<BTreeSet<AccountId>>> {
            unreachable!()
        }
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

    fn bounded(left: Duration) -> (Arc<Place>, Bounded) {
        let (place, clock) = (Arc::new(Place::default()), Arc::new(SystemClock::start()));
        let deadline = Deadline::after(&*clock, left);
        (place.clone(), Bounded::until(place, clock, deadline))
    }

    #[tokio::test]
    async fn one_listing_serves_all_accounts_and_an_account_in_repair_is_looked_up_anew() {
        let (place, bounded) = bounded(PATIENCE * 10);
        for n in [0, 1, 2] {
            assert_eq!(bounded.generations_seen(&account(n)).await.unwrap(), [n, n + 1]);
            assert_eq!(bounded.generations(&account(n)).await.unwrap(), [9]);
        }
        assert!(bounded.generations_seen(&account(3)).await.unwrap().is_empty());
        assert_eq!(bounded.accounts().await.unwrap().len(), 3);
        assert_eq!(place.listed.load(Ordering::Relaxed), 1);
    }

    /// A quarter of the time that is left is enough to wait.
    #[tokio::test]
    async fn what_was_given_up_once_is_not_tried_again() {
        let clock = SystemClock::start();
        let (place, bounded) = bounded(PATIENCE / 5);
        for _ in 0..100 {
            assert_eq!(bounded.read(&account(0), 1).await.unwrap_err().kind(), ErrorKind::TimedOut);
        }
        assert!(bounded.generations(&account(0)).await.is_err(), "whatever is asked");
        assert_eq!(place.read.load(Ordering::Relaxed), 1);
        assert!(clock.uptime() < PATIENCE, "waited for once");
    }

    #[tokio::test]
    async fn an_error_is_no_silence() {
        let (_, bounded) = bounded(PATIENCE * 10);
        assert!(bounded.claim(&account(0), 1, Vec::new()).await.is_err());
        assert!(bounded.generations(&account(0)).await.is_ok());
    }
}
