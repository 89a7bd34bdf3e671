//! Whether a document lets a principal do an action: an explicit deny over an allow over nothing.

use std::collections::BTreeSet;

use serde::Serialize;

use super::statement::{Principal, Statement, StatementEffect};
use super::{ASSUME_ROLE, PolicyDocument};

/// The answer, with the places of the statements that it rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Decision {
    /// The answer.
    pub effect: Effect,
    /// The places in `Statement` of those that made it.
    pub because: Vec<usize>,
}

/// The answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Effect {
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
#[must_use]
pub fn decide(document: &PolicyDocument, action: &str, principal: &Principal) -> Decision {
    let hits = |effect, conditional| -> Vec<usize> {
        let chosen = document.statements.iter().filter(|(_, statement)| {
            statement.effect == effect
                && statement.conditions.is_empty() != conditional
                && statement.matches(action, principal)
        });
        chosen.map(|(index, _)| *index).collect()
    };
    let (always, never) = (hits(StatementEffect::Allow, false), hits(StatementEffect::Deny, false));
    let (maybe, maybe_not) = (hits(StatementEffect::Allow, true), hits(StatementEffect::Deny, true));
    let decision = |effect, because| Decision { effect, because };
    match (never.is_empty(), always.is_empty(), maybe.is_empty(), maybe_not.is_empty()) {
        (false, ..) => decision(Effect::Denied, never),
        (true, true, true, _) => decision(Effect::NotAllowed, Vec::new()),
        (true, false, _, true) => decision(Effect::Allowed, always),
        (true, false, _, false) => decision(Effect::AllowedConditionally, maybe_not),
        (true, true, false, _) => decision(Effect::AllowedConditionally, [maybe, maybe_not].concat()),
    }
}

/// Everybody but this principal whom a statement lets assume the role, and whom none forbids it.
#[must_use]
pub fn other_principals(document: &PolicyDocument, but: &Principal) -> BTreeSet<Principal> {
    let about = |effect, unconditional: bool| {
        document.statements.iter().map(|(_, statement)| statement).filter(move |statement: &&Statement| {
            let counts = !unconditional || statement.conditions.is_empty();
            statement.effect == effect && counts && statement.covers(ASSUME_ROLE)
        })
    };
    let denied: BTreeSet<_> = about(StatementEffect::Deny, true).flat_map(|statement| &statement.principals).collect();
    let allowed = about(StatementEffect::Allow, false).flat_map(|statement| &statement.principals);
    allowed.filter(|principal| *principal != but && !denied.contains(principal)).cloned().collect()
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

    fn effect(statements: &[&str]) -> Effect {
        decide(&document(statements), ASSUME_ROLE, &Principal::service("dts.aliyuncs.com")).effect
    }

    #[test]
    fn deny_over_allow_over_nothing() {
        for (statements, expected) in [
            (&[ALLOW][..], Effect::Allowed),
            (&[], Effect::NotAllowed),
            (&[CROSS, OTHER], Effect::NotAllowed),
            (&[ALLOW, DENY], Effect::Denied),
            (&[DENY, MAYBE], Effect::Denied),
            (&[MAYBE], Effect::AllowedConditionally),
            (&[MAYBE, ALLOW], Effect::Allowed),
            (&[ALLOW, MAYBE_NOT], Effect::AllowedConditionally),
            (&[MAYBE_NOT], Effect::NotAllowed),
            (&[ALLOW, UNREAD_DENY], Effect::Allowed),
            (&[UNREAD_DENY], Effect::NotAllowed),
        ] {
            assert_eq!(effect(statements), expected, "{statements:?}");
        }
    }

    #[test]
    fn an_empty_condition_is_none() {
        let statement = ALLOW.replace("}}", r#"},"Condition":{}}"#);
        assert_eq!(effect(&[&statement]), Effect::Allowed);
    }

    #[test]
    fn an_operator_without_keys_is_a_condition() {
        let odd = |statement: &str| statement.replace("}}", r#"},"Condition":{"Bool":{}}}"#);
        assert_eq!(effect(&[&odd(ALLOW)]), Effect::AllowedConditionally);
        assert_eq!(effect(&[ALLOW, &odd(DENY)]), Effect::AllowedConditionally);
    }

    #[test]
    fn the_answer_names_its_statements() {
        let decision = decide(&document(&[OTHER, ALLOW, DENY]), ASSUME_ROLE, &Principal::service("dts.aliyuncs.com"));
        assert_eq!(decision.because, [2]);
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
}
