//! Evaluates RAM trust policies: who may assume a role. Pure; no clock, no network.
//!
//! A document is parsed into statements that are understood as a whole and [`Fragment`]s that are not. Fragments never
//! grant and never deny: the caller is told that they are there.

mod document;
mod evaluate;
mod extend;
mod json;
mod names;

pub use document::{Fragment, PolicyDocument, Principal};
pub use evaluate::{Access, Evaluation, evaluate, everybody_but, is_service_of_an_account, other_principals};
pub use extend::{CannotExtend, with_service};

use serde_json::Value;

/// The action that a trust policy is about.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";

/// Whether two texts are the same document: white space, encoding and the order of keys do not count.
pub fn same_document(one: &str, other: &str) -> bool {
    let read = |text| {
        let text = json::decoded(text);
        let tree: json::Tree = serde_json::from_str(&text).ok()?;
        // A key that stands twice means different things to different readers.
        if tree.has_duplicate_keys() { None } else { serde_json::from_str::<Value>(&text).ok() }
    };
    one == other || (read(one).is_some() && read(one) == read(other))
}

/// The document as the report shows it: as JSON, or as text where it is not JSON.
pub fn for_report(text: &str) -> Value {
    let decoded = json::decoded(text);
    serde_json::from_str(&decoded).unwrap_or_else(|_| Value::String(crate::text::sanitized(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline;

    #[test]
    fn formatting_does_not_make_another_document_and_a_key_that_stands_twice_does() {
        let trust = baseline::DTS.trust;
        assert!(same_document(trust, &trust.replace("\":", "\" : ")));
        assert!(!same_document(r#"{"a":1,"a":2}"#, r#"{"a":2}"#));
        assert!(same_document("not JSON", "not JSON") && !same_document("not JSON", "nor this"));
    }
}
