//! The JSON of a document as the cloud answers it: in a string, sometimes percent-encoded, with whatever stands in it.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::Value;

/// Whether two texts are the same document: white space, encoding and the order of keys do not count.
pub fn same_document(one: &str, other: &str) -> bool {
    let read = |text| {
        let text = decoded(text);
        let tree: Tree = serde_json::from_str(&text).ok()?;
        // A key that stands twice means different things to different readers.
        if tree.has_duplicate_keys() { None } else { serde_json::from_str::<Value>(&text).ok() }
    };
    one == other || (read(one).is_some() && read(one) == read(other))
}

/// The document as the report shows it: as JSON, or as text where it is not JSON.
pub fn for_report(text: &str) -> Value {
    let decoded = decoded(text);
    serde_json::from_str(&decoded).unwrap_or_else(|_| Value::String(crate::text::sanitized(text)))
}

/// The JSON text: decoded where it is percent-encoded or form-encoded, without a byte order mark.
///
/// A `+` is a blank only where nothing else makes sense: JSON has none outside its strings, and in a string it may be meant.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    let text = bare(text);
    if is_json(text) || !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let percent = percent_decoded(text);
    match percent {
        Some(percent) if is_json(&percent) => Cow::Owned(percent),
        percent => {
            let form = percent_decoded(&text.replace('+', " ")).filter(|form| is_json(form));
            form.or(percent).map_or(Cow::Borrowed(text), Cow::Owned)
        }
    }
}

fn percent_decoded(text: &str) -> Option<String> {
    Some(bare(&percent_decode_str(text).decode_utf8().ok()?).to_owned())
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

fn bare(text: &str) -> &str {
    text.trim_matches(|character: char| character.is_whitespace() || character == '\u{FEFF}')
}

/// A value that keeps duplicate keys, since a document that holds one means different things to different readers.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(super) enum Tree {
    Text(String),
    List(Vec<Tree>),
    #[serde(deserialize_with = "every_entry")]
    Object(Vec<(String, Tree)>),
    /// Null, a boolean or a number: nothing that a policy is made of.
    Other(IgnoredAny),
}

fn every_entry<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<(String, Tree)>, D::Error> {
    struct EveryEntry;

    impl<'de> Visitor<'de> for EveryEntry {
        type Value = Vec<(String, Tree)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            std::iter::from_fn(|| map.next_entry().transpose()).collect()
        }
    }

    deserializer.deserialize_map(EveryEntry)
}

/// The entries of an object, each key once.
#[derive(Clone, Copy)]
pub(super) struct Entries<'a>(pub(super) &'a [(String, Tree)]);

impl<'a> Entries<'a> {
    pub(super) fn get(self, key: &str) -> Option<&'a Tree> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }
}

impl Tree {
    /// The entries of an object, or why there are none.
    pub(super) fn entries(&self) -> Result<Entries<'_>, &'static str> {
        let Self::Object(entries) = self else { return Err("it is not a JSON object") };
        let keys: BTreeSet<_> = entries.iter().map(|(key, _)| key).collect();
        if keys.len() == entries.len() { Ok(Entries(entries)) } else { Err("a key stands in it twice") }
    }

    /// One text, or a list of texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, &'static str> {
        let items = if let Self::List(items) = self { items.as_slice() } else { std::slice::from_ref(self) };
        let text = |item: &Self| match item {
            Self::Text(text) => Ok(text.clone()),
            Self::List(_) | Self::Object(_) | Self::Other(_) => Err("it is neither a string nor an array of strings"),
        };
        items.iter().map(text).collect()
    }

    /// Whether a key stands twice in any object of it.
    pub(super) fn has_duplicate_keys(&self) -> bool {
        match self {
            Self::Text(_) | Self::Other(_) => false,
            Self::List(items) => items.iter().any(Self::has_duplicate_keys),
            Self::Object(entries) => {
                self.entries().is_err() || entries.iter().any(|(_, value)| value.has_duplicate_keys())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::DTS;
    use crate::policy::PolicyDocument;

    #[test]
    fn a_form_encoded_document_is_decoded_and_a_plus_that_is_meant_stays() {
        let form = "%7B%22Statement%22%3A+%5B%7B%22Action%22%3A+%22sts%3AAssumeRole%22%2C+%22Effect%22%3A+%22Allow%22%2C+%22Principal%22%3A+%7B%22Service%22%3A+%5B%22dts.aliyuncs.com%22%5D%7D%7D%5D%2C+%22Version%22%3A+%221%22%7D";
        assert_eq!(PolicyDocument::parse(form, DTS.service), PolicyDocument::parse(DTS.trust, DTS.service));
        let condition = |value: &str| format!(r#"{{"Version": "1", "Statement": [{{"Condition": "{value}"}}]}}"#);
        let encode =
            |text: &str| percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string();
        for (sent, meant) in [
            (condition("a+b"), condition("a+b")),
            (encode(&condition("a+b")), condition("a+b")),
            // By an encoder that leaves a plus alone.
            (encode(&condition("a+b")).replace("%2B", "+"), condition("a+b")),
            // By a form's encoder.
            (encode(&condition("a+b c")).replace("%20", "+"), condition("a+b c")),
            (format!("+{}+", encode(&condition("")).replace("%20", "+")), condition("")),
            // Only the braces are left alone.
            (encode(&condition("a b")).replace("%7B", "{").replace("%7D", "}").replace("%20", "+"), condition("a b")),
        ] {
            assert_eq!(decoded(&sent), meant, "{sent}");
        }
    }

    #[test]
    fn formatting_does_not_make_another_document_and_a_key_that_stands_twice_does() {
        let trust = DTS.trust;
        assert!(same_document(trust, &trust.replace("\":", "\" : ")));
        assert!(!same_document(r#"{"a":1,"a":2}"#, r#"{"a":2}"#));
        assert!(same_document("not JSON", "not JSON") && !same_document("not JSON", "nor this"));
    }
}
