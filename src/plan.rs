//! From what is wrong to an ordered list of intended writes, each with its reverse. Pure.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::apply::journal::Doubt;
use crate::client::{NewRole, RoleChange};
use crate::config::Strategy;
use crate::observe::{ObservedRole, Role, Tags};
use crate::policy::{self, DTS_TRUST_POLICY};
use crate::target::{AccountId, PolicyRef, PolicyType, ROLE_NAME};
use crate::verify::{DTS_POLICY, DTS_SERVICE, Finding, FindingId};

/// System policies by which their holder can get anything: an administrator's, and those that let him become one. The guard
/// never attaches one.
pub const PRIVILEGED_POLICIES: [&str; 4] =
    ["AdministratorAccess", "AliyunRAMFullAccess", "AliyunSTSAssumeRoleAccess", "AliyunResourceDirectoryFullAccess"];

/// The description that the vendor's quick authorization gives to the role.
const DESCRIPTION: &str = "DTS will use this role to access your resources in other services.";
/// The vendor's default, in seconds.
const MAX_SESSION_DURATION: u32 = 3600;
/// Tag keys that only the vendor may write.
const RESERVED_TAG_KEYS: [&str; 2] = ["acs:", "aliyun"];

/// One intended write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `DetachPolicyFromRole`
    Detach(PolicyRef),
    /// `DeleteRole`, of the role with this id.
    Delete {
        /// The id that was looked at.
        role_id: String,
    },
    /// `CreateRole`
    Create {
        /// What it is created with.
        role: NewRole,
        /// The id of the role that it replaces.
        replaces: Option<String>,
    },
    /// `AttachPolicyToRole`
    Attach(PolicyRef),
    /// `UpdateRole` with another trust policy.
    UpdateTrust {
        /// The trust policy before.
        from: String,
        /// The trust policy after.
        to: RoleChange,
    },
    /// `TagResources`
    Tag(Tags),
    /// A tag that the cloud does not let us write: it is reported and not restored.
    LeaveTag(String),
}

/// How a step is taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Undo {
    /// By this step.
    Step(Step),
    /// By deleting the role that the step made, if its reply told the id.
    DeleteCreated,
    /// Not at all: after it, the only way is forward.
    ForwardOnly,
    /// It changes nothing that would have to be taken back.
    Nothing,
}

impl Step {
    /// The cloud's operation.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Detach(_) => "DetachPolicyFromRole",
            Self::Delete { .. } => "DeleteRole",
            Self::Create { .. } => "CreateRole",
            Self::Attach(_) => "AttachPolicyToRole",
            Self::UpdateTrust { .. } => "UpdateRole",
            Self::Tag(_) | Self::LeaveTag(_) => "TagResources",
        }
    }

    /// What the operation is about.
    #[must_use]
    pub fn target(&self) -> String {
        match self {
            Self::Detach(policy) | Self::Attach(policy) => policy.to_string(),
            Self::LeaveTag(key) => key.clone(),
            Self::Delete { .. } | Self::Create { .. } | Self::UpdateTrust { .. } | Self::Tag(_) => ROLE_NAME.to_owned(),
        }
    }

    /// How it is taken back.
    #[must_use]
    pub fn undo(&self) -> Undo {
        match self {
            Self::Detach(policy) => Undo::Step(Self::Attach(policy.clone())),
            Self::Attach(policy) => Undo::Step(Self::Detach(policy.clone())),
            Self::UpdateTrust { from, to } => {
                Undo::Step(Self::UpdateTrust { from: to.trust.clone(), to: RoleChange { trust: from.clone() } })
            }
            Self::Create { replaces: None, .. } => Undo::DeleteCreated,
            Self::Create { replaces: Some(_), .. } | Self::Delete { .. } => Undo::ForwardOnly,
            Self::Tag(_) | Self::LeaveTag(_) => Undo::Nothing,
        }
    }

    fn describe(&self) -> Value {
        let detail = match self {
            Self::Create { role, .. } => {
                json!([role.trust, role.description, role.max_session_duration, role.allow_console_login])
            }
            Self::UpdateTrust { to, .. } => json!(to.trust),
            Self::Tag(tags) => json!(tags),
            Self::Detach(_) | Self::Delete { .. } | Self::Attach(_) | Self::LeaveTag(_) => Value::Null,
        };
        json!([self.action(), self.target(), detail])
    }
}

/// SHA-256 over the account, the observed state, the strategy and the steps: the same role in the same state gives the
/// same id. It binds what was shown to what is done; it authorizes nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanId(String);

/// The text is no plan id.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a `planId` is `sha256:` and 64 hexadecimal digits, as a plan's report shows it")]
pub struct BadPlanId;

impl std::str::FromStr for PlanId {
    type Err = BadPlanId;

    fn from_str(text: &str) -> Result<Self, BadPlanId> {
        let digits = text.strip_prefix("sha256:").ok_or(BadPlanId)?;
        let hex = digits.len() == 64 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if hex { Ok(Self(text.to_owned())) } else { Err(BadPlanId) }
    }
}

