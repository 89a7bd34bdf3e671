//! What a journal file holds. Whoever can write to the folder can write such a file, so what it says is checked, and role
//! name and trust policy are never taken from it.

pub mod attempts;
mod phase;
mod snapshot;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::baseline::Baseline;
use crate::plan::{PlanId, Step, StepResult};
use crate::policy;
use crate::role::Role;
use crate::target::{AccountId, PolicyRef, RoleName};
use crate::text::escaped;
pub use phase::{Act, Illegal, Phase};
pub use snapshot::Snapshot;

/// A file holds at most so many bytes.
pub const SIZE_LIMIT: usize = 64 * 1024;

/// What a signature takes.
const SIGNATURE: usize = 96;

/// Everything on record about one account's role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Record {
    /// The shape of the file.
    pub format: Format,
    /// Whose role it is.
    pub account_id: AccountId,
    /// Raised by each run that takes the role in hand; the file of the highest one counts.
    pub generation: u64,
    /// When the role was repaired, newest last.
    pub remediated: Vec<Timestamp>,
    /// Since when the role is left alone, because repairs did not last.
    pub blocked_since: Option<Timestamp>,
    /// The last repair.
    pub repair: Option<Repair>,
    /// What a run that was taken over may still take away.
    pub watch: Option<Watch>,
    /// HMAC-SHA256 over everything else in the file; none where there is no key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mac: Option<String>,
}

/// The shape of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Format {
    /// The only one so far.
    #[serde(rename = "dts-role-guard/journal/v1")]
    V1,
}

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
    pub steps: Vec<Line>,
}

/// One step in the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Line {
    /// The cloud's operation.
    pub action: String,
    /// What it is about.
    pub target: String,
    /// How far it is.
    pub state: State,
}

/// How far a step is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// On record; its call may have been sent.
    Begun,
    /// Not begun, or ended: the report's word.
    #[serde(untagged)]
    Is(StepResult),
}

/// A role from which a run that was taken over may still detach one policy: its last call may be on the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Watch {
    /// When it began; files of an earlier version do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// No run lives longer.
    pub until: Timestamp,
    /// The role.
    pub role_id: String,
    /// What it holds.
    pub policies: Vec<PolicyRef>,
}

/// Why a file is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(pub String);

impl Record {
    /// An account of which nothing is on record.
    #[must_use]
    pub fn empty(account_id: AccountId) -> Self {
        Self {
            format: Format::V1,
            account_id,
            generation: 0,
            remediated: Vec::new(),
            blocked_since: None,
            repair: None,
            watch: None,
            mac: None,
        }
    }

    /// Reads a file of this account and generation.
    ///
    /// # Errors
    /// When it is torn, of another version, of another account or generation, or holds what no role can have.
    pub fn read(bytes: &[u8], account: &AccountId, generation: u64) -> Result<Self, Unreadable> {
        if bytes.len() > SIZE_LIMIT {
            return Err(Unreadable(format!("it is larger than {SIZE_LIMIT} bytes")));
        }
        let record: Self = serde_json::from_slice(bytes).map_err(|error| Unreadable(place(&error)))?;
        if record.account_id != *account || record.generation != generation {
            return Err(Unreadable("it is about another account or generation than its name says".to_owned()));
        }
        match record.impossible() {
            Some(what) => Err(Unreadable(format!("no run writes {what}"))),
            None => Ok(record),
        }
    }

    /// What no run of this program would have written.
    fn impossible(&self) -> Option<&'static str> {
        let orphan = self.watch.is_some() && self.repair.is_none();
        let repair = self.repair.as_ref().and_then(Repair::impossible);
        repair.or(self.watch.as_ref().and_then(Watch::impossible)).or(orphan.then_some("a watch after no repair"))
    }

    /// The bytes of its file: laid out for a person, as long as there is room.
    #[must_use]
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        if bytes.len() >= SIZE_LIMIT {
            bytes = serde_json::to_vec(self).unwrap_or_default();
        }
        bytes.push(b'\n');
        bytes
    }

    /// The same without what can be spared, if it would be too large. A run that takes a repair over adds to its record, and
    /// must not fail for that.
    #[must_use]
    pub fn fitted(mut self) -> Self {
        let spare: [fn(&mut Self); 3] = [
            // For a person who reads the file.
            |record| record.repair.iter_mut().for_each(|repair| repair.steps.clear()),
            |record| record.watch = None,
            // Never written to the cloud; the log has it, too.
            |record| record.before_mut().for_each(|before| before.trust_policy.clear()),
        ];
        for spare in spare {
            if !self.fits() {
                spare(&mut self);
            }
        }
        self
    }

    fn fits(&self) -> bool {
        self.signed_bytes().len() + SIGNATURE <= SIZE_LIMIT
    }

    fn before_mut(&mut self) -> impl Iterator<Item = &mut Snapshot> {
        self.repair.iter_mut().filter_map(|repair| repair.before.as_mut())
    }

    /// Whether everything that may still be added to the record of a repair will fit, without giving up what the role had.
    pub fn has_room(&self) -> bool {
        let mut later = Self { generation: u64::MAX, ..self.clone() };
        if let Some(repair) = &mut later.repair {
            let policies = repair.before.as_ref().map_or_else(Vec::new, |before| before.policies.clone());
            let id = "x".repeat(ID_LIMIT);
            later.watch = Some(Watch {
                since: Some(Timestamp::MAX),
                until: Timestamp::MAX,
                role_id: id.clone(),
                policies: policies.clone(),
            });
            (repair.created, repair.gone, repair.steps) = (Some(id), policies, Vec::new());
        }
        later.fits()
    }

    /// What a signature is over: what is believed, however its file spells it.
    #[must_use]
    pub fn signed_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(&Self { mac: None, ..self.clone() }).unwrap_or_default()
    }

    /// The repair that a run has still to finish.
    #[must_use]
    pub fn unfinished(&self) -> Option<&Repair> {
        self.repair.as_ref().filter(|repair| repair.phase.is_open())
    }
}

