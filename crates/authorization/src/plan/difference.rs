//! What is left between the role that is there and the one that should be: the one answer from which a finishing run takes
//! its steps, the second look its verdict, and a person the commands to type. Pure.

use std::collections::BTreeSet;

use super::{Step, is_privileged, restorable, tag_steps};
use crate::baseline::Baseline;
use crate::policy::with_service;
use crate::role::{NewRole, ObservedRole, Role, Tags};
use crate::target::PolicyRef;
use crate::verify::{self, FindingId};

/// What the role should be: authorized, with everything that the old one had.
#[derive(Debug, Clone, Copy)]
pub struct ExpectedRole<'a> {
    /// What any role must look like.
    pub baseline: &'a Baseline,
    /// The role as it was found; `None` for a missing one.
    pub before: Option<&'a Role>,
    /// Its tags, where they were read.
    pub tags: Option<&'a Tags>,
    /// Policies that no longer exist.
    pub gone: &'a [PolicyRef],
}

/// What is left.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// The role is missing.
    pub create: Option<NewRole>,
    /// The trust policy that lets DTS assume the role, where it does not.
    pub trust: Option<String>,
    /// The old description, where there is another one.
    pub description: Option<String>,
    /// The old session duration in seconds, where there is another one.
    pub max_session_duration: Option<u32>,
    /// The old console flag, where there is another one.
    pub allow_console_login: Option<bool>,
    /// Policies to attach, that of DTS first.
    pub attach: Vec<PolicyRef>,
    /// Tags to set. One with another value was set by somebody since.
    pub tags: Tags,
}

impl<'a> ExpectedRole<'a> {
    /// Where nothing is known of an earlier role.
    pub fn new(baseline: &'a Baseline) -> Self {
        Self { baseline, before: None, tags: None, gone: &[] }
    }

    /// What is left. `tags_now` are the tags of the role that is there, where they were read.
    pub fn left(&self, now: &ObservedRole, tags_now: Option<&Tags>) -> Difference {
        let held = now.present().map(|role| role.policies.clone()).unwrap_or_default();
        let tags = self.tags.into_iter().flat_map(restorable);
        let tags = tags.filter(|(key, _)| !tags_now.is_some_and(|now| now.contains_key(*key)));
        let rest = Difference {
            attach: self.policies().into_iter().filter(|policy| !held.contains(policy)).collect(),
            tags: tags.map(|(key, value)| (key.clone(), value.clone())).collect(),
            ..Difference::default()
        };
        match now {
            ObservedRole::Missing => Difference { create: Some(self.baseline.new_role(self.before)), ..rest },
            ObservedRole::Present(now) => Difference { trust: self.trust(now), ..self.settings(now, rest) },
        }
    }

    /// The DTS policy comes first: DTS cannot work without it. Nobody becomes an administrator because of a record.
    fn policies(&self) -> Vec<PolicyRef> {
        let needed = self.baseline.policy();
        let extras = self.before.into_iter().flat_map(|role| &role.policies).filter(|policy| **policy != needed);
        let all = std::iter::once(needed.clone()).chain(extras.cloned());
        let is_gone = |policy: &PolicyRef| self.gone.contains(policy) && *policy != needed;
        all.filter(|policy| !is_gone(policy) && !is_privileged(policy)).collect()
    }

    /// Others who may assume the role keep that right, unless the document cannot be extended.
    fn trust(&self, now: &Role) -> Option<String> {
        let findings = verify::role(&ObservedRole::Present(now.clone()), self.baseline);
        let fails = findings.iter().any(|finding| finding.id == FindingId::TrustServiceMissing);
        let extended = || with_service(&now.trust, self.baseline.service);
        fails.then(|| extended().unwrap_or_else(|_| self.baseline.trust.to_owned()))
    }

