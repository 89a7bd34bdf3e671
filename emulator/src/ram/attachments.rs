//! `ListPoliciesForRole`, `AttachPolicyToRole`, `DetachPolicyFromRole`, `ListEntitiesForPolicy`.

use serde_json::{Value, json};

use super::errors;
use super::names::{policy_name, policy_type, role_name};
use super::roles::arn;
use super::view::{Change, View};
use crate::clock::iso;
use crate::wire::{Failure, Params, Reply};
use crate::world::{Account, Attachment, PolicyType, RoleRecord};

/// Unpaged, as the real one.
pub(super) fn list(view: &View, params: &Params) -> Reply {
    let name = role_name(params)?;
    let role = view.account.role(name).ok_or_else(|| errors::role_not_found(name))?;
    let policies: Vec<Value> = role.policies.iter().map(|attached| attachment(view.account, attached)).collect();
    Ok(json!({ "Policies": { "Policy": policies } }))
}

fn attachment(account: &Account, attached: &Attachment) -> Value {
    let policy = account.policy(attached.policy_type, &attached.name);
    json!({
        "PolicyName": attached.name,
        "PolicyType": attached.policy_type.to_string(),
        "DefaultVersion": policy.as_ref().map_or("v1", |policy| policy.version),
        "Description": policy.map(|policy| policy.description).unwrap_or_default(),
        "AttachDate": iso(attached.date),
    })
}

pub(super) fn attach(change: &mut Change, params: &Params) -> Reply {
    let (name, policy_type, policy) = (role_name(params)?, policy_type(params)?, policy_name(params)?);
    let role = change.account.role(name).ok_or_else(|| errors::role_not_found(name))?;
    if change.account.policy(policy_type, policy).is_none() {
        return Err(errors::policy_not_found());
    }
    if role.has_policy(policy_type, policy) {
        return Err(errors::already_attached());
    }
    check_limit(change.account, role, policy_type)?;
    let attached = Attachment::new(policy_type, policy, change.now);
    change.account.role_mut(name).into_iter().for_each(|role| role.attach(attached.clone()));
    Ok(json!({}))
}

fn check_limit(account: &Account, role: &RoleRecord, policy_type: PolicyType) -> Result<(), Failure> {
    let limit = match policy_type {
        PolicyType::System => account.limits.system_policies,
        PolicyType::Custom => account.limits.custom_policies,
    };
    let count = role.policies.iter().filter(|attached| attached.policy_type == policy_type).count();
    if count < limit { Ok(()) } else { Err(errors::too_many_policies()) }
}

pub(super) fn detach(change: &mut Change, params: &Params) -> Reply {
    let (name, policy_type, policy) = (role_name(params)?, policy_type(params)?, policy_name(params)?);
    let role = change.account.role_mut(name).ok_or_else(|| errors::role_not_found(name))?;
    if !role.has_policy(policy_type, policy) {
        return Err(errors::not_attached());
    }
    role.policies.retain(|attached| !attached.is(policy_type, policy));
    Ok(json!({}))
}

/// There are no users and groups with policies here, so only roles are told.
pub(super) fn entities(view: &View, params: &Params) -> Reply {
    let (policy_type, policy) = (policy_type(params)?, policy_name(params)?);
    view.account.policy(policy_type, policy).ok_or_else(errors::policy_not_found)?;
    let attached = |role: &RoleRecord| {
        role.policies.iter().find(|attached| attached.is(policy_type, policy)).map(|found| found.date)
    };
    let roles: Vec<Value> =
        view.account.roles.values().filter_map(|role| attached(role).map(|date| entity(view.id, role, date))).collect();
    Ok(json!({ "Groups": { "Group": [] }, "Users": { "User": [] }, "Roles": { "Role": roles } }))
}

fn entity(account: &str, role: &RoleRecord, date: jiff::Timestamp) -> Value {
    json!({
        "RoleId": role.role_id,
        "RoleName": role.name,
        "Arn": arn(account, role),
        "Description": role.description,
        "AttachDate": iso(date),
    })
}
