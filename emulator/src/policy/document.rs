//! Identity policies: parsing, and the decision over several of them.

use serde_json::Value;

use super::pattern::{matches_action, matches_resource};

/// What the policies say about one action on one resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    Allow,
    ImplicitDeny,
    ExplicitDeny,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Document {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq)]
struct Statement {
    allow: bool,
    actions: Set,
    resources: Set,
    conditional: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Set {
    Only(Vec<String>),
    AllBut(Vec<String>),
}

impl Set {
    fn holds(&self, matches: impl Fn(&str) -> bool) -> bool {
        match self {
            Self::Only(patterns) => patterns.iter().any(|pattern| matches(pattern)),
            Self::AllBut(patterns) => !patterns.iter().any(|pattern| matches(pattern)),
        }
    }
}

impl Document {
    /// `None` if the text is no identity policy.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text).ok()?;
        if document.get("Version")? != "1" {
            return None;
        }
        let statements = document.get("Statement")?.as_array()?.iter().map(Statement::parse).collect::<Option<_>>()?;
        Some(Self { statements })
    }

    pub(crate) fn push(&mut self, allow: bool, actions: Vec<String>, resources: Vec<String>) {
        self.statements.push(Statement {
            allow,
            actions: Set::Only(actions),
            resources: Set::Only(resources),
            conditional: false,
        });
    }
}

impl Statement {
    fn parse(value: &Value) -> Option<Self> {
        let allow = effect(value)?;
        let (actions, resources) = (set(value, "Action", "NotAction")?, set(value, "Resource", "NotResource")?);
        Some(Self { allow, actions, resources, conditional: value.get("Condition").is_some() })
    }

    fn applies(&self, action: &str, resource: &str) -> bool {
        self.actions.holds(|pattern| matches_action(pattern, action))
            && self.resources.holds(|pattern| matches_resource(pattern, resource))
    }
}

pub(super) fn effect(statement: &Value) -> Option<bool> {
    match statement.get("Effect")?.as_str()? {
        "Allow" => Some(true),
        "Deny" => Some(false),
        _ => None,
    }
}

fn set(statement: &Value, only: &str, all_but: &str) -> Option<Set> {
    match (statement.get(only), statement.get(all_but)) {
        (Some(value), None) => texts(value).map(Set::Only),
        (None, Some(value)) => texts(value).map(Set::AllBut),
        _ => None,
    }
}

/// A string, or an array of strings.
pub(super) fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// Deny over allow over nothing.
pub(crate) fn decide(documents: &[Document], action: &str, resource: &str) -> Decision {
    let mut decision = Decision::ImplicitDeny;
    let statements = documents.iter().flat_map(|document| &document.statements);
    for statement in statements.filter(|statement| statement.applies(action, resource)) {
        match (statement.allow, statement.conditional) {
            // Conditions are not evaluated: they never allow, and they always deny.
            (false, _) => return Decision::ExplicitDeny,
            (true, false) => decision = Decision::Allow,
            (true, true) => {}
        }
    }
    decision
}

#[cfg(test)]
mod tests {
    use super::{Decision, Document, decide};

    fn said(policy: &str, action: &str) -> Decision {
        decide(&[Document::parse(policy).unwrap()], action, "acs:ram:*:1:role/X")
    }

    #[test]
    fn deny_wins() {
        let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ram:*","Resource":"*"},
            {"Effect":"Deny","Action":["ram:DeleteRole"],"Resource":"acs:ram:*:*:role/X"}]}"#;
        assert_eq!(said(policy, "ram:GetRole"), Decision::Allow);
        assert_eq!(said(policy, "ram:DeleteRole"), Decision::ExplicitDeny);
        assert_eq!(said(policy, "sts:AssumeRole"), Decision::ImplicitDeny);
    }

    #[test]
    fn a_condition_never_allows() {
        let policy =
            r#"{"Version":"1","Statement":[{"Effect":"Allow","NotAction":"sts:*","Resource":"*","Condition":{}}]}"#;
        assert_eq!(said(policy, "ram:GetRole"), Decision::ImplicitDeny);
    }

    #[test]
    fn other_texts_are_no_policy() {
        for text in [
            "",
            "[]",
            r#"{"Version":"1"}"#,
            r#"{"Version":"2","Statement":[]}"#,
            r#"{"Version":"1","Statement":[{"Effect":"Maybe"}]}"#,
        ] {
            assert_eq!(Document::parse(text), None, "{text}");
        }
    }
}
