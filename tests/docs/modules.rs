//! `docs/architecture.md` says that no module of the guard imports itself by way of others.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

type Imports = BTreeMap<String, BTreeSet<String>>;

/// The modules of the crate that a file names outside its tests and comments.
fn named(text: &str) -> BTreeSet<String> {
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    let lines = code.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    let paths = lines.flat_map(|line| line.split("crate::").skip(1));
    let word = |path: &str| path.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect();
    paths.map(word).collect()
}

fn read(folder: &Path, module: Option<&str>, imports: &mut Imports) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        let module = module.unwrap_or(name.trim_end_matches(".rs"));
        if entry.path().is_dir() {
            read(&entry.path(), Some(module), imports);
        } else {
            let text = std::fs::read_to_string(entry.path()).unwrap();
            imports.entry(module.to_owned()).or_default().extend(named(&text));
        }
    }
}

/// Whether the imports of a module lead back to it.
fn is_in_a_circle(module: &str, imports: &Imports) -> bool {
    let (mut seen, mut next) = (BTreeSet::new(), vec![module]);
    while let Some(one) = next.pop() {
        let others = imports.get(one).into_iter().flatten().map(String::as_str).filter(|other| *other != one);
        next.extend(others.filter(|other| seen.insert(*other)));
    }
    seen.contains(module)
}

#[test]
fn no_module_imports_itself_by_way_of_others() {
    let mut imports = Imports::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), None, &mut imports);
    assert!(imports["sweep"].contains("reconcile") && imports.len() > 15, "{imports:?}");
    let circle: Vec<_> = imports.keys().filter(|module| is_in_a_circle(module, &imports)).collect();
    assert!(circle.is_empty(), "{circle:?}");
    imports.get_mut("reconcile").unwrap().insert("sweep".to_owned());
    assert!(is_in_a_circle("sweep", &imports), "one would be noticed");
}
