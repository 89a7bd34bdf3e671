//! A journal folder on a far mount: each operation takes a while, by the clock that is given.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use aliyun::clock::Clock;
use authorization::target::AccountId;
use dts_role_guard::journal::{Folder, Records, Store};
use futures_util::future::BoxFuture;

pub struct Far {
    pub folder: Folder,
    pub clock: Arc<dyn Clock>,
    pub takes: Duration,
}

impl Far {
    fn late<'a, T>(&'a self, work: impl Future<Output = io::Result<T>> + Send + 'a) -> BoxFuture<'a, io::Result<T>> {
        Box::pin(async move {
            self.clock.sleep(self.takes).await;
            work.await
        })
    }
}

impl Store for Far {
    fn records(&self) -> BoxFuture<'_, io::Result<Records>> {
        self.late(self.folder.records())
    }

    fn generations<'a>(&'a self, account: &'a AccountId) -> BoxFuture<'a, io::Result<Vec<u64>>> {
        self.late(self.folder.generations(account))
    }

    fn read<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        self.late(self.folder.read(account, generation))
    }

    fn claim<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<bool>> {
        self.late(self.folder.claim(account, generation, bytes))
    }

    fn replace<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<()>> {
        self.late(self.folder.replace(account, generation, bytes))
    }

    fn set_aside<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<String>> {
        self.late(self.folder.set_aside(account, generation))
    }

    fn forget_before<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<()>> {
        self.late(self.folder.forget_before(account, generation))
    }
}
