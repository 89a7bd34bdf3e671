//! `GetPolicy`, `GetPolicyVersion`, `CreatePolicy`, `DeletePolicy`.

use serde_json::{Value, json};

use super::errors;
use super::names::{description, policy_name, policy_type};
use super::view::{Change, View};
use crate::clock::iso;
use crate::policy::Document;
use crate::wire::{Params, Reply};
use crate::world::{Account, CustomPolicy, Policy, PolicyType, is_system_policy};

pub(super) fn get(view: &View, params: &Params) -> Reply {
    let (policy_type, name) = (policy_type(params)?, policy_name(params)?);
    let policy = view.account.policy(policy_type, name).ok_or_else(errors::policy_not_found)?;
    let told = json!({
        "PolicyName": name,
        "PolicyType": policy_type.to_string(),
        "Description": policy.description,
        "DefaultVersion": policy.version,
        "CreateDate": policy.created,
        "UpdateDate": policy.updated,
        "AttachmentCount": attachments(view.account, policy_type, name),
    });
    Ok(json!({ "Policy": told, "DefaultPolicyVersion": default_version(&policy) }))
}

fn default_version(policy: &Policy) -> Value {
    json!({ "VersionId": policy.version, "IsDefaultVersion": true, "CreateDate": policy.updated, "PolicyDocument": policy.document })
}

fn attachments(account: &Account, policy_type: PolicyType, name: &str) -> usize {
    account.roles.values().filter(|role| role.has_policy(policy_type, name)).count()
}

pub(super) fn version(view: &View, params: &Params) -> Reply {
    let (policy_type, name, version) = (policy_type(params)?, policy_name(params)?, params.required("VersionId")?);
    let policy = view.account.policy(policy_type, name).ok_or_else(errors::policy_not_found)?;
    if policy.version != version {
        return Err(errors::version_not_found());
    }
    Ok(json!({ "PolicyVersion": default_version(&policy) }))
}

pub(super) fn create(change: &mut Change, params: &Params) -> Reply {
    let (name, document) = (policy_name(params)?, params.required("PolicyDocument")?);
    let description = description(params, "Description")?.unwrap_or_default();
    if Document::parse(document).is_none() {
        return Err(errors::malformed_document());
    }
    if change.account.policies.contains_key(name) || is_system_policy(name) {
        return Err(errors::policy_exists());
    }
    let mut policy = CustomPolicy::new(name, document, change.now);
    description.clone_into(&mut policy.description);
    change.account.policies.insert(name.to_owned(), policy);
    let told = json!({
        "PolicyName": name,
        "PolicyType": "Custom",
        "Description": description,
        "DefaultVersion": "v1",
        "CreateDate": iso(change.now),
    });
    Ok(json!({ "Policy": told }))
}

pub(super) fn delete(change: &mut Change, params: &Params) -> Reply {
    let name = policy_name(params)?;
    if !change.account.policies.contains_key(name) {
        return Err(errors::policy_not_found());
    }
    if attachments(change.account, PolicyType::Custom, name) > 0 {
        return Err(errors::policy_is_attached());
    }
    change.account.policies.remove(name);
    Ok(json!({}))
}
