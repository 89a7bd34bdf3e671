//! What the pages say: their links lead somewhere, their events and files are accepted, no setting is missing.
#![allow(clippy::unwrap_used, missing_docs, reason = "tests")]

use std::path::Path;

use dts_role_guard::config::{Config, Mode, Scope, Variables};
use dts_role_guard::event::{Allowed, decode};
use dts_role_guard::sweep::Exceptions;

const PAGES: [&str; 8] = [
    "README.md",
    "CHANGELOG.md",
    "docs/operations.md",
    "crates/fc-runtime/README.md",
    "emulator/README.md",
    "docs/deploying.md",
    "deploy/terraform/README.md",
    "deploy/ros/README.md",
];

fn page(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
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
    for name in PAGES {
        let text = page(name);
        let folder = Path::new(name).parent().unwrap();
        for link in between(&text, "](", ")").into_iter().filter(|link| !link.contains("://")) {
            let (file, fragment) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() { name.to_owned() } else { folder.join(file).to_str().unwrap().to_owned() };
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
    let (_, names) = mistake.split_once("there are ").unwrap();
    let readme = page("README.md");
    assert!(names.split(", ").count() >= 16, "{names}");
    for name in names.split(", ") {
        assert!(readme.contains(&format!("`{name}`")), "{name}");
    }
}

#[test]
fn the_events_of_the_guide_are_accepted() {
    let allowed = Allowed { mode: Mode::Remediate, scope: Scope::Organization };
    let guide = page("docs/operations.md").replace('…', &"0".repeat(64));
    let events = between(&guide, "s invoke -e ", "\n");
    // Some stand in quotes, in the middle of a line.
    let events =
        events.iter().map(|event| event.strip_prefix('\'').map_or(*event, |quoted| quoted.split('\'').next().unwrap()));
    let decisions: Vec<_> = events.map(|event| decode(event.as_bytes(), allowed).decision.word()).collect();
    assert_eq!(decisions, ["run", "run", "clear", "clear"]);
}

#[test]
fn the_exceptions_of_the_pages_are_accepted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("exceptions.toml");
    for (name, indent) in [("README.md", "  "), ("docs/operations.md", "")] {
        let text = page(name);
        let examples = between(&text, "```toml\n", "```");
        assert_eq!(examples.len(), 1, "{name}");
        std::fs::write(&path, examples.concat().replace(&format!("\n{indent}"), "\n")).unwrap();
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
