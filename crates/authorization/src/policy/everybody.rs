//! Everybody whom a document names as somebody who may assume the role, in words, understood or not.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{PolicyDocument, Principal, document, other_principals};
use crate::text::sanitized;

/// Everybody but one service: whom a recreation takes the role from. What the guard does not understand is named as it
/// stands, such as `*`.
#[must_use]
pub fn everybody_but(text: &str, service: &str) -> BTreeSet<String> {
    let document = PolicyDocument::parse(text, service);
    let understood = other_principals(&document, &Principal::service(service));
    let mut names: BTreeSet<_> = understood.iter().map(|principal| sanitized(&principal.to_string())).collect();
    let tree: Value = serde_json::from_str(&document::decoded(text)).unwrap_or_default();
    let statements = match tree.get("Statement") {
        Some(Value::Array(list)) => list.iter().enumerate().collect(),
        Some(one @ Value::Object(_)) => vec![(0, one)],
        _ => Vec::new(),
    };
    for (index, statement) in statements {
        let is_understood = document.statements.iter().any(|(other, _)| *other == index);
        let denies = statement.get("Effect").is_some_and(|effect| effect == "Deny");
        if !is_understood && !denies {
            names.extend(statement.get("Principal").into_iter().flat_map(named));
            names.extend(statement.get("NotPrincipal").map(|_| "everybody but those of a `NotPrincipal`".to_owned()));
        }
    }
    names.remove(&Principal::service(service).to_string());
    names
}

/// `1234567890123456@dts.aliyuncs.com`: the service of another account.
#[must_use]
pub fn is_service_of_an_account(name: &str, service: &str) -> bool {
    let account =
        name.strip_prefix("Service ").and_then(|name| name.strip_suffix(service)).and_then(|id| id.strip_suffix('@'));
    account.is_some_and(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()))
}

fn named(principal: &Value) -> Vec<String> {
    let texts = |value: &Value| -> Vec<String> {
        match value {
            Value::String(name) => vec![sanitized(name)],
            Value::Array(names) => names.iter().filter_map(Value::as_str).map(sanitized).collect(),
            _ => Vec::new(),
        }
    };
    match principal {
        Value::Object(kinds) => kinds
            .iter()
            .flat_map(|(kind, names)| texts(names).into_iter().map(move |name| format!("{} {name}", sanitized(kind))))
            .collect(),
        other => texts(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(statements: &str) -> Vec<String> {
        let text = format!(r#"{{"Version":"1","Statement":[{statements}]}}"#);
        everybody_but(&text, "dts.aliyuncs.com").into_iter().collect()
    }

    #[test]
    fn everybody_is_named_understood_or_not() {
        let allow =
            |principal: &str| format!(r#"{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal}}}"#);
        assert_eq!(of(&allow(r#"{"Service":["dts.aliyuncs.com"]}"#)), [""; 0]);
        assert_eq!(of(&allow(r#""*""#)), ["*"]);
        assert_eq!(of(&allow(r#"{"Service":["*.aliyuncs.com","dts.aliyuncs.com"]}"#)), ["Service *.aliyuncs.com"]);
        assert_eq!(of(&allow(r#"{"RAM":"acs:ram::1:root"}"#)), ["RAM acs:ram::1:root"]);
        assert_eq!(of(r#"{"Effect":"Deny","Action":"sts:AssumeRole","Principal":"*"}"#), [""; 0]);
        let not = r#"{"Effect":"Allow","Action":"sts:AssumeRole","NotPrincipal":{"RAM":"x"}}"#;
        assert_eq!(of(not), ["everybody but those of a `NotPrincipal`"]);
        assert!(everybody_but("no JSON", "dts.aliyuncs.com").is_empty());
    }

    #[test]
    fn dts_of_another_account_is_told_apart() {
        let is = |name: &str| is_service_of_an_account(name, "dts.aliyuncs.com");
        assert!(is("Service 1234567890123456@dts.aliyuncs.com"));
        for other in [
            "Service dts.aliyuncs.com",
            "Service x@dts.aliyuncs.com",
            "RAM 1@dts.aliyuncs.com",
            "Service @dts.aliyuncs.com",
        ] {
            assert!(!is(other), "{other}");
        }
    }
}
