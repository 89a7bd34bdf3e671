//! The samples of the README are what the program writes about one run.

use std::io::Write as _;
use std::process::{Command, Stdio};

use emulator::Role;
use serde_json::{Value, json};
use testkit::{Chat, Guard, cloud, program, says};

use crate::page;

/// One repair, as everybody who may be told of it sees it.
struct Run {
    report: Value,
    account_line: Value,
    notice: String,
}

fn run() -> Run {
    let broken = Role::dts().trusting_service("ecs.aliyuncs.com").attach_custom("TeamExtra").tag("team", "data");
    let chat = Chat::answering(vec![says(200, r#"{"errcode":0,"errmsg":"ok"}"#)]);
    let url = chat.url("wecom+", "/cgi-bin/webhook/send?key=example");
    let emulator = cloud(broken);
    let guard = Guard::start(&emulator, &[("DTS_GUARD_MODE", "remediate"), ("DTS_GUARD_NOTIFY", &url)]);
    let report = steady(guard.invoke("").report());
    let (_, lines) = guard.stop();
    let mut lines = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let account_line = lines.find(|line| line.get("findingIds").is_some()).unwrap();
    let notice = chat.got()[0].json()["text"]["content"].as_str().unwrap().to_owned();
    Run { report, account_line: steady(account_line), notice }
}

/// What differs from run to run is made the same.
fn steady(mut value: Value) -> Value {
    settle(&mut value);
    value
}

fn settle(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(settle),
        Value::Object(fields) => {
            for (name, value) in fields {
                match name.as_str() {
                    "durationMs" => *value = json!(431),
                    "roleId" => *value = json!("300123456789012345"),
                    _ => settle(value),
                }
            }
        }
        _ => {}
    }
}

fn rendered(report: &Value, format: &str) -> String {
    let mut command = Command::new(program());
    command.args(["render", "--format", format]).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(report.to_string().as_bytes()).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().replace("\r\n", "\n")
}

/// Whether a sample is the text, with `…` for what is left out.
fn is_sample_of(sample: &str, text: &str) -> bool {
    let mut rest = text;
    sample.split('…').map(|piece| piece.trim_matches('\n')).all(|piece| {
        let Some((_, after)) = rest.split_once(piece) else { return false };
        rest = after;
        true
    })
}

/// The code blocks of a section.
fn blocks(section: &str) -> Vec<String> {
    let readme = page("README.md");
    let (_, section) = readme.split_once(&format!("\n## {section}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let fences: Vec<_> = section.split("```").collect();
    fences.iter().skip(1).step_by(2).map(|block| block.split_once('\n').unwrap().1.to_owned()).collect()
}

#[test]
fn every_sample_of_the_readme_is_real() {
    let run = run();
    let samples = blocks("Reading a report");
    let texts = [
        rendered(&run.report, "human"),
        rendered(&run.report, "json"),
        rendered(&run.report, "csv"),
        rendered(&run.report, "ocsf"),
        run.account_line.to_string(),
        run.notice,
    ];
    assert_eq!(samples.len(), texts.len());
    for (sample, text) in samples.iter().zip(&texts) {
        assert!(sample.len() > 60, "{sample}");
        assert!(is_sample_of(sample, text), "the README has\n{sample}\nand the program writes\n{text}");
    }
}

#[test]
fn a_sample_that_the_program_does_not_write_is_noticed() {
    let text = "one\ntwo\nthree\n";
    assert!(is_sample_of("one\n…\nthree\n", text));
    for wrong in ["one\nthree\n", "three\n…\none\n", "one\n…\nfour\n"] {
        assert!(!is_sample_of(wrong, text), "{wrong}");
    }
}

/// What `.ci/run` reads, and whoever tries the project out.
#[test]
fn the_first_blocks_are_the_commands() {
    assert_eq!(blocks("Quick start")[0], "cargo run --example quickstart\n");
    assert_eq!(blocks("Tests")[0], "cargo test --workspace\n");
}
