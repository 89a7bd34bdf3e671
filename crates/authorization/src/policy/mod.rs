//! Evaluates RAM trust policies: who may assume a role. Pure; no clock, no network.
//!
//! A document is parsed into statements that are understood as a whole and [`Fragment`]s that are not. Fragments never
//! grant and never deny: the caller is told that they are there.

mod document;
mod evaluate;
mod extend;
mod json;
mod names;

pub use document::{Fragment, PolicyDocument, Principal};
pub use evaluate::{Access, Evaluation, evaluate, everybody_but, is_service_of_an_account, other_principals};
pub use extend::{CannotExtend, with_service};
pub use json::{for_report, same_document};

/// The action that a trust policy is about.
pub const ASSUME_ROLE: &str = "sts:AssumeRole";
