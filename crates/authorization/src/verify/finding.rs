//! One negative answer, with what it rests on.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::target::PolicyRef;
use crate::text::sanitized;

/// A message lists at most this many names.
const LISTED: usize = 8;

/// Names a finding, for machines too. Never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FindingId {
    /// There is no such role.
    RoleMissing,
    /// The trust policy does not let DTS assume the role.
    TrustServiceMissing,
    /// The system policy is not attached.
    PolicyMissing,
    /// Somebody else may assume the role.
    TrustExtraPrincipal,
    /// The answer about DTS depends on a condition.
    TrustConditional,
    /// A fragment of the trust policy is not understood.
    TrustUnreadable,
    /// A recreation removed other principals.
    TrustReplaced,
    /// More policies are attached.
    PolicyExtra,
    /// A policy that the role had no longer exists.
    PolicyGone,
    /// An unfinished repair is on record.
    JournalOpen,
    /// The account was to be left alone for a time that is over.
    ExceptionExpired,
    /// The cloud keeps another description than was asked for.
    DescriptionDiffers,
}

/// Whether a finding makes the authorization fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// It does: DTS cannot work.
    Failed,
    /// It does not, and never causes a write.
    Advisory,
}

/// One negative answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Its stable name.
    pub id: FindingId,
    /// Whether the authorization fails.
    pub severity: Severity,
    /// For a person.
    pub message: String,
    /// What it rests on.
    #[serde(default)]
    pub evidence: Value,
}

impl FindingId {
    /// Its stable name.
    pub fn as_str(self) -> &'static str {
        self.name_and_severity().0
    }

    fn name_and_severity(self) -> (&'static str, Severity) {
        match self {
            Self::RoleMissing => ("role-missing", Severity::Failed),
            Self::TrustServiceMissing => ("trust-service-missing", Severity::Failed),
            Self::PolicyMissing => ("policy-missing", Severity::Failed),
            Self::TrustExtraPrincipal => ("trust-extra-principal", Severity::Advisory),
            Self::TrustConditional => ("trust-conditional", Severity::Advisory),
            Self::TrustUnreadable => ("trust-unreadable", Severity::Advisory),
            Self::TrustReplaced => ("trust-replaced", Severity::Advisory),
            Self::PolicyExtra => ("policy-extra", Severity::Advisory),
            Self::PolicyGone => ("policy-gone", Severity::Advisory),
            Self::JournalOpen => ("journal-open", Severity::Advisory),
            Self::ExceptionExpired => ("exception-expired", Severity::Advisory),
            Self::DescriptionDiffers => ("description-differs", Severity::Advisory),
        }
    }
}

impl Finding {
    /// A finding, with the severity that its id has.
    pub fn new(id: FindingId, message: impl Into<String>, evidence: Value) -> Self {
        Self { id, severity: id.name_and_severity().1, message: message.into(), evidence }
    }

    /// Whether the authorization fails because of it.
    pub fn failed(&self) -> bool {
        self.severity == Severity::Failed
    }

    /// A policy that the role had no longer exists and could not come back.
    pub fn policy_gone(policy: &PolicyRef) -> Self {
        let message = format!("policy `{policy}` no longer exists and could not be attached again");
        Self::new(FindingId::PolicyGone, message, json!({"policy": policy.to_string()}))
    }

    /// A repair that a run has still to finish, and what is left of it.
    pub fn journal_open(request_id: &str, begun_at: Timestamp, what: &str) -> Self {
        Self::of_repair(request_id, begun_at, &format!("is unfinished: {what}"))
    }

    /// A repair that an earlier run left unfinished and this one finished.
    pub fn journal_closed(request_id: &str, begun_at: Timestamp) -> Self {
        Self::of_repair(request_id, begun_at, "was unfinished: this run finished it")
    }

    fn of_repair(request_id: &str, begun_at: Timestamp, state: &str) -> Self {
        let run = sanitized(request_id);
        let begun_at = begun_at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let message = format!("the repair that run `{run}` began at {begun_at} {state}");
        Self::new(FindingId::JournalOpen, message, json!({"requestId": run, "begunAt": begun_at}))
    }

    /// A journal file that is not trusted.
    pub fn journal_unreadable(generation: u64, why: &str, aside: Option<&str>) -> Self {
        let kept =
            aside.map_or_else(|| "a writing run will set it aside".to_owned(), |name| format!("kept as `{name}`"));
        let message = format!(
            "the journal file of generation {generation} is not trusted ({}) and {kept}: if a repair was under way, what the role had may not be back",
            sanitized(why)
        );
        Self::new(FindingId::JournalOpen, message, json!({"generation": generation, "keptAs": aside}))
    }

    /// Whom a recreation took the role from.
    pub fn trust_replaced(principals: &BTreeSet<String>) -> Self {
        let message = format!(
            "the trust policy is the vendor's default again: the role can no longer be assumed by {}",
            first_of(principals.iter().map(String::as_str))
        );
        Self::new(FindingId::TrustReplaced, message, json!({"principals": principals}))
    }

    /// The new role has another description than the old one.
    pub fn description_differs(wanted: &str, now: &str) -> Self {
        let (wanted, now) = (sanitized(wanted), sanitized(now));
        let message = format!("the description is `{now}`, and `{wanted}` was asked for");
        Self::new(FindingId::DescriptionDiffers, message, json!({"wanted": wanted, "now": now}))
    }

    /// A repair that is given up, since the role's owner has authorized it anew.
    pub fn journal_given_up(request_id: &str, begun_at: Timestamp, missing: &str) -> Self {
        let state = format!(
            "was unfinished; somebody has authorized the role anew meanwhile, so it is closed. What did not come back: {missing}"
        );
        Self::of_repair(request_id, begun_at, &state)
    }
}

/// Names for a message: of a long list the first ones. Each of them is in the evidence.
pub(super) fn first_of<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(LISTED);
    let first = names.take(LISTED).collect::<Vec<_>>().join(", ");
    if more == 0 { first } else { format!("{first} and {more} more") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_called_the_same_everywhere() {
        use FindingId::*;
        let mut next = Some(RoleMissing);
        while let Some(id) = next {
            assert_eq!(json!(id), json!(id.as_str()));
            // One that is new does not compile until it has its place here.
            next = match id {
                RoleMissing => Some(TrustServiceMissing),
                TrustServiceMissing => Some(PolicyMissing),
                PolicyMissing => Some(TrustExtraPrincipal),
                TrustExtraPrincipal => Some(TrustConditional),
                TrustConditional => Some(TrustUnreadable),
                TrustUnreadable => Some(TrustReplaced),
                TrustReplaced => Some(PolicyExtra),
                PolicyExtra => Some(PolicyGone),
                PolicyGone => Some(JournalOpen),
                JournalOpen => Some(ExceptionExpired),
                ExceptionExpired => Some(DescriptionDiffers),
                DescriptionDiffers => None,
            };
        }
    }
}
