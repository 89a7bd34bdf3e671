//! A clone on a system with other line ends packs no script that the platform cannot run.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

/// A copy of what is needed to begin a package, with this `bootstrap`. No tool is found, so the rest fails at once.
fn begin_a_package(bootstrap: &str) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::create_dir(folder.path().join("package")).unwrap();
    fs::copy(root.join("package/build"), folder.path().join("package/build")).unwrap();
    fs::write(folder.path().join("package/tools"), "echo begun; exit 1\n").unwrap();
    fs::write(folder.path().join("bootstrap"), bootstrap).unwrap();
    Command::new("sh").arg("package/build").current_dir(folder.path()).env_remove("CARGO_TARGET_DIR").output().unwrap()
}

fn bootstrap() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("bootstrap")).unwrap()
}

#[test]
fn a_bootstrap_with_crlf_is_not_packed() {
    for bootstrap in [bootstrap().replace('\n', "\r\n"), bootstrap() + "\r\n"] {
        let output = begin_a_package(&bootstrap);
        assert!(!output.status.success());
        assert_eq!(output.stdout, b"");
        assert!(String::from_utf8(output.stderr).unwrap().contains("bootstrap has CRLF line ends"));
    }
}

#[test]
fn the_bootstrap_as_it_is_passes() {
    assert_eq!(begin_a_package(&bootstrap()).stdout, b"begun\n");
}

#[test]
fn every_file_of_a_clone_has_lf() {
    let attributes = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(".gitattributes")).unwrap();
    let rules: Vec<_> = attributes.lines().filter(|line| !line.starts_with('#')).collect();
    // The others say what is made by a program, and nothing of line ends.
    let (generated, ends): (Vec<&str>, Vec<&str>) =
        rules.into_iter().partition(|rule| rule.ends_with(" linguist-generated"));
    assert_eq!(ends, ["* text=auto eol=lf", "bootstrap text eol=lf"]);
    assert!(generated.iter().all(|rule| rule.split(' ').count() == 2), "{generated:?}");
}
