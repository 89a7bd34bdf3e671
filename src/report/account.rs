//! What became of one account's role.

use authorization::baseline::DTS_ROLE;
use authorization::plan::StepRecord;
use authorization::role::RoleView;
use authorization::target::AccountId;
use authorization::verify::Finding;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Word;
use super::next::next;
use crate::outcome::{AccountOutcome, CallError, Ending, Failed, Status};

/// What became of one account's role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[must_use]
pub struct AccountReport {
    /// Null only where the keys' own account could not be found out.
    pub account_id: Option<AccountId>,
    /// Always `AliyunDTSDefaultRole`; left out where one of thousands in order has a short line.
    #[serde(default, deserialize_with = "super::read::role_name")]
    role_name: Option<Word>,
    /// The result.
    pub status: Status,
    /// Why it was looked at, where an event says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the first look found.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Names the plan; null in mode `verify` and where there is nothing to do.
    pub plan_id: Option<String>,
    /// The role as it was found; null for a missing one.
    pub before: Option<Box<RoleView>>,
    /// What was done, or would be.
    #[serde(default)]
    pub steps: Vec<StepRecord>,
    /// What the second look saw; null where there was none.
    pub after: Option<Box<RoleView>>,
    /// What the second look found.
    #[serde(default)]
    pub residual: Vec<Finding>,
    /// The call that kept us from finding out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<CallError>,
    /// What a person should do.
    pub next: Option<String>,
    /// Whether this is a part of what was reported, since the whole was too long for its reader.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
    /// How long the work in it took, both phases of a run over many accounts together.
    #[serde(default)]
    pub duration_ms: u64,
}

/// All that is said of one account in order among thousands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Brief<'a> {
    account_id: &'a Option<AccountId>,
    status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    findings: Option<&'a Vec<Finding>>,
}

impl Serialize for AccountReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_brief() {
            let findings = Some(&self.findings).filter(|findings| !findings.is_empty());
            return Brief { account_id: &self.account_id, status: self.status, findings }.serialize(serializer);
        }
        // The derived way, which `remote` puts here.
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for AccountReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::deserialize(deserializer)
    }
}

impl AccountReport {
    /// Renders what became of it.
    pub(crate) fn of(outcome: AccountOutcome) -> Self {
        let (status, next) = (outcome.status(), next(&outcome));
        let error = match &outcome.ending {
            Ending::Failed(Failed::Call { error, .. } | Failed::Directory { error, .. }) => Some(error.clone()),
            Ending::Failed(Failed::AccessDenied(denied)) => Some(CallError::from(&denied.error)),
            _ => None,
        };
        let is_brief = matches!(outcome.ending, Ending::InOrder);
        Self {
            account_id: outcome.account,
            role_name: (!is_brief).then_some(DTS_ROLE),
            status,
            reason: outcome.reason,
            findings: outcome.findings,
            plan_id: outcome.plan.map(|id| id.to_string()),
            before: outcome.before,
            steps: outcome.steps,
            after: outcome.after,
            residual: outcome.residual,
            error,
            next,
            cut: false,
            duration_ms: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
        }
    }

    pub(super) fn role_name(&self) -> Word {
        self.role_name.unwrap_or(DTS_ROLE)
    }

    /// Whether it has no more than its status and findings.
    pub(super) fn is_brief(&self) -> bool {
        self.role_name.is_none()
    }
}