impl fmt::Display for PlanId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a repair would do.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub struct Plan {
    /// Names it.
    pub id: PlanId,
    /// In this order.
    pub steps: Vec<Step>,
    /// Why it must not be carried out as it stands.
    pub refusal: Option<Refusal>,
}

/// Why the guard does not start, or stopped before the deletion and put everything back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The role belongs to a service.
    #[error("the role is service-linked: it is not ours to change; ask who made it")]
    ServiceLinked,
    /// The role holds an administrator's policy.
    #[error(
        "the role holds the privileged system policy `{0}`, which the guard never attaches: detach it by hand if it does not belong there, then run again"
    )]
    Privileged(String),
    /// The trust policy holds what the guard does not understand.
    #[error(
        "the trust policy holds fragments that the guard does not understand (finding `trust-unreadable`), and it does not delete what it could not read: read it, then approve this very plan with its `planId`"
    )]
    UnreadableTrust,
    /// The tags could not be read.
    #[error("the role's tags cannot be read, so they could not be brought back: {0}")]
    UnreadableTags(String),
    /// The trust policy cannot be extended.
    #[error("strategy `in-place` cannot mend this trust policy: {0}; mend it by hand or use strategy `recreate`")]
    InPlace(String),
    /// A repair needs a person's word.
    #[error(
        "`DTS_GUARD_APPROVAL` is `required`: invoke again with `{{\"mode\":\"remediate\",\"planId\":\"{0}\"}}` to carry out this plan"
    )]
    ApprovalRequired(PlanId),
    /// The role is not in the state that was approved.
    #[error(
        "the approved plan is another one: the role or the settings changed since; look at the new plan `{0}` and approve that"
    )]
    OtherPlan(PlanId),
    /// The keys belong to another account.
    #[error("the keys belong to account `{keys}`, not to the target's account `{target}`: nothing is written")]
    OtherAccount {
        /// The keys' account.
        keys: String,
        /// The target's account.
        target: AccountId,
    },
    /// The keys belong to the role itself.
    #[error(
        "the guard's own role is `AliyunDTSDefaultRole`: deleting it would lock the guard out; give the function a role of its own"
    )]
    OwnRole,
    /// The invocation ends too soon.
    #[error(
        "too little time is left: {needed_ms} ms are needed for the repair and its undo, {left_ms} ms are left; raise the function's timeout"
    )]
    TooLate {
        /// Milliseconds that the rest of the plan and its undo take.
        needed_ms: u128,
        /// Milliseconds left.
        left_ms: u128,
    },
    /// No record can be kept.
    #[error(
        "the journal folder cannot be used ({0}), and nothing is written without a record: mend the folder, or set `DTS_GUARD_JOURNAL_DIR` to another one (`off`: the log only)"
    )]
    Journal(String),
    /// What is on record is no order without a person's word.
    #[error(
        "an unfinished repair is on record, and it is only carried out with a person's word ({why}): look what is left of it with mode `plan`; to give it up: dts-role-guard clear --account {account} --unfinished"
    )]
    RecordInDoubt {
        /// Why.
        why: Doubt,
        /// Whose role it is.
        account: AccountId,
    },
    /// Another run has this role in hand.
    #[error("another run {0}: this one stopped, and put back what it had taken away; nothing is to be done")]
    AnotherRun(&'static str),
    /// Repairs do not last.
    #[error(
        "the role was repaired {times} times within 24 hours (last at {last}) and broke again: something else changes it, and the guard does not fight it; find out what does, then run `dts-role-guard clear --account {account}`"
    )]
    TooManyAttempts {
        /// How often.
        times: usize,
        /// When last.
        last: String,
        /// Whose role it is.
        account: AccountId,
    },
    /// Somebody changed the role meanwhile.
    #[error(
        "the role changed between the look and the deletion ({0}): nothing was deleted; look who works on it, then run again"
    )]
    Changed(String),
}

impl Refusal {
    /// Whether a person who approves this very plan lifts it.
    #[must_use]
    pub fn can_be_approved(&self) -> bool {
        matches!(self, Self::UnreadableTrust | Self::ApprovalRequired(_))
    }
}

/// Everything that a plan depends on.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Whose role it is.
    pub account: &'a AccountId,
    /// The role.
    pub observed: &'a ObservedRole,
    /// Its tags, where they were read, or why they could not be.
    pub tags: &'a Result<Option<Tags>, String>,
    /// What is wrong with it.
    pub findings: &'a [Finding],
    /// How to repair it.
    pub strategy: Strategy,
}

/// What to do about the findings; `None` where nothing failed.
#[must_use]
pub fn resolve(facts: &Facts<'_>) -> Option<Plan> {
    if !facts.findings.iter().any(Finding::failed) {
        return None;
    }
    let (steps, refusal) = match (facts.observed, facts.strategy) {
        (ObservedRole::Missing, _) => (create(), None),
        (ObservedRole::Present(role), Strategy::Recreate) => recreate(role, facts),
        (ObservedRole::Present(role), Strategy::InPlace) => in_place(role, facts),
    };
    Some(Plan { id: plan_id(facts, &steps), steps, refusal })
}

