//! What the pages say: their links lead somewhere, their events and files are accepted, nothing is missing, the samples are real.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

mod languages;
mod modules;
mod samples;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use authorization::settings::{Mode, Scope};
use dts_role_guard::config::Exceptions;
use dts_role_guard::config::{Config, Variables};
use dts_role_guard::event::{Allowed, decode};

/// The folders that have pages of ours.
const FOLDERS: [&str; 13] = [
    "",
    "crates/fc-runtime",
    "deploy/ros",
    "deploy/terraform",
    "docs",
    "emulator",
    "emulator/tests/samples",
    "emulator/tests/vectors",
    "fuzz",
    "policies",
    "tests",
    "tests/fixtures",
    "tests/vectors",
];

fn page(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

/// The files of a folder with this ending, by their paths from the root.
fn files(folder: &str, ending: &str) -> BTreeSet<String> {
    let entries = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = names.filter(|name| name.ends_with(ending));
    names.map(|name| if folder.is_empty() { name } else { format!("{folder}/{name}") }).collect()
}

fn pages() -> BTreeSet<String> {
    FOLDERS.iter().flat_map(|folder| files(folder, ".md")).collect()
}

/// The texts between two marks.
fn between<'a>(text: &'a str, begin: &str, end: &str) -> Vec<&'a str> {
    text.split(begin).skip(1).filter_map(|rest| rest.split_once(end)).map(|(inner, _)| inner).collect()
}

/// As the vendor of the page's renderer does it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    text.chars()
        .filter(|letter| letter.is_alphanumeric() || " -_".contains(*letter))
        .collect::<String>()
        .replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() {
    let pages = pages();
    assert!(pages.contains("README.md") && pages.contains("docs/operations.md") && pages.len() > 20, "{pages:?}");
    for name in &pages {
        let text = page(name);
        let folder = Path::new(name).parent().unwrap();
        for link in between(&text, "](", ")").into_iter().filter(|link| !link.contains("://")) {
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { name.clone() } else { folder.join(file).to_str().unwrap().to_owned() };
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(&target).exists(), "{name}: {link}");
            let is_there =
                || page(&target).lines().filter(|line| line.starts_with('#')).any(|line| anchor(line) == fragment);
            assert!(fragment.is_empty() || is_there(), "{name}: {link}");
        }
    }
}

#[test]
fn every_setting_is_described() {
    let unknown = Variables::from([("DTS_GUARD_X".to_owned(), "x".to_owned())]);
    let mistake = Config::from_variables(&unknown).unwrap_err().to_string();
    let (_, names) = mistake.split_once("; the settings are ").unwrap();
    let settings = page("docs/settings.md");
    assert!(names.split(", ").count() >= 16, "{names}");
    for name in names.split(", ") {
        assert!(settings.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_readme_leads_to_every_page() {
    let readme = page("README.md");
    for name in files("docs", ".md")
        .into_iter()
        .chain(["README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].map(str::to_owned))
    {
        assert!(readme.contains(&format!("]({name})")), "{name}");
    }
}

#[test]
fn every_policy_document_has_its_place() {
    let permissions = page("docs/permissions.md");
    for name in files("policies", ".json") {
        assert!(permissions.contains(&format!("](../{name})")), "{name}");
    }
}

#[test]
fn the_table_of_the_tests_has_every_test_program_and_suite() {
    let table = page("tests/README.md");
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = files("tests", "").into_iter().filter(|name| root.join(name).is_dir());
    let programs =
        folders.filter(|name| root.join(name).join("main.rs").exists() || root.join(name).join("run").exists());
    let programs: Vec<_> = programs.chain(files("tests", ".rs")).collect();
    assert!(programs.len() > 30, "{programs:?}");
    for name in programs {
        let name = name.trim_start_matches("tests/");
        assert!(table.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_events_of_the_guide_are_accepted() {
    let allowed = Allowed { mode: Mode::Remediate, scope: Scope::Organization };
    let guide = page("docs/operations.md").replace('…', &"0".repeat(64));
    let events = between(&guide, "s invoke -e ", "\n");
    // Some stand in quotes, in the middle of a line; some have an exit code behind them.
    let bare = |event: &str| event.split("  ").next().unwrap().to_owned();
    let events = events.iter().map(|event| {
        event.strip_prefix('\'').map_or_else(|| bare(event), |quoted| quoted.split('\'').next().unwrap().to_owned())
    });
    let decisions: Vec<_> = events.map(|event| decode(event.as_bytes(), allowed).decision.as_str()).collect();
    let (procedures, exercises) = decisions.split_at(4);
    assert_eq!(procedures, ["run", "run", "clear", "clear"]);
    assert!(exercises.len() >= 12 && exercises.iter().all(|word| ["run", "clear"].contains(word)), "{exercises:?}");
}

#[test]
fn the_exceptions_of_the_pages_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exceptions.toml");
    for name in ["docs/organization.md", "docs/operations.md"] {
        let text = page(name);
        let examples = between(&text, "```toml\n", "```");
        assert_eq!(examples.len(), 1, "{name}");
        fs::write(&path, examples.concat()).unwrap();
        assert_ne!(Exceptions::read(&path).unwrap(), Exceptions::default(), "{name}");
    }
}

#[test]
fn the_image_and_the_pages_have_the_rust_of_the_project() {
    let manifest = page("Cargo.toml");
    let rust = between(&manifest, "rust-version = \"", "\"")[0];
    assert!(page("package/Dockerfile").contains(&format!("\nFROM rust:{rust}-")));
    for name in ["README.md", "docs/deploying.md"] {
        assert!(page(name).contains(&format!("Rust {rust} or later")), "{name}");
    }
}
