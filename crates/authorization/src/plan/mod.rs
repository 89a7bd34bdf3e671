//! From what is wrong to an ordered list of intended writes, each with its reverse. Pure.

mod difference;
mod step;

use std::collections::BTreeSet;
use std::fmt;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub use difference::{Difference, ExpectedRole};
pub use step::{Step, StepRecord, StepResult, Undo, trips};

use crate::baseline::Baseline;
use crate::policy;
use crate::role::{ObservedRole, Role, RoleChange, Tags};
use crate::settings::Strategy;
use crate::target::{PolicyRef, PolicyType, Target};
use crate::verify::{Finding, FindingId};

/// System policies that let their holder get anything: an administrator's, and those by which one becomes an administrator.
/// The guard never attaches one.
pub const PRIVILEGED_POLICIES: [&str; 4] =
    ["AdministratorAccess", "AliyunRAMFullAccess", "AliyunSTSAssumeRoleAccess", "AliyunResourceDirectoryFullAccess"];

/// Tag keys that only the vendor may write.
const RESERVED_TAG_KEYS: [&str; 2] = ["acs:", "aliyun"];
/// `TagResources` takes this many tags in one call (source: the RAM API reference).
const TAGS_A_CALL: usize = 20;
/// This many system policies fit on a role (source: the RAM limits; an account may have more).
const SYSTEM_POLICIES_A_ROLE: usize = 20;

/// SHA-256 over the account, the observed state, the strategy and the steps: the same role in the same state gives the
/// same id. It binds what was shown to what is done; it authorizes nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanId(String);

/// The text is not a plan id.
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
    /// A person approves the plan by it.
    pub id: PlanId,
    /// Carried out in this order.
    pub steps: Vec<Step>,
    /// Why it must not be carried out as it stands.
    pub refusal: Option<Unplannable>,
    /// Who can no longer assume the role afterwards.
    pub loses: BTreeSet<String>,
}

/// Why a plan must not be carried out as it stands, judged by the role alone. The report has the sentences.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unplannable {
    /// The role belongs to a service.
    ServiceLinked,
    /// The role holds this administrator's policy.
    Privileged(String),
    /// What was detached would not all fit back: it holds this many system policies, the needed one not among them.
    NoRoom(usize),
    /// The trust policy holds what the guard does not understand.
    UnreadableTrust,
    /// The needed policy would be attached to a role that others may assume: these.
    OthersMayAssume(String),
    /// The tags could not be read, and why.
    UnreadableTags(String),
    /// The trust policy cannot be extended, and why.
    InPlace(String),
}

impl Unplannable {
    /// Whether the approval of this very plan lifts it.
    pub fn can_be_approved(&self) -> bool {
        match self {
            Self::UnreadableTrust | Self::OthersMayAssume(_) => true,
            Self::ServiceLinked
            | Self::Privileged(_)
            | Self::NoRoom(_)
            | Self::UnreadableTags(_)
            | Self::InPlace(_) => false,
        }
    }

    /// Whether no approval makes the guard begin: such a plan has no steps to show.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::ServiceLinked | Self::Privileged(_) | Self::NoRoom(_))
    }
}

/// Everything that a plan depends on.
#[derive(Debug, Clone)]
pub struct Facts<'a> {
    /// Which role it is.
    pub target: &'a Target,
    /// What it must look like.
    pub baseline: &'a Baseline,
    /// The role as it was read.
    pub observed: &'a ObservedRole,
    /// Its tags, where they were read, or why they could not be.
    pub tags: &'a Result<Option<Tags>, String>,
    /// What is wrong with it.
    pub findings: &'a [Finding],
    /// How to repair it.
    pub strategy: Strategy,
}

/// What to do about the findings; `None` where nothing failed.
pub fn resolve(facts: &Facts<'_>) -> Option<Plan> {
    if !facts.findings.iter().any(Finding::failed) {
        return None;
    }
    let (mut steps, refusal) = match (facts.observed, facts.strategy) {
        (ObservedRole::Missing, _) => (ExpectedRole::new(facts.baseline).left(facts.observed, None).steps(None), None),
        (ObservedRole::Present(role), Strategy::Recreate) => recreate(role, facts),
        (ObservedRole::Present(role), Strategy::InPlace) => in_place(role, facts),
        (ObservedRole::Present(role), Strategy::Least) => least(role, facts),
    };
    // What nobody can approve is not planned either.
    if refusal.as_ref().is_some_and(Unplannable::is_final) {
        steps.clear();
    }
    let deletes = steps.iter().any(|step| matches!(step, Step::Delete { .. }));
    let replaced = facts.observed.present().filter(|_| deletes);
    let loses = replaced.map(|role| policy::everybody_but(&role.trust, facts.baseline.service)).unwrap_or_default();
    Some(Plan { id: plan_id(facts, &steps), steps, refusal, loses })
}

/// The plan that finishes what an earlier run left unfinished. Its id covers the record, too.
pub fn finishing(target: &Target, record: &str, observed: &ObservedRole, steps: Vec<Step>) -> Plan {
    let words: Vec<_> = steps.iter().map(|step| step.describe(&target.role)).collect();
    let id = digest(&json!([target.account, record, describe(observed), words]));
    Plan { id, steps, refusal: None, loses: BTreeSet::new() }
}

