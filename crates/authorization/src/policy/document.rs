//! A trust policy: statements, each understood as a whole or not at all.

use std::fmt;

use serde::Serialize;

use super::json::{Entries, Tree, decoded};
use super::names;
use crate::settings::NamedVariants;
use crate::text::sanitized;

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
    pub effect: Option<Effect>,
}

impl Fragment {
    pub(super) fn new(path: impl Into<String>, why: impl Into<String>) -> Self {
        Self { path: path.into(), why: why.into(), effect: None }
    }
}

impl PolicyDocument {
    /// Reads a document. What is not understood is kept as a fragment, so there is no error; so is a name that only looks
    /// like that of the `service`.
    pub fn parse(text: &str, service: &str) -> Self {
        let unreadable =
            |path, why: String| Self { statements: Vec::new(), unreadable: vec![Fragment::new(path, why)] };
        let tree: Tree = match serde_json::from_str(&decoded(text)) {
            Ok(tree) => tree,
            Err(error) => return unreadable("the document", format!("it is not JSON ({error})")),
        };
        let entries = match tree.entries() {
            Ok(entries) => entries,
            Err(why) => return unreadable("the document", why.to_owned()),
        };
        let Some(Tree::List(statements)) = entries.get("Statement") else {
            return unreadable("Statement", "it is not an array of statements".to_owned());
        };
        let mut document = Self::default();
        if entries.get("Version") != Some(&Tree::Text("1".to_owned())) {
            document.unreadable.push(Fragment::new("Version", "it is not \"1\""));
        }
        let unknown = entries.0.iter().filter(|(key, _)| !["Version", "Statement"].contains(&key.as_str()));
        document
            .unreadable
            .extend(unknown.map(|(key, _)| Fragment::new(sanitized(key), "no key of a policy document")));
        for (index, statement) in statements.iter().enumerate() {
            document.add(index, statement, service);
        }
        document
    }

    fn add(&mut self, index: usize, statement: &Tree, service: &str) {
        let unreadable = match Statement::parse(statement) {
            Ok(mut statement) => {
                let near_misses = names::take_near_misses(&mut statement, service);
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

/// One statement that is understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    pub(super) effect: Effect,
    /// Patterns such as `sts:AssumeRole` or `sts:*`.
    pub(super) actions: Vec<String>,
    pub(super) principals: Vec<Principal>,
    /// Whether it holds only sometimes: what the cloud will know at the time of the call, nobody knows now.
    pub(super) conditional: bool,
}

/// Whether a statement grants or forbids; what forbids wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Effect {
    Allow,
    Deny,
}

/// Who may assume a role.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Principal {
    pub(super) kind: PrincipalKind,
    /// Compared exactly.
    pub(super) name: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum PrincipalKind {
    /// An account, a user or a role, by ARN.
    Ram,
    /// A service of the cloud.
    Service,
    /// An identity provider.
    Federated,
}

impl NamedVariants for PrincipalKind {
    const ALL: &'static [(&'static str, Self)] =
        &[("RAM", Self::Ram), ("Service", Self::Service), ("Federated", Self::Federated)];
}

impl Principal {
    /// A service such as `dts.aliyuncs.com`.
    pub fn service(name: &str) -> Self {
        Self { kind: PrincipalKind::Service, name: name.to_owned() }
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind.as_str(), self.name)
    }
}

impl Statement {
    fn parse(tree: &Tree) -> Result<Self, Fragment> {
        let entries = tree.entries().map_err(|why| Fragment::new("", why))?;
        let effect = match required(entries, "Effect")? {
            Tree::Text(word) if word == "Allow" => Effect::Allow,
            Tree::Text(word) if word == "Deny" => Effect::Deny,
            _ => return Err(Fragment::new("Effect", "it is neither `Allow` nor `Deny`")),
        };
        Self::with_effect(effect, entries).map_err(|fragment| Fragment { effect: Some(effect), ..fragment })
    }

    fn with_effect(effect: Effect, entries: Entries<'_>) -> Result<Self, Fragment> {
        let is_known = |key: &str| ["Effect", "Action", "Principal", "Condition"].contains(&key);
        if let Some((key, _)) = entries.0.iter().find(|(key, _)| !is_known(key)) {
            return Err(Fragment::new(sanitized(key), "a key that the guard does not evaluate"));
        }
        let actions = required(entries, "Action")?.texts().map_err(|why| Fragment::new("Action", why))?;
        if let Some(fragment) = names::near_miss_of_action(&actions) {
            return Err(fragment);
        }
        let principals = principals(required(entries, "Principal")?).map_err(|why| Fragment::new("Principal", why))?;
        let conditional = entries.get("Condition").map_or(Ok(false), is_conditional);
        let conditional = conditional.map_err(|why| Fragment::new("Condition", why))?;
        Ok(Self { effect, actions, principals, conditional })
    }

    /// Whether it is about this action of this principal, conditions left aside.
    pub(super) fn matches(&self, action: &str, principal: &Principal) -> bool {
        self.covers(action) && self.principals.contains(principal)
    }

    pub(super) fn covers(&self, action: &str) -> bool {
        self.actions.iter().any(|pattern| names::covers(pattern, action))
    }
}

fn required<'a>(entries: Entries<'a>, key: &str) -> Result<&'a Tree, Fragment> {
    entries.get(key).ok_or_else(|| Fragment::new(key, "it is missing"))
}

fn principals(tree: &Tree) -> Result<Vec<Principal>, &'static str> {
    let mut principals = Vec::new();
    for (kind, names) in tree.entries()?.0 {
        let kind = PrincipalKind::named(kind).ok_or("it names a kind other than `RAM`, `Service`, `Federated`")?;
        for name in names.texts()? {
            if kind == PrincipalKind::Service && name.contains(['*', '?']) {
                return Err("it names services by a wildcard");
            }
            principals.push(Principal { kind, name });
        }
    }
    Ok(principals)
}

/// Whether a `Condition` element has any operator. One without keys is undocumented, and counts as a condition.
fn is_conditional(tree: &Tree) -> Result<bool, &'static str> {
    let operators = tree.entries()?.0;
    for (_, keys) in operators {
        for (_, values) in keys.entries()?.0 {
            // `true` or a number: documented as strings, accepted bare.
            if !matches!(values, Tree::Other(_)) {
                values.texts()?;
            }
        }
    }
    Ok(!operators.is_empty())
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
