//! Reads JSON of others: names in any casing, empty values as absent, objects that may stand in a string.

use std::borrow::Cow;

use serde_json::{Map, Value};

pub(super) type Object = Map<String, Value>;

/// A value that is there. The exact name comes first: published consumers saw either casing of the first letter.
pub(super) fn value<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    let is_there = |value: &Value| match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => true,
    };
    let exact = object.get(name).filter(|value| is_there(value));
    exact.or_else(|| {
        let mut others = object.iter().filter(|(other, value)| other.eq_ignore_ascii_case(name) && is_there(value));
        others.next().map(|(_, value)| value)
    })
}

/// A text, or a number as text: account ids are seen as both.
pub(super) fn text(object: &Object, name: &str) -> Option<String> {
    match value(object, name)? {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// An object, or one that is written into a string.
pub(super) fn object<'a>(object: &'a Object, name: &str) -> Option<Cow<'a, Object>> {
    as_object(value(object, name)?)
}

pub(super) fn as_object(value: &Value) -> Option<Cow<'_, Object>> {
    match value {
        Value::Object(object) => Some(Cow::Borrowed(object)),
        Value::String(text) if text.trim_start().starts_with('{') => serde_json::from_str(text).ok().map(Cow::Owned),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(value: &Value) -> &Object {
        value.as_object().unwrap()
    }

    #[test]
    fn a_name_is_found_in_any_casing_and_the_exact_one_comes_first() {
        let both = json!({"EventName": "a", "eventName": "b", "errorcode": "c"});
        assert_eq!(text(of(&both), "eventName").as_deref(), Some("b"));
        assert_eq!(text(of(&both), "EventName").as_deref(), Some("a"));
        assert_eq!(text(of(&both), "errorCode").as_deref(), Some("c"));
    }

    #[test]
    fn what_is_empty_is_absent_and_hides_no_other() {
        let empty = json!({"errorCode": " ", "ErrorCode": "x", "eventName": null});
        assert_eq!(text(of(&empty), "errorCode").as_deref(), Some("x"));
        assert!(value(of(&empty), "eventName").is_none());
    }

    #[test]
    fn an_id_may_be_a_number_and_an_object_a_string() {
        let value = json!({"accountId": 1_234_567_890_123_456_u64, "account": "{\"AccountId\": \"5\"}", "list": "[]"});
        assert_eq!(text(of(&value), "accountId").as_deref(), Some("1234567890123456"));
        assert_eq!(text(&object(of(&value), "account").unwrap(), "accountId").as_deref(), Some("5"));
        assert!(object(of(&value), "list").is_none());
    }
}
