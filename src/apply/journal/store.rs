//! Where journal files live: a folder, possibly a slow mount, possibly shared by several guards.
//!
//! A file is named after account and generation, `1234567890123456.7.json`. Only the run that claimed a generation writes
//! its file, always as a whole; a claim fails where the file exists. So no lock is needed, and no file is ever half written
//! under its own name.

use std::collections::BTreeSet;
use std::fs;
use std::future::Future;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::pin::Pin;

use super::record::SIZE_LIMIT;
use super::trust::{Key, Seal};
use super::{file, own};
use crate::target::AccountId;

/// An operation under way.
pub type Doing<'a, T> = Pin<Box<dyn Future<Output = io::Result<T>> + Send + 'a>>;

/// What the journal needs of a place for its files.
pub trait Store: Send + Sync {
    /// What vouches for the records there.
    fn seal(&self) -> Seal {
        Seal::Nothing
    }
    /// The accounts that there are files of.
    fn accounts(&self) -> Doing<'_, BTreeSet<AccountId>>;
    /// The generations of an account, lowest first.
    fn generations<'a>(&'a self, account: &'a AccountId) -> Doing<'a, Vec<u64>>;
    /// A file.
    fn read<'a>(&'a self, account: &'a AccountId, generation: u64) -> Doing<'a, Vec<u8>>;
    /// Makes the file of a new generation; false where another run was faster.
    fn claim<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> Doing<'a, bool>;
    /// Replaces a file as a whole.
    fn replace<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> Doing<'a, ()>;
    /// Keeps a file under another name; tells that name.
    fn set_aside<'a>(&'a self, account: &'a AccountId, generation: u64) -> Doing<'a, String>;
    /// Removes the files of earlier generations.
    fn forget_before<'a>(&'a self, account: &'a AccountId, generation: u64) -> Doing<'a, ()>;
    /// Another file than a record.
    fn read_file(&self, _name: &'static str, _limit: usize) -> Doing<'_, Vec<u8>> {
        Box::pin(async { Err(ErrorKind::NotFound.into()) })
    }
    /// Keeps such a file, or removes it.
    fn keep_file(&self, _name: &'static str, _bytes: Option<Vec<u8>>) -> Doing<'_, ()> {
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
    path: PathBuf,
    key: Option<Key>,
    /// Made at need, and checked before each use.
    is_our_own: bool,
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

    /// File systems block, and a mount may take long: the work goes to a thread of its own.
    fn on_thread<T: Send + 'static>(
        &self,
        account: &AccountId,
        work: impl FnOnce(&Files) -> io::Result<T> + Send + 'static,
    ) -> Doing<'_, T> {
        let files = Files { folder: self.clone(), account: account.to_string() };
        let work = tokio::task::spawn_blocking(move || work(&files));
        Box::pin(async { work.await.map_err(io::Error::other)? })
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

    fn accounts(&self) -> Doing<'_, BTreeSet<AccountId>> {
        let folder = self.clone();
        let work = tokio::task::spawn_blocking(move || records(&folder));
        Box::pin(async { Ok(work.await.map_err(io::Error::other)??.into_iter().map(|(account, _)| account).collect()) })
    }

    fn generations<'a>(&'a self, account: &'a AccountId) -> Doing<'a, Vec<u64>> {
        self.on_thread(account, Files::generations)
    }

    fn read<'a>(&'a self, account: &'a AccountId, generation: u64) -> Doing<'a, Vec<u8>> {
        self.on_thread(account, move |files| files.read(generation))
    }

    fn claim<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> Doing<'a, bool> {
        self.on_thread(account, move |files| files.claim(generation, &bytes))
    }

