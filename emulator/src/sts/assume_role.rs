//! `AssumeRole`: a temporary key of another role, possibly in another account.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::errors;
use crate::access;
use crate::auth::acs3::hex;
use crate::clock::iso;
use crate::policy::{Caller, Decision, Document, Trust};
use crate::wire::{Failure, Params, Reply};
use crate::world::{Identity, Key, Limit, RoleRecord, WorldState};

/// The parameters, checked as far as that needs no role.
struct Ask<'p> {
    account: &'p str,
    role: &'p str,
    session: &'p str,
    policy: Option<Document>,
    external_id: Option<&'p str>,
}

impl<'p> Ask<'p> {
    fn read(params: &'p Params) -> Result<Self, Failure> {
        let (account, role) = role_arn(params.required("RoleArn")?)?;
        let session = params.required("RoleSessionName")?;
        if !is_session_name(session) {
            return Err(errors::malformed("RoleSessionName"));
        }
        let external_id = params.optional("ExternalId");
        if external_id.is_some_and(|id| !(2..=1224).contains(&id.len())) {
            return Err(errors::malformed("ExternalId"));
        }
        Ok(Self { account, role, session, policy: policy(params)?, external_id })
    }
}

/// `acs:ram::<account>:role/<name>`
fn role_arn(arn: &str) -> Result<(&str, &str), Failure> {
    let parts = arn.strip_prefix("acs:ram::").and_then(|rest| rest.split_once(":role/"));
    parts.filter(|(account, role)| !account.is_empty() && !role.is_empty()).ok_or_else(|| errors::malformed("RoleArn"))
}

fn is_session_name(name: &str) -> bool {
    (2..=64).contains(&name.len())
        && name.chars().all(|letter| letter.is_ascii_alphanumeric() || ".@-_".contains(letter))
}

fn policy(params: &Params) -> Result<Option<Document>, Failure> {
    let Some(text) = params.optional("Policy") else {
        return Ok(None);
    };
    let fits = (1..=2048).contains(&text.chars().count());
    Document::parse(text).filter(|_| fits).map(Some).ok_or_else(errors::policy_grammar)
}

pub(super) fn call(world: &mut WorldState, caller: &Key, params: &Params, now: Timestamp) -> Reply {
    if !world.assume_role_rate.admits(&caller.account, now) {
        return Err(errors::throttled());
    }
    let ask = Ask::read(params)?;
    check_permission(world, caller, &ask)?;
    access::require_active(world, ask.account)?;
    let role = world.role(ask.account, ask.role).cloned().ok_or_else(errors::role_not_found)?;
    check_trust(&role, caller, &ask)?;
    let expires = now.saturating_add(SignedDuration::from_secs(duration(params, &role)?)).unwrap_or(Timestamp::MAX);
    let key = new_key(world, &ask, &role, expires);
    let reply = told(&key, &ask, &role);
    world.issue(key);
    Ok(reply)
}

fn check_permission(world: &WorldState, caller: &Key, ask: &Ask) -> Result<(), Failure> {
    let resource = format!("acs:ram:*:{}:role/{}", ask.account, ask.role);
    let allowed = access::decision(world, caller, "sts:AssumeRole", &resource) == Decision::Allow;
    if allowed && caller.identity != Identity::Root { Ok(()) } else { Err(errors::not_authorized()) }
}

fn check_trust(role: &RoleRecord, caller: &Key, ask: &Ask) -> Result<(), Failure> {
    let path = match &caller.identity {
        Identity::Role { role, .. } => format!("role/{role}"),
        Identity::User { name, .. } => format!("user/{name}"),
        Identity::Root => String::new(),
    };
    let who = Caller { account: &caller.account, path, external_id: ask.external_id };
    let trusted = Trust::parse(&role.trust).is_some_and(|trust| trust.admits(&who));
    if trusted { Ok(()) } else { Err(errors::not_trusted()) }
}

fn duration(params: &Params, role: &RoleRecord) -> Result<i64, Failure> {
    let seconds = params.number("DurationSeconds", 3600, 900..=role.max_session_duration);
    seconds.map(i64::from).map_err(|_| errors::duration())
}

fn new_key(world: &mut WorldState, ask: &Ask, role: &RoleRecord, expires: Timestamp) -> Key {
    let digest = Sha256::digest(world.next_id());
    let name = hex(&digest).to_uppercase();
    let identity =
        Identity::Role { role: role.name.clone(), role_id: role.role_id.clone(), session: ask.session.to_owned() };
    let mut limits = vec![Limit::AttachedToRole];
    limits.extend(ask.policy.clone().map(Limit::Policy));
    Key {
        id: format!("STS.NU{}", name.get(..22).unwrap_or_default()),
        secret: hex(&Sha256::digest(format!("secret {name}"))),
        // With characters that must be encoded on the wire.
        token: Some(format!("CAIS+/{}==", STANDARD.encode(digest))),
        account: ask.account.to_owned(),
        identity,
        active: true,
        expires: Some(expires),
        limits,
    }
}

fn told(key: &Key, ask: &Ask, role: &RoleRecord) -> Value {
    json!({
        "AssumedRoleUser": {
            "AssumedRoleId": format!("{}:{}", role.role_id, ask.session),
            "Arn": format!("acs:ram::{}:role/{}/{}", ask.account, role.name.to_lowercase(), ask.session),
        },
        "Credentials": {
            "AccessKeyId": key.id,
            "AccessKeySecret": key.secret,
            "SecurityToken": key.token,
            "Expiration": key.expires.map(iso),
        },
    })
}
