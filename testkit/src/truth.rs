//! What is true of a role, read from the emulator's state with nothing of the product.

use std::collections::BTreeSet;

use emulator::{DTS_POLICY, PolicyType, RoleSnapshot};
use serde_json::Value;

/// DTS may assume it, and it holds the vendor's policy.
pub fn authorized(role: Option<&RoleSnapshot>) -> bool {
    role.is_some_and(|role| {
        role.trust.contains("\"dts.aliyuncs.com\"") && role.has_policy(PolicyType::System, DTS_POLICY)
    })
}

/// Everything that the role had, it has; the trust policy aside, which a recreation replaces.
pub fn kept(before: Option<&RoleSnapshot>, now: Option<&RoleSnapshot>) -> bool {
    let (Some(before), Some(now)) = (before, now) else { return before.is_none() };
    let tags = before.tags.iter().all(|(key, value)| now.tags.get(key) == Some(value));
    policies(before).is_subset(&policies(now)) && settings(before) == settings(now) && tags
}

/// Each statement of its trust policy, it has.
pub fn kept_statements(before: Option<&RoleSnapshot>, now: Option<&RoleSnapshot>) -> bool {
    let (Some(before), Some(now)) = (before, now) else { return before.is_none() };
    let now = statements(&now.trust);
    statements(&before.trust).iter().all(|statement| now.contains(statement))
}

/// Nothing at all has changed.
pub fn unchanged(before: Option<&RoleSnapshot>, now: Option<&RoleSnapshot>) -> bool {
    match (before, now) {
        (None, None) => true,
        (Some(before), Some(now)) => {
            (&before.role_id, &before.trust, &before.tags) == (&now.role_id, &now.trust, &now.tags)
                && policies(before) == policies(now)
                && settings(before) == settings(now)
        }
        _ => false,
    }
}

pub fn policies(role: &RoleSnapshot) -> BTreeSet<(String, String)> {
    role.policies.iter().map(|policy| (policy.policy_type.to_string(), policy.name.clone())).collect()
}

fn settings(role: &RoleSnapshot) -> (&str, u32, Option<bool>) {
    (&role.description, role.max_session_duration, role.console_login)
}

fn statements(trust: &str) -> Vec<Value> {
    let document: Value = serde_json::from_str(trust).unwrap_or_default();
    document["Statement"].as_array().cloned().unwrap_or_default()
}
