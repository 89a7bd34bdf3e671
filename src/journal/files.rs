//! The files of a folder, as blocking calls.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use authorization::record::SIZE_LIMIT;
use authorization::target::AccountId;

use super::file;
use super::store::{Folder, Records};

/// A run leaves one file of an account behind. So many are no accident, and each would have to be read.
const MOST_OF_AN_ACCOUNT: usize = 1000;

/// Some three hundred thousand files.
const MOST_BYTES_OF_NAMES: usize = 10 * 1024 * 1024;

/// No run lives longer.
const LEFTOVER_AGE: Duration = Duration::from_hours(24);

/// So many at once, since somebody waits.
const MOST_CLEARED: usize = 100;

fn name(account: &str, generation: u64) -> String {
    format!("{account}.{generation}.json")
}

/// The accounts and generations that a folder has records of. Only names that this program gives count: no leading zeros,
/// no suffix.
pub(super) fn records(folder: &Folder) -> io::Result<Records> {
    let mut records = Records::new();
    for name in names(folder)? {
        let Some((account, generation)) = record(&name?) else { continue };
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

/// The names in a folder, as long as somebody can be expected to read them all. One that is no text is none of ours.
fn names(folder: &Folder) -> io::Result<impl Iterator<Item = io::Result<String>>> {
    let mut bytes = 0;
    let entries = folder.to_read()?.map(fs::read_dir).transpose()?;
    Ok(entries.into_iter().flatten().map(move |entry| {
        let name = entry?.file_name();
        bytes += name.len();
        if bytes > MOST_BYTES_OF_NAMES {
            return Err(unusable("the names of its files take more than 10 MB"));
        }
        Ok(name.into_string().unwrap_or_default())
    }))
}

/// Of the folder as a whole: a run does not ask again.
fn unusable(why: &str) -> io::Error {
    io::Error::new(ErrorKind::FileTooLarge, why)
}

/// Another file than a record.
pub(super) fn read_file(folder: &Folder, name: &str, limit: usize) -> io::Result<Vec<u8>> {
    match folder.to_read()? {
        Some(folder) => file::read(&folder.join(name), limit),
        None => Err(ErrorKind::NotFound.into()),
    }
}

/// Keeps such a file, or removes it.
pub(super) fn keep_file(folder: &Folder, name: &str, bytes: Option<&[u8]>) -> io::Result<()> {
    match bytes {
        Some(bytes) => file::replace(&folder.to_write()?.join(name), bytes),
        None => folder.to_read()?.map_or(Ok(()), |folder| remove(&folder.join(name))),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn record(file: &str) -> Option<(AccountId, u64)> {
    let (account, generation) = file.strip_suffix(".json")?.split_once('.')?;
    let (account, generation): (AccountId, _) = (account.parse().ok()?, generation.parse().ok()?);
    (name(account.as_str(), generation) == file).then_some((account, generation))
}

/// A file that was to become another one, and whose writer was killed: that one's name and a unique part.
fn is_leftover(name: &str) -> bool {
    let Some((stem, unique)) = name.strip_suffix(".tmp").and_then(|name| name.rsplit_once('.')) else { return false };
    let is_doctors = stem == "doctor" || stem.starts_with("doctor.");
    let of_ours = is_doctors || ["sweep", "notified"].contains(&stem) || record(&format!("{stem}.json")).is_some();
    of_ours && uuid::Uuid::try_parse(unique).is_ok()
}

/// The files of one account.
pub(super) struct Files {
    folder: Folder,
    account: String,
}

impl Files {
    pub(super) fn new(folder: Folder, account: &AccountId) -> Self {
        Self { folder, account: account.to_string() }
    }

    fn name(&self, generation: u64) -> String {
        name(&self.account, generation)
    }

    fn path(&self, generation: u64) -> PathBuf {
        self.folder.path.join(self.name(generation))
    }

    pub(super) fn generations(&self) -> io::Result<Vec<u64>> {
        let records = records(&self.folder)?;
        Ok(records
            .into_iter()
            .find(|(account, _)| account.as_str() == self.account)
            .map(|(_, own)| own)
            .unwrap_or_default())
    }

    pub(super) fn read(&self, generation: u64) -> io::Result<Vec<u8>> {
        self.folder.to_read()?;
        file::read(&self.path(generation), SIZE_LIMIT)
    }

    pub(super) fn claim(&self, generation: u64, bytes: &[u8]) -> io::Result<bool> {
        let folder = self.folder.to_write()?;
        let whole = file::write_beside(&self.path(generation), bytes)?;
        let claimed = link_or_rename(&whole, &self.path(generation));
        let _ = fs::remove_file(&whole);
        file::flush(folder)?;
        claimed
    }

    pub(super) fn replace(&self, generation: u64, bytes: &[u8]) -> io::Result<()> {
        self.folder.to_write()?;
        file::replace(&self.path(generation), bytes)
    }

    pub(super) fn set_aside(&self, generation: u64) -> io::Result<String> {
        let aside = format!("{}.aside-{}", self.name(generation), aliyun::clock::unique());
        fs::rename(self.path(generation), self.folder.path.join(&aside))?;
        Ok(aside)
    }

    pub(super) fn forget_before(&self, generation: u64) -> io::Result<()> {
        let earlier = self.generations()?.into_iter().filter(|earlier| *earlier < generation);
        // The highest one last: where one of these is left, all above it are, and it is seen who was first.
        earlier.into_iter().try_for_each(|earlier| remove(&self.path(earlier)))?;
        self.clear_leftovers(generation)
    }

    /// Those of killed runs, by the file system's own clock: it may be another one than ours.
    fn clear_leftovers(&self, generation: u64) -> io::Result<()> {
        let now = fs::symlink_metadata(self.path(generation))?.modified()?;
        let mut cleared = 0;
        for name in names(&self.folder)? {
            let path = self.folder.path.join(name?);
            let is_leftover = path.file_name().and_then(|name| name.to_str()).is_some_and(is_leftover);
            let written = if is_leftover { fs::symlink_metadata(&path)?.modified()? } else { continue };
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

    #[test]
    fn a_thousand_files_of_an_account_are_too_many_and_so_are_endless_names() {
        let folder = tempfile::tempdir().unwrap();
        let of = |account: u64, generation: usize| {
            fs::write(folder.path().join(format!("{account}.{generation}.json")), "").unwrap();
        };
        for n in 1..MOST_OF_AN_ACCOUNT {
            of(1_234_567_890_123_456, n);
            of(2_234_567_890_123_456 + n as u64, 1);
        }
        of(2_234_567_890_123_456, 1);
        assert_eq!(files(&folder).generations().unwrap().len(), MOST_OF_AN_ACCOUNT - 1);
        of(1_234_567_890_123_456, MOST_OF_AN_ACCOUNT);
        let error = files(&folder).generations().unwrap_err();
        assert!(error.to_string().contains(ACCOUNT), "{error}");
        let other = Files { folder: Folder::new(folder.path().to_owned()), account: "2234567890123456".to_owned() };
        assert_eq!(other.generations().unwrap_err().kind(), ErrorKind::FileTooLarge, "of no account any more");
    }

    #[test]
    fn what_killed_runs_left_is_cleared_after_a_day() {
        let folder = tempfile::tempdir().unwrap();
        let files = files(&folder);
        files.claim(7, b"x").unwrap();
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
        files.forget_before(7).unwrap();
        let left: std::collections::BTreeSet<_> =
            fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        let expected = kept.into_iter().map(|(name, _)| name).chain([format!("{ACCOUNT}.7.json")]).collect();
        assert_eq!(left, expected);
    }
}
