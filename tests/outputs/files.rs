//! The report as files: a page, a table, events.

use std::collections::{BTreeMap, BTreeSet};

use dts_role_guard::report::{Csv, Html, Human, Json, Ocsf, Render, Report};
use serde_json::{Value, json};

use crate::samples::{self, WORST};

fn events(report: &Report) -> Vec<Value> {
    Ocsf.render(report).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Records of cells, as RFC 4180 has them.
fn cells(text: &str) -> Vec<Vec<String>> {
    let (mut records, mut record, mut cell, mut quoted) = (Vec::new(), Vec::new(), String::new(), false);
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => cell.push(characters.next().unwrap()),
            '"' => quoted = !quoted,
            ',' if !quoted => record.push(std::mem::take(&mut cell)),
            '\r' if !quoted => {
                assert_eq!(characters.next(), Some('\n'));
                record.push(std::mem::take(&mut cell));
                records.push(std::mem::take(&mut record));
            }
            other => cell.push(other),
        }
    }
    assert!(!quoted && record.is_empty() && cell.is_empty(), "it ends with its last line");
    records
}

#[test]
fn every_kind_of_report() {
    for name in samples::names() {
        let (report, kind) = (samples::report(&name), name.trim_end_matches(".json").to_owned());
        insta::assert_snapshot!(format!("csv-{kind}"), Csv.render(&report).replace("\r\n", "\n"));
        insta::assert_snapshot!(format!("ocsf-{kind}"), Ocsf.render(&report));
        let page = Html.render(&report);
        let body = page.split_once("<body>").unwrap().1.split_once("<script>").unwrap().0;
        insta::assert_snapshot!(format!("html-{kind}"), body.replace("><", ">\n<"));
    }
}

/// What a summary says is found again in the detail of every format.
#[test]
fn every_number_of_a_summary_is_found_again() {
    let statuses = ["drifted", "refused", "stuck", "failed", "rolledBack", "remediated", "pending", "skipped"];
    let account = |number: usize| match number % 9 {
        8 => samples::healthy(number),
        kind => samples::broken(number, statuses[kind], "x"),
    };
    let whole = samples::run("manual", &(0..200).map(account).collect::<Vec<_>>());
    let report = samples::of(&whole);
    let table = cells(&Csv.render(&report));
    let page = Html.render(&report);
    let human = anstream::adapter::strip_str(&Human { verbose: true, width: 80 }.render(&report)).to_string();
    for status in statuses.into_iter().chain(["authorized"]) {
        let count = usize::try_from(whole["summary"][status].as_u64().unwrap()).unwrap();
        assert!(count > 20);
        assert_eq!(table.iter().filter(|record| record[2] == status).count(), count, "csv: {status}");
        let rows = page
            .split("<tr>")
            .filter(|row| row.starts_with("<th scope=\"row\">") && row.contains(&format!(">{status}</td>")));
        assert_eq!(rows.count(), count, "html: {status}");
        assert!(page.contains(&format!("{count} {status}")), "the picture");
        if !matches!(status, "authorized" | "pending" | "skipped") {
            let lines =
                human.lines().filter(|line| line.split_whitespace().nth(2) == Some(status) && line.starts_with("  "));
            assert_eq!(lines.count(), count, "human: {status}");
        }
    }
    let told: BTreeSet<_> = events(&report).iter().map(|event| event["cloud"]["account"]["uid"].to_string()).collect();
    // Neither of those in order nor of those that could not be looked at.
    let silent = |account: &&Value| account["status"] == "authorized" || account["status"] == "failed";
    assert_eq!(told.len(), 200 - whole["accounts"].as_array().unwrap().iter().filter(silent).count());
}

#[test]
fn a_line_for_each_account_with_the_columns_that_are_promised() {
    let records = cells(&Csv.render(&samples::report("brake.json")));
    assert_eq!(records[0][..6], ["accountId", "roleName", "status", "findingIds", "next", "durationMs"]);
    assert!(records.iter().all(|record| record.len() == records[0].len()));
    let accounts = records.iter().skip(1).filter(|record| !record[0].is_empty());
    assert_eq!(accounts.count(), 10);
}

