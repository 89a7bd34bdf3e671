//! From a record and what the cloud shows to what is left to do. Pure.
//!
//! It does not matter at which call the earlier run was killed: the record says what the role had, the cloud says what it
//! has, and the difference is what is left.

use super::journal::{Phase, Repair, Snapshot, Watch};
use crate::observe::{ObservedRole, Role, Tags};
use crate::plan::{self, Step};
use crate::target::PolicyRef;

/// What is left of an unfinished repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resume {
    /// Nothing: the role has what it had.
    Whole,
    /// The role that was found is still there: what was taken away is put back.
    PutBack(Vec<Step>),
    /// The role is gone, or is the new one: it is made, and gets what the old one had.
    Forward(Vec<Step>),
    /// The role is one that the record does not know. It is not ours to change.
    Stranger,
}

impl Resume {
    /// What is left, in words.
    #[must_use]
    pub fn describe(&self) -> String {
        let words = |steps: &[Step]| {
            let words: Vec<_> = steps.iter().map(|step| format!("{} {}", step.action(), step.target())).collect();
            words.join(", ")
        };
        match self {
            Self::Whole => "the role has what it had, and the next writing run closes the record".to_owned(),
            Self::PutBack(steps) => format!("to put back: {}", words(steps)),
            Self::Forward(steps) => format!("left to do: {}", words(steps)),
            Self::Stranger => "the role that exists now is another one, and it lacks what the old one had".to_owned(),
        }
    }
}

/// What is left of a repair. `tags` are those of the role that exists, where they were read.
#[must_use]
pub fn resume(repair: &Repair, observed: &ObservedRole, tags: Option<&Tags>) -> Resume {
    let before = repair.before.as_ref().map(Snapshot::role);
    match (&before, observed) {
        (None, ObservedRole::Present(now)) if repair.is_ours(now) => forward(add(&[plan::dts_policy()], now, repair)),
        // There was nothing, so nothing is lost; what is there now is judged like any other role.
        (None, ObservedRole::Missing | ObservedRole::Present(_)) => Resume::Whole,
        (Some(before), ObservedRole::Missing) => Resume::Forward(anew(before, repair)),
        (Some(before), ObservedRole::Present(now)) if now.id == before.id => put_back(add(&kept(before), now, repair)),
        (Some(before), ObservedRole::Present(now)) => {
            let steps = rest(before, now, repair, tags);
            match repair.phase {
                // Nothing was taken away yet, so somebody else has replaced the role.
                Phase::Opened => Resume::Whole,
                _ if repair.is_ours(now) || steps.is_empty() => forward(steps),
                _ => Resume::Stranger,
            }
        }
    }
}

/// What a run that was taken over has taken away after all.
#[must_use]
pub fn taken_away(watch: &Watch, observed: &ObservedRole, now: jiff::Timestamp) -> Vec<Step> {
    let role = observed.present().filter(|role| role.id == watch.role_id && now < watch.until);
    let missing =
        role.into_iter().flat_map(|role| watch.policies.iter().filter(|policy| !role.policies.contains(policy)));
    missing.filter(|policy| !plan::is_privileged(policy)).cloned().map(Step::Attach).collect()
}

fn forward(steps: Vec<Step>) -> Resume {
    if steps.is_empty() { Resume::Whole } else { Resume::Forward(steps) }
}

fn put_back(steps: Vec<Step>) -> Resume {
    if steps.is_empty() { Resume::Whole } else { Resume::PutBack(steps) }
}

fn kept(before: &Role) -> Vec<PolicyRef> {
    before.policies.iter().cloned().collect()
}

/// The DTS policy first: DTS is to miss it for the shortest time.
fn all(before: &Role) -> Vec<PolicyRef> {
    let extras = before.policies.iter().filter(|policy| **policy != plan::dts_policy()).cloned();
    std::iter::once(plan::dts_policy()).chain(extras).collect()
}

/// A record is no reason to make anybody an administrator, whoever wrote it.
fn add(policies: &[PolicyRef], now: &Role, repair: &Repair) -> Vec<Step> {
    let missing = policies.iter().filter(|policy| !now.policies.contains(policy));
    let allowed = missing.filter(|policy| !repair.gone.contains(policy) && !plan::is_privileged(policy));
    allowed.cloned().map(Step::Attach).collect()
}

fn anew(before: &Role, repair: &Repair) -> Vec<Step> {
    let bare = Role { policies: std::collections::BTreeSet::new(), ..before.clone() };
    let create = Step::Create { role: plan::new_role(Some(before)), replaces: Some(before.id.clone()) };
    let tags = repair.before.as_ref().and_then(Snapshot::tags);
    std::iter::once(create).chain(add(&all(before), &bare, repair)).chain(plan::restore_tags(tags)).collect()
}

fn rest(before: &Role, now: &Role, repair: &Repair, tags: Option<&Tags>) -> Vec<Step> {
    let mut steps = add(&all(before), now, repair);
    let had = repair.before.as_ref().and_then(Snapshot::tags);
    let lost: Tags = had
        .into_iter()
        .flat_map(plan::restorable)
        .filter(|(key, _)| !tags.is_some_and(|tags| tags.contains_key(*key)))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    steps.extend((!lost.is_empty()).then_some(Step::Tag(lost)));
    steps
}
