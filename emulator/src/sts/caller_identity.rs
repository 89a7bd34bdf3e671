//! `GetCallerIdentity`; needs no permission (inferred).

use serde_json::{Value, json};

use crate::world::{Identity, Key};

pub(super) fn tell(caller: &Key) -> Value {
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
