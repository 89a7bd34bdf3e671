//! The second look: whether what was written, or taken back, is what the cloud shows.

use crate::apply::Outcome;
use crate::client::Session;
use crate::observe::{self, LookError, ObservedRole, Role, Tags};
use crate::plan;
use crate::target::{PolicyRef, ROLE_NAME};
use crate::verify::{self, Baseline, Finding};

/// How often the second look is repeated until the cloud shows what was written.
const CONFIRMATIONS: usize = 6;

/// What a run is after.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Goal {
    /// An authorized role with everything that it had.
    Repair,
    /// Only what an earlier run took away: whether the role is authorized is judged afterwards.
    GiveBack,
}

/// What the second look must show.
pub(crate) struct Wanted<'a> {
    /// What the run is after.
    pub(crate) goal: Goal,
    /// The role as it was found.
    pub(crate) before: Option<&'a Role>,
    /// Its tags, where they were read.
    pub(crate) tags: Option<&'a Tags>,
    /// Policies that no longer exist.
    pub(crate) gone: &'a [PolicyRef],
}

/// What the second look showed.
pub(crate) struct Seen {
    pub(crate) role: ObservedRole,
    pub(crate) findings: Vec<Finding>,
    pub(crate) tags: Option<Tags>,
}

impl Wanted<'_> {
    /// Authorized, and everything that the role had is back.
    pub(crate) fn repaired(&self, seen: &Seen) -> bool {
        let authorized = !seen.findings.iter().any(Finding::failed);
        let kept = match (self.before, seen.role.present()) {
            (Some(before), Some(now)) => self.kept(before, now) && self.tags_kept(seen),
            (None, Some(_)) => true,
            (_, None) => false,
        };
        authorized && kept
    }

    fn kept(&self, before: &Role, now: &Role) -> bool {
        let policies = before.policies.iter().all(|policy| now.policies.contains(policy) || self.gone.contains(policy));
        policies && now.has_settings_of(before)
    }

    fn tags_kept(&self, seen: &Seen) -> bool {
        let (Some(before), Some(now)) = (self.tags, &seen.tags) else { return true };
        plan::restorable(before).all(|(key, value)| now.get(key) == Some(value))
    }

    /// A tag with another value was set by somebody since.
    fn tags_given_back(&self, seen: &Seen) -> bool {
        let (Some(before), Some(now)) = (self.tags, &seen.tags) else { return true };
        plan::restorable(before).all(|(key, _)| now.contains_key(key))
    }

    /// As it was found: the same role with what it had.
    fn unchanged(&self, seen: &Seen) -> bool {
        match (self.before, seen.role.present()) {
            (None, now) => now.is_none(),
            (Some(before), Some(now)) => now.difference(before).is_none() && self.kept(before, now),
            (Some(_), None) => false,
        }
    }

    /// Unchanged, and with no policy more: one that could not be taken back is not somebody else's.
    fn untouched(&self, seen: &Seen) -> bool {
        let policies = |role: Option<&Role>| role.map(|role| role.policies.clone());
        self.unchanged(seen) && policies(self.before) == policies(seen.role.present())
    }

    /// Everything that we took away is there again, whatever somebody else did to the role meanwhile.
    fn put_back(&self, seen: &Seen) -> bool {
        match (self.before, seen.role.present()) {
            (None, _) => true,
            (Some(before), Some(now)) => before.policies.iter().all(|policy| now.policies.contains(policy)),
            (Some(_), None) => false,
        }
    }

    /// The role has what it had. Settings that somebody changed meanwhile are not ours to change back.
    pub(crate) fn given_back(&self, seen: &Seen) -> bool {
        let Some(before) = self.before else { return true };
        seen.role.present().is_some_and(|now| {
            let policies = before.policies.iter();
            let mut wanted = policies.filter(|policy| !self.gone.contains(policy) && !plan::is_privileged(policy));
            wanted.all(|policy| now.policies.contains(policy)) && (now.id == before.id || self.tags_given_back(seen))
        })
    }

    pub(crate) fn expected(&self, outcome: &Outcome, seen: &Seen) -> bool {
        match outcome {
            _ if self.goal == Goal::GiveBack => self.given_back(seen),
            Outcome::Applied => self.repaired(seen),
            Outcome::Stuck(_) => self.repaired(seen) || self.untouched(seen),
            Outcome::RolledBack(_) => self.unchanged(seen),
            Outcome::Refused(_) => self.put_back(seen),
        }
    }
}

/// Looks until the cloud shows what was written: a reply may be some seconds old.
pub(crate) async fn second_look(session: &Session, wanted: &Wanted<'_>, outcome: &Outcome) -> Result<Seen, LookError> {
    let mut pauses = session.pauses(CONFIRMATIONS - 1);
    loop {
        let seen = look(session, wanted).await;
        if seen.as_ref().is_ok_and(|seen| wanted.expected(outcome, seen)) {
            return seen;
        }
        match pauses.next() {
            Some(pause) if session.pause(pause).await => {}
            _ => return seen,
        }
    }
}

async fn look(session: &Session, wanted: &Wanted<'_>) -> Result<Seen, LookError> {
    let had_tags = wanted.tags.is_some_and(|tags| !tags.is_empty());
    let tags = async { if had_tags { session.list_role_tags(ROLE_NAME).await.map(Some) } else { Ok(None) } };
    let (role, tags) = tokio::join!(observe::role(session), tags);
    let role = role?;
    let findings = verify::role(&role, &Baseline::DTS);
    Ok(Seen { role, findings, tags: tags? })
}
