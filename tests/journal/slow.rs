//! A folder on a far mount: what its operations take counts against the deadline.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use dts_role_guard::apply::journal::{self, Doing, Store};
use dts_role_guard::clock::Clock;
use dts_role_guard::config::Mode;
use dts_role_guard::report::Status;
use dts_role_guard::target::AccountId;

use crate::folder::Folder;
use crate::lab::{Lab, json};
use crate::{authorized, full, next};

struct Far {
    folder: journal::Folder,
    clock: Arc<dyn Clock>,
    takes: Duration,
}

impl Far {
    fn late<'a, T>(&'a self, work: impl Future<Output = std::io::Result<T>> + Send + 'a) -> Doing<'a, T> {
        Box::pin(async move {
            self.clock.sleep(self.takes).await;
            work.await
        })
    }
}

impl Store for Far {
    fn generations<'a>(&'a self, account: &'a AccountId) -> Doing<'a, Vec<u64>> {
        self.late(self.folder.generations(account))
    }

    fn read<'a>(&'a self, account: &'a AccountId, generation: u64) -> Doing<'a, Vec<u8>> {
        self.late(self.folder.read(account, generation))
    }

    fn claim<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> Doing<'a, bool> {
        self.late(self.folder.claim(account, generation, bytes))
    }

    fn replace<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> Doing<'a, ()> {
        self.late(self.folder.replace(account, generation, bytes))
    }

    fn set_aside<'a>(&'a self, account: &'a AccountId, generation: u64) -> Doing<'a, String> {
        self.late(self.folder.set_aside(account, generation))
    }

    fn forget_before<'a>(&'a self, account: &'a AccountId, generation: u64) -> Doing<'a, ()> {
        self.late(self.folder.forget_before(account, generation))
    }
}

#[tokio::test]
async fn a_slow_folder_needs_more_of_the_deadline() {
    // Nine writes and three undos: about 1.4 s for the calls alone, and two operations on the folder for each of them.
    for (milliseconds, enough) in [(1, true), (100, true), (500, false)] {
        let folder = Folder::new();
        let lab = Lab::new(Some(full()));
        let takes = Duration::from_millis(milliseconds);
        let far = Far { folder: journal::Folder::new(folder.path().to_owned()), clock: lab.clock(), takes };
        let app = lab.app().keeping(Arc::new(far));
        let report = lab.ask_app(&app, Mode::Remediate, None, Duration::from_secs(8)).await;
        if enough {
            assert_eq!(report.status, Status::Remediated, "{milliseconds}: {}", json(&report));
            assert!(authorized(&lab), "{milliseconds}");
        } else {
            assert_eq!(report.status, Status::Refused, "{milliseconds}: {}", json(&report));
            assert!(next(&report).contains("too little time"), "{milliseconds}: {}", json(&report));
            assert_eq!(lab.writes(), [""; 0], "{milliseconds}");
        }
    }
}