    fn settings(&self, now: &Role, rest: Difference) -> Difference {
        fn differs<T: PartialEq + Copy>(before: Option<T>, now: Option<T>) -> Option<T> {
            // A reply that leaves a field out says nothing about it.
            before.filter(|before| now.is_some_and(|now| now != *before))
        }
        let Some(before) = self.before else { return rest };
        Difference {
            description: (before.description != now.description).then(|| before.description.clone()),
            max_session_duration: differs(before.max_session_duration, now.max_session_duration),
            allow_console_login: differs(before.console_login, now.console_login),
            ..rest
        }
    }
}

impl Difference {
    /// Whether the role is what it should be. Another description alone alarms nobody: the cloud may keep
    /// another one than was asked for.
    pub fn is_settled(&self) -> bool {
        let Self { create, trust, description: _, max_session_duration, allow_console_login, attach, tags } = self;
        let role = create.is_none() && trust.is_none();
        role && max_session_duration.is_none() && allow_console_login.is_none() && attach.is_empty() && tags.is_empty()
    }

    /// What a run may add: the role where it is missing, policies, tags. `replaces` is the id of the old role.
    pub fn steps(&self, replaces: Option<&str>) -> Vec<Step> {
        let create = self.create.clone().map(|role| Step::Create { role, replaces: replaces.map(str::to_owned) });
        let attach = self.attach.iter().cloned().map(Step::Attach);
        create.into_iter().chain(attach).chain(tag_steps(&self.tags)).collect()
    }

    /// What did not come back, in words; empty where all of it did.
    pub fn describe(&self) -> String {
        let policies = self.attach.iter().map(|policy| format!("policy `{policy}`"));
        let tags = self.tags.keys().map(|key| format!("tag `{}`", crate::text::sanitized(key)));
        let settings = [
            self.description.is_some().then_some("the description"),
            self.max_session_duration.is_some().then_some("the session duration"),
            self.allow_console_login.is_some().then_some("the console flag"),
        ];
        let settings = settings.into_iter().flatten().map(str::to_owned);
        policies.chain(tags).chain(settings).collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline;

    fn role(description: &str, policies: &[&str]) -> Role {
        Role {
            id: "1".to_owned(),
            trust: baseline::DTS.trust.to_owned(),
            description: description.to_owned(),
            max_session_duration: Some(3600),
            console_login: None,
            service_linked: false,
            policies: policies.iter().map(|name| PolicyRef::system(name)).collect(),
        }
    }

    fn left(before: &Role, now: &Role) -> Difference {
        let expected = ExpectedRole { before: Some(before), ..ExpectedRole::new(&baseline::DTS) };
        expected.left(&ObservedRole::Present(now.clone()), None)
    }

    #[test]
    fn nothing_is_left_of_a_role_that_has_what_it_had() {
        let before = role("ours", &["AliyunDTSRolePolicy", "Extra"]);
        assert_eq!(left(&before, &before), Difference::default());
        assert!(left(&before, &before).is_settled());
    }

    #[test]
    fn another_description_is_named_and_is_no_alarm() {
        let difference = left(&role("ours", &[]), &role("theirs", &["AliyunDTSRolePolicy"]));
        assert_eq!(difference.description.as_deref(), Some("ours"));
        assert!(difference.is_settled());
    }

    #[test]
    fn every_setting_counts_and_a_field_that_is_left_out_does_not() {
        let before = Role { console_login: Some(true), ..role("ours", &["AliyunDTSRolePolicy"]) };
        let now = Role { max_session_duration: Some(7200), console_login: Some(false), ..before.clone() };
        let difference = left(&before, &now);
        assert_eq!((difference.max_session_duration, difference.allow_console_login), (Some(3600), Some(true)));
        assert!(!difference.is_settled());
        assert!(left(&before, &Role { max_session_duration: None, console_login: None, ..now }).is_settled());
    }

    #[test]
    fn the_dts_policy_comes_first_and_no_record_makes_an_administrator() {
        let before = role("", &["A", "AdministratorAccess"]);
        let attach = left(&before, &role("", &[])).attach;
        assert_eq!(attach, [baseline::DTS.policy(), PolicyRef::system("A")]);
    }
}
