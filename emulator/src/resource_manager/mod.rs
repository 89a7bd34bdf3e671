//! Resource Manager, version 2020-03-31: the reads of a resource directory.

mod accounts;
mod directory;
mod errors;
mod folders;

use crate::access;
use crate::wire::{Params, Reply};
use crate::world::{Key, WorldState};

pub(crate) const VERSION: &str = "2020-03-31";

pub(crate) const NAMES: [&str; 6] = [
    "ListAccounts",
    "GetAccount",
    "GetResourceDirectory",
    "GetFolder",
    "ListFoldersForParent",
    "ListAccountsForParent",
];

pub(crate) fn call(world: &WorldState, caller: &Key, action: &str, params: &Params) -> Reply {
    match action {
        "ListAccounts" => accounts::list(world, caller, params),
        "GetAccount" => accounts::get(world, caller, params),
        "GetResourceDirectory" => directory::get(world, caller),
        "GetFolder" => folders::get(world, caller, params),
        "ListFoldersForParent" => folders::list(world, caller, params),
        "ListAccountsForParent" => accounts::list_for_parent(world, caller, params),
        _ => Err(access::unknown_action()),
    }
}
