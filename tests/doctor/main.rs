//! The doctor: whatever is broken it names, and says what to do; what is in order it leaves as it is.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod broken;
mod case;
mod directory;
mod facts;
mod function;
mod healthy;
mod rehearsal;
mod terminal;

use dts_role_guard::doctor::{Check, CheckStatus, DoctorReport};
use serde_json::Value;

/// The check of this name.
fn check<'a>(report: &'a DoctorReport, id: &str) -> &'a Check {
    report.checks.iter().find(|check| check.id == id).unwrap_or_else(|| panic!("no check `{id}`: {report:#?}"))
}

/// Everything that is not in order, by name.
fn troubles(report: &DoctorReport) -> Vec<&str> {
    let bad = report.checks.iter().filter(|check| check.status >= CheckStatus::Warning);
    bad.map(|check| check.id.as_str()).collect()
}

/// Holds a report against its schema.
fn assert_follows_schema(report: &Value) {
    let schema = serde_json::from_str(include_str!("../../schema/doctor-v1.json")).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors: Vec<_> = validator.iter_errors(report).map(|error| error.to_string()).collect();
    assert_eq!(errors, [""; 0], "{report:#}");
}
