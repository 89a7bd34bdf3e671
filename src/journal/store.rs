//! Where journal files live: a folder, possibly a slow mount, possibly shared by several guards.
//!
//! A file is named after account and generation, `1234567890123456.7.json`. Only the run that claimed a generation writes
//! its file, always as a whole; a claim fails where the file exists. So no lock is needed, and no file is ever half written
//! under its own name.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use authorization::target::AccountId;
use futures_util::future::BoxFuture;

use super::files::{self, Files};
use super::own;
use super::thread::on_thread;
use super::trust::{Key, Seal};

/// The accounts that there are files of, each with its generations, lowest first.
pub type Records = BTreeMap<AccountId, Vec<u64>>;

/// What the journal needs of a place for its files.
pub trait Store: Send + Sync {
    /// What vouches for the records there.
    fn seal(&self) -> Seal {
        Seal::Nothing
    }
    /// The accounts that there are files of.
    fn accounts(&self) -> BoxFuture<'_, io::Result<BTreeSet<AccountId>>>;
    /// The generations of an account, lowest first.
    fn generations<'a>(&'a self, account: &'a AccountId) -> BoxFuture<'a, io::Result<Vec<u64>>>;
    /// The same, as far as this run has seen it already.
    fn generations_seen<'a>(&'a self, account: &'a AccountId) -> BoxFuture<'a, io::Result<Vec<u64>>> {
        self.generations(account)
    }
    /// Everything that there are files of; not every place can tell.
    fn records(&self) -> BoxFuture<'_, io::Result<Records>> {
        Box::pin(async { Err(ErrorKind::Unsupported.into()) })
    }
    /// A file.
    fn read<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<Vec<u8>>>;
    /// Makes the file of a new generation; false where another run was faster.
    fn claim<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<bool>>;
    /// Replaces a file as a whole.
    fn replace<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<()>>;
    /// Keeps a file under another name; tells that name.
    fn set_aside<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<String>>;
    /// Removes the files of earlier generations.
    fn forget_before<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<()>>;
    /// Another file than a record.
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

/// A folder.
#[derive(Debug, Clone)]
pub struct Folder {
    pub(super) path: PathBuf,
    key: Option<Key>,
    /// Made at need, and checked before each use.
    pub(super) is_our_own: bool,
}

impl Folder {
    /// A folder that exists. It is not made here: where a mount is absent, the records would be lost with the instance.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self { path, key: None, is_our_own: false }
    }

    /// The same with a key that its records are signed with.
    #[must_use]
    pub fn signing(self, key: Option<Key>) -> Self {
        Self { key, ..self }
    }

    /// A folder that only the guard uses, made when it first writes.
    #[must_use]
    pub fn of_our_own(path: PathBuf) -> Self {
        Self { path, key: None, is_our_own: true }
    }

    /// Where it is, or will be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its path, to read from it; none where it was not made yet.
    pub(crate) fn to_read(&self) -> io::Result<Option<&Path>> {
        let is_there = !self.is_our_own || own::is_there(&self.path)?;
        Ok(is_there.then_some(&*self.path))
    }

    /// Its path, to write to it.
    pub(crate) fn to_write(&self) -> io::Result<&Path> {
        if self.is_our_own {
            own::make(&self.path)?;
        }
        Ok(&self.path)
    }

    fn of<T: Send + 'static>(
        &self,
        account: &AccountId,
        work: impl FnOnce(&Files) -> io::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, io::Result<T>> {
        let files = Files::new(self.clone(), account);
        Box::pin(on_thread(move || work(&files)))
    }
}

impl Store for Folder {
    fn seal(&self) -> Seal {
        match &self.key {
            Some(key) => Seal::Key(key.clone()),
            None if self.is_our_own => Seal::OwnPlace,
            None => Seal::Nothing,
        }
    }

    fn accounts(&self) -> BoxFuture<'_, io::Result<BTreeSet<AccountId>>> {
        Box::pin(async { Ok(self.records().await?.into_keys().collect()) })
    }

    fn records(&self) -> BoxFuture<'_, io::Result<Records>> {
        let folder = self.clone();
        Box::pin(on_thread(move || files::records(&folder)))
    }

    fn generations<'a>(&'a self, account: &'a AccountId) -> BoxFuture<'a, io::Result<Vec<u64>>> {
        self.of(account, Files::generations)
    }

    fn read<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        self.of(account, move |files| files.read(generation))
    }

    fn claim<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<bool>> {
        self.of(account, move |files| files.claim(generation, &bytes))
    }

    fn replace<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<()>> {
        self.of(account, move |files| files.replace(generation, &bytes))
    }

    fn set_aside<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<String>> {
        self.of(account, move |files| files.set_aside(generation))
    }

    fn forget_before<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<()>> {
        self.of(account, move |files| files.forget_before(generation))
    }

    fn read_file(&self, name: &'static str, limit: usize) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        let folder = self.clone();
        Box::pin(on_thread(move || files::read_file(&folder, name, limit)))
    }

    fn keep_file(&self, name: &'static str, bytes: Option<Vec<u8>>) -> BoxFuture<'_, io::Result<()>> {
        let folder = self.clone();
        Box::pin(on_thread(move || files::keep_file(&folder, name, bytes.as_deref())))
    }
}
