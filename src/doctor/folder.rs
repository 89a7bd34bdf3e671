//! The journal's folder, tried with files of the doctor's own. Each check has two seconds; a folder that does not answer holds
//! nobody up, and nothing is left behind in it.

use std::fs::{self, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use aliyun::clock::{Deadline, SharedClock};
use aliyun::credentials::Host;
use authorization::text::sanitized;

use super::checks::{CheckResult, CheckStatus, Checks, timed};
use crate::config::{JOURNAL_DIR, JournalPlace};
use crate::journal::disk::{self, on_thread};
use crate::journal::{Folder, patience};

/// After a deletion a repair waits no longer for its record.
const SLOW: Duration = Duration::from_millis(500);
const LEAST_SPACE: u64 = 1024 * 1024;
const LITTLE_SPACE: u64 = 16 * 1024 * 1024;
const ANOTHER_FILE_SYSTEM: &str = "use another file system for `DTS_GUARD_JOURNAL_DIR`, such as NAS or a local disk";

struct CheckContext {
    path: PathBuf,
    clock: SharedClock,
    /// Whether the setting names it.
    is_named: bool,
    host: Host,
}

/// A check: its name, whether it writes, and what it does.
type FolderCheck = (&'static str, bool, fn(&CheckContext) -> io::Result<CheckResult>);

const CHECKS: [FolderCheck; 8] = [
    ("journal-folder", false, exists),
    ("journal-write", true, is_writable),
    ("journal-exclusive", true, is_exclusive),
    ("journal-replace", true, replaces_as_a_whole),
    ("journal-flush", true, flushes),
    ("journal-space", false, has_space),
    ("journal-filesystem", false, file_system),
    ("journal-case", true, tells_case_apart),
];

pub(super) fn ids() -> [&'static str; 8] {
    CHECKS.map(|(id, ..)| id)
}

pub(super) async fn check(
    checks: &mut Checks,
    journal: &JournalPlace,
    host: Host,
    clock: &SharedClock,
    deadline: Deadline,
) -> Result<(), String> {
    let no_folder = || format!("there is no folder: `{JOURNAL_DIR}` is `off`, or no home is known");
    let folder = journal.folder().ok_or_else(no_folder)?;
    let is_named = matches!(journal, JournalPlace::Named(_));
    let shown = sanitized(&folder.path().to_string_lossy());
    let mut can_write = true;
    let was_there = bounded(clock, deadline, &folder, |folder| Ok(folder.to_read()?.is_some())).await;
    for (id, writes, look) in CHECKS {
        if writes && !can_write {
            checks.put(id, CheckResult::skipped("nothing can be written: see `journal-write`"));
            continue;
        }
        let context_clock = clock.clone();
        let work = bounded(clock, deadline, &folder, move |folder| {
            look(&CheckContext { path: folder.to_write()?.to_owned(), clock: context_clock, is_named, host })
        });
        let (result, took) = timed(&**clock, work).await;
        let is_silent = result.as_ref().is_err_and(|error| error.kind() == ErrorKind::TimedOut);
        let result = result.unwrap_or_else(|error| failed(&shown, &error));
        let has_failed = result.status == CheckStatus::Failed;
        checks.put_timed(id, (result, took));
        if is_silent || (id == "journal-folder" && has_failed) {
            return Err(format!("the folder cannot be used: see `{id}`"));
        }
        can_write &= id != "journal-write" || !has_failed;
    }
    if was_there.is_ok_and(|was_there| !was_there) {
        // Only where it is empty, which it is unless a run has begun meanwhile.
        let removed = bounded(clock, deadline, &folder, |folder| fs::remove_dir(folder.to_write()?)).await;
        tracing::debug!(removed = removed.is_ok(), "the folder that was made for the checks");
    }
    Ok(())
}

/// What does not end is left to itself: its thread removes what it has made as soon as the folder answers.
async fn bounded<T: Send + 'static>(
    clock: &SharedClock,
    deadline: Deadline,
    folder: &Folder,
    work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let patience = patience(&**clock, deadline);
    let folder = folder.clone();
    let done = tokio::time::timeout(patience, on_thread(move || work(&folder))).await;
    done.unwrap_or_else(|_| {
        Err(io::Error::new(ErrorKind::TimedOut, format!("it did not answer within {} ms", patience.as_millis())))
    })
}

fn failed(folder: &str, error: &io::Error) -> CheckResult {
    let next = match error.kind() {
        ErrorKind::TimedOut => "look at the mount: its server does not answer".to_owned(),
        ErrorKind::NotFound => format!("make the folder, or mount it, or correct `{JOURNAL_DIR}`"),
        ErrorKind::PermissionDenied => "let the user of the process read and write it".to_owned(),
        ErrorKind::ReadOnlyFilesystem => "mount it for writing".to_owned(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "make room in it".to_owned(),
        _ => ANOTHER_FILE_SYSTEM.to_owned(),
    };
    CheckResult::failed(
        format!("`{folder}`: {}", sanitized(&error.to_string())),
        format!("{next}; until then no repair begins"),
    )
}

/// A file of the doctor's own, removed when this is dropped.
struct ScratchFile(PathBuf);

impl ScratchFile {
    fn in_folder(folder: &Path) -> Self {
        Self(folder.join(format!("doctor.{}.tmp", aliyun::clock::unique())))
    }

    fn beside(&self, bytes: &[u8]) -> io::Result<Self> {
        disk::write_beside(&self.0, bytes).map(Self)
    }
}

impl Drop for ScratchFile {
    fn drop(&mut self) {
        // It may never have been made, and a folder that fails now has failed a check already.
        let _ = fs::remove_file(&self.0);
    }
}

fn exists(context: &CheckContext) -> io::Result<CheckResult> {
    let shown = sanitized(&context.path.to_string_lossy());
    if !fs::metadata(&context.path)?.is_dir() {
        return Ok(CheckResult::failed(
            format!("`{shown}` is not a folder"),
            format!("name a folder in `{JOURNAL_DIR}`"),
        ));
    }
    let files = fs::read_dir(&context.path)?.take(10_000).count();
    Ok(CheckResult::ok(format!("`{shown}`, with {files} files")))
}

fn is_writable(context: &CheckContext) -> io::Result<CheckResult> {
    ScratchFile::in_folder(&context.path).beside(b"{}")?;
    Ok(CheckResult::ok("files can be made, written and removed"))
}

/// A claim is a hard link that fails where the name exists: so of two guards only one begins.
fn is_exclusive(context: &CheckContext) -> io::Result<CheckResult> {
    const ONE_ONLY: &str =
        "keep `reservedConcurrency: 1` at the function, or use NAS: nothing else keeps two guards apart";
    let name = ScratchFile::in_folder(&context.path);
    let (first, second) = (name.beside(b"1")?, name.beside(b"2")?);
    if let Err(error) = fs::hard_link(&first.0, &name.0) {
        let said = format!("no hard links ({}), so two guards can claim one repair", sanitized(&error.to_string()));
        return Ok(CheckResult::warning(said, ONE_ONLY));
    }
    Ok(match fs::hard_link(&second.0, &name.0) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists && fs::read(&name.0)? == b"1" => {
            CheckResult::ok("of two that make one file at the same time one fails")
        }
        _ => CheckResult::failed(
            "a file that exists can be made once more, so two guards can claim one repair",
            ONE_ONLY,
        ),
    })
}

fn replaces_as_a_whole(context: &CheckContext) -> io::Result<CheckResult> {
    let name = ScratchFile::in_folder(&context.path);
    for text in ["one, which is longer", "two"] {
        disk::replace(&name.0, text.as_bytes())?;
        if fs::read(&name.0)? != text.as_bytes() {
            let said = "a file that was replaced does not show what was written";
            return Ok(CheckResult::failed(said, ANOTHER_FILE_SYSTEM));
        }
    }
    Ok(CheckResult::ok("a file is replaced as a whole, and read back as it was written"))
}

fn flushes(context: &CheckContext) -> io::Result<CheckResult> {
    let name = ScratchFile::in_folder(&context.path);
    let begin = context.clock.uptime();
    let mut made = OpenOptions::new().write(true).create_new(true).open(&name.0)?;
    made.write_all(b"{}")?;
    made.sync_all()?;
    disk::flush(&context.path)?;
    let took = context.clock.uptime().saturating_sub(begin);
    let said = format!("a file and its name last after {} ms", took.as_millis());
    if took < SLOW {
        return Ok(CheckResult::ok(said));
    }
    Ok(CheckResult::warning(said, "give the function more time: each write of a repair waits for the record of it"))
}

fn has_space(context: &CheckContext) -> io::Result<CheckResult> {
    let space = rustix::fs::statvfs(&context.path)?;
    if space.f_blocks == 0 {
        return Ok(CheckResult::ok("the file system does not tell how much is free"));
    }
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    let said = format!("{} MiB are free", free / (1024 * 1024));
    let next = "make room: without a record no repair begins";
    if space.f_files > 0 && space.f_favail == 0 {
        return Ok(CheckResult::failed("no more files can be made (inodes)", next));
    }
    Ok(match free {
        ..LEAST_SPACE => CheckResult::failed(said, next),
        LEAST_SPACE..LITTLE_SPACE => CheckResult::warning(said, next),
        LITTLE_SPACE.. => CheckResult::ok(said),
    })
}

fn tells_case_apart(context: &CheckContext) -> io::Result<CheckResult> {
    let unique = aliyun::clock::unique();
    let scratch = |unique: &str| ScratchFile(context.path.join(format!("doctor.{unique}.tmp")));
    let (lower, upper) = (scratch(&unique.to_ascii_lowercase()), scratch(&unique.to_ascii_uppercase()));
    fs::write(&lower.0, "lower")?;
    fs::write(&upper.0, "upper")?;
    if fs::read(&lower.0)? == b"lower" {
        return Ok(CheckResult::ok("names that differ only by case are two"));
    }
    let next = "nothing for the journal's own files, but look whether it is the file system that you meant";
    Ok(CheckResult::warning("names that differ only by case are one", next))
}

fn file_system(context: &CheckContext) -> io::Result<CheckResult> {
    let Ok(mounts) = fs::read_to_string("/proc/self/mountinfo") else {
        return Ok(CheckResult::skipped("this system does not tell the kind of a file system"));
    };
    let path = fs::canonicalize(&context.path)?;
    let Some(kind) = kind_of(&path, &mounts) else {
        return Ok(CheckResult::skipped("the folder is on no mount that is listed"));
    };
    Ok(judge(&kind, context.is_named, context.host))
}

/// The kind of the deepest mount that holds a path; of two at one place the later hides the earlier.
fn kind_of(path: &Path, mounts: &str) -> Option<String> {
    let mounts = mounts.lines().filter_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let point = unescaped(before.split(' ').nth(4)?);
        Some((point, after.split(' ').next()?))
    });
    let holding = mounts.filter(|(point, _)| path.starts_with(point));
    let deepest = holding.enumerate().max_by_key(|(index, (point, _))| (Path::new(point).components().count(), *index));
    deepest.map(|(_, (_, kind))| kind.to_owned())
}

