//! One statement, understood as a whole or not at all.

use std::fmt;

use serde::Serialize;

use super::condition::Condition;
use super::document::Fragment;
use super::tree::{Entries, Tree};
use super::{near_miss, pattern};

/// One statement that is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// Whether it grants or forbids.
    pub effect: StatementEffect,
    /// Patterns such as `sts:AssumeRole` or `sts:*`.
    pub actions: Vec<String>,
    /// Whom it is about.
    pub principals: Vec<Principal>,
    /// When it holds; empty: always.
    pub conditions: Vec<Condition>,
}

/// Whether a statement grants or forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum StatementEffect {
    /// It grants.
    Allow,
    /// It forbids, and wins.
    Deny,
}

/// What kind of name a principal has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PrincipalKind {
    /// An account, a user or a role, by ARN.
    Ram,
    /// A service of the cloud.
    Service,
    /// An identity provider.
    Federated,
}

/// Who may assume a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Principal {
    /// What kind of name it has.
    pub kind: PrincipalKind,
    /// Compared exactly.
    pub name: String,
}

impl Principal {
    /// A service such as `dts.aliyuncs.com`.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self { kind: PrincipalKind::Service, name: name.to_owned() }
    }
}

impl PrincipalKind {
    const ALL: [(&'static str, Self); 3] =
        [("RAM", Self::Ram), ("Service", Self::Service), ("Federated", Self::Federated)];
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = PrincipalKind::ALL.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(word, _)| word);
        write!(f, "{kind} {}", self.name)
    }
}

const KEYS: [&str; 4] = ["Effect", "Action", "Principal", "Condition"];

impl Statement {
    pub(super) fn parse(tree: &Tree) -> Result<Self, Fragment> {
        let entries = tree.entries().map_err(|why| Fragment::new("", why))?;
        let effect = effect(&entries)?;
        Self::parts(&entries, effect).map_err(|fragment| Fragment { effect: Some(effect), ..fragment })
    }

    fn parts(entries: &Entries<'_>, effect: StatementEffect) -> Result<Self, Fragment> {
        if let Some(key) = entries.unknown(&KEYS) {
            return Err(Fragment::new(crate::text::sanitized(key), "a key that the guard does not evaluate"));
        }
        let actions = required(entries, "Action")?.texts().map_err(|why| Fragment::new("Action", why))?;
        if let Some(fragment) = near_miss::action(&actions) {
            return Err(fragment);
        }
        let principals = principals(required(entries, "Principal")?)?;
        let conditions = entries.get("Condition").map_or(Ok(Vec::new()), Condition::parse_all);
        let conditions = conditions.map_err(|why| Fragment::new("Condition", why))?;
        Ok(Self { effect, actions, principals, conditions })
    }

    /// Whether it is about this action of this principal, conditions left aside.
    #[must_use]
    pub fn matches(&self, action: &str, principal: &Principal) -> bool {
        self.covers(action) && self.principals.contains(principal)
    }

    /// Whether it is about this action.
    #[must_use]
    pub fn covers(&self, action: &str) -> bool {
        self.actions.iter().any(|pattern| pattern::matches(pattern, action))
    }
}

fn required<'a>(entries: &Entries<'a>, key: &str) -> Result<&'a Tree, Fragment> {
    entries.get(key).ok_or_else(|| Fragment::new(key, "it is missing"))
}

fn effect(entries: &Entries<'_>) -> Result<StatementEffect, Fragment> {
    match required(entries, "Effect")? {
        Tree::Text(word) if word == "Allow" => Ok(StatementEffect::Allow),
        Tree::Text(word) if word == "Deny" => Ok(StatementEffect::Deny),
        _ => Err(Fragment::new("Effect", "it is neither `Allow` nor `Deny`")),
    }
}

fn principals(tree: &Tree) -> Result<Vec<Principal>, Fragment> {
    let unreadable = |why| Fragment::new("Principal", why);
    let mut principals = Vec::new();
    for (key, names) in tree.entries().map_err(unreadable)?.iter() {
        let kind = PrincipalKind::ALL.iter().find(|(word, _)| *word == key).map(|(_, kind)| *kind);
        let kind = kind.ok_or_else(|| unreadable("it names a kind that is none of `RAM`, `Service`, `Federated`"))?;
        for name in names.texts().map_err(unreadable)? {
            if kind == PrincipalKind::Service && name.contains(['*', '?']) {
                return Err(unreadable("it names services by a wildcard"));
            }
            principals.push(Principal { kind, name });
        }
    }
    Ok(principals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Statement, String> {
        Statement::parse(&serde_json::from_str(text).unwrap()).map_err(|fragment| fragment.path)
    }

    fn with(part: &str) -> Result<Statement, String> {
        parse(&format!(r#"{{"Effect":"Allow",{part}}}"#))
    }

    #[test]
    fn strings_and_arrays_mean_the_same() {
        let one = with(r#""Action":"sts:AssumeRole","Principal":{"Service":"dts.aliyuncs.com"}"#);
        let list = with(r#""Action":["sts:AssumeRole"],"Principal":{"Service":["dts.aliyuncs.com"]}"#);
        assert_eq!(one, list);
        assert!(one.unwrap().matches("STS:assumerole", &Principal::service("dts.aliyuncs.com")));
    }

    #[test]
    fn a_statement_with_an_unreadable_part_is_unreadable() {
        const ACTION: &str = r#""Action":"sts:AssumeRole""#;
        const PRINCIPAL: &str = r#""Principal":{"Service":"dts.aliyuncs.com"}"#;
        for (part, path) in [
            (format!(r#"{ACTION},"Principal":"*""#), "Principal"),
            (format!(r#"{ACTION},"Principal":{{"Service":"*.aliyuncs.com"}}"#), "Principal"),
            (format!(r#"{ACTION},"Principal":{{"AWS":"1"}}"#), "Principal"),
            (format!(r#"{ACTION},"Principal":{{"Service":[1]}}"#), "Principal"),
            (format!(r#"{ACTION},"Principal":{{"Service":"a","Service":"b"}}"#), "Principal"),
            (format!(r#"{ACTION},"NotPrincipal":{{"Service":"a"}}"#), "NotPrincipal"),
            (format!(r#""NotAction":"sts:AssumeRole",{PRINCIPAL}"#), "NotAction"),
            (format!(r#""Action":1,{PRINCIPAL}"#), "Action"),
            (PRINCIPAL.to_owned(), "Action"),
            (ACTION.to_owned(), "Principal"),
            (format!(r#"{ACTION},{PRINCIPAL},"Condition":"x""#), "Condition"),
            (format!(r#"{ACTION},{PRINCIPAL},"Condition":{{"StringEquals":"x"}}"#), "Condition"),
            (format!(r#"{ACTION},{PRINCIPAL},"Resource":"*""#), "Resource"),
        ] {
            assert_eq!(with(&part), Err(path.to_owned()), "{part}");
        }
        assert_eq!(parse(r#"{"Effect":"allow"}"#), Err("Effect".to_owned()));
        assert_eq!(parse(r#""Allow""#), Err(String::new()));
    }
}
