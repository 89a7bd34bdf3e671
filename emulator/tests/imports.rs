//! The imports of the sources run one way: no file can be reached from itself.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// A path of modules; the root is empty.
type Module = Vec<String>;

/// What a file says about others.
#[derive(Default)]
struct File {
    /// Every path that it names, from the root on.
    named: Vec<Module>,
    /// Names that it hands on, and whose they are.
    exports: BTreeMap<String, Module>,
}

fn words(path: &str) -> Module {
    path.split("::").map(str::to_owned).filter(|word| !word.is_empty()).collect()
}

/// Comments and what is compiled for tests only say nothing about the house.
fn product_code(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(|line| line.split_once("//").map_or(line, |(code, _)| code)).collect();
    let mut code = String::new();
    let mut rest = lines.iter();
    while let Some(line) = rest.next() {
        if line.trim() != "#[cfg(test)]" {
            code.push_str(line);
            code.push('\n');
        } else if !rest.next().is_some_and(|next| next.ends_with(';')) {
            break;
        }
    }
    code
}

/// The leaves of a tree such as `a::{B, c::D as E}`, each with the name that it goes by, and where the tree ends.
fn leaves(tree: &str) -> (Vec<(Module, String)>, usize) {
    let end = tree.find(|letter: char| !letter.is_alphanumeric() && !"_:".contains(letter)).unwrap_or(tree.len());
    let stem = words(&tree[..end]);
    if !tree[end..].starts_with('{') {
        let alias = tree[end..].strip_prefix(" as ").map(|rest| rest.split([',', ';', '}', '\n']).next().unwrap());
        let name = alias.map_or_else(|| stem.last().cloned().unwrap_or_default(), str::to_owned);
        return (vec![(stem, name)], end);
    }
    let (mut found, mut at) = (Vec::new(), end + 1);
    loop {
        at += tree[at..].len() - tree[at..].trim_start().len();
        if tree[at..].starts_with('}') {
            return (found, at + 1);
        }
        let (inner, length) = leaves(&tree[at..]);
        found.extend(inner.into_iter().map(|(path, name)| ([stem.clone(), path].concat(), name)));
        at += length + tree[at + length..].find([',', '}']).unwrap();
        at += usize::from(tree[at..].starts_with(','));
    }
}

fn read(module: &Module, text: &str) -> File {
    let code = product_code(text);
    let children: Vec<&str> = code.lines().filter_map(|line| line.split_once("mod ")?.1.strip_suffix(';')).collect();
    let mut file = File::default();
    let mut starts: Vec<usize> = ["crate::", "super::"].iter().flat_map(|word| ends(&code, word)).collect();
    starts.extend(children.iter().flat_map(|child| ends(&code, &format!("{child}::"))));
    for start in starts {
        let before = code[..start].trim_end();
        let (found, _) = leaves(&code[start..]);
        let is_export = before.ends_with("use") && before.lines().last().unwrap().trim_start().starts_with("pub");
        for (path, name) in found {
            let path = match path[0].as_str() {
                "crate" => path[1..].to_vec(),
                "super" => [&module[..module.len() - 1], &path[1..]].concat(),
                _ => [&module[..], &path[..]].concat(),
            };
            if is_export {
                file.exports.insert(name, path.clone());
            }
            file.named.push(path);
        }
    }
    file
}

/// Where a path may begin with this word.
fn ends(code: &str, word: &str) -> Vec<usize> {
    let is_first =
        |at: &usize| !code[..*at].ends_with(|letter: char| letter.is_alphanumeric() || "_:".contains(letter));
    code.match_indices(word).map(|(at, _)| at).filter(is_first).collect()
}

/// The file that holds what a path names, looked up through those that only hand it on.
fn home(files: &BTreeMap<Module, File>, path: &[String]) -> Module {
    let depth = (0..=path.len()).rev().find(|depth| files.contains_key(&path[..*depth])).unwrap();
    let handed_on = path.get(depth).and_then(|name| files[&path[..depth]].exports.get(name));
    handed_on.map_or_else(|| path[..depth].to_vec(), |path| home(files, path))
}

/// Every file that its own imports lead back to.
fn circles(sources: &BTreeMap<Module, String>) -> BTreeSet<String> {
    let files: BTreeMap<Module, File> =
        sources.iter().map(|(module, text)| (module.clone(), read(module, text))).collect();
    let imports: BTreeMap<&Module, BTreeSet<Module>> = files
        .iter()
        .map(|(module, file)| (module, file.named.iter().map(|path| home(&files, path)).collect::<BTreeSet<_>>()))
        .map(|(module, homes)| (module, homes.into_iter().filter(|home| home != module).collect()))
        .collect();
    let reached = |from: &Module| {
        let (mut seen, mut next) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(module) = next.pop() {
            next.extend(imports[&module].iter().filter(|module| seen.insert((*module).clone())).cloned());
        }
        seen
    };
    files.keys().filter(|module| reached(module).contains(*module)).map(|module| module.join("::")).collect()
}

fn sources(folder: &Path, module: &Module, into: &mut BTreeMap<Module, String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            sources(&entry.path(), &[module.clone(), vec![name]].concat(), into);
        } else if let Some(stem) = name.strip_suffix(".rs") {
            let own = if matches!(stem, "mod" | "lib" | "main") { vec![] } else { vec![stem.to_owned()] };
            into.insert([module.clone(), own].concat(), std::fs::read_to_string(entry.path()).unwrap());
        }
    }
}

fn found_in(folder: &str) -> BTreeSet<String> {
    let mut all = BTreeMap::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &Vec::new(), &mut all);
    assert!(all.len() > 4, "{folder}");
    circles(&all)
}

#[test]
fn no_file_of_the_library_imports_itself_by_way_of_others() {
    assert_eq!(found_in("src"), BTreeSet::new());
}

#[test]
fn a_circle_would_be_noticed() {
    let circle_of = |files: &[(&str, &str)]| {
        circles(&files.iter().map(|(module, text)| (words(module), (*text).to_owned())).collect())
    };
    let root = ("", "mod a;\nmod b;\npub use a::{A, deep::D as Deep};\npub use b::B;\n");
    let names = |names: [&str; 2]| names.map(str::to_owned).into();
    // Directly, by what the root hands on, by a name within code, and by a parent.
    assert_eq!(circle_of(&[root, ("a", "use crate::b::B;"), ("b", "use super::a::A;")]), names(["a", "b"]));
    assert_eq!(circle_of(&[root, ("a", "use crate::B;"), ("b", "use crate::{A};")]), names(["a", "b"]));
    assert_eq!(
        circle_of(&[root, ("a", "fn f() { crate::b::f() }"), ("b", "use super::{\n    a::A,\n};")]),
        names(["a", "b"])
    );
    let parent = ("a", "mod deep;\nuse deep::D;\nstruct A;");
    assert_eq!(circle_of(&[root, parent, ("a::deep", "use super::A;"), ("b", "")]), names(["a", "a::deep"]));
    // One way, in a comment, and for tests only.
    assert_eq!(circle_of(&[root, ("a", "use crate::b::B;"), ("b", "// use super::a::A;")]), BTreeSet::new());
    let tests = ("b", "struct B;\n#[cfg(test)]\nmod tests {\n    use crate::a::A;\n}");
    assert_eq!(circle_of(&[root, ("a", "use crate::b::B;"), tests]), BTreeSet::new());
}