#[test]
fn a_condition_that_failed_is_new_and_one_that_a_repair_ended_is_closed() {
    let activities = |name: &str| -> Vec<_> {
        events(&samples::report(name))
            .iter()
            .map(|it| {
                (
                    it["compliance"]["control"].to_string(),
                    it["activity_id"].as_u64().unwrap(),
                    it["compliance"]["status_id"].as_u64().unwrap(),
                )
            })
            .collect()
    };
    assert_eq!(activities("drifted.json"), [("\"trust-service-missing\"".to_owned(), 1, 3)]);
    assert_eq!(activities("repaired.json"), [("\"trust-service-missing\"".to_owned(), 3, 1)]);
    assert_eq!(
        activities("stuck.json"),
        [("\"trust-service-missing\"".to_owned(), 1, 3), ("\"role-missing\"".to_owned(), 1, 3)]
    );
    for name in ["failed.json", "healthy.json", "rejected.json", "deadline.json"] {
        assert_eq!(activities(name), [], "{name}: nobody knows of a failure");
    }
    let uid = |name: &str| events(&samples::report(name))[0]["finding_info"]["uid"].clone();
    assert_eq!(uid("drifted.json"), uid("repaired.json"), "the same condition in every run");
}

/// Every format with the worst of foreign text, short and long.
#[test]
fn foreign_text_is_harmless_everywhere() {
    for worst in WORST {
        for text in [worst.to_owned(), worst.repeat(100_000 / worst.len())] {
            let mut whole =
                samples::run("manual", &[samples::broken(1, "stuck", &text), samples::broken(2, "drifted", &text)]);
            whole["reason"] = json!(text);
            whole["trigger"]["name"] = json!(text);
            whole["requestId"] = json!(text);
            let report = samples::of(&whole);
            let table = Csv.render(&report);
            for cell in cells(&table).concat() {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell:.40}");
                assert_calm(&cell);
            }
            let page = Html.render(&report);
            assert_calm(&page);
            for markup in ["<img", "onerror=\"", "onmouseover=\"", "<at ", "<!channel"] {
                assert!(!page.contains(markup), "{worst:?}: {markup}");
            }
            assert_eq!((page.matches("<script>").count(), page.matches("<!--").count()), (1, 0), "{worst:?}");
            for event in events(&report) {
                let event: BTreeMap<String, Value> = serde_json::from_value(event).unwrap();
                assert_calm_value(&json!(event));
            }
        }
    }
}

/// Neither control characters nor what turns the direction of text.
fn assert_calm(text: &str) {
    let is_bad = |character: char| {
        (character.is_control() && !matches!(character, '\n' | '\r'))
            || matches!(character, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!text.contains(is_bad), "{:?}", text.chars().find(|character| is_bad(*character)));
}

fn assert_calm_value(value: &Value) {
    match value {
        Value::String(text) => assert_calm(text),
        Value::Array(items) => items.iter().for_each(assert_calm_value),
        Value::Object(fields) => fields.values().for_each(assert_calm_value),
        _ => {}
    }
}

#[test]
fn a_page_of_ten_thousand_accounts_is_below_five_megabytes_whatever_they_hold() {
    for text in ["the text of others".to_owned(), "<\"&'>\u{202e}".repeat(60)] {
        let account =
            |number| if number < 9000 { samples::broken(number, "drifted", &text) } else { samples::healthy(number) };
        let report = samples::of(&samples::run("manual", &(0..10_000).map(account).collect::<Vec<_>>()));
        let page = Html.render(&report);
        assert!(page.len() < 5_000_000, "{}", page.len());
        assert_eq!(page.matches("<tr><th scope=\"row\">1000").count(), 10_000, "each has its row");
        assert!(page.contains("more accounts do not fit this page"));
    }
}

#[test]
fn the_page_asks_nobody_for_anything() {
    for name in samples::names() {
        let page = Html.render(&samples::report(&name));
        for asks in [" src=", "url(", "@import", "<link", "<iframe", "fetch(", "XMLHttpRequest", "style=\""] {
            assert!(!page.contains(asks), "{name}: {asks}");
        }
        assert!(page.contains("default-src &#39;none&#39;") || page.contains("default-src 'none'"), "{name}");
    }
}

#[test]
fn each_format_says_how_many_accounts_are_missing() {
    let mut whole = samples::run("timer", &[samples::broken(1, "stuck", "x")]);
    whole["truncated"] = json!(1234);
    whole["summary"]["accounts"] = json!(1300);
    let report = samples::of(&whole);
    let json: Value = serde_json::from_str(&Json.render(&report)).unwrap();
    assert_eq!(json["truncated"], 1234);
    for text in [
        Csv.render(&report),
        Html.render(&report),
        Ocsf.render(&report),
        Human::default().render(&report).replace("\n ", ""),
    ] {
        assert!(text.contains("1,234 more accounts are missing"), "{text}");
        assert!(text.contains("65 accounts in order are counted and not listed"), "{text}");
    }
}
