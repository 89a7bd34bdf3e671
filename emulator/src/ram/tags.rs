//! `TagResources`, `UntagResources`, `ListTagResources`, and the tags of `CreateRole` and `ListRoles`.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::errors;
use super::names::role_resource;
use super::view::{Change, View};
use crate::wire::{Failure, Params, Reply};
use crate::world::Account;

const PAIRS_A_CALL: usize = 20;
const NAMES_A_CALL: usize = 50;

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Role,
    Policy,
}

impl Kind {
    fn of(params: &Params) -> Result<Self, Failure> {
        match params.required("ResourceType")? {
            "role" => Ok(Self::Role),
            "policy" => Ok(Self::Policy),
            _ => Err(errors::invalid("ResourceType")),
        }
    }

    fn word(self) -> &'static str {
        if self == Self::Role { "role" } else { "policy" }
    }

    fn not_found(self, name: &str) -> Failure {
        if self == Self::Role { errors::role_not_found(name) } else { errors::policy_not_found() }
    }

    fn tags<'a>(self, account: &'a Account, name: &str) -> Option<&'a BTreeMap<String, String>> {
        match self {
            Self::Role => account.role(name).map(|role| &role.tags),
            Self::Policy => account.policies.get(name).map(|policy| &policy.tags),
        }
    }

    fn tags_mut<'a>(self, account: &'a mut Account, name: &str) -> Option<&'a mut BTreeMap<String, String>> {
        match self {
            Self::Role => account.role_mut(name).map(|role| &mut role.tags),
            Self::Policy => account.policies.get_mut(name).map(|policy| &mut policy.tags),
        }
    }

    fn names(self, account: &Account) -> Vec<String> {
        match self {
            Self::Role => account.roles.values().map(|role| role.name.clone()).collect(),
            Self::Policy => account.policies.keys().cloned().collect(),
        }
    }
}

/// What a tag operation needs permission for: each resource it names, or all of the type (inferred).
pub(super) fn resources(account: &str, params: &Params) -> Result<Vec<String>, Failure> {
    let kind = Kind::of(params)?;
    let mut names = texts(params, "ResourceNames")?;
    if names.is_empty() {
        names.push("*".to_owned());
    }
    let resource = |name: &String| match kind {
        Kind::Role => role_resource(account, name),
        Kind::Policy => format!("acs:ram:*:{account}:policy/{name}"),
    };
    Ok(names.iter().map(resource).collect())
}

/// Nothing is tagged unless every resource exists.
pub(super) fn tag(change: &mut Change, params: &Params) -> Reply {
    let (kind, names, tags) = (Kind::of(params)?, named(params)?, pairs(params)?);
    if tags.is_empty() {
        return Err(Failure::missing_parameter("Tag"));
    }
    check(&tags)?;
    all_exist(change.account, kind, &names)?;
    for name in &names {
        kind.tags_mut(change.account, name).into_iter().for_each(|own| own.extend(tags.clone()));
    }
    Ok(json!({}))
}

pub(super) fn untag(change: &mut Change, params: &Params) -> Reply {
    let (kind, names, keys) = (Kind::of(params)?, named(params)?, texts(params, "TagKeys")?);
    let all = keys.is_empty() && params.flag("All")?.unwrap_or(false);
    if keys.is_empty() && !all {
        return Err(Failure::missing_parameter("TagKeys"));
    }
    all_exist(change.account, kind, &names)?;
    for name in &names {
        kind.tags_mut(change.account, name)
            .into_iter()
            .for_each(|own| own.retain(|key, _| !all && !keys.contains(key)));
    }
    Ok(json!({}))
}

/// Pages over the tags, not over the resources; the token is the number of tags told so far.
pub(super) fn list(view: &View, params: &Params) -> Reply {
    let (kind, size) = (Kind::of(params)?, params.number("PageSize", 20, 1..=100)? as usize);
    let start = params.optional("NextToken").filter(|token| !token.is_empty()).map_or(Ok(0), read_token)?;
    let all = tag_resources(view.account, kind, params)?;
    let page: Vec<Value> = all.iter().skip(start).take(size).cloned().collect();
    let mut reply = json!({ "TagResources": page });
    if let (true, Some(fields)) = (start + size < all.len(), reply.as_object_mut()) {
        fields.insert("NextToken".to_owned(), format!("tags-{}", start + size).into());
    }
    Ok(reply)
}

