//! Conditions: kept as they are. What the cloud will know at the time of the call, nobody knows now.

use serde::Serialize;

use super::tree::Tree;

/// One condition of a statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    /// Such as `StringEquals`.
    pub operator: String,
    /// Such as `sts:ExternalId`.
    pub key: String,
    /// What it is compared with.
    pub values: Vec<String>,
    /// Whether the operator is one that the vendor documents.
    pub known: bool,
}

/// The operators that the vendor documents (source: RAM user guide, "Policy elements").
const OPERATORS: [&str; 21] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
    "Bool",
    "IpAddress",
    "NotIpAddress",
];

impl Condition {
    /// Every condition of a `Condition` element; none means that the statement always holds.
    pub(super) fn parse_all(tree: &Tree) -> Result<Vec<Self>, &'static str> {
        let mut conditions = Vec::new();
        for (operator, keys) in tree.entries()?.iter() {
            let keys = keys.entries()?;
            // An operator without keys: who knows what the cloud makes of it. It is no reason to call it unconditional.
            if keys.iter().next().is_none() {
                conditions.push(Self::new(operator, "", &Tree::List(Vec::new()))?);
            }
            for (key, values) in keys.iter() {
                conditions.push(Self::new(operator, key, values)?);
            }
        }
        Ok(conditions)
    }

    fn new(operator: &str, key: &str, values: &Tree) -> Result<Self, &'static str> {
        let values = match values {
            // `true` or a number: documented as strings, accepted bare.
            Tree::Other => Vec::new(),
            values => values.texts()?,
        };
        let known = OPERATORS.contains(&operator);
        Ok(Self { operator: operator.to_owned(), key: key.to_owned(), values, known })
    }
}
