//! Plain files in a folder that others can write to, always written as a whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Reads a plain file, and not what a link or a pipe of that name leads to. One byte more than the limit tells that there
/// are more.
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
    flush(folder(path))
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

fn folder(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("."))
}
