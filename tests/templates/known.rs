//! The closed lists in `tests/fixtures/templates`: a name that is not in them is a mistake that no tool would find offline.

use serde_json::Value;
use testkit::read;

/// The lists for one kind of template: the one that was given, and what it lacks.
pub(crate) struct Lists([Value; 2]);

impl Lists {
    pub(crate) fn of(name: &str) -> Self {
        let list = |file: String| serde_json::from_str(&read(&format!("tests/fixtures/templates/{file}"))).unwrap();
        Self([list(format!("{name}-more.json")), list(format!("{name}.json"))])
    }

    /// What is known below `section` about a type.
    pub(crate) fn get(&self, section: &str, kind: &str) -> Option<&Value> {
        self.0.iter().find_map(|list| list[section].get(kind))
    }
}
