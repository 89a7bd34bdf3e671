//! Adds a service to a trust policy without changing anything else in it.

use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::json::{Tree, decoded};
use super::{ASSUME_ROLE, Access, PolicyDocument, Principal, evaluate};

/// Why a document cannot be extended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CannotExtend {
    /// It is not understood as a whole.
    #[error("it cannot be read as a whole")]
    Unreadable,
    /// Writing it again would lose one of the two.
    #[error("a key stands in it twice")]
    DuplicateKey,
    /// A statement forbids it, and would have to be removed.
    #[error("a statement with `Deny` would have to be removed")]
    Denied,
}

/// The document with one more statement, which lets a service assume the role.
///
/// # Errors
/// When that would not be enough, or something would be lost.
pub fn with_service(text: &str, service: &str) -> Result<String, CannotExtend> {
    let text = decoded(text);
    let tree: Tree = serde_json::from_str(&text).map_err(|_| CannotExtend::Unreadable)?;
    if !matches!(tree.entries().map(|entries| entries.get("Statement")), Ok(Some(Tree::List(_)))) {
        return Err(CannotExtend::Unreadable);
    }
    if tree.has_duplicate_keys() {
        return Err(CannotExtend::DuplicateKey);
    }
    let document = PolicyDocument::parse(&text, service);
    if evaluate(&document, ASSUME_ROLE, &Principal::service(service)).access == Access::Denied {
        return Err(CannotExtend::Denied);
    }
    let statement = json!({"Action": ASSUME_ROLE, "Effect": "Allow", "Principal": {"Service": [service]}});
    appended(&text, &statement).ok_or(CannotExtend::Unreadable)
}

#[derive(Deserialize)]
struct Outline<'a> {
    #[serde(rename = "Statement", borrow)]
    statements: &'a RawValue,
}

/// The text is spliced, not written anew: that would change white space, escapes and long numbers.
fn appended(text: &str, statement: &Value) -> Option<String> {
    let outline: Outline<'_> = serde_json::from_str(text).ok()?;
    let list = outline.statements.get();
    let items = list.strip_prefix('[')?.strip_suffix(']')?;
    let comma = if items.trim().is_empty() { "" } else { "," };
    let start = list.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let (before, after) = (text.get(..start)?, text.get(start + list.len()..)?);
    Some(format!("{before}[{items}{comma}{statement}]{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const DENY: &str = r#"{"Effect":"Deny","Action":"*","Principal":{"Service":"dts.aliyuncs.com"}}"#;

    #[test]
    fn other_statements_stay_as_they_are() {
        let text = r#"{"Version":"1","Statement":[{"Principal":"*","Effect":"Deny","Odd":1.50,"Action":"x"}]}"#;
        let extended: Value = serde_json::from_str(&with_service(text, "dts.aliyuncs.com").unwrap()).unwrap();
        let before: Value = serde_json::from_str(text).unwrap();
        assert_eq!(extended["Statement"][0], before["Statement"][0]);
        assert_eq!(extended["Statement"].as_array().unwrap().len(), 2);
        assert_eq!(extended["Version"], "1");
    }

    #[test]
    fn every_byte_of_the_document_stays() {
        let text = "{ \"Odd\": [], \"Statement\" : [ {\"n\":123456789012345678901234567890, \"u\":\"\\u0041\"} ] , \"Version\":\"1\"}";
        let extended = with_service(text, "dts.aliyuncs.com").unwrap();
        let added = r#",{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["dts.aliyuncs.com"]}}"#;
        assert_eq!(extended.replace(added, ""), text);
        let empty = with_service(r#"{"Odd":[],"Statement":[],"Version":"1"}"#, "dts.aliyuncs.com").unwrap();
        assert!(empty.starts_with(r#"{"Odd":[],"Statement":[{"Action""#), "{empty}");
    }

    #[test]
    fn nothing_is_removed_or_lost() {
        let document = |statement: &str| format!(r#"{{"Version":"1","Statement":[{statement}]}}"#);
        assert_eq!(with_service(&document(DENY), "dts.aliyuncs.com"), Err(CannotExtend::Denied));
        assert_eq!(with_service(&document(r#"{"a":1,"a":2}"#), "dts.aliyuncs.com"), Err(CannotExtend::DuplicateKey));
        for text in ["", "[]", "[[]]", r#"{"Statement":{}}"#] {
            assert_eq!(with_service(text, "dts.aliyuncs.com"), Err(CannotExtend::Unreadable), "{text}");
        }
    }
}
