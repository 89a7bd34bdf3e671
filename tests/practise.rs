//! The exercises of `docs/operations.md`, typed: a shell runs each line as it stands there, with the real programs, and exit
//! code and output are what the page says.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs,
    reason = "tests"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::SystemTime;

use serde_json::Value;
use tempfile::TempDir;

const GUIDE: &str = "docs/operations.md";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// One line of an exercise, and what the page says of it.
struct Line {
    command: String,
    code: i32,
    seen: String,
}

impl Line {
    /// `COMMAND  # CODE WORDS`; without a code it is 0.
    fn read(text: &str) -> Self {
        let (command, said) = text.rsplit_once("  # ").unwrap_or((text, "0"));
        let (code, seen) = said.split_once(' ').unwrap_or((said, ""));
        Self { command: command.trim_end().to_owned(), code: code.parse().unwrap(), seen: seen.to_owned() }
    }
}

/// The guide before its exercises, and the exercises: a cloud, and what is typed.
fn guide() -> (String, Vec<(String, Vec<Line>)>) {
    let page = fs::read_to_string(root().join(GUIDE)).unwrap();
    let (procedures, rest) = page.split_once("\n## Practise\n").unwrap();
    let section = rest.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap());
    let exercises = blocks.filter_map(|block| {
        let (cloud, typed) = block.split_once('\n').unwrap();
        cloud.starts_with("emulator ").then(|| (cloud.to_owned(), typed.lines().map(Line::read).collect()))
    });
    (procedures.to_owned(), exercises.collect())
}

/// Where Cargo puts the programs.
fn programs() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_dts-role-guard")).parent().unwrap().to_owned()
}

fn changed(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).ok()?.modified().ok()
}

fn newest_in(folder: &Path) -> Option<SystemTime> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter_map(|path| if path.is_dir() { newest_in(&path) } else { changed(&path) }).max()
}

