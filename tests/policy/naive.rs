//! The semantics in the plainest words, over JSON and not over the program's own types.

use authorization::policy::Access;
use serde_json::Value;

use crate::DTS;

pub(crate) fn access(statements: &[Value]) -> Access {
    let about_us: Vec<_> = statements.iter().filter(|one| is_understood(one) && names_us(one) && covers(one)).collect();
    let any = |word: &str, conditional: bool| {
        about_us.iter().any(|one| one["Effect"] == word && has_condition(one) == conditional)
    };
    if any("Deny", false) {
        Access::Denied
    } else if !any("Allow", false) && !any("Allow", true) {
        Access::NotAllowed
    } else if any("Allow", false) && !any("Deny", true) {
        Access::Allowed
    } else {
        Access::AllowedConditionally
    }
}

/// The generator's odd statements lack one of these or hold something beside them.
fn is_understood(statement: &Value) -> bool {
    let Some(fields) = statement.as_object() else { return false };
    let known = |key: &String| ["Effect", "Action", "Principal", "Condition"].contains(&key.as_str());
    let kinds = ["RAM", "Service", "Federated"];
    let principal = statement["Principal"].as_object();
    fields.keys().all(known)
        && (statement["Effect"] == "Allow" || statement["Effect"] == "Deny")
        && all_texts(&statement["Action"])
        && principal.is_some_and(|all| all.keys().all(|kind| kinds.contains(&kind.as_str())))
        && texts(&statement["Principal"]["Service"]).iter().all(|name| !name.contains('*'))
        && fields.get("Condition").is_none_or(Value::is_object)
}

fn all_texts(value: &Value) -> bool {
    value.is_string() || value.as_array().is_some_and(|items| items.iter().all(Value::is_string))
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn names_us(statement: &Value) -> bool {
    texts(&statement["Principal"]["Service"]).contains(&DTS)
}

fn covers(statement: &Value) -> bool {
    texts(&statement["Action"]).iter().any(|pattern| glob(&pattern.to_lowercase(), "sts:assumerole"))
}

/// By trying everything.
fn glob(pattern: &str, text: &str) -> bool {
    let (Some(first), mut rest) = (pattern.chars().next(), pattern.chars()) else { return text.is_empty() };
    rest.next();
    let rest = rest.as_str();
    match first {
        '*' => (0..=text.len()).any(|skip| glob(rest, &text[skip..])),
        '?' => !text.is_empty() && glob(rest, &text[1..]),
        letter => text.starts_with(letter) && glob(rest, &text[1..]),
    }
}

fn has_condition(statement: &Value) -> bool {
    let operators = statement["Condition"].as_object();
    operators.is_some_and(|all| !all.is_empty())
}
