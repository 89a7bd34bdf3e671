//! A trust policy as the cloud answers it: JSON in a string, sometimes percent-encoded.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde::de::IgnoredAny;

use super::near_miss;
use super::statement::{Statement, StatementEffect};
use super::tree::Tree;

/// A parsed trust policy.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PolicyDocument {
    /// The statements that are understood, each with its place in the document.
    pub statements: Vec<(usize, Statement)>,
    /// What is not.
    pub unreadable: Vec<Fragment>,
}

/// A part of a document that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fragment {
    /// Where it stands, such as `Statement[1].Principal`.
    pub path: String,
    /// What is wrong with it.
    pub why: String,
    /// What its statement would do, where that can be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effect: Option<StatementEffect>,
}

impl Fragment {
    pub(super) fn new(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self { path: path.into(), why: why.into(), effect: None }
    }
}

const KEYS: [&str; 2] = ["Version", "Statement"];

impl PolicyDocument {
    /// Reads a document. What is not understood is kept as a fragment, so there is no error; so is a name that only looks
    /// like that of the `service`.
    #[must_use]
    pub fn parse(text: &str, service: &str) -> Self {
        match serde_json::from_str(&decoded(text)) {
            Ok(tree) => Self::of_tree(&tree, service),
            Err(error) => Self::unreadable("", format!("it is no JSON ({error})")),
        }
    }

    fn unreadable(path: &str, why: impl Into<String>) -> Self {
        let path = if path.is_empty() { "the document" } else { path };
        Self { statements: Vec::new(), unreadable: vec![Fragment::new(path, why)] }
    }

    fn of_tree(tree: &Tree, service: &str) -> Self {
        let entries = match tree.entries() {
            Ok(entries) => entries,
            Err(why) => return Self::unreadable("", why),
        };
        let Some(Tree::List(statements)) = entries.get("Statement") else {
            return Self::unreadable("Statement", "it is no array of statements");
        };
        let mut document = Self::default();
        if entries.get("Version") != Some(&Tree::Text("1".to_owned())) {
            document.unreadable.push(Fragment::new("Version", "it is not \"1\""));
        }
        for (key, _) in entries.iter().filter(|(key, _)| !KEYS.contains(key)) {
            document.unreadable.push(Fragment::new(crate::text::sanitized(key), "no key of a policy document"));
        }
        for (index, statement) in statements.iter().enumerate() {
            document.add(index, statement, service);
        }
        document
    }

    fn add(&mut self, index: usize, statement: &Tree, service: &str) {
        let unreadable = match Statement::parse(statement) {
            Ok(mut statement) => {
                let near_misses = near_miss::take(&mut statement, service);
                self.statements.push((index, statement));
                near_misses
            }
            Err(fragment) => vec![fragment],
        };
        self.unreadable.extend(unreadable.into_iter().map(|fragment| {
            let dot = if fragment.path.is_empty() { "" } else { "." };
            Fragment { path: format!("Statement[{index}]{dot}{}", fragment.path), ..fragment }
        }));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::DTS;

    fn paths(text: &str) -> Vec<String> {
        PolicyDocument::parse(text, DTS.service).unreadable.into_iter().map(|fragment| fragment.path).collect()
    }

    #[test]
    fn the_vendors_document_is_understood() {
        let document = PolicyDocument::parse(DTS.trust, DTS.service);
        assert_eq!((document.statements.len(), document.unreadable.len()), (1, 0));
    }

    #[test]
    fn a_percent_encoded_document_is_decoded() {
        let encoded = percent_encoding::utf8_percent_encode(DTS.trust, percent_encoding::NON_ALPHANUMERIC);
        assert_eq!(
            PolicyDocument::parse(&format!("%EF%BB%BF{encoded}%0A"), DTS.service),
            PolicyDocument::parse(&encoded.to_string(), DTS.service)
        );
        assert_eq!(
            PolicyDocument::parse(&encoded.to_string(), DTS.service),
            PolicyDocument::parse(DTS.trust, DTS.service)
        );
    }

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
    fn what_is_not_understood_as_a_whole_is_one_fragment() {
        for text in ["", "null", "[]", "{", r#"{"Version":"1","Version":"1","Statement":[]}"#] {
            assert_eq!(paths(text), ["the document"], "{text}");
        }
        for text in [r#"{"Version":"1"}"#, r#"{"Version":"1","Statement":{}}"#] {
            assert_eq!(paths(text), ["Statement"], "{text}");
        }
    }

    #[test]
    fn a_deep_document_does_not_exhaust_the_stack() {
        let deep = format!(r#"{{"Version":"1","Statement":[{}]}}"#, "[".repeat(100_000));
        assert_eq!(paths(&deep), ["the document"]);
    }

    #[test]
    fn another_version_or_key_is_named_and_the_statements_still_count() {
        let statement = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"dts.aliyuncs.com"}}"#;
        let document =
            PolicyDocument::parse(&format!(r#"{{"Version":"2","Id":"x","Statement":[{statement}]}}"#), DTS.service);
        let paths: Vec<_> = document.unreadable.iter().map(|fragment| fragment.path.as_str()).collect();
        assert_eq!((document.statements.len(), paths), (1, vec!["Version", "Id"]));
    }
}