fn read_token(token: &str) -> Result<usize, Failure> {
    token.strip_prefix("tags-").and_then(|number| number.parse().ok()).ok_or_else(|| errors::invalid("NextToken"))
}

/// Resources that do not exist have no tags.
fn tag_resources(account: &Account, kind: Kind, params: &Params) -> Result<Vec<Value>, Failure> {
    let (mut names, wanted) = (texts(params, "ResourceNames")?, wanted(params)?);
    if names.is_empty() {
        names = kind.names(account);
    }
    let entry = |name: &str, key: &str, value: &str| json!({ "ResourceType": kind.word(), "ResourceName": name, "TagKey": key, "TagValue": value });
    let is_wanted = |key: &str, value: &str| {
        wanted.is_empty() || wanted.iter().any(|(k, v)| k == key && v.as_ref().is_none_or(|v| v == value))
    };
    let tags = names
        .iter()
        .flat_map(|name| kind.tags(account, name).into_iter().flatten().map(move |(key, value)| (name, key, value)));
    Ok(tags.filter(|(_, key, value)| is_wanted(key, value)).map(|(name, key, value)| entry(name, key, value)).collect())
}

fn all_exist(account: &Account, kind: Kind, names: &[String]) -> Result<(), Failure> {
    names.iter().find(|name| kind.tags(account, name).is_none()).map_or(Ok(()), |name| Err(kind.not_found(name)))
}

fn named(params: &Params) -> Result<Vec<String>, Failure> {
    let names = texts(params, "ResourceNames")?;
    match names.len() {
        0 => Err(Failure::missing_parameter("ResourceNames")),
        1..=NAMES_A_CALL => Ok(names),
        _ => Err(errors::invalid_length("ResourceNames")),
    }
}

/// Keys that the cloud keeps for itself are refused.
pub(super) fn check(tags: &[(String, String)]) -> Result<(), Failure> {
    let reserved = |key: &str| key.starts_with("acs:") || key.starts_with("aliyun");
    if tags.len() > PAIRS_A_CALL {
        return Err(errors::invalid_length("Tag"));
    }
    for (key, value) in tags {
        if key.is_empty() || key.chars().count() > 128 || reserved(key) {
            return Err(errors::invalid("TagKey"));
        }
        if value.chars().count() > 256 {
            return Err(errors::invalid("TagValue"));
        }
    }
    Ok(())
}

/// The tags to set, or to have.
pub(super) fn pairs(params: &Params) -> Result<Vec<(String, String)>, Failure> {
    Ok(wanted(params)?.into_iter().map(|(key, value)| (key, value.unwrap_or_default())).collect())
}

/// `Tag=[{"Key":…,"Value":…}]` as one JSON text, or `Tag.1.Key=…&Tag.1.Value=…`.
pub(crate) fn wanted(params: &Params) -> Result<Vec<(String, Option<String>)>, Failure> {
    let Some(text) = params.optional("Tag") else {
        return Ok(indexed_pairs(params));
    };
    let value: Value = serde_json::from_str(text).map_err(|_| errors::invalid("Tag"))?;
    let field = |tag: &Value, name: &str| tag.get(name).and_then(Value::as_str).map(str::to_owned);
    let pair = |tag: &Value| Some((field(tag, "Key")?, field(tag, "Value")));
    value.as_array().and_then(|tags| tags.iter().map(pair).collect()).ok_or_else(|| errors::invalid("Tag"))
}

fn indexed_pairs(params: &Params) -> Vec<(String, Option<String>)> {
    let value = |field: &str, index: usize| params.optional(&format!("Tag.{index}.{field}")).map(str::to_owned);
    (1..).map_while(|index| value("Key", index).map(|key| (key, value("Value", index)))).collect()
}

/// `Name=["a","b"]` as one JSON text, or `Name.1=a&Name.2=b`.
fn texts(params: &Params, name: &str) -> Result<Vec<String>, Failure> {
    let Some(text) = params.optional(name).filter(|text| !text.is_empty()) else {
        return Ok((1..).map_while(|index| params.optional(&format!("{name}.{index}")).map(str::to_owned)).collect());
    };
    let value: Value = serde_json::from_str(text).map_err(|_| errors::invalid(name))?;
    let items = value.as_array().and_then(|items| items.iter().map(|item| item.as_str().map(str::to_owned)).collect());
    items.ok_or_else(|| errors::invalid(name))
}