    fn replace<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> Doing<'a, ()> {
        self.on_thread(account, move |files| files.replace(generation, &bytes))
    }

    fn set_aside<'a>(&'a self, account: &'a AccountId, generation: u64) -> Doing<'a, String> {
        self.on_thread(account, move |files| files.set_aside(generation))
    }

    fn forget_before<'a>(&'a self, account: &'a AccountId, generation: u64) -> Doing<'a, ()> {
        self.on_thread(account, move |files| files.forget_before(generation))
    }

    fn read_file(&self, name: &'static str, limit: usize) -> Doing<'_, Vec<u8>> {
        let folder = self.clone();
        let work = tokio::task::spawn_blocking(move || match folder.to_read()? {
            Some(path) => file::read(&path.join(name), limit),
            None => Err(ErrorKind::NotFound.into()),
        });
        Box::pin(async { work.await.map_err(io::Error::other)? })
    }

    fn keep_file(&self, name: &'static str, bytes: Option<Vec<u8>>) -> Doing<'_, ()> {
        let folder = self.clone();
        let work = tokio::task::spawn_blocking(move || match bytes {
            Some(bytes) => file::replace(&folder.to_write()?.join(name), &bytes),
            None => fs::remove_file(folder.path.join(name)),
        });
        Box::pin(async { work.await.map_err(io::Error::other)? })
    }
}

fn name(account: &str, generation: u64) -> String {
    format!("{account}.{generation}.json")
}

/// The accounts and generations that a folder has records of. Only names that this program gives count: no leading zeros,
/// no suffix.
fn records(folder: &Folder) -> io::Result<Vec<(AccountId, u64)>> {
    let mut records = Vec::new();
    let Some(folder) = folder.to_read()? else { return Ok(records) };
    for entry in fs::read_dir(folder)? {
        records.extend(entry?.file_name().to_str().and_then(record));
    }
    Ok(records)
}

fn record(file: &str) -> Option<(AccountId, u64)> {
    let (account, generation) = file.strip_suffix(".json")?.split_once('.')?;
    let (account, generation): (AccountId, _) = (account.parse().ok()?, generation.parse().ok()?);
    (name(account.as_str(), generation) == file).then_some((account, generation))
}

/// The files of one account.
struct Files {
    folder: Folder,
    account: String,
}

impl Files {
    fn name(&self, generation: u64) -> String {
        name(&self.account, generation)
    }

    fn path(&self, generation: u64) -> PathBuf {
        self.folder.path.join(self.name(generation))
    }

    fn generations(&self) -> io::Result<Vec<u64>> {
        let records = records(&self.folder)?.into_iter().filter(|(account, _)| account.as_str() == self.account);
        let mut generations: Vec<_> = records.map(|(_, generation)| generation).collect();
        generations.sort_unstable();
        Ok(generations)
    }

    fn read(&self, generation: u64) -> io::Result<Vec<u8>> {
        self.folder.to_read()?;
        file::read(&self.path(generation), SIZE_LIMIT)
    }

    fn claim(&self, generation: u64, bytes: &[u8]) -> io::Result<bool> {
        let folder = self.folder.to_write()?;
        let whole = file::write_beside(&self.path(generation), bytes)?;
        let claimed = link_or_rename(&whole, &self.path(generation));
        let _ = fs::remove_file(&whole);
        file::flush(folder)?;
        claimed
    }

    fn replace(&self, generation: u64, bytes: &[u8]) -> io::Result<()> {
        self.folder.to_write()?;
        file::replace(&self.path(generation), bytes)
    }

    fn set_aside(&self, generation: u64) -> io::Result<String> {
        let aside = format!("{}.aside-{}", self.name(generation), uuid::Uuid::new_v4());
        fs::rename(self.path(generation), self.folder.path.join(&aside))?;
        Ok(aside)
    }

    fn forget_before(&self, generation: u64) -> io::Result<()> {
        let mut earlier = self.generations()?.into_iter().filter(|earlier| *earlier < generation);
        earlier.try_for_each(|earlier| fs::remove_file(self.path(earlier)))
    }
}

/// A hard link fails where the name exists, on NAS too. An OSS mount has no links: there two runs at the same moment can
/// both succeed, and only the function's reserved concurrency keeps them apart.
fn link_or_rename(whole: &Path, name: &Path) -> io::Result<bool> {
    match fs::hard_link(whole, name) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(_) if name.symlink_metadata().is_ok() => Ok(false),
        Err(_) => fs::rename(whole, name).map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "1234567890123456";

    fn files(folder: &tempfile::TempDir) -> Files {
        Files { folder: Folder::new(folder.path().to_owned()), account: ACCOUNT.to_owned() }
    }

    #[test]
    fn a_generation_is_claimed_once() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(&folder);
        assert!(files.claim(1, b"one").unwrap());
        assert!(!files.claim(1, b"two").unwrap());
        assert_eq!(file::read(&files.path(1), SIZE_LIMIT).unwrap(), b"one");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn a_file_is_replaced_as_a_whole_and_set_aside_under_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(&folder);
        files.claim(3, b"one").unwrap();
        files.replace(3, b"two").unwrap();
        assert_eq!(file::read(&files.path(3), SIZE_LIMIT).unwrap(), b"two");
        let aside = files.set_aside(3).unwrap();
        assert_eq!(fs::read(folder.path().join(aside)).unwrap(), b"two");
        assert!(files.generations().unwrap().is_empty());
    }

    #[test]
    fn only_names_that_the_guard_gives_count() {
        let folder = tempfile::tempdir().unwrap();
        let account = ACCOUNT;
        for name in [".10.json", ".9.json", ".09.json", ".x.json", ".1.json.aside-1", ".1.tmp", "1.1.json"] {
            fs::write(folder.path().join(format!("{account}{name}")), "").unwrap();
        }
        let files = files(&folder);
        assert_eq!(files.generations().unwrap(), [9, 10]);
        files.forget_before(10).unwrap();
        assert_eq!(files.generations().unwrap(), [10]);
    }

    #[test]
    fn no_link_is_followed_and_no_pipe_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(&folder);
        fs::write(folder.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), files.path(1)).unwrap();
        fs::create_dir(files.path(2)).unwrap();
        for generation in [1, 2] {
            assert!(file::read(&files.path(generation), SIZE_LIMIT).is_err(), "{generation}");
            assert!(!files.claim(generation, b"x").unwrap(), "{generation}");
        }
        assert_eq!(fs::read(folder.path().join("secret")).unwrap(), b"secret");
    }

    #[test]
    fn at_most_the_limit_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(&folder);
        fs::write(files.path(1), vec![b' '; SIZE_LIMIT * 2]).unwrap();
        assert_eq!(file::read(&files.path(1), SIZE_LIMIT).unwrap().len(), SIZE_LIMIT + 1);
    }

    #[test]
    fn an_absent_folder_is_an_error_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files { folder: Folder::new(folder.path().join("absent")), account: ACCOUNT.to_owned() };
        assert!(files.generations().is_err() && files.claim(1, b"x").is_err());
        assert!(!folder.path().join("absent").exists());
    }

    #[test]
    fn a_folder_of_our_own_is_made_by_the_first_claim_and_not_by_a_look() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("own");
        let files = Files { folder: Folder::of_our_own(path.clone()), account: ACCOUNT.to_owned() };
        assert!(files.generations().unwrap().is_empty() && !path.exists());
        assert!(files.claim(1, b"one").unwrap());
        assert_eq!(files.generations().unwrap(), [1]);
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        assert!(files.generations().is_err() && files.read(1).is_err(), "others can write there now");
        assert!(files.claim(2, b"x").is_err() && files.replace(1, b"x").is_err());
    }
}
