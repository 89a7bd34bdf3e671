//! Asks a run to end in order: no further account is begun, a role in progress is finished or restored.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use authorization::target::AccountId;
use tokio_util::sync::CancellationToken;

/// Whether a run was asked to end, and which roles it is writing to. Clones share their state.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    asked: CancellationToken,
    in_progress: Arc<Mutex<BTreeSet<AccountId>>>,
}

impl Stop {
    /// Asks the run to end.
    pub fn ask(&self) {
        self.asked.cancel();
    }

    /// Whether somebody asked.
    pub fn is_asked(&self) -> bool {
        self.asked.is_cancelled()
    }

    /// Work that has no effect is given up when somebody asks; `None` then.
    pub(crate) async fn unless_asked<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.asked.run_until_cancelled(work).await
    }

    /// The accounts whose role a run is writing to.
    pub(crate) fn in_progress(&self) -> Vec<AccountId> {
        self.accounts().iter().cloned().collect()
    }

    pub(crate) fn begin(&self, account: &AccountId) -> InProgress {
        self.accounts().insert(account.clone());
        InProgress { stop: self.clone(), account: account.clone() }
    }

    fn accounts(&self) -> MutexGuard<'_, BTreeSet<AccountId>> {
        self.in_progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A role is in progress until this is dropped.
#[derive(Debug)]
#[must_use]
pub(crate) struct InProgress {
    stop: Stop,
    account: AccountId,
}

impl Drop for InProgress {
    fn drop(&mut self) {
        self.stop.accounts().remove(&self.account);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_is_in_progress_until_its_guard_is_dropped() {
        let (stop, account) = (Stop::default(), "1234567890123456".parse::<AccountId>().unwrap());
        let in_progress = stop.clone().begin(&account);
        assert_eq!(stop.in_progress(), [account]);
        drop(in_progress);
        assert_eq!(stop.in_progress(), []);
    }

    #[tokio::test]
    async fn work_without_effect_is_given_up() {
        let stop = Stop::default();
        assert_eq!(stop.unless_asked(std::future::ready(1)).await, Some(1));
        stop.clone().ask();
        assert!(stop.is_asked());
        assert_eq!(stop.unless_asked(std::future::pending::<()>()).await, None);
    }
}
