//! What became of one step.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};

use super::Step;
use crate::target::RoleName;
use crate::text::sanitized;

/// The operations that a repair is made of.
const ACTIONS: [&str; 6] =
    ["DetachPolicyFromRole", "DeleteRole", "CreateRole", "AttachPolicyToRole", "UpdateRole", "TagResources"];

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepResult {
    /// Not carried out: the mode allows no write.
    Planned,
    /// It had its effect.
    Done,
    /// It was so before.
    Already,
    /// It had no effect.
    Failed,
    /// It was done and taken back.
    Undone,
    /// No reply came, and no look was possible.
    Unknown,
    /// It was left out: it cannot be done, or must not be.
    Skipped,
}

/// A text that the program knows. Serde would borrow a `&str` from what it reads, if it saw that this is one.
type Word = &'static str;

/// What became of one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// The cloud's operation.
    #[serde(deserialize_with = "known_action")]
    pub action: Word,
    /// What it was about.
    pub target: String,
    /// How it ended.
    pub result: StepResult,
    /// How often it was sent.
    pub attempts: u32,
    /// The cloud's id of the last request.
    pub request_id: Option<String>,
    /// Milliseconds from the run's begin to the first try; absent where it was only planned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_ms: Option<u64>,
    /// Milliseconds from the first try to the last reply, with everything that was waited for between them.
    pub duration_ms: u64,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl StepRecord {
    /// A step that is only intended.
    #[must_use]
    pub fn planned(step: &Step, role: &RoleName) -> Self {
        let result = if matches!(step, Step::LeaveTag(_)) { StepResult::Skipped } else { StepResult::Planned };
        Self {
            action: step.action(),
            target: step.target(role),
            result,
            attempts: 0,
            request_id: None,
            started_ms: None,
            duration_ms: 0,
            error: None,
        }
    }

    /// A step that needed no call.
    #[must_use]
    pub fn without_call(step: &Step, role: &RoleName, result: StepResult) -> Self {
        Self { result, ..Self::planned(step, role) }
    }

    /// Whether it had its effect, or it was so.
    #[must_use]
    pub fn holds(&self) -> bool {
        matches!(self.result, StepResult::Done | StepResult::Already)
    }
}

/// A saved report is read back with the words of this program, and with no others.
fn known_action<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    let text = String::deserialize(deserializer)?;
    let found = ACTIONS.iter().find(|action| **action == text);
    found
        .copied()
        .ok_or_else(|| D::Error::custom(format!("`{}` is none of `{}`", sanitized(&text), ACTIONS.join("`, `"))))
}
