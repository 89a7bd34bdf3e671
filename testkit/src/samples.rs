//! Files of the project, and the samples that come from elsewhere.

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The text of a file of the project.
pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text of a file below `tests/fixtures`.
pub fn fixture(path: &str) -> String {
    read(&format!("tests/fixtures/{path}"))
}

/// The names of the files in a folder of `tests/fixtures` but its README, sorted.
pub fn fixture_names(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(fixtures().join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name != "README.md").collect();
    names.sort();
    names
}

fn fixtures() -> PathBuf {
    root().join("tests/fixtures")
}