/// Where a file stopped making sense, without its words.
fn place(error: &serde_json::Error) -> String {
    let what = if error.is_data() { "an unknown shape" } else { "no whole JSON" };
    format!("{what} at line {} column {}", error.line(), error.column())
}

impl Watch {
    fn impossible(&self) -> Option<&'static str> {
        match (is_id(&self.role_id), can_be_held(&self.policies)) {
            (true, true) => None,
            (false, _) => Some("this role id"),
            (true, false) => Some("these policies"),
        }
    }
}

/// Role ids are digits (source: the vendor's RAM API reference), with room for other ones.
const ID_LIMIT: usize = 64;

fn is_id(text: &str) -> bool {
    (1..=ID_LIMIT).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Text that does no harm to a terminal, as this program writes it.
fn is_harmless(text: &str) -> bool {
    text.chars().count() <= TEXT_LIMIT && escaped(text) == text
}

const TEXT_LIMIT: usize = 300;

fn can_be_held(policies: &[PolicyRef]) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let name = |policy: &PolicyRef| (1..=128).contains(&policy.name.len()) && policy.name.bytes().all(known);
    policies.len() <= 100 && policies.iter().all(name)
}

impl Repair {
    fn impossible(&self) -> Option<&'static str> {
        let lines = self.steps.iter().all(|line| is_harmless(&line.action) && is_harmless(&line.target));
        let checks = [
            (self.plan_id.parse::<PlanId>().is_err(), "this plan id"),
            (!is_harmless(&self.request_id), "this request id"),
            (self.created.as_deref().is_some_and(|id| !is_id(id)), "this role id"),
            (!can_be_held(&self.gone), "these policies"),
            (!lines, "these steps"),
        ];
        let wrong = checks.into_iter().find(|(wrong, _)| *wrong).map(|(_, what)| what);
        wrong.or(self.before.as_ref().and_then(Snapshot::impossible))
    }

    /// Whose role this is: the one question before anything is attached to a role, tagged on it, or put back onto it. Known
    /// is the role that was looked at, the one that this repair made, and any with the vendor's default trust policy and
    /// nothing else, which is what this repair makes, whoever made it. Every other role is somebody's.
    #[must_use]
    pub fn knows(&self, role: &Role, baseline: &Baseline) -> bool {
        self.knows_as(&role.id, &role.trust, baseline)
    }

    /// The same, by id and trust policy.
    #[must_use]
    pub fn knows_as(&self, role_id: &str, trust: &str, baseline: &Baseline) -> bool {
        let found = self.before.as_ref().is_some_and(|before| before.role_id == role_id);
        let made = self.created.as_deref() == Some(role_id);
        found || made || policy::same_document(trust, baseline.trust)
    }

    /// Whether it is the role that this repair made, or one exactly as it would make it.
    #[must_use]
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

impl Line {
    /// A step that is only intended.
    #[must_use]
    pub fn planned(step: &Step, role: &RoleName) -> Self {
        Self { action: step.action().to_owned(), target: shown(step, role), state: State::Is(StepResult::Planned) }
    }
}

/// The key of a tag is foreign text.
fn shown(step: &Step, role: &RoleName) -> String {
    escaped(&step.target(role)).chars().take(TEXT_LIMIT).collect()
}

impl Repair {
    /// A repair of which nothing is done yet.
    #[must_use]
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline;

    #[test]
    fn a_line_of_a_tag_can_be_read_back_whatever_its_key() {
        for key in ["\u{1b}[2J", "\u{202e}x", "ключ", &"k".repeat(500)] {
            let (step, role) = (Step::LeaveTag((*key).to_owned()), &baseline::DTS.role);
            let line = Line::planned(&step, role);
            assert!(is_harmless(&line.target), "{line:?}");
            assert_eq!(line.target, shown(&step, role));
        }
    }

    #[test]
    fn a_step_is_begun_or_has_a_word_of_the_report() {
        for (state, word) in [(State::Begun, "begun"), (State::Is(StepResult::Done), "done")] {
            assert_eq!(serde_json::json!(state), word);
            assert_eq!(serde_json::from_value::<State>(word.into()).unwrap(), state);
        }
        assert!(serde_json::from_value::<State>("finished".into()).is_err());
    }
}