/// Cargo builds the emulator's program with the tests of the whole workspace, and else it is built here.
fn build_emulator() {
    let sources = newest_in(&root().join("emulator/src"));
    if changed(&programs().join("emulator")) > sources {
        return;
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.current_dir(root()).args(["build", "--quiet", "--locked", "--package", "emulator", "--bin", "emulator"]);
    cargo.arg("--target-dir").arg(programs().parent().unwrap());
    cargo.args(programs().ends_with("release").then_some("--release"));
    assert!(cargo.status().unwrap().success());
}

/// A person at two terminals.
struct Person {
    cloud: Child,
    shell: Child,
    keyboard: ChildStdin,
    codes: BufReader<ChildStdout>,
    folder: TempDir,
    /// The newest plan of each account.
    plans: BTreeMap<String, String>,
    /// The last `next` that was read.
    next: String,
}

impl Person {
    /// Starts the cloud in one terminal, and pastes what it prints into the other.
    fn start(cloud: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let terminal = |script: &str| {
            let path = format!("{}:{}", programs().display(), std::env::var_os("PATH").unwrap().to_str().unwrap());
            let mut shell = Command::new("sh");
            shell.args(["-c", script]).current_dir(&folder).env_clear();
            shell.env("PATH", path).env("HOME", folder.path()).env("TMPDIR", folder.path());
            shell.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
        };
        let mut cloud = terminal(&format!("exec {cloud}"));
        let mut printed = BufReader::new(cloud.stdout.take().unwrap()).lines().map(Result::unwrap);
        let url = printed.next().unwrap();
        assert!(url.starts_with("http://127.0.0.1:"), "{url}");
        // A shell that reads what is typed.
        let mut shell = terminal("exec sh");
        let mut keyboard = shell.stdin.take().unwrap();
        loop {
            let line = printed.next().unwrap();
            writeln!(keyboard, "{line}").unwrap();
            if line.starts_with("s() {") {
                break;
            }
        }
        let codes = BufReader::new(shell.stdout.take().unwrap());
        Self { cloud, shell, keyboard, codes, folder, plans: BTreeMap::new(), next: String::new() }
    }

    /// Types a line; gives its exit code and all that it printed.
    fn types(&mut self, command: &str) -> (i32, String) {
        writeln!(self.keyboard, "{{ {command}\n}} >.out 2>.err </dev/null; echo $?").unwrap();
        let mut code = String::new();
        self.codes.read_line(&mut code).unwrap();
        let read = |name: &str| fs::read_to_string(self.folder.path().join(name)).unwrap();
        let (out, err) = (read(".out"), read(".err"));
        if let Ok(answer) = serde_json::from_str::<Value>(&out) {
            self.read(answer.get("report").unwrap_or(&answer));
        }
        let code = code.trim().parse();
        (code.unwrap_or_else(|_| panic!("the shell did not understand: {command}")), out + &err)
    }

    fn read(&mut self, report: &Value) {
        for account in report["accounts"].as_array().into_iter().flatten() {
            let text = |name: &str| account[name].as_str().map(str::to_owned);
            self.plans.extend(text("accountId").zip(text("planId")));
            self.next = text("next").unwrap_or_default();
        }
    }

    /// Puts what was read in the place of each `…`.
    fn filled(&self, command: &str) -> Vec<String> {
        if let Some(tool) = command.strip_suffix(" …") {
            let told: Vec<_> = self.next.lines().filter(|line| line.starts_with(tool)).map(str::to_owned).collect();
            assert!(!told.is_empty(), "`next` has no command of `{tool}`: {}", self.next);
            return told;
        }
        let named = |account: &&String| !command.contains("\"accounts\"") || command.contains(account.as_str());
        match self.plans.keys().find(named) {
            Some(account) => vec![command.replace("sha256:…", &self.plans[account])],
            None => vec![command.to_owned()],
        }
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        for process in [&mut self.shell, &mut self.cloud] {
            // It may have ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

fn go_through(cloud: &str, lines: &[Line]) {
    let mut person = Person::start(cloud);
    for Line { command, code, seen } in lines {
        for command in person.filled(command) {
            assert!(!command.contains('…'), "{cloud}: nothing was read that could be filled in: {command}");
            let (found, printed) = person.types(&command);
            assert_eq!(found, *code, "{cloud}\n{command}\n{printed}");
            assert!(printed.contains(seen), "{cloud}\n{command}\nhas no `{seen}`: {printed}");
        }
    }
}

#[test]
fn every_exercise_goes_as_the_page_says() {
    build_emulator();
    let (_, exercises) = guide();
    assert!(exercises.len() >= 14, "{}", exercises.len());
    // Most of them wait for a look that might show an old state, so they wait together.
    std::thread::scope(|threads| {
        for (cloud, lines) in &exercises {
            threads.spawn(|| go_through(cloud, lines));
        }
    });
}

/// A command without what differs from place to place: account ids.
fn outline(command: &str) -> String {
    let is_id = |word: &str| word == "ID" || (word.len() == 16 && word.bytes().all(|byte| byte.is_ascii_digit()));
    let words = command.split_inclusive(|letter: char| !letter.is_ascii_alphanumeric());
    words
        .map(|word| {
            let bare = word.trim_end_matches(|letter: char| !letter.is_ascii_alphanumeric());
            if is_id(bare) { word.replace(bare, "ID") } else { word.to_owned() }
        })
        .collect()
}

#[test]
fn every_command_of_the_procedures_has_its_exercise() {
    let (procedures, exercises) = guide();
    // In a block of its own, or within a sentence.
    let blocks = procedures.split("```sh\n").skip(1).flat_map(|block| block.split("```").next().unwrap().lines());
    let sentences = procedures.split('`').skip(1).step_by(2);
    let is_ours =
        |text: &&str| ["s invoke ", "dts-role-guard ", "DTS_GUARD_BRAKE="].iter().any(|tool| text.starts_with(tool));
    let told: BTreeSet<String> = blocks.map(str::trim).chain(sentences).filter(is_ours).map(outline).collect();
    assert!(told.len() >= 7, "{told:?}");
    let typed: Vec<String> = exercises.iter().flat_map(|(_, lines)| lines).map(|line| outline(&line.command)).collect();
    for command in told {
        assert!(typed.iter().any(|typed| typed.contains(&command)), "no exercise for `{command}` in {typed:#?}");
    }
}
