//! Holds what an event asks for against what the settings allow.

use authorization::plan::PlanId;
use authorization::settings::{Mode, Scope};
use authorization::target::AccountId;

use super::{Allowed, Approved, Clear, Decision, Forget, Request, Wanted};

/// More accounts than this in one event are rejected.
pub const ACCOUNTS_LIMIT: usize = 100;

/// What an event asks for, before the settings had their say.
#[derive(Debug, Default)]
pub(super) struct Wish {
    pub(super) mode: Option<Mode>,
    pub(super) scope: Option<Scope>,
    pub(super) accounts: Option<Vec<AccountId>>,
    pub(super) plan_id: Option<PlanId>,
    pub(super) clear: Option<Forget>,
}

pub(super) fn too_many(accounts: usize) -> Option<String> {
    let reason = || format!("the event names {accounts} accounts: one event takes at most {ACCOUNTS_LIMIT}");
    (accounts > ACCOUNTS_LIMIT).then(reason)
}

/// Holds a wish against the settings.
pub(super) fn decide(wish: Result<Wish, String>, allowed: Allowed) -> Decision {
    let decided = wish.and_then(|wish| match wish.clear {
        Some(what) => forget(what, wish).map(Decision::Clear),
        None => allow(wish, allowed).map(Decision::Run),
    });
    decided.unwrap_or_else(Decision::Rejected)
}

fn forget(what: Forget, wish: Wish) -> Result<Clear, String> {
    let Wish { mode: None, scope: None, plan_id: None, accounts, .. } = wish else {
        return Err("beside `clear` there is `accounts`, and nothing else".to_owned());
    };
    let mut accounts = accounts.unwrap_or_default();
    accounts.dedup();
    match <[AccountId; 1]>::try_from(accounts) {
        Ok([account]) => Ok(Clear { account, what }),
        Err(_) => Err("`clear` is about exactly one account: name that one in `accounts`".to_owned()),
    }
}

fn allow(wish: Wish, allowed: Allowed) -> Result<Request, String> {
    let mode = within(wish.mode, allowed.mode, "mode")?;
    let scope = within(wish.scope, allowed.scope, "scope")?;
    let accounts = wish.accounts.map(distinct).transpose()?;
    if wish.plan_id.is_some() {
        approvable(mode, wish.scope, accounts.as_deref())?;
    }
    // A plan belongs to one account: the own one, where none is named.
    let scope = if wish.plan_id.is_some() && accounts.is_none() { Scope::Account } else { scope };
    let approved = wish.plan_id.map_or(Approved::Nothing, Approved::Plan);
    Ok(Request { mode, scope, wanted: accounts.map_or(Wanted::All, Wanted::Accounts), approved })
}

fn within<T: Ord + Copy + std::fmt::Display>(wish: Option<T>, allowed: T, what: &str) -> Result<T, String> {
    match wish {
        Some(wish) if wish > allowed => Err(format!(
            "`{what}` `{wish}` is wider than the settings allow (`{allowed}`): an event may only narrow it"
        )),
        wish => Ok(wish.unwrap_or(allowed)),
    }
}

fn distinct(mut accounts: Vec<AccountId>) -> Result<Vec<AccountId>, String> {
    accounts.sort_unstable();
    accounts.dedup();
    if accounts.is_empty() {
        return Err("`accounts` is empty: leave it out for the settings' scope, or name at least one".to_owned());
    }
    too_many(accounts.len()).map_or(Ok(accounts), Err)
}

fn approvable(mode: Mode, scope: Option<Scope>, accounts: Option<&[AccountId]>) -> Result<(), String> {
    let several = accounts.is_some_and(|accounts| accounts.len() != 1);
    if several || (accounts.is_none() && scope == Some(Scope::Organization)) {
        return Err("a `planId` belongs to exactly one account: name that one in `accounts`, or none".to_owned());
    }
    if !mode.writes() {
        return Err(format!("a `planId` is carried out in mode `remediate`, and this event is for mode `{mode}`"));
    }
    Ok(())
}
