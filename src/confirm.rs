//! The second look: whether what was written, or taken back, is what the cloud shows.

use crate::apply::Outcome;
use crate::client::{Session, pauses};
use crate::observe::{self, LookError, ObservedRole, Role, Tags};
use crate::plan;
use crate::target::{PolicyRef, ROLE_NAME};
use crate::verify::{self, Baseline, Finding};

/// How often the second look is repeated until the cloud shows what was written.
const CONFIRMATIONS: usize = 6;

/// What the second look must show.
pub(crate) struct Wanted<'a> {
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

    /// As it was found: the same role with what it had.
    fn unchanged(&self, seen: &Seen) -> bool {
        match (self.before, seen.role.present()) {
            (None, now) => now.is_none(),
            (Some(before), Some(now)) => now.difference(before).is_none() && self.kept(before, now),
            (Some(_), None) => false,
        }
    }

    /// Everything that we took away is there again, whatever somebody else did to the role meanwhile.
    fn put_back(&self, seen: &Seen) -> bool {
        match (self.before, seen.role.present()) {
            (None, _) => true,
            (Some(before), Some(now)) => before.policies.iter().all(|policy| now.policies.contains(policy)),
            (Some(_), None) => false,
        }
    }

    pub(crate) fn expected(&self, outcome: &Outcome, seen: &Seen) -> bool {
        match outcome {
            Outcome::Applied => self.repaired(seen),
            Outcome::Stuck(_) => self.repaired(seen) || self.unchanged(seen),
            Outcome::RolledBack(_) => self.unchanged(seen),
            Outcome::Refused(_) => self.put_back(seen),
        }
    }
}

/// Looks until the cloud shows what was written: a reply may be some seconds old.
pub(crate) async fn second_look(session: &Session, wanted: &Wanted<'_>, outcome: &Outcome) -> Result<Seen, LookError> {
    let mut pauses = pauses(CONFIRMATIONS - 1);
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
