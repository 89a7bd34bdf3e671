//! `GetCallerIdentity`; needs no permission (inferred), unless a test wants to know what if it did.

use serde_json::{Value, json};

use crate::access;
use crate::wire::Reply;
use crate::world::{Identity, Key, WorldState};

pub(super) fn call(world: &WorldState, caller: &Key) -> Reply {
    if world.identity_needs_permission {
        access::require(world, caller, "sts:GetCallerIdentity", &["*".to_owned()])?;
    }
    Ok(tell(caller))
}

fn tell(caller: &Key) -> Value {
    let account = &caller.account;
    match &caller.identity {
        Identity::Root => json!({
            "IdentityType": "Account",
            "AccountId": account,
            "PrincipalId": account,
            "UserId": account,
            "Arn": format!("acs:ram::{account}:root"),
        }),
        Identity::User { name, id } => json!({
            "IdentityType": "RAMUser",
            "AccountId": account,
            "PrincipalId": id,
            "UserId": id,
            "Arn": format!("acs:ram::{account}:user/{name}"),
        }),
        Identity::Role { role, role_id, session } => json!({
            "IdentityType": "AssumedRoleUser",
            "AccountId": account,
            "PrincipalId": format!("{role_id}:{session}"),
            "RoleId": role_id,
            "Arn": format!("acs:ram::{account}:assumed-role/{role}/{session}"),
        }),
    }
}
