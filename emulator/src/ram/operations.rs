//! The operations of RAM: their names, what they need permission for, and whether they write.

use jiff::Timestamp;

use super::names::{policy_name, policy_resource, policy_type, role_name, role_resource};
use super::view::{Change, View};
use super::{attachments, policies, roles, tags};
use crate::access;
use crate::wire::{Failure, Params, Reply};
use crate::world::{Account, Key, PolicyType, WorldState};

pub(crate) const VERSION: &str = "2015-05-01";

type Resources = fn(&str, &Params) -> Result<Vec<String>, Failure>;

enum Run {
    Read(fn(&View, &Params) -> Reply),
    Write(fn(&mut Change, &Params) -> Reply),
}

struct Operation {
    name: &'static str,
    resources: Resources,
    run: Run,
}

const OPERATIONS: &[Operation] = &[
    read("GetRole", one_role, roles::get),
    read("ListRoles", every_role, roles::list),
    write("CreateRole", one_role, roles::create),
    write("UpdateRole", one_role, roles::update),
    write("DeleteRole", one_role, roles::delete),
    read("ListPoliciesForRole", one_role, attachments::list),
    write("AttachPolicyToRole", role_and_policy, attachments::attach),
    write("DetachPolicyFromRole", role_and_policy, attachments::detach),
    read("ListEntitiesForPolicy", one_policy, attachments::entities),
    read("GetPolicy", one_policy, policies::get),
    read("GetPolicyVersion", one_policy, policies::version),
    write("CreatePolicy", custom_policy, policies::create),
    write("DeletePolicy", custom_policy, policies::delete),
    write("TagResources", tags::resources, tags::tag),
    write("UntagResources", tags::resources, tags::untag),
    read("ListTagResources", tags::resources, tags::list),
];

const fn read(name: &'static str, resources: Resources, run: fn(&View, &Params) -> Reply) -> Operation {
    Operation { name, resources, run: Run::Read(run) }
}

const fn write(name: &'static str, resources: Resources, run: fn(&mut Change, &Params) -> Reply) -> Operation {
    Operation { name, resources, run: Run::Write(run) }
}

fn find(action: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == action)
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    OPERATIONS.iter().map(|operation| operation.name)
}

pub(crate) fn is_read(action: &str) -> bool {
    find(action).is_some_and(|operation| matches!(operation.run, Run::Read(_)))
}

pub(crate) fn is_write(action: &str) -> bool {
    find(action).is_some_and(|operation| matches!(operation.run, Run::Write(_)))
}

/// Runs an operation in the caller's account. `stale` is how many writes a read lags behind.
pub(crate) fn call(
    world: &mut WorldState,
    caller: &Key,
    action: &str,
    params: &Params,
    stale: usize,
    now: Timestamp,
) -> Reply {
    let Some(operation) = find(action) else {
        return Err(access::unknown_action());
    };
    let id = caller.account.as_str();
    let resources = (operation.resources)(id, params)?;
    access::require(world, caller, &format!("ram:{action}"), &resources)?;
    match operation.run {
        Run::Read(run) => {
            let empty = Account::default();
            let account = world.stale_account(id, stale).unwrap_or(&empty);
            run(&View { id, account }, params)
        }
        Run::Write(run) => {
            let new_id = world.next_id();
            world.change(id, |account| run(&mut Change { id, account, new_id, now }, params))
        }
    }
}

/// Documented, but for `CreateRole`: one page of the vendor has the role there, an older one `role/*`.
fn one_role(account: &str, params: &Params) -> Result<Vec<String>, Failure> {
    Ok(vec![role_resource(account, role_name(params)?)])
}

#[expect(clippy::unnecessary_wraps, reason = "has the type of its neighbours")]
fn every_role(account: &str, _: &Params) -> Result<Vec<String>, Failure> {
    Ok(vec![role_resource(account, "*")])
}

fn one_policy(account: &str, params: &Params) -> Result<Vec<String>, Failure> {
    Ok(vec![policy_resource(account, policy_type(params)?, policy_name(params)?)])
}

fn custom_policy(account: &str, params: &Params) -> Result<Vec<String>, Failure> {
    Ok(vec![policy_resource(account, PolicyType::Custom, policy_name(params)?)])
}

/// The two are documented; that both must be allowed, and that denying one of them is enough, is inferred.
fn role_and_policy(account: &str, params: &Params) -> Result<Vec<String>, Failure> {
    let policy = policy_resource(account, policy_type(params)?, policy_name(params)?);
    Ok(vec![role_resource(account, role_name(params)?), policy])
}
