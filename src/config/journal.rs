//! Where the journal's files live, also where nobody says it.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::{Variables, value};
use crate::journal::{Folder, JournalLogFile};
use crate::report::JournalKind;

/// The folder's name below a place that others use too.
const NAME: &str = "dts-role-guard";

/// Where the journal's files live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JournalPlace {
    /// A folder that `DTS_GUARD_JOURNAL_DIR` names. Others may be able to write to it.
    Named(PathBuf),
    /// The folder of the user at a terminal: made at need, and nobody else may use it.
    Terminal(PathBuf),
    /// The disk of a function's instance: it outlives a killed process but not the instance. Made at need, and nobody
    /// else may use it.
    Instance(PathBuf),
    /// Nowhere but in the log.
    Off,
}

impl JournalPlace {
    /// What the setting says. In a function the default is the instance's disk, elsewhere the user's state folder; where
    /// no home is known, nothing is guessed.
    pub(super) fn of(setting: Option<&str>, variables: &Variables) -> Self {
        match setting {
            Some("off") => Self::Off,
            Some(path) => Self::Named(path.into()),
            None if on_platform(variables) => Self::Instance(temp(variables).join(NAME)),
            None => users_folder(variables).map_or(Self::Off, Self::Terminal),
        }
    }

    pub(crate) fn folder(&self) -> Option<Folder> {
        match self {
            Self::Named(path) => Some(Folder::new(path.clone())),
            Self::Terminal(path) | Self::Instance(path) => Some(Folder::private(path.clone())),
            Self::Off => None,
        }
    }

    pub(crate) fn kind(&self) -> JournalKind {
        match self {
            Self::Named(_) | Self::Terminal(_) => JournalKind::Folder,
            Self::Instance(_) => JournalKind::Instance,
            Self::Off => JournalKind::Log,
        }
    }
}

/// The file of the journal's lines, for a run of now on a terminal. Where the records are does not matter: without a folder
/// the lines are all that there is.
pub fn lines_file(variables: &Variables, now: Timestamp, nonce: &str) -> JournalLogFile {
    let unique = nonce.split('-').next().unwrap_or(nonce);
    let name = format!("{}-{unique}.log", now.strftime("%Y%m%dT%H%M%SZ"));
    JournalLogFile::new(users_folder(variables).map(|folder| folder.join("log")), temp(variables).to_owned(), name)
}

fn users_folder(variables: &Variables) -> Option<PathBuf> {
    let state = absolute(variables, "XDG_STATE_HOME").map(Path::to_owned);
    let state = state.or_else(|| Some(absolute(variables, "HOME")?.join(".local/state")));
    state.map(|state| state.join(NAME))
}

fn temp(variables: &Variables) -> &Path {
    absolute(variables, "TMPDIR").unwrap_or(Path::new("/tmp"))
}

/// Whether the process is an instance of a function. The platform reserves the prefix: nobody else sets such a variable.
pub fn on_platform(variables: &Variables) -> bool {
    variables.keys().any(|name| name.starts_with("FC_"))
}

/// The XDG specification says to ignore relative paths, and a later run may have another working directory.
fn absolute<'a>(variables: &'a Variables, name: &str) -> Option<&'a Path> {
    value(variables, name).map(Path::new).filter(|path| path.is_absolute())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::JOURNAL_DIR;

    fn place(pairs: &[(&str, &str)]) -> JournalPlace {
        let variables = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        JournalPlace::of(value(&variables, JOURNAL_DIR), &variables)
    }

    #[test]
    fn a_folder_that_is_named_counts_before_any_default() {
        let others = [("HOME", "/home/u"), ("TMPDIR", "/scratch"), ("FC_REGION", "cn-hangzhou")];
        let with = |value| place(&[&[(JOURNAL_DIR, value)], &others[..]].concat());
        assert_eq!(with("/mnt/journal"), JournalPlace::Named("/mnt/journal".into()));
        assert_eq!(with("off"), JournalPlace::Off);
        assert_eq!(with(""), place(&others), "an empty value counts as unset");
    }

    #[test]
    fn outside_a_function_it_is_the_users_state_folder() {
        let terminal = |path: &str| JournalPlace::Terminal(path.into());
        let home = ("HOME", "/home/u");
        assert_eq!(place(&[home]), terminal("/home/u/.local/state/dts-role-guard"));
        assert_eq!(place(&[home, ("XDG_STATE_HOME", "/state")]), terminal("/state/dts-role-guard"));
        for ignored in ["", "state"] {
            assert_eq!(place(&[home, ("XDG_STATE_HOME", ignored)]), place(&[home]), "{ignored}");
        }
        assert_eq!(place(&[]), JournalPlace::Off);
        assert_eq!(place(&[("HOME", "home"), ("TMPDIR", "/scratch")]), JournalPlace::Off);
    }

    #[test]
    fn in_a_function_it_is_the_instances_disk() {
        let instance = |path: &str| JournalPlace::Instance(path.into());
        let function = [("FC_REGION", ""), ("HOME", "/root"), ("XDG_STATE_HOME", "/state")];
        assert_eq!(place(&function), instance("/tmp/dts-role-guard"));
        for (value, path) in [("/scratch", "/scratch/dts-role-guard"), ("scratch", "/tmp/dts-role-guard")] {
            assert_eq!(place(&[&[("TMPDIR", value)], &function[..]].concat()), instance(path));
        }
    }

    #[test]
    fn the_report_tells_the_places_apart() {
        assert_eq!(place(&[(JOURNAL_DIR, "/x")]).kind(), JournalKind::Folder);
        assert_eq!(place(&[("HOME", "/x")]).kind(), JournalKind::Folder);
        assert_eq!(place(&[("FC_X", "")]).kind(), JournalKind::Instance);
        assert_eq!(place(&[]).kind(), JournalKind::Log);
    }
}
