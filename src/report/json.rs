//! The report as JSON: what an invocation answers.

use super::{Render, Report};

/// Indented JSON.
#[derive(Debug, Clone, Copy)]
pub struct Json;

impl Render for Json {
    fn render(&self, report: &Report) -> String {
        // A report is made of strings, numbers and maps with string keys: it always serializes.
        let mut text = serde_json::to_string_pretty(report).unwrap_or_default();
        text.push('\n');
        text
    }
}
