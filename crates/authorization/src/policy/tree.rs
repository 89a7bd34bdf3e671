//! JSON that keeps duplicate keys, since a document that holds one means different things to different readers.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    /// Null, a boolean or a number: nothing that a policy is made of.
    Other,
    Text(String),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
}

/// Object entries, each key once.
pub(super) struct Entries<'a>(&'a [(String, Tree)]);

impl Tree {
    /// The entries of an object, or why there are none.
    pub(super) fn entries(&self) -> Result<Entries<'_>, &'static str> {
        let Self::Object(entries) = self else { return Err("it is no JSON object") };
        let twice = entries
            .iter()
            .enumerate()
            .any(|(index, (key, _))| entries.iter().skip(index + 1).any(|(other, _)| other == key));
        if twice { Err("a key stands in it twice") } else { Ok(Entries(entries)) }
    }

    /// One text, or a list of texts.
    pub(super) fn texts(&self) -> Result<Vec<String>, &'static str> {
        match self {
            Self::Text(text) => Ok(vec![text.clone()]),
            Self::List(items) => items.iter().map(Self::text).collect(),
            Self::Other | Self::Object(_) => Err("it is neither a string nor an array of strings"),
        }
    }

    fn text(&self) -> Result<String, &'static str> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            _ => Err("it is neither a string nor an array of strings"),
        }
    }

    /// Whether a key stands twice in any object of it.
    pub(super) fn has_duplicate_keys(&self) -> bool {
        match self {
            Self::Other | Self::Text(_) => false,
            Self::List(items) => items.iter().any(Self::has_duplicate_keys),
            Self::Object(entries) => {
                self.entries().is_err() || entries.iter().any(|(_, value)| value.has_duplicate_keys())
            }
        }
    }
}

impl<'a> Entries<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&'a Tree> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, &'a Tree)> + use<'a> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// A key that is none of these.
    pub(super) fn unknown(&self, known: &[&str]) -> Option<&'a str> {
        self.iter().map(|(key, _)| key).find(|key| !known.contains(key))
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Tree, E> {
        Ok(Tree::Other)
    }

    fn visit_str<E>(self, text: &str) -> Result<Tree, E> {
        Ok(Tree::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut object = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            object.push(entry);
        }
        Ok(Tree::Object(object))
    }
}
