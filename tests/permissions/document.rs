//! A policy document that can be taken apart.

use serde_json::{Value, json};

/// One value in one statement: an action or a resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Part {
    pub(crate) statement: usize,
    pub(crate) value: String,
    pub(crate) kind: Kind,
    pub(crate) denies: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    Action,
    Resource,
}

#[derive(Clone)]
pub(crate) struct Document(Vec<Value>);

impl Document {
    pub(crate) fn parse(text: &str) -> Self {
        let document: Value = serde_json::from_str(text).unwrap();
        Self(document["Statement"].as_array().unwrap().clone())
    }

    /// What a role may do that has both.
    pub(crate) fn and(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    pub(crate) fn parts(&self) -> Vec<Part> {
        let parts = |(index, statement)| {
            [Kind::Action, Kind::Resource].into_iter().flat_map(move |kind| parts(index, statement, kind))
        };
        self.0.iter().enumerate().flat_map(parts).collect()
    }

    pub(crate) fn part(&self, statement: usize, value: &str) -> Part {
        let found = self.parts().into_iter().find(|part| part.statement == statement && part.value == value);
        found.unwrap_or_else(|| panic!("statement {statement} has no `{value}`"))
    }

    pub(crate) fn without(&self, part: &Part) -> Self {
        self.replaced(part, None)
    }

    /// With another value in the place of this one.
    pub(crate) fn with(&self, part: &Part, value: &str) -> Self {
        self.replaced(part, Some(value))
    }

    fn replaced(&self, part: &Part, by: Option<&str>) -> Self {
        let mut changed = self.clone();
        let values = &mut changed.0[part.statement][part.kind.key()];
        let others = texts(values).into_iter().filter(|value| *value != part.value);
        *values = others.chain(by.map(str::to_owned)).collect();
        changed
    }

    pub(crate) fn text(&self) -> String {
        json!({"Version": "1", "Statement": self.0}).to_string()
    }
}

impl Kind {
    fn key(self) -> &'static str {
        match self {
            Self::Action => "Action",
            Self::Resource => "Resource",
        }
    }
}

fn parts(statement: usize, content: &Value, kind: Kind) -> impl Iterator<Item = Part> {
    let denies = content["Effect"] == "Deny";
    texts(&content[kind.key()]).into_iter().map(move |value| Part { statement, value, kind, denies })
}

/// A text, or several.
fn texts(value: &Value) -> Vec<String> {
    let list = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    list.iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}
