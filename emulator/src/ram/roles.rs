//! `GetRole`, `ListRoles`, `CreateRole`, `UpdateRole`, `DeleteRole`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};

use super::errors;
use super::names::{description, role_name, trust};
use super::tags;
use super::view::{Change, View};
use crate::clock::iso;
use crate::wire::{Failure, Params, Reply};
use crate::world::RoleRecord;

const SESSION_SECONDS: std::ops::RangeInclusive<u32> = 3600..=43200;

pub(super) fn get(view: &View, params: &Params) -> Reply {
    let name = role_name(params)?;
    let role = view.account.role(name).ok_or_else(|| errors::role_not_found(name))?;
    Ok(json!({ "Role": whole(view.id, role) }))
}

/// Pages by name; the marker is the last name of the page before.
pub(super) fn list(view: &View, params: &Params) -> Reply {
    let size = params.number("MaxItems", 100, 1..=1000)? as usize;
    let after = params.optional("Marker").filter(|marker| !marker.is_empty()).map(read_marker).transpose()?;
    let wanted = tags::pairs(params)?;
    let has_tags = |role: &&RoleRecord| wanted.iter().all(|(key, value)| role.tags.get(key) == Some(value));
    let is_after = |role: &&RoleRecord| after.as_ref().is_none_or(|after| role.name.to_lowercase() > *after);
    let mut rest: Vec<&RoleRecord> = view.account.roles.values().filter(is_after).filter(has_tags).collect();
    let truncated = rest.len() > size;
    rest.truncate(size);
    let roles: Vec<Value> = rest.iter().map(|role| summary(view.id, role)).collect();
    let mut reply = json!({ "IsTruncated": truncated, "Roles": { "Role": roles } });
    if let (true, Some(last), Some(fields)) = (truncated, rest.last(), reply.as_object_mut()) {
        fields.insert("Marker".to_owned(), URL_SAFE_NO_PAD.encode(last.name.to_lowercase()).into());
    }
    Ok(reply)
}

fn read_marker(marker: &str) -> Result<String, Failure> {
    let name = URL_SAFE_NO_PAD.decode(marker).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    name.ok_or_else(|| errors::invalid("Marker"))
}

pub(super) fn create(change: &mut Change, params: &Params) -> Reply {
    let role = new_role(change, params)?;
    if change.account.role(&role.name).is_some() {
        return Err(errors::role_exists());
    }
    if change.account.roles.len() >= change.account.limits.roles {
        return Err(errors::too_many_roles());
    }
    let mut told = whole(change.id, &role);
    told.as_object_mut().map(|fields| fields.remove("UpdateDate"));
    change.account.put(role);
    Ok(json!({ "Role": told }))
}

fn new_role(change: &Change, params: &Params) -> Result<RoleRecord, Failure> {
    let name = role_name(params)?;
    let document = trust(params.required("AssumeRolePolicyDocument")?, "AssumeRolePolicyDocument")?;
    let tags = tags::pairs(params)?;
    tags::check(&tags)?;
    Ok(RoleRecord {
        role_id: change.new_id.clone(),
        name: name.to_owned(),
        trust: document.to_owned(),
        description: description(params, "Description")?.unwrap_or_default().to_owned(),
        max_session_duration: params.number("MaxSessionDuration", 3600, SESSION_SECONDS)?,
        create_date: change.now,
        update_date: change.now,
        console_login: params.flag("AllowConsoleLogin")?,
        service_linked: false,
        tags: tags.into_iter().collect(),
        policies: Vec::new(),
    })
}

/// Parameters that are absent leave their field as it is.
pub(super) fn update(change: &mut Change, params: &Params) -> Reply {
    let name = role_name(params)?;
    let role = change.account.role_mut(name).ok_or_else(|| errors::role_not_found(name))?;
    if role.service_linked {
        return Err(errors::role_is_service_linked());
    }
    let mut updated = role.clone();
    if let Some(document) = params.optional("NewAssumeRolePolicyDocument") {
        trust(document, "NewAssumeRolePolicyDocument")?.clone_into(&mut updated.trust);
    }
    if let Some(text) = description(params, "NewDescription")? {
        text.clone_into(&mut updated.description);
    }
    updated.max_session_duration =
        params.number("NewMaxSessionDuration", role.max_session_duration, SESSION_SECONDS)?;
    updated.console_login = params.flag("NewAllowConsoleLogin")?.or(role.console_login);
    if updated != *role {
        updated.update_date = change.now;
        *role = updated;
    }
    Ok(json!({ "Role": whole(change.id, role) }))
}

pub(super) fn delete(change: &mut Change, params: &Params) -> Reply {
    let name = role_name(params)?;
    let role = change.account.role(name).ok_or_else(|| errors::role_not_found(name))?;
    if role.service_linked {
        return Err(errors::role_is_service_linked());
    }
    if !role.policies.is_empty() {
        return Err(errors::role_has_policies());
    }
    change.account.roles.remove(&name.to_lowercase());
    Ok(json!({}))
}

/// A role as `GetRole` tells it.
fn whole(account: &str, role: &RoleRecord) -> Value {
    let mut told = summary(account, role);
    if let Some(fields) = told.as_object_mut() {
        let principal = format!("{}@role.{account}.onaliyunservice.com", role.name);
        fields.insert("RolePrincipalName".to_owned(), principal.into());
        fields.insert("AssumeRolePolicyDocument".to_owned(), role.trust.clone().into());
        if let Some(allowed) = role.console_login {
            fields.insert("AllowConsoleLogin".to_owned(), allowed.into());
        }
        if role.service_linked {
            fields.insert("IsServiceLinkedRole".to_owned(), true.into());
            fields.insert("LatestDeletionTask".to_owned(), json!({}));
        }
    }
    told
}

/// A role as `ListRoles` tells it.
fn summary(account: &str, role: &RoleRecord) -> Value {
    json!({
        "RoleId": role.role_id,
        "RoleName": role.name,
        "Arn": arn(account, role),
        "Description": role.description,
        "MaxSessionDuration": role.max_session_duration,
        "CreateDate": iso(role.create_date),
        "UpdateDate": iso(role.update_date),
    })
}

/// In lower case, as the vendor's samples have it.
pub(super) fn arn(account: &str, role: &RoleRecord) -> String {
    format!("acs:ram::{account}:role/{}", role.name.to_lowercase())
}
