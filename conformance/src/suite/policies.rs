//! Policies are attached until no more fit, and detached again.

use authorization::baseline::DTS;
use serde_json::Value;

use super::Suite;
use crate::Stop;
use crate::cloud::{Answer, Ask};

/// So many system policies a role may have, unless the account's quota was changed.
const LIMIT: usize = 20;
/// System policies that permit to read only. The role that gets them trusts DTS alone. Not every account has each.
const READ_ONLY: [&str; 28] = [
    "AliyunECSReadOnlyAccess",
    "AliyunRDSReadOnlyAccess",
    "AliyunOSSReadOnlyAccess",
    "AliyunVPCReadOnlyAccess",
    "AliyunLogReadOnlyAccess",
    "AliyunDTSReadOnlyAccess",
    "AliyunSLBReadOnlyAccess",
    "AliyunEIPReadOnlyAccess",
    "AliyunESSReadOnlyAccess",
    "AliyunCDNReadOnlyAccess",
    "AliyunDNSReadOnlyAccess",
    "AliyunNASReadOnlyAccess",
    "AliyunOTSReadOnlyAccess",
    "AliyunMNSReadOnlyAccess",
    "AliyunFCReadOnlyAccess",
    "AliyunDRDSReadOnlyAccess",
    "AliyunKvstoreReadOnlyAccess",
    "AliyunMongoDBReadOnlyAccess",
    "AliyunPolardbReadOnlyAccess",
    "AliyunHBaseReadOnlyAccess",
    "AliyunElasticsearchReadOnlyAccess",
    "AliyunCloudMonitorReadOnlyAccess",
    "AliyunMQReadOnlyAccess",
    "AliyunVPNGatewayReadOnlyAccess",
    "AliyunNATGatewayReadOnlyAccess",
    "AliyunCENReadOnlyAccess",
    "AliyunBSSReadOnlyAccess",
    "AliyunLiveReadOnlyAccess",
];
/// The one that no grant of a later part may let through.
pub(super) const DENIED_POLICY: &str = "AliyunECSReadOnlyAccess";

pub(super) async fn run(suite: &Suite) -> Result<(), Stop> {
    let (book, names) = (&suite.book, &suite.cloud.names);
    let (role, missing, no_policy) = (names.role(), names.missing_role(), names.missing_policy());
    let list = Ask::role("ListPoliciesForRole", &role);
    let attach = |role: &str, kind: &str, policy: &str| Ask::policy("AttachPolicyToRole", role, kind, policy);

    let before = suite.soon("attach-seen", &list, |it| holds(it, DTS.policy)).await?;
    let dts = attach(&role, "System", DTS.policy);
    suite.answers("attach-twice", &dts, &["EntityAlreadyExists.Role.Policy"]).await?;
    let after = suite.need(&list).await?;
    let is_same = after.body.get("Policies") == before.body.get("Policies");
    let seen = if is_same { "they are as they were" } else { "they have changed" };
    book.write("attach-twice-harmless", is_same, seen, after.request_id);

    let policy_missing = &["EntityNotExist.Policy"];
    suite.answers("attach-policy-missing", &attach(&role, "Custom", &no_policy), policy_missing).await?;
    let answer = suite.send(&attach(&role, "Custom", DTS.policy)).await?;
    // An account may have such a custom policy: then it is attached, beside the system one.
    book.judge("attach-type", answer.is_done() || answer.is("EntityNotExist.Policy"), &answer);
    let role_missing = &["EntityNotExist.Role"];
    suite.answers("attach-role-missing", &attach(&missing, "System", DTS.policy), role_missing).await?;
    suite.answers("attach-role-first", &attach(&missing, "Custom", &no_policy), role_missing).await?;
    suite.answers("list-missing", &Ask::role("ListPoliciesForRole", &missing), role_missing).await?;

    full(suite, &role, &list).await?;

    let gone = Ask::policy("DetachPolicyFromRole", &role, "Custom", &no_policy);
    let either = &["EntityNotExist.Role.Policy", "EntityNotExist.Policy"];
    suite.answers("detach-policy-missing", &gone, either).await?;
    let gone = Ask::policy("DetachPolicyFromRole", &missing, "System", DTS.policy);
    suite.answers("detach-role-missing", &gone, role_missing).await?;
    Ok(())
}

/// Fills the role, looks, and empties it again but for the policy of DTS.
async fn full(suite: &Suite, role: &str, list: &Ask) -> Result<(), Stop> {
    let (mut attached, mut refused) = (Vec::new(), None);
    for policy in READ_ONLY {
        let answer = suite.send(&Ask::policy("AttachPolicyToRole", role, "System", policy)).await?;
        if answer.is_done() {
            attached.push(policy);
        } else if !answer.is("EntityNotExist.Policy") {
            refused = Some(answer);
            break;
        }
        if attached.len() >= LIMIT {
            break;
        }
    }
    let book = &suite.book;
    let why = "the account has too few of the system policies that would be attached";
    match &refused {
        Some(answer) => {
            let is_full = answer.is("LimitExceeded.Role.Policy") && attached.len() + 1 == LIMIT;
            let seen = format!("{} with {} attached", answer.seen(), attached.len() + 1);
            book.write("attach-limit", is_full, seen, answer.request_id.clone());
            let dts = Ask::policy("AttachPolicyToRole", role, "System", DTS.policy);
            suite.answers("attach-twice-full", &dts, &["EntityAlreadyExists.Role.Policy"]).await?;
        }
        None if attached.len() >= LIMIT => {
            book.write("attach-limit", false, format!("{} are attached", attached.len() + 1), None);
            book.untried("attach-twice-full", "the role has room for more than 20");
        }
        None => ["attach-limit", "attach-twice-full"].iter().for_each(|id| book.untried(id, why)),
    }
    let (answer, _) = suite.until(list, |it| attached.iter().all(|policy| holds(it, policy))).await?;
    let is_paged = answer.body.get("IsTruncated").is_some_and(|told| told != &Value::Bool(false))
        || answer.text("/Marker").is_some_and(|marker| !marker.is_empty());
    let count = answer.items("/Policies/Policy").len();
    let is_whole = attached.iter().all(|policy| holds(&answer, policy)) && holds(&answer, DTS.policy);
    let seen = format!("{count} policies, {}", if is_paged { "and a marker" } else { "no marker" });
    book.write("list-unpaged", is_whole && !is_paged, seen, answer.request_id);
    empty(suite, role, list, &attached).await
}

async fn empty(suite: &Suite, role: &str, list: &Ask, attached: &[&str]) -> Result<(), Stop> {
    for policy in attached {
        suite.need(&Ask::policy("DetachPolicyFromRole", role, "System", policy)).await?;
    }
    suite.soon("detach-seen", list, |it| it.is_done() && !attached.iter().any(|policy| holds(it, policy))).await?;
    if let Some(policy) = attached.first() {
        let again = Ask::policy("DetachPolicyFromRole", role, "System", policy);
        suite.answers("detach-twice", &again, &["EntityNotExist.Role.Policy"]).await?;
    }
    Ok(())
}

pub(super) fn holds(list: &Answer, policy: &str) -> bool {
    let is_it = |told: &Value| told.get("PolicyName").and_then(Value::as_str) == Some(policy);
    let is_system = |told: &Value| told.get("PolicyType").and_then(Value::as_str) == Some("System");
    list.items("/Policies/Policy").iter().any(|told| is_it(told) && is_system(told))
}
