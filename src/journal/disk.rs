//! Files in a folder that others can write to, always written as a whole; folders that nobody else may use; and a thread
//! for each call that may never end.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::thread;

use tokio::sync::{Semaphore, oneshot};

/// Reads a plain file, and not what a link or a pipe of that name leads to. One byte
/// beyond the limit shows that there are more.
pub(crate) fn read(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    read_with(path, libc::O_NOFOLLOW, limit)
}

/// The whole of a file, following links: in a folder that only its owner can write to. A larger one is an error.
pub(crate) fn read_through(path: &Path, limit: usize) -> io::Result<Vec<u8>> {
    let bytes = read_with(path, 0, limit)?;
    if bytes.len() > limit {
        return Err(io::Error::new(ErrorKind::FileTooLarge, format!("it is larger than {limit} bytes")));
    }
    Ok(bytes)
}

/// The pipe that nobody writes to is opened, too, but does not hold up the run.
fn read_with(path: &Path, flags: i32, limit: usize) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(flags | libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidData, "it is no plain file"));
    }
    let mut bytes = Vec::new();
    file.take(limit as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes a file, or replaces it.
pub(crate) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::rename(write_beside(path, bytes)?, path)?;
    flush(path.parent().unwrap_or(Path::new(".")))
}

/// A whole, flushed file beside the path, under a name that no reader knows.
pub(crate) fn write_beside(path: &Path, bytes: &[u8]) -> io::Result<PathBuf> {
    let beside = path.with_extension(format!("{}.tmp", aliyun::clock::unique()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    if written.is_err() {
        let _ = fs::remove_file(&beside);
    }
    written.map(|()| beside)
}

/// Makes the names in a folder last, where the file system can.
pub(crate) fn flush(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error) if matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::Unsupported) => Ok(()),
        flushed => flushed,
    }
}

const PRIVATE: u32 = 0o700;
const OTHERS: u32 = 0o077;

/// Makes a folder that nobody named, if it is absent. It is used only while it is the user's own and nobody else may use it:
/// what lies in it was written by this program.
pub(super) fn make_private_folder(folder: &Path) -> io::Result<()> {
    if is_private_folder(folder)? {
        return Ok(());
    }
    DirBuilder::new().recursive(true).mode(PRIVATE).create(folder)?;
    is_private_folder(folder).map(|_| ())
}

/// Whether it is there; an error if it is not ours. A folder such as `/tmp` is everybody's: another user may have put one
/// of this name there, or a link. Once it is known to be ours, `/tmp` itself keeps others from exchanging it.
pub(super) fn is_private_folder(folder: &Path) -> io::Result<bool> {
    let found = match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        found => found?,
    };
    let trouble = if !found.is_dir() {
        "is no folder"
    } else if found.uid() != rustix::process::geteuid().as_raw() {
        "belongs to another user"
    } else if found.mode() & OTHERS != 0 {
        "may be used by others (its mode must be 0700)"
    } else {
        return Ok(true);
    };
    Err(io::Error::new(ErrorKind::PermissionDenied, format!("`{}` {trouble}", folder.display())))
}

/// The most threads at once in a process, including those that were given up. They end when their calls do.
const THREADS: usize = 16;

static FREE: Semaphore = Semaphore::const_new(THREADS);

/// Does work that may never end on a thread of its own. File systems block, and a mount that has lost its server blocks for
/// good: nobody can take such a call back, but a caller that stops polling need not wait for it either.
///
/// The threads are not the runtime's, which would wait for them when the process ends.
pub(crate) async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let permit = FREE.acquire().await.map_err(io::Error::other)?;
    let (sender, receiver) = oneshot::channel();
    let work = move || {
        let _permit = permit;
        // The caller may have given up.
        let _ = sender.send(work());
    };
    thread::Builder::new().name("journal".to_owned()).spawn(work)?;
    receiver.await.map_err(|_| io::Error::other("the work broke off"))?
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_private_folder_is_made_for_its_user_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("state/dts-role-guard");
        assert!(!is_private_folder(&folder).unwrap());
        for _ in 0..2 {
            make_private_folder(&folder).unwrap();
            assert!(is_private_folder(&folder).unwrap());
        }
        assert_eq!(fs::metadata(&folder).unwrap().mode() & 0o777, PRIVATE);
    }

    #[test]
    fn what_others_may_have_made_is_not_used() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        make_private_folder(&path("ours")).unwrap();
        symlink(path("ours"), path("link")).unwrap();
        symlink(path("absent"), path("dangling")).unwrap();
        fs::write(path("file"), "").unwrap();
        for (name, mode) in [("for-the-group", 0o770), ("readable", 0o755)] {
            make_private_folder(&path(name)).unwrap();
            fs::set_permissions(path(name), Permissions::from_mode(mode)).unwrap();
        }
        for name in ["link", "dangling", "file", "for-the-group", "readable"] {
            assert!(is_private_folder(&path(name)).is_err() && make_private_folder(&path(name)).is_err(), "{name}");
        }
        assert!(!path("absent").exists());
    }

    /// Root's, wherever the tests run as somebody else.
    #[test]
    fn what_belongs_to_another_user_is_not_used() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("theirs");
        make_private_folder(&folder).unwrap();
        let is_root = rustix::process::geteuid().is_root();
        let theirs = if is_root {
            std::os::unix::fs::chown(&folder, Some(12345), None).map(|()| folder).unwrap()
        } else {
            "/root".into()
        };
        assert!(is_private_folder(&theirs).unwrap_err().to_string().contains("another user"));
    }

    const SHORT: Duration = Duration::from_millis(200);

    /// One test, since they share the threads of the process.
    #[test]
    fn work_that_never_ends_takes_no_more_threads_than_there_are_and_keeps_nobody_from_ending() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut gates = Vec::new();
        let mut hang = || {
            let (open, gate) = mpsc::channel::<()>();
            gates.push(open);
            on_thread(move || {
                let _ = gate.recv();
                Ok(())
            })
        };
        runtime.block_on(async {
            while FREE.available_permits() > 0 {
                let given_up = tokio::time::timeout(SHORT / 20, hang()).await;
                assert!(given_up.is_err());
            }
            assert!(tokio::time::timeout(SHORT, hang()).await.is_err(), "one more waits for a thread");
            assert!(tokio::time::timeout(SHORT, on_thread(|| Ok(1))).await.is_err(), "no thread is free");
        });
        // Returns although they hang.
        drop(runtime);
        gates.clear();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            assert_eq!(on_thread(|| Ok(1)).await.unwrap(), 1, "those that ended are free again");
            assert!(on_thread(|| -> io::Result<()> { panic!("a mistake") }).await.is_err());
            assert!(on_thread(|| Err::<(), _>(io::ErrorKind::NotFound.into())).await.is_err());
        });
    }
}
