//! The file of the journal's lines: where the log is a screen, nobody could find them there again.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::own;

/// Made with the first line, in the first place that can be used. Nobody else may read it, and it never is a file that was
/// there before.
#[derive(Debug)]
pub struct LinesFile {
    /// The user's own folder, if a home is known. Made at need.
    folder: Option<PathBuf>,
    /// Everybody's.
    temp: PathBuf,
    name: String,
    place: Place,
}

#[derive(Debug)]
enum Place {
    NotYet,
    Opened(File, PathBuf),
    Nowhere,
}

impl LinesFile {
    /// No file is made yet.
    #[must_use]
    pub fn new(folder: Option<PathBuf>, temp: PathBuf, name: String) -> Self {
        Self { folder, temp, name, place: Place::NotYet }
    }

    fn open(&self) -> io::Result<(File, PathBuf)> {
        let own = self.folder.as_deref().map(|folder| create(folder, &self.name, own::make));
        match own {
            Some(Ok(opened)) => Ok(opened),
            Some(Err(why)) => self.open_in_temp().map_err(|other| io::Error::other(format!("{why}; {other}"))),
            None => self.open_in_temp(),
        }
    }

    fn open_in_temp(&self) -> io::Result<(File, PathBuf)> {
        create(&self.temp, &format!("dts-role-guard-{}", self.name), |_| Ok(()))
    }
}

fn create(folder: &Path, name: &str, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<(File, PathBuf)> {
    let path = folder.join(name);
    let shown = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()));
    make(folder).map_err(shown)?;
    // Follows no link that somebody may have put there.
    let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path).map_err(shown)?;
    Ok((file, path))
}

impl Write for LinesFile {
    /// Without a file the lines are gone, and that was told.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if matches!(self.place, Place::NotYet) {
            self.place = match self.open() {
                Ok((file, path)) => {
                    tracing::info!(file = %path.display(), "the journal's lines of this run go to a file");
                    Place::Opened(file, path)
                }
                Err(error) => {
                    tracing::warn!(%error, "no file can be made for the journal's lines: the repair goes on without");
                    Place::Nowhere
                }
            };
        }
        let Place::Opened(file, path) = &mut self.place else { return Ok(bytes.len()) };
        let written = file.write(bytes);
        if let Err(error) = &written
            && error.kind() != io::ErrorKind::Interrupted
        {
            tracing::warn!(%error, file = %path.display(), "the journal's lines end here: the repair goes on without");
            self.place = Place::Nowhere;
        }
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        path.metadata().unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn it_is_made_with_the_first_line_for_its_user_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("state/lines");
        let mut file = LinesFile::new(Some(folder.clone()), place.path().to_owned(), "run.log".to_owned());
        assert!(!folder.exists());
        file.write_all(b"one\n").unwrap();
        file.write_all(b"two\n").unwrap();
        let path = folder.join("run.log");
        assert_eq!(std::fs::read(&path).unwrap(), b"one\ntwo\n");
        assert_eq!((mode(&path), mode(&folder)), (0o600, 0o700));
    }

    #[test]
    fn what_somebody_put_in_its_place_is_not_written_to() {
        let place = tempfile::tempdir().unwrap();
        let path = |name: &str| place.path().join(name);
        std::fs::write(path("others"), "").unwrap();
        symlink(path("others"), path("folder")).unwrap();
        symlink(path("others"), path("dts-role-guard-run.log")).unwrap();
        let mut file = LinesFile::new(Some(path("folder")), place.path().to_owned(), "run.log".to_owned());
        file.write_all(b"one\n").unwrap();
        assert!(matches!(file.place, Place::Nowhere));
        assert_eq!(std::fs::read(path("others")).unwrap(), b"");
    }

    #[test]
    fn a_disk_that_fills_up_ends_the_lines_and_nothing_else() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut file = LinesFile::new(None, "/".into(), "run.log".to_owned());
        file.place = Place::Opened(full, "/dev/full".into());
        assert!(file.write(b"one\n").is_err());
        assert_eq!(file.write(b"two\n").unwrap(), 4);
    }
}
