//! Makes a line of the log short enough for its readers: the documents go first, what a person acts on goes last.

use serde_json::{Map, Value, json};

use authorization::text::{escape_invisible, truncated};

/// The log service's SQL reads no more of a line than 16 KiB. In bytes, without the line break.
pub(super) const LINE_LIMIT: usize = 15 * 1024 - 1;

/// The platform cuts a line at 32 KiB. A record of the journal may come near that: what it holds stands nowhere else.
pub(super) const RECORD_LIMIT: usize = 30 * 1024;

/// How much of a document may stay, in characters, tried in this order.
const DOCUMENT_STARTS: [usize; 7] = [12_000, 8_000, 4_000, 2_000, 1_000, 250, 0];

/// How long texts and lists inside a line may be, tried in this order.
const INNER_LIMITS: [(usize, usize); 6] = [(2_000, 200), (1_000, 100), (250, 40), (100, 20), (50, 5), (0, 0)];

/// How long a text at the top may be, tried in this order.
const TOP_LIMITS: [usize; 6] = [8_000, 4_000, 2_000, 1_000, 250, 50];

/// The line as text. Where it is too long, trust policies are cut until it fits [`LINE_LIMIT`], then all the rest until it
/// fits `limit`; the keys at the top stay.
pub(super) fn fitted(line: Map<String, Value>, limit: usize) -> String {
    let uncut = text(&line);
    if uncut.len() <= LINE_LIMIT.min(limit) {
        return uncut;
    }
    let mut line = marked(line);
    let inner = |line: &mut Map<String, Value>, change: &dyn Fn(&mut Value)| {
        line.values_mut().filter(|value| !value.is_string()).for_each(change);
    };
    let whole = line.clone();
    for start in DOCUMENT_STARTS {
        line.clone_from(&whole);
        inner(&mut line, &|value| cut_documents(value, start));
        if text(&line).len() <= LINE_LIMIT {
            return text(&line);
        }
    }
    // It stands at the top too.
    if line.contains_key("next") {
        line.values_mut().filter_map(Value::as_object_mut).for_each(|inner| drop(inner.shift_remove("next")));
    }
    let without_documents = line.clone();
    for limits in INNER_LIMITS {
        if text(&line).len() <= limit {
            return text(&line);
        }
        line.clone_from(&without_documents);
        inner(&mut line, &|value| shorten(value, limits));
    }
    for longest in TOP_LIMITS {
        if text(&line).len() <= limit {
            break;
        }
        line.values_mut().for_each(|value| shorten(value, (longest, 0)));
    }
    text(&line)
}

pub(super) fn text(line: &Map<String, Value>) -> String {
    // A map with string keys always serializes.
    escape_invisible(&serde_json::to_string(line).unwrap_or_default())
}

/// The mark stands before what is long.
fn marked(line: Map<String, Value>) -> Map<String, Value> {
    let (long, short): (Vec<_>, Vec<_>) = line.into_iter().partition(|(_, value)| is_nested(value));
    short.into_iter().chain([("cut".to_owned(), json!(true))]).chain(long).collect()
}

fn is_nested(value: &Value) -> bool {
    value.is_object() || value.is_array()
}

/// A trust policy that is cut is a text, so that nobody takes it for a whole one.
fn cut_documents(value: &mut Value, start: usize) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(|value| cut_documents(value, start)),
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "trustPolicy" && is_nested(value) {
                    *value = json!(value.to_string());
                }
                if name == "trustPolicy" {
                    shorten(value, (start, 0));
                } else {
                    cut_documents(value, start);
                }
            }
        }
        _ => {}
    }
}

fn shorten(value: &mut Value, (characters, entries): (usize, usize)) {
    match value {
        Value::String(text) => *text = truncated(text, characters),
        Value::Array(values) => {
            values.truncate(entries);
            for value in values {
                shorten(value, (characters, entries));
            }
        }
        Value::Object(fields) if entries == 0 => fields.clear(),
        Value::Object(fields) => fields.values_mut().for_each(|value| shorten(value, (characters, entries))),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    fn read(text: &str) -> Value {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_short_line_is_left_as_it_is() {
        let short = line(json!({"b": 1, "a": {"trustPolicy": {}}}));
        assert_eq!(fitted(short.clone(), LINE_LIMIT), json!(short).to_string());
    }

    #[test]
    fn the_trust_policy_goes_first_and_what_to_do_stays_whole() {
        let next = "aliyun ram CreateRole ".repeat(300);
        let trust = json!({"Statement": ["acs:ram::1:root".repeat(1_800)]});
        let role = json!({"description": "d".repeat(900), "trustPolicy": trust});
        let whole = json!({"requestId": "1", "next": next, "account": {"next": next, "before": role, "after": role}});
        let text = fitted(line(whole), LINE_LIMIT);
        assert!(text.len() <= LINE_LIMIT, "{}", text.len());
        let cut = read(&text);
        assert_eq!((&cut["cut"], &cut["next"]), (&json!(true), &json!(next)));
        assert_eq!(cut["account"]["before"]["description"], "d".repeat(900));
        assert!(cut["account"]["before"]["trustPolicy"].as_str().unwrap().ends_with('…'));
    }

    #[test]
    fn whatever_is_in_a_line_it_fits_and_keeps_its_top() {
        for filler in ["x", "\"", "é", "\u{202e}", "\u{1f600}", "\\", "\u{1b}"] {
            let long = filler.repeat(70_000);
            let many: Vec<_> = (0..5_000).map(|index| json!({"id": index, "text": filler.repeat(9)})).collect();
            for whole in [
                json!({"requestId": "1", "status": "stuck", "next": long, "account": {"next": long}}),
                json!({"requestId": "1", "status": "stuck", "account": {"findings": many, "trustPolicy": long}}),
                json!({"requestId": "1", "status": "stuck", "errors": many, "reason": long}),
                json!({"requestId": "1", "status": "stuck", "account": {"before": {"tags": {long.clone(): "x"}}}}),
            ] {
                let text = fitted(line(whole), LINE_LIMIT);
                assert!(text.len() <= LINE_LIMIT, "{filler:?}: {}", text.len());
                let cut = read(&text);
                assert_eq!(
                    (&cut["requestId"], &cut["status"], &cut["cut"]),
                    (&json!("1"), &json!("stuck"), &json!(true))
                );
            }
        }
    }

    #[test]
    fn of_a_record_only_the_trust_policy_is_cut_as_long_as_the_platform_takes_the_rest() {
        let tags: Map<_, _> = (0..20).map(|index| (format!("key{index}"), json!("漢".repeat(256)))).collect();
        let before =
            json!({"tags": tags, "description": "d".repeat(1024), "trustPolicy": {"Statement": "s".repeat(26_000)}});
        let whole = json!({"requestId": "1", "journal": {"event": "begin", "before": before}});
        let text = fitted(line(whole), RECORD_LIMIT);
        assert!(text.len() <= RECORD_LIMIT, "{}", text.len());
        assert_eq!(read(&text)["journal"]["before"]["tags"], json!(tags));
        assert_eq!(read(&text)["journal"]["before"]["description"], "d".repeat(1024));
    }
}
