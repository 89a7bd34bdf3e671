//! A repair on record: how far it is, and what it takes to bring the role back.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Phase, can_be_held, first_wrong, is_id};
use crate::baseline::Baseline;
use crate::plan::{PlanId, Step, StepResult};
use crate::policy;
use crate::role::{Role, Tags};
use crate::target::{PolicyRef, RoleName};
use crate::text::escaped;

/// One repair.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Repair {
    /// How far it has come.
    pub phase: Phase,
    /// The run that began it.
    pub request_id: String,
    /// When.
    pub begun_at: Timestamp,
    /// The plan that it carries out.
    pub plan_id: String,
    /// The role as it was found; null for a missing one.
    pub before: Option<Snapshot>,
    /// The id of the role that it made.
    pub created: Option<String>,
    /// Policies that no longer exist and so cannot come back.
    pub gone: Vec<PolicyRef>,
    /// The steps, for a person who reads the file.
    pub steps: Vec<RecordedStep>,
}

/// One step in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RecordedStep {
    /// The cloud's operation.
    pub action: String,
    /// What it is about.
    pub target: String,
    /// How far it is.
    pub state: StepState,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// On record; its call may have been sent.
    Begun,
    /// Not begun, or ended: the report's word.
    #[serde(untagged)]
    Is(StepResult),
}

impl Repair {
    /// A repair that has not done anything yet.
    pub fn new(request_id: String, now: Timestamp, plan_id: &str) -> Self {
        Self {
            phase: Phase::Opened,
            request_id,
            begun_at: now,
            plan_id: plan_id.to_owned(),
            before: None,
            created: None,
            gone: Vec::new(),
            steps: Vec::new(),
        }
    }

    pub(super) fn impossible(&self) -> Option<&'static str> {
        let are_harmless = self.steps.iter().all(|step| is_harmless(&step.action) && is_harmless(&step.target));
        let wrong = first_wrong([
            (self.plan_id.parse::<PlanId>().is_err(), "this plan id"),
            (!is_harmless(&self.request_id), "this request id"),
            (self.created.as_deref().is_some_and(|id| !is_id(id)), "this role id"),
            (!can_be_held(&self.gone), "these policies"),
            (!are_harmless, "these steps"),
        ]);
        wrong.or(self.before.as_ref().and_then(Snapshot::impossible))
    }

    /// Whose role this is: the one question before anything is attached to a role, tagged on it, or put back onto it. A
    /// repair knows the role that it found, the one that it made, and any with exactly the vendor's default trust policy,
    /// whoever made that. Every other role belongs to somebody else.
    pub fn knows(&self, role: &Role, baseline: &Baseline) -> bool {
        self.knows_as(&role.id, &role.trust, baseline)
    }

    /// The same, by id and trust policy.
    pub fn knows_as(&self, role_id: &str, trust: &str, baseline: &Baseline) -> bool {
        let was_found = self.before.as_ref().is_some_and(|before| before.role_id == role_id);
        let was_made = self.created.as_deref() == Some(role_id);
        was_found || was_made || policy::same_document(trust, baseline.trust)
    }

    /// Whether it is the role that this repair made, or one exactly as it would make it.
    pub fn is_ours(&self, role: &Role, baseline: &Baseline) -> bool {
        if self.created.as_ref() == Some(&role.id) {
            return true;
        }
        // The reply that told the id may be lost. What was asked for is on record, and whatever bears this name now was made
        // after the record, for a role's name is unique.
        let asked = baseline.new_role(self.before.as_ref().map(Snapshot::role).as_ref());
        (self.before.is_none() || self.phase != Phase::Opened) && role.is_made_of(&asked)
    }
}

impl RecordedStep {
    /// A step that is only intended.
    pub fn planned(step: &Step, role: &RoleName) -> Self {
        Self { action: step.action().to_owned(), target: shown(step, role), state: StepState::Is(StepResult::Planned) }
    }
}

/// The key of a tag is untrusted text.
fn shown(step: &Step, role: &RoleName) -> String {
    escaped(&step.target(role)).chars().take(TEXT_LIMIT).collect()
}

/// Text that does no harm to a terminal, as this program writes it.
fn is_harmless(text: &str) -> bool {
    text.chars().count() <= TEXT_LIMIT && escaped(text) == text
}

const TEXT_LIMIT: usize = 300;

/// A role, and what it takes to bring it back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Snapshot {
    role_id: String,
    pub(super) trust_policy: String,
    description: String,
    max_session_duration: Option<u32>,
    allow_console_login: Option<bool>,
    pub(super) policies: Vec<PolicyRef>,
    /// Null where they were not read.
    tags: Option<Tags>,
}

impl Snapshot {
    /// What there is to remember of a role.
    pub fn of(role: &Role, tags: Option<&Tags>) -> Self {
        Self {
            role_id: role.id.clone(),
            trust_policy: role.trust.clone(),
            description: role.description.clone(),
            max_session_duration: role.max_session_duration,
            allow_console_login: role.console_login,
            policies: role.policies.iter().cloned().collect(),
            tags: tags.cloned(),
        }
    }

    /// The role that was found. The guard writes no trust policy from here.
    pub fn role(&self) -> Role {
        Role {
            id: self.role_id.clone(),
            trust: self.trust_policy.clone(),
            description: self.description.clone(),
            max_session_duration: self.max_session_duration,
            console_login: self.allow_console_login,
            service_linked: false,
            policies: self.policies.iter().cloned().collect(),
        }
    }

    /// The role no longer has this policy, and not because of the guard: it is not to come back.
    pub fn forget(&mut self, policy: &PolicyRef) {
        self.policies.retain(|held| held != policy);
    }

    /// The role had this policy too.
    pub fn remember(&mut self, policy: &PolicyRef) {
        if !self.policies.contains(policy) {
            self.policies.push(policy.clone());
        }
    }

    /// Its tags, where they were read.
    pub fn tags(&self) -> Option<&Tags> {
        self.tags.as_ref()
    }

    /// Documented limits (source: the vendor's RAM API reference), with room for quotas that were raised.
    fn impossible(&self) -> Option<&'static str> {
        let long = |text: &str, limit| text.chars().count() > limit;
        let tags = self.tags.iter().flatten();
        first_wrong([
            (!is_id(&self.role_id), "this role id"),
            (long(&self.description, 1024), "this description"),
            (self.max_session_duration.is_some_and(|time| !(3600..=43200).contains(&time)), "this session duration"),
            (!can_be_held(&self.policies), "these policies"),
            (tags.clone().any(|(key, value)| key.is_empty() || long(key, 128) || long(value, 256)), "these tags"),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline;

    #[test]
    fn a_line_of_a_tag_can_be_read_back_whatever_its_key() {
        for key in ["\u{1b}[2J", "\u{202e}x", "ключ", &"k".repeat(500)] {
            let (step, role) = (Step::LeaveTag((*key).to_owned()), &baseline::DTS.role);
            let line = RecordedStep::planned(&step, role);
            assert!(is_harmless(&line.target), "{line:?}");
            assert_eq!(line.target, shown(&step, role));
        }
    }

    #[test]
    fn a_step_is_begun_or_has_a_word_of_the_report() {
        for (state, word) in [(StepState::Begun, "begun"), (StepState::Is(StepResult::Done), "done")] {
            assert_eq!(serde_json::json!(state), word);
            assert_eq!(serde_json::from_value::<StepState>(word.into()).unwrap(), state);
        }
        assert!(serde_json::from_value::<StepState>("finished".into()).is_err());
    }
}