pub(crate) fn dts_policy() -> PolicyRef {
    PolicyRef::system(DTS_POLICY)
}

/// The role that a repair makes: with everything that it had, but for the trust policy, which becomes the vendor's default.
#[must_use]
pub fn new_role(before: Option<&Role>) -> NewRole {
    NewRole {
        trust: DTS_TRUST_POLICY.to_owned(),
        description: before.map_or_else(|| DESCRIPTION.to_owned(), |role| role.description.clone()),
        max_session_duration: before.map_or(Some(MAX_SESSION_DURATION), |role| role.max_session_duration),
        allow_console_login: before.and_then(|role| role.console_login),
    }
}

fn create() -> Vec<Step> {
    vec![Step::Create { role: new_role(None), replaces: None }, Step::Attach(dts_policy())]
}

fn recreate(role: &Role, facts: &Facts<'_>) -> (Vec<Step>, Option<Refusal>) {
    // The DTS policy goes last and comes back first: DTS is to miss it for the shortest time.
    let extras: BTreeSet<_> = role.policies.iter().filter(|policy| **policy != dts_policy()).cloned().collect();
    let held = role.policies.contains(&dts_policy()).then(dts_policy);
    let mut steps: Vec<_> = extras.iter().cloned().chain(held).map(Step::Detach).collect();
    steps.push(Step::Delete { role_id: role.id.clone() });
    steps.push(Step::Create { role: new_role(Some(role)), replaces: Some(role.id.clone()) });
    steps.push(Step::Attach(dts_policy()));
    steps.extend(extras.into_iter().map(Step::Attach));
    steps.extend(restore_tags(facts.tags.as_ref().ok().and_then(Option::as_ref)));
    (steps, recreate_refusal(role, facts))
}

pub(crate) fn restore_tags(tags: Option<&Tags>) -> Vec<Step> {
    let Some(tags) = tags else { return Vec::new() };
    let restored: Tags = restorable(tags).map(|(key, value)| (key.clone(), value.clone())).collect();
    let left = tags.keys().filter(|key| is_reserved(key)).cloned().map(Step::LeaveTag);
    (!restored.is_empty()).then_some(Step::Tag(restored)).into_iter().chain(left).collect()
}

/// The tags that may be written again.
pub fn restorable(tags: &Tags) -> impl Iterator<Item = (&String, &String)> {
    tags.iter().filter(|(key, _)| !is_reserved(key))
}

fn is_reserved(key: &str) -> bool {
    RESERVED_TAG_KEYS.iter().any(|prefix| key.starts_with(prefix))
}

fn recreate_refusal(role: &Role, facts: &Facts<'_>) -> Option<Refusal> {
    if role.service_linked {
        return Some(Refusal::ServiceLinked);
    }
    if let Some(policy) = role.policies.iter().find(|policy| is_privileged(policy)) {
        return Some(Refusal::Privileged(policy.name.clone()));
    }
    if let Err(why) = facts.tags {
        return Some(Refusal::UnreadableTags(why.clone()));
    }
    facts.findings.iter().any(|finding| finding.id == FindingId::TrustUnreadable).then_some(Refusal::UnreadableTrust)
}

pub(crate) fn is_privileged(policy: &PolicyRef) -> bool {
    // Whether the cloud tells names apart by case is not documented.
    let named = |name: &&str| name.eq_ignore_ascii_case(&policy.name);
    policy.kind == PolicyType::System && PRIVILEGED_POLICIES.iter().any(named)
}

fn in_place(role: &Role, facts: &Facts<'_>) -> (Vec<Step>, Option<Refusal>) {
    let failed = |id| facts.findings.iter().any(|finding| finding.id == id);
    let mut steps = Vec::new();
    let mut refusal = role.service_linked.then_some(Refusal::ServiceLinked);
    if failed(FindingId::PolicyMissing) {
        steps.push(Step::Attach(dts_policy()));
    }
    if failed(FindingId::TrustServiceMissing) {
        match policy::with_service(&role.trust, DTS_SERVICE) {
            Ok(trust) => steps.push(Step::UpdateTrust { from: role.trust.clone(), to: RoleChange { trust } }),
            Err(why) => refusal = refusal.or(Some(Refusal::InPlace(why.to_string()))),
        }
    }
    (steps, refusal)
}

fn plan_id(facts: &Facts<'_>, steps: &[Step]) -> PlanId {
    let role = facts.observed.present().map(|role| {
        let policies: Vec<_> = role.policies.iter().map(ToString::to_string).collect();
        json!([
            role.id,
            role.trust,
            policies,
            role.description,
            role.max_session_duration,
            role.console_login,
            role.service_linked
        ])
    });
    let tags = facts.tags.as_ref().ok();
    let steps: Vec<_> = steps.iter().map(Step::describe).collect();
    let state = json!([facts.account, role, tags, facts.strategy, steps]).to_string();
    PlanId(format!("sha256:{}", hex::encode(Sha256::digest(state))))
}
