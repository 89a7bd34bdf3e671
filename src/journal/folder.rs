//! A folder of journal files, possibly a slow mount, possibly shared by several guards.
//!
//! A file is named after account and generation, `1234567890123456.7.json`.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use authorization::record::SIZE_LIMIT;
use authorization::target::AccountId;
use futures_util::future::BoxFuture;

use super::disk::{self, on_thread};
use super::store::{Records, Store};
use super::trust::{JournalKey, Seal};

/// A run leaves one file of an account behind. This many are no accident, and each would have to be read.
const MOST_OF_AN_ACCOUNT: usize = 1000;

/// Some three hundred thousand files.
const MOST_BYTES_OF_NAMES: usize = 10 * 1024 * 1024;

/// No run lives longer.
const LEFTOVER_AGE: Duration = Duration::from_hours(24);

/// The most that are removed at once, since somebody waits.
const MOST_CLEARED: usize = 100;

/// A folder.
#[derive(Debug, Clone)]
pub struct Folder {
    path: PathBuf,
    key: Option<JournalKey>,
    /// Made when it is first needed, and checked before each use.
    is_private: bool,
}

impl Folder {
    /// A folder that exists. It is not made here: where a mount is absent, the records would be lost with the instance.
    pub fn new(path: PathBuf) -> Self {
        Self { path, key: None, is_private: false }
    }

    /// The same with a key that its records are signed with.
    #[must_use]
    pub fn signing(self, key: Option<JournalKey>) -> Self {
        Self { key, ..self }
    }

    /// A folder that only the guard uses, made when it first writes.
    pub fn private(path: PathBuf) -> Self {
        Self { path, key: None, is_private: true }
    }

    /// Where it is, or will be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its path, to read from it; none where it was not made yet.
    pub(crate) fn to_read(&self) -> io::Result<Option<&Path>> {
        let is_there = !self.is_private || disk::is_private_folder(&self.path)?;
        Ok(is_there.then_some(&*self.path))
    }

    /// Its path, to write to it.
    pub(crate) fn to_write(&self) -> io::Result<&Path> {
        if self.is_private {
            disk::make_private_folder(&self.path)?;
        }
        Ok(&self.path)
    }

    fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> io::Result<T> + Send + 'static,
    ) -> BoxFuture<'_, io::Result<T>> {
        let folder = self.clone();
        Box::pin(on_thread(move || work(&folder)))
    }

    /// Only names that this program gives count: no leading zeros, no suffix.
    fn list(&self) -> io::Result<Records> {
        let mut records = Records::new();
        for name in self.names()? {
            let Some((account, generation)) = parse(&name?) else { continue };
            let generations = records.entry(account.clone()).or_default();
            generations.push(generation);
            if generations.len() >= MOST_OF_AN_ACCOUNT {
                return Err(unusable(&format!("it holds {MOST_OF_AN_ACCOUNT} files of account {account}")));
            }
        }
        for generations in records.values_mut() {
            generations.sort_unstable();
        }
        Ok(records)
    }

    fn generations_of(&self, account: &AccountId) -> io::Result<Vec<u64>> {
        Ok(self.list()?.remove(account).unwrap_or_default())
    }

    /// All names, as long as somebody can be expected to read them. One that is not text is not a file of the guard.
    fn names(&self) -> io::Result<impl Iterator<Item = io::Result<String>>> {
        let mut bytes = 0;
        let entries = self.to_read()?.map(fs::read_dir).transpose()?;
        Ok(entries.into_iter().flatten().map(move |entry| {
            let name = entry?.file_name();
            bytes += name.len();
            if bytes > MOST_BYTES_OF_NAMES {
                return Err(unusable("the names of its files take more than 10 MB"));
            }
            Ok(name.into_string().unwrap_or_default())
        }))
    }

    fn read_named(&self, name: &str, limit: usize) -> io::Result<Vec<u8>> {
        let folder = self.to_read()?.ok_or(ErrorKind::NotFound)?;
        disk::read(&folder.join(name), limit)
    }

    /// Removes what killed runs left, by the file system's own clock, which may differ from ours: `newest` was written now.
    fn clear_leftovers(&self, newest: &str) -> io::Result<()> {
        let now = fs::symlink_metadata(self.path.join(newest))?.modified()?;
        let mut cleared = 0;
        for name in self.names()? {
            let name = name?;
            let path = self.path.join(&name);
            if !is_leftover(&name) {
                continue;
            }
            let written = fs::symlink_metadata(&path)?.modified()?;
            if now.duration_since(written).is_ok_and(|age| age > LEFTOVER_AGE) {
                remove(&path)?;
                cleared += 1;
            }
            if cleared >= MOST_CLEARED {
                break;
            }
        }
        Ok(())
    }
}

