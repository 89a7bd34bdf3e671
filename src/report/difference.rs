//! The difference that a repair makes, or made: what changes, what is gone for good, and the trust policy line by line.

use std::collections::BTreeSet;

use authorization::baseline;
use authorization::plan::{StepRecord, StepResult};
use authorization::policy::{self, with_service};
use authorization::role::RoleView;
use authorization::text::sanitized;
use authorization::verify::FindingId;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::view::Tone;
use super::{AccountReport, Status};

/// How something changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Taken away and made anew.
    Replaced,
    Added,
    /// It does not come back.
    Removed,
    Changed,
    /// It goes and comes back.
    Kept,
}

impl Sign {
    pub(super) fn text(self) -> &'static str {
        match self {
            Self::Replaced => "-/+",
            Self::Added => "+",
            Self::Removed => "-",
            Self::Changed => "~",
            Self::Kept => "=",
        }
    }

    pub(super) fn tone(self) -> Tone {
        match self {
            Self::Replaced | Self::Removed => Tone::Bad,
            Self::Added => Tone::Good,
            Self::Changed => Tone::Warning,
            Self::Kept => Tone::Calm,
        }
    }
}

/// One thing that changes. Its text is not safe to show yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) sign: Sign,
    what: String,
    note: &'static str,
}

impl Change {
    fn new(sign: Sign, what: impl Into<String>, note: &'static str) -> Self {
        Self { sign, what: what.into(), note }
    }

    pub(super) fn text(&self) -> String {
        let what = sanitized(&self.what);
        if self.note.is_empty() { what } else { format!("{what}: {}", self.note) }
    }
}

/// A line of a document before and after. Its text is not safe to show yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DiffLine {
    Line(ChangeTag, String),
    /// Lines in both that are left out.
    Gap,
}

/// Lines around a change that are shown.
const CONTEXT: usize = 12;

