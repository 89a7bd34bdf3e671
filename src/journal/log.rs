//! The journal's lines in the log, and the file that takes them where the log is a screen.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aliyun::clock::SharedClock;
use authorization::plan::{Plan, Step, StepRecord};
use authorization::role::{Role, RoleView, Tags, document_last};
use authorization::target::Target;
use serde_json::{Map, Value, json};

use super::disk;
use crate::telemetry::Log;

/// Writes the records of one account's repair into the log.
#[derive(Debug, Clone)]
pub struct JournalLog {
    log: Log,
    pub(super) clock: SharedClock,
    pub(super) target: Target,
    pub(super) request_id: String,
    /// When the run began, as uptime.
    begun: Duration,
}

impl JournalLog {
    /// For one account and run.
    pub fn new(log: Log, clock: SharedClock, target: Target, request_id: String) -> Self {
        let begun = clock.uptime();
        Self { log, clock, target, request_id, begun }
    }

    /// The same for a run that began at another uptime.
    #[must_use]
    pub fn begun_at(self, begun: Duration) -> Self {
        Self { begun, ..self }
    }

    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.clock.uptime().saturating_sub(self.begun).as_millis()).unwrap_or(u64::MAX)
    }

    pub(super) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    pub(super) fn begin(&self, plan: &Plan, before: Option<&Role>, tags: Option<&Tags>) {
        let mut before = json!(RoleView::of(before, tags));
        document_last(&mut before);
        let steps: Vec<_> = plan.steps.iter().map(|step| StepRecord::planned(step, &self.target.role)).collect();
        self.write(json!({"event": "begin", "planId": plan.id.to_string(), "steps": steps, "before": before}));
    }

    pub(super) fn adopt(&self, generation: u64) {
        self.write(json!({"event": "adopt", "generation": generation}));
    }

    pub(super) fn begin_step(&self, step: &Step) {
        self.write(json!({"event": "step", "action": step.action(), "target": step.target(&self.target.role)}));
    }

    pub(super) fn rehearse(&self) {
        self.write(json!({"event": "rehearse"}));
    }

    pub(super) fn end_step(&self, record: &StepRecord) {
        self.write(json!({"event": "stepEnd", "step": record}));
    }

    pub(super) fn end(&self, outcome: &str) {
        self.write(json!({"event": "end", "outcome": outcome}));
    }

    fn write(&self, record: Value) {
        let mut line = Map::new();
        line.insert("requestId".to_owned(), json!(self.request_id));
        line.insert("accountId".to_owned(), json!(self.target.account));
        line.insert("roleName".to_owned(), json!(self.target.role));
        line.insert("journal".to_owned(), record);
        self.log.record(self.clock.now(), line);
    }
}

/// The file of the journal's lines where the log is a screen: nobody could find them there again.
///
/// Made with the first line, in the first place that can be used. Nobody else may read it, and it never is a file that was
/// there before.
#[derive(Debug)]
pub struct JournalLogFile {
    /// The user's own folder, if a home is known. Made at need.
    folder: Option<PathBuf>,
    /// Everybody's.
    temp: PathBuf,
    name: String,
    state: FileState,
}

#[derive(Debug)]
enum FileState {
    NotYet,
    Opened(File, PathBuf),
    Nowhere,
}

impl JournalLogFile {
    /// No file is made yet.
    pub fn new(folder: Option<PathBuf>, temp: PathBuf, name: String) -> Self {
        Self { folder, temp, name, state: FileState::NotYet }
    }

    fn open(&self) -> io::Result<(File, PathBuf)> {
        let in_temp = || create(&self.temp, &format!("dts-role-guard-{}", self.name), |_| Ok(()));
        let Some(folder) = &self.folder else { return in_temp() };
        create(folder, &self.name, disk::make_private_folder)
            .or_else(|why| in_temp().map_err(|other| io::Error::other(format!("{why}; {other}"))))
    }
}

fn create(folder: &Path, name: &str, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<(File, PathBuf)> {
    let path = folder.join(name);
    let shown = |error: io::Error| io::Error::new(error.kind(), format!("`{}`: {error}", path.display()));
    make(folder).map_err(shown)?;
    // Follows no link that another user may have put there.
    let file = OpenOptions::new().append(true).create_new(true).mode(0o600).open(&path).map_err(shown)?;
    Ok((file, path))
}

impl Write for JournalLogFile {
    /// Without a file the lines are lost; a warning has said so.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if matches!(self.state, FileState::NotYet) {
            self.state = match self.open() {
                Ok((file, path)) => {
                    tracing::info!(file = %path.display(), "the journal's lines of this run go to a file");
                    FileState::Opened(file, path)
                }
                Err(error) => {
                    tracing::warn!(%error, "no file can be made for the journal's lines: the repair goes on without");
                    FileState::Nowhere
                }
            };
        }
        let FileState::Opened(file, path) = &mut self.state else { return Ok(bytes.len()) };
        let written = file.write(bytes);
        if let Err(error) = &written
            && error.kind() != io::ErrorKind::Interrupted
        {
            tracing::warn!(%error, file = %path.display(), "the journal's lines end here: the repair goes on without");
            self.state = FileState::Nowhere;
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
        let mut file = JournalLogFile::new(Some(folder.clone()), place.path().to_owned(), "run.log".to_owned());
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
        let mut file = JournalLogFile::new(Some(path("folder")), place.path().to_owned(), "run.log".to_owned());
        file.write_all(b"one\n").unwrap();
        assert!(matches!(file.state, FileState::Nowhere));
        assert_eq!(std::fs::read(path("others")).unwrap(), b"");
    }

    #[test]
    fn a_disk_that_fills_up_ends_the_lines_and_nothing_else() {
        let full = OpenOptions::new().write(true).open("/dev/full").unwrap();
        let mut file = JournalLogFile::new(None, "/".into(), "run.log".to_owned());
        file.state = FileState::Opened(full, "/dev/full".into());
        assert!(file.write(b"one\n").is_err());
        assert_eq!(file.write(b"two\n").unwrap(), 4);
    }
}
