//! A journal folder, and everything that can be seen of what lies in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

pub const JOURNAL_DIR: &str = "DTS_GUARD_JOURNAL_DIR";

/// Removed on drop.
pub struct Folder(TempDir);

/// What lies in a folder, by name.
pub type Listing = BTreeMap<String, Entry>;

/// A file written anew differs, even if it says the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    inode: u64,
    mode: u32,
    modified: (i64, i64),
    /// What a file says; where a link leads to.
    content: Option<Vec<u8>>,
}

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// For a setting.
    pub fn text(&self) -> &str {
        self.path().to_str().unwrap()
    }

    pub fn listing(&self) -> Listing {
        listing(self.path())
    }

    pub fn names(&self) -> Vec<String> {
        self.listing().into_keys().collect()
    }

    /// The record that counts.
    pub fn newest(&self) -> Value {
        newest(&self.listing())
    }
}

pub fn listing(folder: &Path) -> Listing {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|entry| (entry.file_name().into_string().unwrap(), Entry::of(&entry.path()))).collect()
}

/// The record of the highest generation.
pub fn newest(listing: &Listing) -> Value {
    let generation = |name: &str| name.strip_suffix(".json")?.split_once('.')?.1.parse::<u64>().ok();
    let files = listing.iter().filter_map(|(name, entry)| Some((generation(name)?, entry)));
    let (_, entry) = files.max_by_key(|(generation, _)| *generation).expect("a record");
    serde_json::from_slice(entry.content.as_ref().unwrap()).unwrap()
}

impl Entry {
    fn of(path: &PathBuf) -> Self {
        let data = fs::symlink_metadata(path).unwrap();
        let content = if data.is_symlink() {
            Some(fs::read_link(path).unwrap().into_os_string().into_encoded_bytes())
        } else {
            data.is_file().then(|| fs::read(path).unwrap())
        };
        Self { inode: data.ino(), mode: data.mode(), modified: (data.mtime(), data.mtime_nsec()), content }
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.content.as_deref().unwrap_or_default()).into_owned()
    }
}
