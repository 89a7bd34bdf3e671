//! Access control: may this caller do this action on these resources?

use serde_json::{Value, json};

use crate::policy::{Decision, Document, decide};
use crate::wire::Failure;
use crate::world::{Identity, Key, Limit, WorldState};

/// # Errors
/// `NoPermission` unless every resource is allowed.
pub(crate) fn require(world: &WorldState, caller: &Key, action: &str, resources: &[String]) -> Result<(), Failure> {
    for resource in resources {
        match decision(world, caller, action, resource) {
            Decision::Allow => {}
            Decision::ImplicitDeny => return Err(no_permission(caller, action, "ImplicitDeny")),
            Decision::ExplicitDeny => return Err(no_permission(caller, action, "ExplicitDeny")),
        }
    }
    Ok(())
}

/// # Errors
/// `Inactive` if the account is suspended.
pub(crate) fn require_active(world: &WorldState, account: &str) -> Result<(), Failure> {
    let suspended = world.account(account).is_some_and(|account| account.suspended);
    if suspended { Err(Failure::new(403, "Inactive", "The account is inactive.")) } else { Ok(()) }
}

/// Everything that limits the caller must allow; one explicit denial decides.
pub(crate) fn decision(world: &WorldState, caller: &Key, action: &str, resource: &str) -> Decision {
    let decisions: Vec<Decision> =
        caller.limits.iter().map(|limit| decide(&policies(world, caller, limit), action, resource)).collect();
    if decisions.contains(&Decision::ExplicitDeny) {
        Decision::ExplicitDeny
    } else if decisions.contains(&Decision::ImplicitDeny) {
        Decision::ImplicitDeny
    } else {
        Decision::Allow
    }
}

fn policies(world: &WorldState, caller: &Key, limit: &Limit) -> Vec<Document> {
    match (limit, &caller.identity) {
        (Limit::Policy(document), _) => vec![document.clone()],
        (Limit::AttachedToRole, Identity::Role { role, role_id, .. }) => {
            attached(world, &caller.account, role, role_id)
        }
        (Limit::AttachedToRole, _) => Vec::new(),
    }
}

/// A session outlives its role, but has no rights left.
fn attached(world: &WorldState, account: &str, role: &str, role_id: &str) -> Vec<Document> {
    let Some(account) = world.account(account) else {
        return Vec::new();
    };
    account.role(role).filter(|role| role.role_id == role_id).map(|role| account.allowed_to(role)).unwrap_or_default()
}

pub(crate) fn no_permission(caller: &Key, action: &str, kind: &str) -> Failure {
    denied("You are not authorized to do this action.", detail(caller, action, "AccountLevelIdentityBasedPolicy", kind))
}

pub(crate) fn denied_by_control_policy(caller: &Key, action: &str) -> Failure {
    let message = "You are not authorized to do this action. Denied by a control policy of the resource directory.";
    denied(message, detail(caller, action, "ControlPolicy", "ExplicitDeny"))
}

fn denied(message: &str, detail: Value) -> Failure {
    Failure::new(403, "NoPermission", message).with_detail(detail)
}

fn detail(caller: &Key, action: &str, policy: &str, kind: &str) -> Value {
    let (principal, name) = match &caller.identity {
        Identity::Root => ("Account", caller.account.clone()),
        Identity::User { name, .. } => ("SubUser", name.clone()),
        Identity::Role { role, session, .. } => ("AssumedRoleUser", format!("{role}:{session}")),
    };
    json!({
        "AuthAction": action,
        "AuthPrincipalType": principal,
        "AuthPrincipalOwnerId": caller.account,
        "AuthPrincipalDisplayName": name,
        "PolicyType": policy,
        "NoPermissionType": kind,
        "EncodedDiagnosticMessage": "AQFakeEncodedDiagnosticMessage==",
    })
}

pub(crate) fn unknown_action() -> Failure {
    Failure::new(404, "InvalidAction.NotFound", "Specified api is not found, please check your url and method.")
}

pub(crate) fn unknown_version() -> Failure {
    Failure::new(400, "InvalidVersion", "Specified parameter Version is not valid.")
}
