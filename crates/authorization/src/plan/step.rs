//! One intended write, how it is taken back, and what became of it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::role::{NewRole, RoleChange, Tags};
use crate::target::{PolicyRef, RoleName};
use crate::text::sanitized;

/// One intended write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `DetachPolicyFromRole`
    Detach(PolicyRef),
    /// `DeleteRole`, of the role with this id.
    Delete {
        /// The id that was looked at.
        role_id: String,
    },
    /// `CreateRole`
    Create {
        /// What it is created with.
        role: NewRole,
        /// The id of the role that it replaces.
        replaces: Option<String>,
    },
    /// `AttachPolicyToRole`
    Attach(PolicyRef),
    /// `UpdateRole` with another trust policy.
    UpdateTrust {
        /// The trust policy before.
        from: String,
        /// The trust policy after.
        to: RoleChange,
    },
    /// `TagResources`, of at most 20 tags.
    Tag(Tags),
    /// A tag that the cloud does not let us write: it is reported and not restored.
    LeaveTag(String),
}

/// How a step is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// By this step.
    Step(Step),
    /// By deleting the role that the step made, if its reply told the id.
    DeleteCreated,
    /// Not at all: after it, the only way is forward.
    ForwardOnly,
    /// It changes nothing that would have to be taken back.
    Nothing,
}

impl Step {
    /// The cloud's operation.
    pub fn action(&self) -> &'static str {
        match self {
            Self::Detach(_) => "DetachPolicyFromRole",
            Self::Delete { .. } => "DeleteRole",
            Self::Create { .. } => "CreateRole",
            Self::Attach(_) => "AttachPolicyToRole",
            Self::UpdateTrust { .. } => "UpdateRole",
            Self::Tag(_) | Self::LeaveTag(_) => "TagResources",
        }
    }

    /// What the operation on this role is about.
    pub fn target(&self, role: &RoleName) -> String {
        match self {
            Self::Detach(policy) | Self::Attach(policy) => policy.to_string(),
            Self::LeaveTag(key) => key.clone(),
            Self::Delete { .. } | Self::Create { .. } | Self::UpdateTrust { .. } | Self::Tag(_) => role.to_string(),
        }
    }

    /// How it is taken back.
    pub fn undo(&self) -> Undo {
        match self {
            Self::Detach(policy) => Undo::Step(Self::Attach(policy.clone())),
            Self::Attach(policy) => Undo::Step(Self::Detach(policy.clone())),
            Self::UpdateTrust { from, to } => {
                Undo::Step(Self::UpdateTrust { from: to.trust.clone(), to: RoleChange { trust: from.clone() } })
            }
            Self::Create { replaces: None, .. } => Undo::DeleteCreated,
            Self::Create { replaces: Some(_), .. } | Self::Delete { .. } => Undo::ForwardOnly,
            Self::Tag(_) | Self::LeaveTag(_) => Undo::Nothing,
        }
    }

    /// Whether it is sent at the same time as the step before it: neither needs the other's effect.
    pub fn joins(&self, before: &Self) -> bool {
        let adds = |step: &Self| matches!(step, Self::Attach(_) | Self::Tag(_) | Self::LeaveTag(_));
        matches!((before, self), (Self::Detach(_), Self::Detach(_))) || (adds(before) && adds(self))
    }

    /// Whether it takes something away from the role. A run whose repair another one has taken over does no more of these.
    pub fn takes_away(&self) -> bool {
        matches!(self, Self::Detach(_) | Self::Delete { .. })
    }

    pub(super) fn describe(&self, role: &RoleName) -> Value {
        let detail = match self {
            Self::Create { role, .. } => {
                json!([role.trust, role.description, role.max_session_duration, role.allow_console_login])
            }
            Self::UpdateTrust { to, .. } => json!(to.trust),
            Self::Tag(tags) => json!(tags),
            Self::Detach(_) | Self::Delete { .. } | Self::Attach(_) | Self::LeaveTag(_) => Value::Null,
        };
        json!([self.action(), self.target(role), detail])
    }
}

/// How many trips to the cloud steps take, when those that join are sent at the same time.
pub fn trips(steps: &[Step]) -> usize {
    steps.chunk_by(|before, step| step.joins(before)).count()
}

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
    pub fn without_call(step: &Step, role: &RoleName, result: StepResult) -> Self {
        Self { result, ..Self::planned(step, role) }
    }

    /// Whether it had its effect, or it was so.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detachments_are_one_trip_and_so_is_all_that_is_added() {
        let policy = |name: &str| PolicyRef::system(name);
        let tag = Step::Tag(Tags::new());
        let delete = Step::Delete { role_id: "1".to_owned() };
        let steps = [
            Step::Detach(policy("a")),
            Step::Detach(policy("b")),
            delete,
            Step::Attach(policy("a")),
            tag,
            Step::Attach(policy("b")),
        ];
        assert_eq!(trips(&steps), 3);
        assert_eq!(trips(&[]), 0);
        assert!(!Step::Attach(policy("a")).joins(&Step::Detach(policy("a"))));
    }
}
