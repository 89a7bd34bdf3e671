//! Trust policies: the grammar check of `CreateRole`, and who may assume a role.

use serde_json::Value;

use super::document::{effect, texts};
use super::pattern::matches_action;

/// A trust policy that passed the grammar check.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Trust {
    statements: Vec<Statement>,
}

#[derive(Clone, Debug, PartialEq)]
struct Statement {
    allow: bool,
    actions: Vec<String>,
    ram: Vec<String>,
    condition: Option<Value>,
}

/// Who wants to assume the role.
#[derive(Clone, Debug)]
pub(crate) struct Caller<'a> {
    pub(crate) account: &'a str,
    /// `role/<name>` or `user/<name>`.
    pub(crate) path: String,
    pub(crate) external_id: Option<&'a str>,
}

impl Trust {
    /// `None` if the text is no trust policy. Elements that are not known are let through.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let document: Value = serde_json::from_str(text).ok()?;
        if document.get("Version")? != "1" {
            return None;
        }
        let statements = document.get("Statement")?.as_array().filter(|items| !items.is_empty())?;
        Some(Self { statements: statements.iter().map(Statement::parse).collect::<Option<_>>()? })
    }

    pub(crate) fn admits(&self, caller: &Caller) -> bool {
        let applies =
            |allow: bool| self.statements.iter().any(|statement| statement.allow == allow && statement.applies(caller));
        applies(true) && !applies(false)
    }
}

impl Statement {
    fn parse(value: &Value) -> Option<Self> {
        let actions = texts(value.get("Action").or_else(|| value.get("NotAction"))?)?;
        let actions = if value.get("Action").is_some() { actions } else { Vec::new() };
        let ram = principals(value.get("Principal")?)?;
        Some(Self { allow: effect(value)?, actions, ram, condition: value.get("Condition").cloned() })
    }

    fn applies(&self, caller: &Caller) -> bool {
        self.actions.iter().any(|pattern| matches_action(pattern, "sts:AssumeRole"))
            && self.ram.iter().any(|principal| names(principal, caller))
            && self.condition.as_ref().is_none_or(|condition| is_met(condition, caller))
    }
}

/// The `RAM` principals; the others must be well formed.
fn principals(value: &Value) -> Option<Vec<String>> {
    let kinds = value.as_object().filter(|kinds| !kinds.is_empty())?;
    let mut ram = Vec::new();
    for (kind, value) in kinds {
        let names = texts(value)?;
        if kind == "RAM" {
            ram = names;
        }
    }
    Some(ram)
}

/// `acs:ram::<account>:root` trusts everybody in the account.
fn names(principal: &str, caller: &Caller) -> bool {
    let account = format!("acs:ram::{}:", caller.account);
    let path = principal.strip_prefix(account.as_str());
    path.is_some_and(|path| path == "root" || path.eq_ignore_ascii_case(&caller.path))
}

/// Only `StringEquals` on `sts:ExternalId` is known; any other condition is not met.
fn is_met(condition: &Value, caller: &Caller) -> bool {
    let operators = condition.as_object().into_iter().flatten();
    operators.into_iter().all(|(operator, keys)| {
        let keys = keys.as_object().into_iter().flatten();
        operator == "StringEquals"
            && keys.into_iter().all(|(key, value)| key == "sts:ExternalId" && has_external_id(value, caller))
    })
}

fn has_external_id(value: &Value, caller: &Caller) -> bool {
    texts(value).is_some_and(|wanted| caller.external_id.is_some_and(|said| wanted.iter().any(|text| text == said)))
}

#[cfg(test)]
mod tests {
    use super::{Caller, Trust};

    fn admits(statement: &str, external_id: Option<&str>) -> bool {
        let trust = Trust::parse(&format!(r#"{{"Version":"1","Statement":[{statement}]}}"#)).unwrap();
        trust.admits(&Caller { account: "1", path: "role/Guard".to_owned(), external_id })
    }

    #[test]
    fn admits_the_account_or_the_role() {
        assert!(admits(r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::1:root"}}"#, None));
        assert!(admits(r#"{"Effect":"Allow","Action":["sts:*"],"Principal":{"RAM":["acs:ram::1:role/guard"]}}"#, None));
        assert!(!admits(r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::2:root"}}"#, None));
        assert!(!admits(
            r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"dts.aliyuncs.com"}}"#,
            None
        ));
    }

    #[test]
    fn asks_for_the_external_id() {
        let statement = r#"{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"RAM":"acs:ram::1:root"},
            "Condition":{"StringEquals":{"sts:ExternalId":"abc"}}}"#;
        assert!(admits(statement, Some("abc")));
        assert!(!admits(statement, Some("x")) && !admits(statement, None));
    }

    #[test]
    fn other_texts_are_no_trust_policy() {
        let texts = [
            "",
            "{}",
            r#"{"Version":"1","Statement":[]}"#,
            r#"{"Version":"1","Statement":{"Effect":"Allow"}}"#,
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole"}]}"#,
            r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{}}]}"#,
        ];
        for text in texts {
            assert_eq!(Trust::parse(text), None, "{text}");
        }
    }
}