fn recreate(role: &Role, facts: &Facts<'_>) -> (Vec<Step>, Option<Unplannable>) {
    let needed = facts.baseline.policy();
    let tags = facts.tags.as_ref().ok().and_then(Option::as_ref);
    // The DTS policy goes last and comes back first: DTS is to miss it for the shortest time.
    let (last, first): (Vec<_>, Vec<_>) = role.policies.iter().cloned().partition(|policy| *policy == needed);
    let detach = first.into_iter().chain(last).map(Step::Detach);
    let delete = Step::Delete { role_id: role.id.clone() };
    let expected = ExpectedRole { before: Some(role), tags, ..ExpectedRole::new(facts.baseline) };
    let restore = expected.left(&ObservedRole::Missing, None).steps(Some(&role.id));
    let reserved = tags.into_iter().flat_map(Tags::keys).filter(|key| is_reserved(key)).cloned().map(Step::LeaveTag);
    let steps = detach.chain([delete]).chain(restore).chain(reserved).collect();
    (steps, recreate_refusal(role, facts))
}

/// As many calls as the tags need.
fn tag_steps(tags: &Tags) -> impl Iterator<Item = Step> + use<> {
    let restored: Vec<_> = restorable(tags).map(|(key, value)| (key.clone(), value.clone())).collect();
    let calls: Vec<_> = restored.chunks(TAGS_A_CALL).map(|chunk| Step::Tag(chunk.iter().cloned().collect())).collect();
    calls.into_iter()
}

/// The tags that may be written again.
pub fn restorable(tags: &Tags) -> impl Iterator<Item = (&String, &String)> {
    tags.iter().filter(|(key, _)| !is_reserved(key))
}

fn is_reserved(key: &str) -> bool {
    RESERVED_TAG_KEYS.iter().any(|prefix| key.starts_with(prefix))
}

fn recreate_refusal(role: &Role, facts: &Facts<'_>) -> Option<Unplannable> {
    if role.service_linked {
        return Some(Unplannable::ServiceLinked);
    }
    if let Some(policy) = role.policies.iter().find(|policy| is_privileged(policy)) {
        return Some(Unplannable::Privileged(policy.name.clone()));
    }
    if let Some(full) = full(role, facts.baseline) {
        return Some(full);
    }
    if let Err(why) = facts.tags {
        return Some(Unplannable::UnreadableTags(why.clone()));
    }
    facts
        .findings
        .iter()
        .any(|finding| finding.id == FindingId::TrustUnreadable)
        .then_some(Unplannable::UnreadableTrust)
}

/// Whether it lets its holder get anything: see [`PRIVILEGED_POLICIES`].
pub fn is_privileged(policy: &PolicyRef) -> bool {
    // Whether the cloud tells names apart by case is not documented.
    let named = |name: &&str| name.eq_ignore_ascii_case(&policy.name);
    policy.kind == PolicyType::System && PRIVILEGED_POLICIES.iter().any(named)
}

/// Whether the DTS policy no longer fits beside the others.
fn full(role: &Role, baseline: &Baseline) -> Option<Unplannable> {
    let held = role.policies.iter().filter(|policy| policy.kind == PolicyType::System).count();
    let fits = held < SYSTEM_POLICIES_A_ROLE || role.policies.contains(&baseline.policy());
    (!fits).then_some(Unplannable::NoRoom(held))
}

fn in_place(role: &Role, facts: &Facts<'_>) -> (Vec<Step>, Option<Unplannable>) {
    let failed = |id| facts.findings.iter().any(|finding| finding.id == id);
    let mut steps = Vec::new();
    let mut refusal = role.service_linked.then_some(Unplannable::ServiceLinked);
    if failed(FindingId::PolicyMissing) {
        steps.push(Step::Attach(facts.baseline.policy()));
        refusal = refusal.or_else(|| full(role, facts.baseline)).or_else(|| others(role, facts));
    }
    if failed(FindingId::TrustServiceMissing) {
        match policy::with_service(&role.trust, facts.baseline.service) {
            Ok(trust) => steps.push(Step::UpdateTrust { from: role.trust.clone(), to: RoleChange { trust } }),
            // Nobody can approve away what cannot be done at all.
            Err(why) => {
                refusal = Some(refusal.filter(Unplannable::is_final).unwrap_or(Unplannable::InPlace(why.to_string())));
            }
        }
    }
    (steps, refusal)
}

/// The DTS policy is powerful. Apart from DTS of another account, nobody else gets it without a person's approval, and where
/// the document cannot be read nobody knows who would get it.
fn others(role: &Role, facts: &Facts<'_>) -> Option<Unplannable> {
    if facts.findings.iter().any(|finding| finding.id == FindingId::TrustUnreadable) {
        return Some(Unplannable::UnreadableTrust);
    }
    let others = policy::everybody_but(&role.trust, facts.baseline.service);
    let others: Vec<_> =
        others.into_iter().filter(|name| !policy::is_service_of_an_account(name, facts.baseline.service)).collect();
    (!others.is_empty()).then(|| Unplannable::OthersMayAssume(others.join(", ")))
}

/// In place where that repairs the role, even if a person has to approve it: a recreation would take more away.
fn least(role: &Role, facts: &Facts<'_>) -> (Vec<Step>, Option<Unplannable>) {
    match in_place(role, facts) {
        (_, Some(Unplannable::InPlace(_))) => recreate(role, facts),
        in_place => in_place,
    }
}

fn plan_id(facts: &Facts<'_>, steps: &[Step]) -> PlanId {
    let tags = facts.tags.as_ref().ok();
    let steps: Vec<_> = steps.iter().map(|step| step.describe(&facts.target.role)).collect();
    digest(&json!([facts.target.account, describe(facts.observed), tags, facts.strategy, steps]))
}

/// Everything of a role that was read.
fn describe(observed: &ObservedRole) -> Value {
    json!(observed.present().map(|role| {
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
    }))
}

fn digest(state: &Value) -> PlanId {
    PlanId(format!("sha256:{}", hex::encode(Sha256::digest(state.to_string()))))
}
