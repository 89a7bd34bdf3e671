//! What is left of an account that is too long for its reader: the log, a queue behind a trigger.

use authorization::text::truncated;
use serde_json::{Map, Value, json};

/// Text is cut here, in characters, where the whole does not fit.
const TEXT: usize = 256;
/// And here, one after the other, where that is not enough.
const AT_LAST: [usize; 4] = [256, 128, 64, 16];
/// Says that lines are missing. Half a command is worse than none.
const MORE: &str = "more does not fit here: run `dts-role-guard plan` or `verify` for this account to see the whole";

/// The account as it is if it fits, else less and less of it, marked `cut`. What identifies it and says what to do goes
/// last: ids, status, times, findings, `next`.
pub(super) fn account(whole: Value, fits: impl Fn(&Value) -> bool) -> Value {
    if fits(&whole) {
        return whole;
    }
    let mut cut = whole;
    if let Some(fields) = cut.as_object_mut() {
        fields.insert("cut".to_owned(), json!(true));
    }
    let without_roles = |account: &mut Value| remove(account, &["before", "after"]);
    for less in [texts, without_roles, without_details] {
        less(&mut cut);
        if fits(&cut) {
            return cut;
        }
    }
    for limit in AT_LAST {
        shorten(&mut cut, limit);
        if fits(&cut) {
            break;
        }
    }
    cut
}

/// Cuts every text in a value, but for the lines to type.
pub(super) fn texts(value: &mut Value) {
    match value {
        Value::String(long) => *long = truncated(long, TEXT),
        Value::Array(items) => items.iter_mut().for_each(texts),
        Value::Object(fields) => {
            let cut = |(name, mut value): (String, Value)| {
                if name != "next" {
                    texts(&mut value);
                }
                (truncated(&name, TEXT), value)
            };
            *fields = std::mem::take(fields).into_iter().map(cut).collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Without the steps, and what findings rest on.
fn without_details(account: &mut Value) {
    remove(account, &["steps"]);
    for list in ["findings", "residual"] {
        let findings = account.get_mut(list).and_then(Value::as_array_mut);
        for finding in findings.into_iter().flatten() {
            if let Some(evidence) = finding.get_mut("evidence") {
                *evidence = Value::Object(Map::new());
            }
        }
    }
}

/// A part of what is left, with every text of unknown length cut at `limit` characters.
fn shorten(account: &mut Value, limit: usize) {
    let cut = |field: Option<&mut Value>| {
        if let Some(Value::String(long)) = field {
            *long = truncated(long, limit);
        }
    };
    for list in ["findings", "residual"] {
        if let Some(findings) = account.get_mut(list).and_then(Value::as_array_mut) {
            findings.truncate(limit / 8);
            for finding in findings {
                cut(finding.get_mut("message"));
            }
        }
    }
    for field in ["/reason", "/error/operation", "/error/code", "/error/message", "/error/requestId"] {
        cut(account.pointer_mut(field));
    }
    if let Some(Value::String(lines)) = account.get_mut("next") {
        *lines = next(lines, limit);
    }
}

/// Whole lines only, so that nobody types half a command.
fn next(lines: &str, limit: usize) -> String {
    let whole = lines.strip_suffix(MORE);
    if whole.is_none() && lines.chars().count() <= limit {
        return lines.to_owned();
    }
    let lines = whole.unwrap_or(lines);
    // The cause comes first and is no command: what there is of it is better than nothing.
    let mut kept = String::new();
    for (index, line) in lines.lines().enumerate() {
        let line = if index == 0 { truncated(line, limit) } else { line.to_owned() };
        if index > 0 && kept.chars().count() + line.chars().count() > 4 * limit {
            break;
        }
        kept.push_str(&line);
        kept.push('\n');
    }
    kept + MORE
}

fn remove(account: &mut Value, names: &[&str]) {
    if let Some(fields) = account.as_object_mut() {
        for name in names {
            fields.shift_remove(*name);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_command_is_cut_in_two() {
        let lines = format!("it broke\naliyun ram {}\nhttps://example.com", "x".repeat(3000));
        assert_eq!(next(&lines, 256), format!("it broke\n{MORE}"));
        assert_eq!(next("it broke\naliyun", 256), "it broke\naliyun");
    }

    #[test]
    fn what_fits_stays_whole() {
        let whole = json!({"accountId": "1", "before": {"trustPolicy": "x".repeat(1000)}});
        assert_eq!(account(whole.clone(), |_| true), whole);
    }

    #[test]
    fn ids_status_and_findings_are_kept_to_the_last() {
        let finding = json!({"id": "policy-missing", "severity": "failed", "message": "m", "evidence": {"a": 1}});
        let whole = json!({"accountId": "1", "status": "stuck", "findings": [finding], "before": {}, "steps": [],
            "residual": [], "next": "type this"});
        let cut = account(whole, |_| false);
        assert_eq!(
            cut,
            json!({"accountId": "1", "status": "stuck", "residual": [], "next": "type this", "cut": true,
                "findings": [{"id": "policy-missing", "severity": "failed", "message": "m", "evidence": {}}]})
        );
    }
}
