//! Who may assume a role: an explicit deny over an allow over nothing.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

use super::ASSUME_ROLE;
use super::document::{Effect, PolicyDocument, Principal, Statement};
use super::json::decoded;
use crate::text::sanitized;

/// Whether a principal may do an action, and the statements that this rests on, by their places in `Statement`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evaluation {
    /// The answer.
    pub access: Access,
    /// The statements that made it.
    pub because: Vec<usize>,
    /// Those that might forbid it at the time of the call.
    pub conditional_denies: Vec<usize>,
}

/// Whether a principal may do an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Access {
    /// Yes, whatever the circumstances.
    Allowed,
    /// Yes, unless a condition says otherwise at the time of the call.
    AllowedConditionally,
    /// No: a statement forbids it, whatever the circumstances.
    Denied,
    /// No: no statement grants it.
    NotAllowed,
}

/// Evaluates the statements that are understood.
pub fn evaluate(document: &PolicyDocument, action: &str, principal: &Principal) -> Evaluation {
    let hits = |effect, conditional| -> Vec<usize> {
        let chosen = document.statements.iter().filter(|(_, statement)| {
            statement.effect == effect && statement.conditional == conditional && statement.matches(action, principal)
        });
        chosen.map(|(index, _)| *index).collect()
    };
    let (always, never) = (hits(Effect::Allow, false), hits(Effect::Deny, false));
    let (maybe, maybe_not) = (hits(Effect::Allow, true), hits(Effect::Deny, true));
    let (access, because) = match (never.is_empty(), always.is_empty(), maybe.is_empty(), maybe_not.is_empty()) {
        (false, ..) => (Access::Denied, never),
        (true, true, true, _) => (Access::NotAllowed, Vec::new()),
        (true, false, _, true) => (Access::Allowed, always),
        (true, false, _, false) => (Access::AllowedConditionally, maybe_not.clone()),
        (true, true, false, _) => (Access::AllowedConditionally, [maybe, maybe_not.clone()].concat()),
    };
    Evaluation { access, because, conditional_denies: maybe_not }
}

/// Everybody but this principal whom a statement lets assume the role, and whom none forbids it.
pub fn other_principals(document: &PolicyDocument, but: &Principal) -> BTreeSet<Principal> {
    let principals = |counts: fn(&Statement) -> bool| {
        let statements = document.statements.iter().map(|(_, statement)| statement);
        let chosen = statements.filter(move |statement| counts(statement) && statement.covers(ASSUME_ROLE));
        chosen.flat_map(|statement| &statement.principals)
    };
    let denied: BTreeSet<_> =
        principals(|statement| statement.effect == Effect::Deny && !statement.conditional).collect();
    let allowed = principals(|statement| statement.effect == Effect::Allow);
    allowed.filter(|principal| *principal != but && !denied.contains(principal)).cloned().collect()
}

/// Everybody but one service: whom a recreation takes the role from. What the guard does not understand is named as it
/// stands, such as `*`.
pub fn everybody_but(text: &str, service: &str) -> BTreeSet<String> {
    let document = PolicyDocument::parse(text, service);
    let understood = other_principals(&document, &Principal::service(service));
    let mut names: BTreeSet<_> = understood.iter().map(|principal| sanitized(&principal.to_string())).collect();
    let tree: Value = serde_json::from_str(&decoded(text)).unwrap_or_default();
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

    const DTS_SERVICE: &str = "dts.aliyuncs.com";

    const ALLOW: &str = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"dts.aliyuncs.com"}}"#;
    const MAYBE: &str = r#"{"Effect":"Allow","Action":"sts:*","Principal":{"Service":"dts.aliyuncs.com"},"Condition":{"StringEquals":{"acs:SourceIp":"1"}}}"#;
    const DENY: &str = r#"{"Effect":"Deny","Action":"*","Principal":{"Service":"dts.aliyuncs.com"}}"#;
    const MAYBE_NOT: &str = r#"{"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"Service":"dts.aliyuncs.com"},"Condition":{"Odd":{"x":"y"}}}"#;
    const CROSS: &str =
        r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"1234567890123456@dts.aliyuncs.com"}}"#;
    const OTHER: &str = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::1:root"}}"#;
    const NO_OTHER: &str = r#"{"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::1:root"}}"#;
    const UNREAD_DENY: &str = r#"{"Effect":"Deny","Action":"sts:AssumeRole","Principal":"*"}"#;

    fn document(statements: &[&str]) -> PolicyDocument {
        PolicyDocument::parse(&format!(r#"{{"Version":"1","Statement":[{}]}}"#, statements.join(",")), DTS_SERVICE)
    }

    fn access(statements: &[&str]) -> Access {
        evaluate(&document(statements), ASSUME_ROLE, &Principal::service("dts.aliyuncs.com")).access
    }

    #[test]
    fn deny_over_allow_over_nothing() {
        for (statements, expected) in [
            (&[ALLOW][..], Access::Allowed),
            (&[], Access::NotAllowed),
            (&[CROSS, OTHER], Access::NotAllowed),
            (&[ALLOW, DENY], Access::Denied),
            (&[DENY, MAYBE], Access::Denied),
            (&[MAYBE], Access::AllowedConditionally),
            (&[MAYBE, ALLOW], Access::Allowed),
            (&[ALLOW, MAYBE_NOT], Access::AllowedConditionally),
            (&[MAYBE_NOT], Access::NotAllowed),
            (&[ALLOW, UNREAD_DENY], Access::Allowed),
            (&[UNREAD_DENY], Access::NotAllowed),
        ] {
            assert_eq!(access(statements), expected, "{statements:?}");
        }
    }

    #[test]
    fn an_empty_condition_is_none() {
        let statement = ALLOW.replace("}}", r#"},"Condition":{}}"#);
        assert_eq!(access(&[&statement]), Access::Allowed);
    }

    #[test]
    fn an_operator_without_keys_is_a_condition() {
        let odd = |statement: &str| statement.replace("}}", r#"},"Condition":{"Bool":{}}}"#);
        assert_eq!(access(&[&odd(ALLOW)]), Access::AllowedConditionally);
        assert_eq!(access(&[ALLOW, &odd(DENY)]), Access::AllowedConditionally);
    }

    #[test]
    fn the_answer_names_its_statements() {
        let evaluation =
            evaluate(&document(&[OTHER, ALLOW, DENY]), ASSUME_ROLE, &Principal::service("dts.aliyuncs.com"));
        assert_eq!(evaluation.because, [2]);
    }

    #[test]
    fn others_are_everybody_else_who_is_let_in() {
        let others = |statements: &[&str]| -> Vec<String> {
            let found = other_principals(&document(statements), &Principal::service("dts.aliyuncs.com"));
            found.iter().map(ToString::to_string).collect()
        };
        assert_eq!(
            others(&[ALLOW, OTHER, CROSS]),
            ["RAM acs:ram::1:root", "Service 1234567890123456@dts.aliyuncs.com"]
        );
        assert_eq!(others(&[ALLOW, OTHER, NO_OTHER]), [""; 0]);
    }

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
