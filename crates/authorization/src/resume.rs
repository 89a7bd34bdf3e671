//! From a record and what the cloud shows to what is left to do. Pure.
//!
//! It does not matter at which call the earlier run was killed: the record says what the role had, the cloud says what it
//! has, and the difference is what is left.

use crate::baseline::Baseline;
use crate::plan::{ExpectedRole, Step};
use crate::role::{ObservedRole, Tags};
use crate::target::RoleName;
use crate::text::sanitized;

use crate::record::{Phase, Repair, Snapshot};

/// What is left of an unfinished repair.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resume {
    /// Nothing: the role has what it had.
    Whole,
    /// Nothing: the role's owner has authorized it anew, by the vendor's quick authorization. What did not come back, in
    /// words.
    Authorized(String),
    /// The role that was found is still there: what was taken away is put back.
    PutBack(Vec<Step>),
    /// The role is gone, or is the new one: it is made, and gets what the old one had.
    Forward(Vec<Step>),
    /// The role belongs to somebody else. It is not ours to change.
    Stranger,
}

impl Resume {
    /// What is left, in words.
    pub fn describe(&self, role: &RoleName) -> String {
        let list = |steps: &[Step]| {
            let step = |step: &Step| format!("{} {}", step.action(), sanitized(&step.target(role)));
            steps.iter().map(step).collect::<Vec<_>>().join(", ")
        };
        match self {
            Self::Whole => "the role has what it had, and the next writing run closes the record".to_owned(),
            Self::Authorized(missing) => format!(
                "somebody has authorized the role anew, and the next writing run closes the record; what did not come back: {missing}"
            ),
            Self::PutBack(steps) => format!("to put back: {}", list(steps)),
            Self::Forward(steps) => format!("left to do: {}", list(steps)),
            Self::Stranger => "the role that exists now is somebody's, and it lacks what the old one had".to_owned(),
        }
    }

    /// What a run that writes has to do.
    pub fn steps(&self) -> &[Step] {
        match self {
            Self::PutBack(steps) | Self::Forward(steps) => steps,
            Self::Whole | Self::Authorized(_) | Self::Stranger => &[],
        }
    }
}

/// What is left of a repair. `tags` are those of the role that exists, where they were read.
pub fn resume(repair: &Repair, baseline: &Baseline, observed: &ObservedRole, tags: Option<&Tags>) -> Resume {
    let before = repair.before.as_ref().map(Snapshot::role);
    let had = repair.before.as_ref().and_then(Snapshot::tags);
    let left = ExpectedRole { baseline, before: before.as_ref(), tags: had, gone: &repair.gone }.left(observed, tags);
    let now = match (observed, &before) {
        (ObservedRole::Missing, Some(before)) => return Resume::Forward(left.steps(Some(&before.id))),
        (ObservedRole::Missing, None) => return Resume::Whole,
        (ObservedRole::Present(now), _) => now,
    };
    let steps = left.steps(None);
    let Some(before) = before else {
        // There was nothing, so nothing is lost; a role that is not ours is judged like any other.
        let is_ours = repair.knows(now, baseline) && !steps.is_empty();
        return if is_ours { Resume::Forward(steps) } else { Resume::Whole };
    };
    if now.id == before.id {
        // The DTS policy may have been missing before, too: that is judged afterwards.
        let had = left.attach.iter().filter(|policy| before.policies.contains(policy));
        let attach: Vec<_> = had.cloned().map(Step::Attach).collect();
        return if attach.is_empty() { Resume::Whole } else { Resume::PutBack(attach) };
    }
    match repair.phase {
        // Nothing was written yet, so somebody else has replaced the role.
        Phase::Opened => Resume::Whole,
        _ if steps.is_empty() => Resume::Whole,
        _ if repair.is_ours(now, baseline) => Resume::Forward(steps),
        _ if !repair.knows(now, baseline) => Resume::Stranger,
        _ if now.policies.contains(&baseline.policy()) => Resume::Authorized(left.describe()),
        _ => Resume::Forward(steps),
    }
}

#[cfg(test)]
mod tests {
    use crate::role::NewRole;
    use crate::role::Role;
    use crate::target::PolicyRef;
    use crate::{baseline, plan};

    use super::*;

    const EXTRA: &str = "TeamExtra";

    fn extra() -> PolicyRef {
        PolicyRef { kind: crate::target::PolicyType::Custom, name: EXTRA.to_owned() }
    }

    fn role(id: &str, policies: &[PolicyRef]) -> Role {
        Role {
            id: id.to_owned(),
            trust: baseline::DTS.trust.to_owned(),
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
        let now = now.map_or(ObservedRole::Missing, |role| ObservedRole::Present(role.clone()));
        resume(repair, &baseline::DTS, &now, None)
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
        let attach = [Step::Attach(baseline::DTS.policy()), Step::Attach(extra())];
        assert_eq!(steps[1..3], attach, "the DTS policy first");
        assert!(matches!(&steps[3], Step::Tag(tags) if tags.len() == 1));
    }

    #[test]
    fn the_new_role_gets_what_it_lacks() {
        let repair = repair(Phase::Replacing, Some(&role("1", &[extra()])), None);
        let now = role("2", &[baseline::DTS.policy()]);
        assert_eq!(resumed(&repair, Some(&now)), Resume::Forward(vec![Step::Attach(extra())]));
    }

    #[test]
    fn a_role_that_somebody_else_made_is_left_alone() {
        let repair = repair(Phase::Replacing, Some(&role("1", &[extra()])), None);
        let trust = baseline::DTS.trust.replace("dts.", "ecs.");
        let theirs = |policies: &[PolicyRef]| Role { trust: trust.clone(), ..role("2", policies) };
        assert_eq!(resumed(&repair, Some(&theirs(&[]))), Resume::Stranger);
        assert_eq!(
            resumed(&repair, Some(&theirs(&[baseline::DTS.policy(), extra()]))),
            Resume::Whole,
            "it lacks nothing"
        );
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
        assert_eq!(steps[1..], [Step::Attach(baseline::DTS.policy())]);
    }

    #[test]
    fn who_authorized_the_role_anew_is_not_alarmed() {
        let repair = repair(Phase::Replacing, Some(&role("1", &[extra()])), None);
        let quick = Role { description: "the vendor's".to_owned(), ..role("2", &[baseline::DTS.policy()]) };
        let Resume::Authorized(missing) = resumed(&repair, Some(&quick)) else { panic!("it is authorized") };
        assert!(missing.contains("policy `Custom/TeamExtra`"), "{missing}");
        let bare = Role { policies: std::collections::BTreeSet::new(), ..quick };
        assert!(matches!(resumed(&repair, Some(&bare)), Resume::Forward(_)), "it is what a repair makes");
    }
}
