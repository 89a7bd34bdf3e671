//! From a record and what the cloud shows to what is left to do. Pure.
//!
//! It does not matter at which call the earlier run was killed: the record says what the role had, the cloud says what it
//! has, and the difference is what is left.

use super::journal::{Phase, Repair, Snapshot, Watch};
use crate::observe::{ObservedRole, Role, Tags};
use crate::plan::{self, Step};
use crate::target::PolicyRef;
use crate::telemetry::foreign;

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
            let words: Vec<_> =
                steps.iter().map(|step| format!("{} {}", step.action(), foreign(&step.target()))).collect();
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

#[cfg(test)]
mod tests {
    use super::super::journal::Repair;
    use super::*;
    use crate::client::NewRole;
    use crate::policy::DTS_TRUST_POLICY;

    const EXTRA: &str = "TeamExtra";

    fn extra() -> PolicyRef {
        PolicyRef { kind: crate::target::PolicyType::Custom, name: EXTRA.to_owned() }
    }

    fn role(id: &str, policies: &[PolicyRef]) -> Role {
        Role {
            id: id.to_owned(),
            trust: DTS_TRUST_POLICY.to_owned(),
            description: "ours".to_owned(),
            max_session_duration: Some(3600),
            console_login: None,
            service_linked: false,
            policies: policies.iter().cloned().collect(),
        }
    }

    fn repair(phase: Phase, before: Option<&Role>, tags: Option<&Tags>) -> Repair {
        Repair {
            phase,
            request_id: "run".to_owned(),
            begun_at: jiff::Timestamp::UNIX_EPOCH,
            plan_id: String::new(),
            before: before.map(|role| Snapshot::of(role, tags)),
            created: None,
            gone: Vec::new(),
            steps: Vec::new(),
        }
    }

    fn resumed(repair: &Repair, now: Option<&Role>) -> Resume {
        resume(repair, &now.map_or(ObservedRole::Missing, |role| ObservedRole::Present(role.clone())), None)
    }

    #[test]
    fn what_was_detached_from_the_role_that_was_found_is_put_back() {
        let before = role("1", &[extra()]);
        let repair = repair(Phase::Detaching, Some(&before), None);
        assert_eq!(resumed(&repair, Some(&role("1", &[]))), Resume::PutBack(vec![Step::Attach(extra())]));
        assert_eq!(resumed(&repair, Some(&before)), Resume::Whole);
    }

    #[test]
    fn a_missing_role_is_made_with_everything_that_it_had() {
        let tags = Tags::from([("team".to_owned(), "data".to_owned()), ("acs:x".to_owned(), "y".to_owned())]);
        let repair = repair(Phase::Replacing, Some(&role("1", &[extra()])), Some(&tags));
        let Resume::Forward(steps) = resumed(&repair, None) else { panic!("it is missing") };
        assert!(matches!(&steps[0], Step::Create { role: NewRole { description, .. }, .. } if description == "ours"));
        let attach = [Step::Attach(plan::dts_policy()), Step::Attach(extra())];
        assert_eq!(steps[1..3], attach, "the DTS policy first");
        assert!(matches!(&steps[3], Step::Tag(tags) if tags.len() == 1));
    }

    #[test]
    fn the_new_role_gets_what_it_lacks() {
        let repair = repair(Phase::Replacing, Some(&role("1", &[extra()])), None);
        let now = role("2", &[plan::dts_policy()]);
        assert_eq!(resumed(&repair, Some(&now)), Resume::Forward(vec![Step::Attach(extra())]));
    }

    #[test]
    fn a_role_that_somebody_else_made_is_left_alone() {
        let repair = repair(Phase::Replacing, Some(&role("1", &[extra()])), None);
        let theirs = |policies: &[PolicyRef]| Role { description: "theirs".to_owned(), ..role("2", policies) };
        assert_eq!(resumed(&repair, Some(&theirs(&[]))), Resume::Stranger);
        assert_eq!(resumed(&repair, Some(&theirs(&[plan::dts_policy(), extra()]))), Resume::Whole, "it lacks nothing");
        let known = Repair { created: Some("2".to_owned()), ..repair };
        assert!(matches!(resumed(&known, Some(&theirs(&[]))), Resume::Forward(_)), "its id is on record");
    }

    #[test]
    fn a_role_that_was_replaced_before_anything_was_taken_away_is_judged_like_any_other() {
        let repair = repair(Phase::Opened, Some(&role("1", &[extra()])), None);
        assert_eq!(resumed(&repair, Some(&role("2", &[]))), Resume::Whole);
    }

    #[test]
    fn a_record_makes_nobody_an_administrator() {
        let admin = PolicyRef::system(plan::PRIVILEGED_POLICIES[0]);
        let repair = repair(Phase::Detaching, Some(&role("1", &[admin])), None);
        assert_eq!(resumed(&repair, Some(&role("1", &[]))), Resume::Whole);
        let Resume::Forward(steps) = resumed(&repair, None) else { panic!("it is missing") };
        assert_eq!(steps[1..], [Step::Attach(plan::dts_policy())]);
    }

    #[test]
    fn a_watch_ends_and_is_about_one_role() {
        let until = jiff::Timestamp::from_second(10).unwrap();
        let watch = Watch { since: None, until, role_id: "1".to_owned(), policies: vec![extra()] };
        let at = |second, id| {
            let now = jiff::Timestamp::from_second(second).unwrap();
            taken_away(&watch, &ObservedRole::Present(role(id, &[])), now).len()
        };
        assert_eq!((at(9, "1"), at(10, "1"), at(9, "2")), (1, 0, 0));
    }
}