impl AccountReport {
    /// Whether the steps are only intended.
    pub(super) fn is_planned(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.result, StepResult::Planned | StepResult::Skipped))
    }

    /// Whether the role is broken and nobody asked for a plan: the difference is the one to the wanted role.
    pub(super) fn is_only_judged(&self) -> bool {
        self.status == Status::Drifted && self.steps.is_empty() && self.plan_id.is_none() && !self.cut
    }

    fn fails(&self, id: FindingId) -> bool {
        self.findings.iter().any(|finding| finding.id == id && finding.failed())
    }

    /// What a repair changes, or changed; of a role that was only judged, what it lacks.
    pub(super) fn changes(&self) -> Vec<Change> {
        if self.is_only_judged() {
            return self.lacks();
        }
        let mut changes: Vec<_> = self.role_change().into_iter().collect();
        if self
            .trust_lines()
            .iter()
            .any(|line| matches!(line, DiffLine::Line(ChangeTag::Delete | ChangeTag::Insert, _)))
        {
            changes.push(Change::new(Sign::Changed, "trust policy", "line by line below"));
        }
        changes.extend(self.policy_changes());
        changes.extend(self.setting_changes());
        changes
    }

    fn lacks(&self) -> Vec<Change> {
        let is_missing = self.fails(FindingId::RoleMissing);
        let role = is_missing.then(|| Change::new(Sign::Added, "role", "should exist"));
        let trust = (!is_missing && !self.trust_lines().is_empty())
            .then(|| Change::new(Sign::Changed, "trust policy", "should be as below"));
        let policy = (is_missing || self.fails(FindingId::PolicyMissing))
            .then(|| Change::new(Sign::Added, format!("policy {}", baseline::DTS.policy()), "should be attached"));
        role.into_iter().chain(trust).chain(policy).collect()
    }

    fn role_change(&self) -> Option<Change> {
        let planned = self.is_planned();
        let (sign, note) = match (self.happens("DeleteRole"), self.happens("CreateRole")) {
            (true, true) if planned => (Sign::Replaced, "will be deleted and created again"),
            (true, true) => (Sign::Replaced, "was deleted and created again"),
            (true, false) => (Sign::Removed, "was deleted and could not be created again"),
            (false, true) if planned => (Sign::Added, "will be created"),
            (false, true) => (Sign::Added, "was created"),
            (false, false) => return None,
        };
        Some(Change::new(sign, "role", note))
    }

    fn policy_changes(&self) -> Vec<Change> {
        let (before, mut now) = (policies(self.before.as_deref()), policies(self.before.as_deref()));
        let mut moved = BTreeSet::new();
        for step in self.steps.iter().filter(|step| happens(step)) {
            match step.action {
                "DetachPolicyFromRole" => _ = now.remove(&step.target),
                "DeleteRole" => now.clear(),
                "AttachPolicyToRole" => _ = now.insert(step.target.clone()),
                _ => continue,
            }
            moved.insert(step.target.clone());
        }
        if self.after.is_some() {
            now = policies(self.after.as_deref());
        }
        let names = before.union(&now);
        let change = |name: &String| match (before.contains(name), now.contains(name)) {
            (true, true) if moved.contains(name) => Some((Sign::Kept, "goes and comes back")),
            (true, false) => Some((Sign::Removed, "")),
            (false, true) => Some((Sign::Added, "")),
            _ => None,
        };
        names
            .filter_map(|name| change(name).map(|(sign, note)| Change::new(sign, format!("policy {name}"), note)))
            .collect()
    }

    /// Only the second look can tell.
    fn setting_changes(&self) -> Vec<Change> {
        let (Some(before), Some(after)) = (&self.before, &self.after) else { return Vec::new() };
        let tags = before.tags.is_some() && after.tags.is_some() && before.tags != after.tags;
        [
            (before.description != after.description, "description"),
            (before.max_session_duration != after.max_session_duration, "session duration"),
            (before.allow_console_login != after.allow_console_login, "console flag"),
            (tags, "tags"),
        ]
        .into_iter()
        .filter(|(differs, _)| *differs)
        .map(|(_, what)| Change::new(Sign::Changed, what, ""))
        .collect()
    }

    /// What is gone for good, in words.
    pub(super) fn destroyed(&self) -> Vec<String> {
        let mut gone = Vec::new();
        if self.happens("DeleteRole")
            && let Some(before) = &self.before
        {
            gone.push(format!("the role id {} (name and ARN stay)", before.role_id));
            gone.extend(self.losers().into_iter().map(|who| format!("{who} can no longer assume the role")));
        }
        let skipped = self.steps.iter().filter(|step| step.result == StepResult::Skipped);
        gone.extend(skipped.map(|step| match step.action {
            "TagResources" => format!("the tag {}, which only the vendor may write", step.target),
            _ => format!("the policy {}, which no longer exists", step.target),
        }));
        gone
    }

    /// Whom a deletion takes the role from, what the guard does not understand included. The documents of a saved report may
    /// be cut, and then the findings still tell.
    pub(super) fn losers(&self) -> BTreeSet<String> {
        let before = self.before.iter();
        let mut losers: BTreeSet<_> = before
            .flat_map(|role| policy::everybody_but(&document(&role.trust_policy), baseline::DTS.service))
            .collect();
        let of_others = |id| matches!(id, FindingId::TrustReplaced | FindingId::TrustExtraPrincipal);
        let findings = self.findings.iter().chain(&self.residual).filter(|finding| of_others(finding.id));
        let told = findings.filter_map(|finding| finding.evidence.get("principals")?.as_array());
        losers.extend(told.flatten().filter_map(Value::as_str).map(sanitized));
        losers
    }

    /// The trust policy before and after; empty where no repair touches it.
    pub(super) fn trust_lines(&self) -> Vec<DiffLine> {
        let before = self.before.as_ref().map(|role| &role.trust_policy);
        self.trust_after(before).map(|after| lines(before, &after)).unwrap_or_default()
    }

    fn trust_after(&self, before: Option<&Value>) -> Option<Value> {
        if let Some(after) = &self.after {
            return Some(after.trust_policy.clone());
        }
        let is_judged = |id| self.is_only_judged() && self.fails(id);
        let repaired = |before| with_service(&document(before), baseline::DTS.service);
        let text = if is_judged(FindingId::RoleMissing) || self.happens("CreateRole") {
            baseline::DTS.trust.to_owned()
        } else if is_judged(FindingId::TrustServiceMissing) {
            // The least that lets DTS in; where a document cannot be repaired, the whole of another one.
            repaired(before?).unwrap_or_else(|_| baseline::DTS.trust.to_owned())
        } else if self.happens("UpdateRole") {
            repaired(before?).ok()?
        } else {
            return None;
        };
        serde_json::from_str(&text).ok()
    }

    fn happens(&self, action: &str) -> bool {
        self.steps.iter().any(|step| step.action == action && happens(step))
    }
}

/// Whether it has its effect, as far as is known.
fn happens(step: &StepRecord) -> bool {
    matches!(step.result, StepResult::Planned | StepResult::Done | StepResult::Already | StepResult::Unknown)
}

fn policies(role: Option<&RoleView>) -> BTreeSet<String> {
    role.into_iter().flat_map(|role| &role.policies).map(ToString::to_string).collect()
}

/// The text of a document that was none as it is, everything else as JSON.
fn document(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        value => serde_json::to_string_pretty(value).unwrap_or_default(),
    }
}

fn lines(before: Option<&Value>, after: &Value) -> Vec<DiffLine> {
    let (before, after) = (before.map(document).unwrap_or_default(), document(after));
    let diff = TextDiff::from_lines(&before, &after);
    let mut lines = Vec::new();
    for group in diff.grouped_ops(CONTEXT) {
        if !lines.is_empty() {
            lines.push(DiffLine::Gap);
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            lines.push(DiffLine::Line(change.tag(), change.value().trim_end_matches('\n').to_owned()));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_compared_line_by_line() {
        let before = serde_json::json!({"a": 1, "b": 2});
        let after = serde_json::json!({"a": 1, "b": 3});
        let line = |tag, text: &str| DiffLine::Line(tag, text.to_owned());
        let (gone, new) = (line(ChangeTag::Delete, "  \"b\": 2"), line(ChangeTag::Insert, "  \"b\": 3"));
        let lines = lines(Some(&before), &after);
        assert!(lines.contains(&gone) && lines.contains(&new), "{lines:?}");
        assert!(lines.contains(&line(ChangeTag::Equal, "  \"a\": 1,")), "{lines:?}");
    }
}