/// `\040` for a blank (source: proc(5)).
fn unescaped(text: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

fn judge(kind: &str, is_named: bool, host: Host) -> CheckResult {
    let shown = sanitized(kind);
    let is_fleeting = ["tmpfs", "ramfs", "overlay"].contains(&kind);
    if kind.starts_with("fuse") || kind.contains("ossfs") {
        let said = format!("`{shown}`, as an OSS mount is: it does not keep two guards apart");
        return CheckResult::warning(said, "keep `reservedConcurrency: 1` at the function");
    }
    if is_fleeting && is_named && host == Host::Function {
        let said = format!("`{shown}`: this is the instance's own disk, and gone with it");
        return CheckResult::warning(said, format!("mount NAS or OSS at `{JOURNAL_DIR}`, or leave the setting out"));
    }
    CheckResult::ok(format!("`{shown}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 0:20 / / rw,relatime shared:1 - overlay overlay rw
30 22 0:25 / /mnt rw - ext4 /dev/sda1 rw
31 30 0:26 / /mnt/the\\040journal rw,nosuid - nfs4 nas:/share rw
32 30 0:27 / /mnt/oss rw - fuse.ossfs2 ossfs2 rw
33 30 0:28 / /mnt/twice rw - tmpfs tmpfs rw
34 30 0:29 / /mnt/twice rw - nfs nas:/other rw
";

    #[test]
    fn a_folder_is_on_the_deepest_mount_and_of_two_on_the_later() {
        for (path, kind) in [
            ("/var/x", "overlay"),
            ("/mnt/x", "ext4"),
            ("/mnt/the journal/x", "nfs4"),
            ("/mnt/oss", "fuse.ossfs2"),
            ("/mnt/ossified", "ext4"),
            ("/mnt/twice/x", "nfs"),
        ] {
            assert_eq!(kind_of(Path::new(path), MOUNTS).as_deref(), Some(kind), "{path}");
        }
        assert_eq!(kind_of(Path::new("/x"), ""), None);
    }

    #[test]
    fn a_mount_of_oss_and_an_instances_own_disk_are_told() {
        for (kind, is_named, host, status) in [
            ("ext4", true, Host::Function, CheckStatus::Ok),
            ("nfs4", true, Host::Function, CheckStatus::Ok),
            ("fuse.ossfs2", true, Host::Function, CheckStatus::Warning),
            ("overlay", true, Host::Function, CheckStatus::Warning),
            ("overlay", false, Host::Function, CheckStatus::Ok),
            ("overlay", true, Host::Terminal, CheckStatus::Ok),
        ] {
            assert_eq!(judge(kind, is_named, host).status, status, "{kind} {is_named} {host:?}");
        }
    }
}
