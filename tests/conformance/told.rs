//! What is printed, and what the page says.

use std::path::Path;

use conformance::{FACTS, LEFT, Report, Verdict};
use emulator::Rule;
use serde_json::Value;

use crate::bench::Bench;

fn file(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).unwrap()
}

async fn bent() -> (Bench, Report) {
    let bench = Bench::start();
    let rule = Rule::on("TagResources").nth(3).error(200, "");
    let rule = bench.emulator.fault(rule);
    let report = bench.run().await;
    drop(rule);
    (bench, report)
}

#[tokio::test]
async fn the_schema_describes_the_result() {
    let schema: Value = serde_json::from_str(&file("schema/conformance-v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let json = bent().await.1.json();
    assert_eq!(validator.iter_errors(&json).map(|error| error.to_string()).collect::<Vec<_>>(), [""; 0]);
    assert!(!validator.is_valid(&serde_json::json!({ "schema": "dts-role-guard/conformance/v1" })));
    let mut odd = json.clone();
    odd["facts"][0]["verdict"] = "maybe".into();
    assert!(!validator.is_valid(&odd));
    let sum: u64 = json["summary"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(sum, FACTS.len() as u64);
}

#[tokio::test]
async fn a_contradiction_is_told_with_what_was_seen_and_the_request() {
    let (bench, report) = bent().await;
    let finding = report.with(Verdict::Contradicted).next().unwrap();
    assert_eq!(finding.fact.id, "tag-21");
    let id = finding.request_id.clone().unwrap();
    assert!(bench.emulator.calls().iter().any(|call| call.request_id == id && call.operation == "TagResources"));
    let text = report.human();
    for part in ["\ncontradicted: tag-21\n", finding.fact.expected, "success", &id, finding.fact.matters] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let last = text.lines().last().unwrap();
    assert_eq!(last, "contradicted: 88 confirmed, 1 contradicted, 1 not tried; nothing is left behind");
}

#[tokio::test]
async fn no_secret_is_printed() {
    let bench = Bench::start();
    // A gateway that puts the request into the code.
    let leak = bench.emulator.rewrite(Rule::on("TagResources").nth(4), |reply, _| {
        reply["Code"] = "Code.conformance-secret-0123456789.conformance-token-0123456789".into();
    });
    let report = bench.run().await;
    drop(leak);
    let text = format!("{}{}{report:?}", report.human(), report.json());
    assert!(text.contains("(withheld)"));
    for secret in bench.emulator.secrets() {
        assert!(!text.contains(&secret));
    }
}

#[test]
fn the_page_lists_every_fact_and_everything_that_is_left_out() {
    let page = file("docs/conformance.md");
    for fact in FACTS {
        let line = format!("| `{}` | {} | {} |", fact.id, fact.expected, fact.matters);
        assert!(page.contains(&line), "{line}");
    }
    let (_, facts) = page.split_once("## Facts").unwrap();
    let rows = facts.lines().filter(|line| line.starts_with("| `")).count();
    assert_eq!(rows, FACTS.len(), "a row of no fact");
    for (what, why) in LEFT {
        assert!(page.contains(&format!("* {what}: {why}.")), "{what}");
    }
}