impl Store for Folder {
    fn seal(&self) -> Seal {
        match &self.key {
            Some(key) => Seal::Key(key.clone()),
            None if self.is_private => Seal::PrivateFolder,
            None => Seal::Nothing,
        }
    }

    fn records(&self) -> BoxFuture<'_, io::Result<Records>> {
        self.blocking(Self::list)
    }

    fn generations<'a>(&'a self, account: &'a AccountId) -> BoxFuture<'a, io::Result<Vec<u64>>> {
        let account = account.clone();
        self.blocking(move |folder| folder.generations_of(&account))
    }

    fn read<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<Vec<u8>>> {
        let name = name(account, generation);
        self.blocking(move |folder| folder.read_named(&name, SIZE_LIMIT))
    }

    fn claim<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<bool>> {
        let name = name(account, generation);
        self.blocking(move |folder| {
            let path = folder.to_write()?.join(name);
            let whole = disk::write_beside(&path, &bytes)?;
            let claimed = link_or_rename(&whole, &path);
            let _ = fs::remove_file(&whole);
            disk::flush(&folder.path)?;
            claimed
        })
    }

    fn replace<'a>(&'a self, account: &'a AccountId, generation: u64, bytes: Vec<u8>) -> BoxFuture<'a, io::Result<()>> {
        let name = name(account, generation);
        self.blocking(move |folder| disk::replace(&folder.to_write()?.join(name), &bytes))
    }

    fn set_aside<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<String>> {
        let name = name(account, generation);
        self.blocking(move |Self { path, .. }| {
            let aside = format!("{name}.aside-{}", aliyun::clock::unique());
            fs::rename(path.join(name), path.join(&aside))?;
            Ok(aside)
        })
    }

    fn forget_before<'a>(&'a self, account: &'a AccountId, generation: u64) -> BoxFuture<'a, io::Result<()>> {
        let account = account.clone();
        self.blocking(move |folder| {
            let earlier = folder.generations_of(&account)?.into_iter().filter(|earlier| *earlier < generation);
            // The highest last: if a removal fails, all newer files are left too, and it shows which run was first.
            for earlier in earlier {
                remove(&folder.path.join(name(&account, earlier)))?;
            }
            folder.clear_leftovers(&name(&account, generation))
        })
    }

    fn read_file(&self, name: &'static str, limit: usize) -> BoxFuture<'_, io::Result<Vec<u8>>> {
        self.blocking(move |folder| folder.read_named(name, limit))
    }

    fn keep_file(&self, name: &'static str, bytes: Option<Vec<u8>>) -> BoxFuture<'_, io::Result<()>> {
        self.blocking(move |folder| match bytes {
            Some(bytes) => disk::replace(&folder.to_write()?.join(name), &bytes),
            None => folder.to_read()?.map_or(Ok(()), |folder| remove(&folder.join(name))),
        })
    }
}

fn name(account: &AccountId, generation: u64) -> String {
    format!("{account}.{generation}.json")
}

fn parse(file: &str) -> Option<(AccountId, u64)> {
    let (account, generation) = file.strip_suffix(".json")?.split_once('.')?;
    let (account, generation): (AccountId, _) = (account.parse().ok()?, generation.parse().ok()?);
    (name(&account, generation) == file).then_some((account, generation))
}

/// A file that was to become another one, and whose writer was killed: that one's name and a unique part.
fn is_leftover(name: &str) -> bool {
    let Some((stem, unique)) = name.strip_suffix(".tmp").and_then(|name| name.rsplit_once('.')) else { return false };
    let is_doctors = stem == "doctor" || stem.starts_with("doctor.");
    let of_ours = is_doctors || ["sweep", "notified"].contains(&stem) || parse(&format!("{stem}.json")).is_some();
    of_ours && uuid::Uuid::try_parse(unique).is_ok()
}

/// About the folder as a whole: a run does not ask again.
fn unusable(why: &str) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, why)
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
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

    fn account() -> AccountId {
        ACCOUNT.parse().unwrap()
    }

    /// The files of one account.
    struct Files(Folder);

    impl Files {
        fn path(&self, generation: u64) -> PathBuf {
            self.0.path.join(name(&account(), generation))
        }
        async fn generations(&self) -> io::Result<Vec<u64>> {
            self.0.generations(&account()).await
        }
        async fn claim(&self, generation: u64, bytes: &[u8]) -> io::Result<bool> {
            self.0.claim(&account(), generation, bytes.to_vec()).await
        }
        async fn replace(&self, generation: u64, bytes: &[u8]) -> io::Result<()> {
            self.0.replace(&account(), generation, bytes.to_vec()).await
        }
        async fn read(&self, generation: u64) -> io::Result<Vec<u8>> {
            self.0.read(&account(), generation).await
        }
    }

    fn files(folder: &tempfile::TempDir) -> Files {
        Files(Folder::new(folder.path().to_owned()))
    }

    #[tokio::test]
    async fn a_generation_is_claimed_once() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(&folder);
        assert!(files.claim(1, b"one").await.unwrap());
        assert!(!files.claim(1, b"two").await.unwrap());
        assert_eq!(files.read(1).await.unwrap(), b"one");
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "nothing is left beside it");
    }

    #[tokio::test]
    async fn a_file_is_replaced_as_a_whole_and_set_aside_under_another_name() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(&folder);
        files.claim(3, b"one").await.unwrap();
        files.replace(3, b"two").await.unwrap();
        assert_eq!(files.read(3).await.unwrap(), b"two");
        let aside = files.0.set_aside(&account(), 3).await.unwrap();
        assert_eq!(fs::read(folder.path().join(aside)).unwrap(), b"two");
        assert!(files.generations().await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn only_names_that_the_guard_gives_count() {
        let folder = tempfile::tempdir().unwrap();
        for name in [".10.json", ".9.json", ".09.json", ".x.json", ".1.json.aside-1", ".1.tmp", "1.1.json"] {
            fs::write(folder.path().join(format!("{ACCOUNT}{name}")), "").unwrap();
        }
        let files = files(&folder);
        assert_eq!(files.generations().await.unwrap(), [9, 10]);
        files.0.forget_before(&account(), 10).await.unwrap();
        assert_eq!(files.generations().await.unwrap(), [10]);
    }

    #[tokio::test]
    async fn no_link_is_followed_and_no_pipe_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(&folder);
        fs::write(folder.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(folder.path().join("secret"), files.path(1)).unwrap();
        fs::create_dir(files.path(2)).unwrap();
        for generation in [1, 2] {
            assert!(files.read(generation).await.is_err(), "{generation}");
            assert!(!files.claim(generation, b"x").await.unwrap(), "{generation}");
        }
        assert_eq!(fs::read(folder.path().join("secret")).unwrap(), b"secret");
    }

    #[tokio::test]
    async fn at_most_the_limit_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(&folder);
        fs::write(files.path(1), vec![b' '; SIZE_LIMIT * 2]).unwrap();
        assert_eq!(files.read(1).await.unwrap().len(), SIZE_LIMIT + 1);
    }

    #[tokio::test]
    async fn an_absent_folder_is_an_error_and_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files(Folder::new(folder.path().join("absent")));
        assert!(files.generations().await.is_err() && files.claim(1, b"x").await.is_err());
        assert!(!folder.path().join("absent").exists());
    }

    #[tokio::test]
    async fn a_folder_of_our_own_is_made_by_the_first_claim_and_not_by_a_look() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("own");
        let files = Files(Folder::private(path.clone()));
        assert!(files.generations().await.unwrap().is_empty() && !path.exists());
        assert!(files.claim(1, b"one").await.unwrap());
        assert_eq!(files.generations().await.unwrap(), [1]);
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o777)).unwrap();
        assert!(files.generations().await.is_err() && files.read(1).await.is_err(), "others can write there now");
        assert!(files.claim(2, b"x").await.is_err() && files.replace(1, b"x").await.is_err());
    }

    #[tokio::test]
    async fn a_thousand_files_of_an_account_are_too_many_and_so_are_endless_names() {
        let folder = tempfile::tempdir().unwrap();
        let of = |account: u64, generation: usize| {
            fs::write(folder.path().join(format!("{account}.{generation}.json")), "").unwrap();
        };
        for n in 1..MOST_OF_AN_ACCOUNT {
            of(1_234_567_890_123_456, n);
            of(2_234_567_890_123_456 + n as u64, 1);
        }
        of(2_234_567_890_123_456, 1);
        assert_eq!(files(&folder).generations().await.unwrap().len(), MOST_OF_AN_ACCOUNT - 1);
        of(1_234_567_890_123_456, MOST_OF_AN_ACCOUNT);
        let error = files(&folder).generations().await.unwrap_err();
        assert!(error.to_string().contains(ACCOUNT), "{error}");
        let other = "2234567890123456".parse().unwrap();
        assert_eq!(
            files(&folder).0.generations(&other).await.unwrap_err().kind(),
            ErrorKind::FileTooLarge,
            "of no account any more"
        );
    }

    #[tokio::test]
    async fn what_killed_runs_left_is_cleared_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(&folder);
        files.claim(7, b"x").await.unwrap();
        let now = fs::metadata(files.path(7)).unwrap().modified().unwrap();
        let unique = aliyun::clock::unique();
        let leave = |name: &str, hours: i64| {
            let file = fs::File::create(folder.path().join(name)).unwrap();
            let hours_away = std::time::Duration::from_secs(hours.unsigned_abs() * 3600);
            file.set_modified(if hours < 0 { now + hours_away } else { now - hours_away }).unwrap();
        };
        let cleared = [
            format!("{ACCOUNT}.6.{unique}.tmp"),
            format!("2234567890123456.1.{unique}.tmp"),
            format!("sweep.{unique}.tmp"),
        ];
        for name in &cleared {
            leave(name, 25);
        }
        leave(&format!("{ACCOUNT}.5.{unique}.tmp"), 24 * 365 * 100);
        let kept = [(format!("{ACCOUNT}.8.{unique}.tmp"), 23), (format!("{ACCOUNT}.9.{unique}.tmp"), -25)];
        let kept = kept.into_iter().chain(["mine.tmp", "1.tmp", "x.y.tmp"].map(|name| (name.to_owned(), 100)));
        let kept: Vec<_> = kept.chain([(format!("mine.{unique}.tmp"), 100)]).collect();
        for (name, hours) in &kept {
            leave(name, *hours);
        }
        files.0.forget_before(&account(), 7).await.unwrap();
        let left: std::collections::BTreeSet<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let expected = kept.into_iter().map(|(name, _)| name).chain([format!("{ACCOUNT}.7.json")]).collect();
        assert_eq!(left, expected);
    }
}
