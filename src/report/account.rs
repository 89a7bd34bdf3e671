//! What became of one account's role.

use std::borrow::Cow;

use aliyun::Error;
use authorization::baseline::DTS_ROLE;
use authorization::plan::StepRecord;
use authorization::role::{ObservedRole, RoleView};
use authorization::target::AccountId;
use authorization::text::chain;
use authorization::verify::Finding;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Next, Status, Word};
use crate::observe::LookError;

/// What became of one account's role.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", remote = "Self")]
#[must_use]
#[expect(clippy::struct_excessive_bools, reason = "they do not depend on each other")]
pub struct AccountReport {
    /// Null only where the keys' own account could not be found out.
    pub account_id: Option<AccountId>,
    /// Always `AliyunDTSDefaultRole`.
    #[serde(default, deserialize_with = "super::read::role_name")]
    pub role_name: Word,
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
    /// Whether what went wrong may pass without anybody doing anything.
    #[serde(skip)]
    pub may_pass: bool,
    /// Whether `remediate` would refuse the plan even if a person approved it.
    #[serde(skip)]
    pub is_held: bool,
    /// Whether the report says no more of it than its status and findings: one of thousands that are in order.
    #[serde(skip)]
    pub is_brief: bool,
}

/// All that is said of one account in order among thousands.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Brief<'a> {
    account_id: &'a Option<AccountId>,
    status: Status,
    #[serde(skip_serializing_if = "slice_is_empty")]
    findings: &'a [Finding],
}

fn slice_is_empty(findings: &&[Finding]) -> bool {
    findings.is_empty()
}

impl Serialize for AccountReport {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { account_id, status, findings, is_brief, .. } = self;
        if *is_brief {
            return Brief { account_id, status: *status, findings }.serialize(serializer);
        }
        // The derived way, which `remote` puts here.
        Self::serialize(self, serializer)
    }
}

impl<'de> Deserialize<'de> for AccountReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let account = Self::deserialize(deserializer)?;
        // Only a short line leaves the role's name out.
        let is_brief = account.role_name.is_empty();
        Ok(Self { role_name: DTS_ROLE, is_brief, ..account })
    }
}

/// A cloud call that kept us from finding out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CallError {
    operation: Cow<'static, str>,
    code: Option<String>,
    message: String,
    request_id: Option<String>,
}

impl From<&Error> for CallError {
    fn from(error: &Error) -> Self {
        Self {
            operation: error.operation.into(),
            code: error.code.as_deref().map(authorization::text::sanitized),
            message: chain(error),
            request_id: error.request_id.as_deref().map(authorization::text::sanitized),
        }
    }
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl CallError {
    /// The cloud's code, where it gave one.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        self.code.as_deref()
    }

    /// The same call, with more to say about it.
    #[must_use]
    pub fn saying(self, message: String) -> Self {
        Self { message, ..self }
    }

    /// What went wrong beside the cloud's own errors.
    #[must_use]
    pub fn of_reply(operation: &'static str, message: String) -> Self {
        Self { operation: operation.into(), code: None, message, request_id: None }
    }

    /// STS answered something that is no account id.
    #[must_use]
    pub fn of_identity(error: &authorization::target::BadAccountId) -> Self {
        Self { operation: "GetCallerIdentity".into(), code: None, message: error.to_string(), request_id: None }
    }
}

impl From<&LookError> for CallError {
    fn from(error: &LookError) -> Self {
        match error {
            LookError::Call(error) => error.into(),
            LookError::Disagree => {
                Self { operation: "GetRole".into(), code: None, message: error.to_string(), request_id: None }
            }
        }
    }
}

impl AccountReport {
    /// An account that nothing is known of yet.
    pub fn new(account_id: Option<AccountId>, status: Status) -> Self {
        Self {
            account_id,
            role_name: DTS_ROLE,
            status,
            reason: None,
            findings: Vec::new(),
            plan_id: None,
            before: None,
            steps: Vec::new(),
            after: None,
            residual: Vec::new(),
            error: None,
            next: None,
            cut: false,
            duration_ms: 0,
            may_pass: false,
            is_held: false,
            is_brief: false,
        }
    }

    /// The same, of which no more is kept than what thousands of accounts in order need.
    pub fn brief(self) -> Self {
        Self { findings: self.findings, is_brief: true, ..Self::new(self.account_id, self.status) }
    }

    /// An account that no look came to.
    pub fn line(account_id: Option<AccountId>, status: Status, next: &Next<'_>) -> Self {
        Self::new(account_id, status).then(status, next)
    }

    /// The same account with another status, and what a person should do about it.
    pub fn then(self, status: Status, next: &Next<'_>) -> Self {
        Self { status, next: Some(next.to_string()), ..self }
    }

    /// An account that could not be looked at. Nothing was written.
    pub fn failed(account_id: Option<AccountId>, error: CallError, may_pass: bool) -> Self {
        let next = Next::Failed { error: &error.message, may_pass }.to_string();
        Self { error: Some(error), next: Some(next), may_pass, ..Self::new(account_id, Status::Failed) }
    }

    /// An account whose role was looked at.
    pub fn observed(account_id: AccountId, observed: &ObservedRole, findings: Vec<Finding>) -> Self {
        let status = if findings.iter().any(Finding::failed) { Status::Drifted } else { Status::Authorized };
        let before = RoleView::of(observed.present(), None);
        Self { findings, before, ..Self::new(Some(account_id), status) }
    }
}
