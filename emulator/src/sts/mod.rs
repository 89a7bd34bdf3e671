//! STS, version 2015-04-01.

mod assume_role;
mod caller_identity;
mod errors;

use jiff::Timestamp;

use crate::access;
use crate::wire::{Params, Reply};
use crate::world::{Key, WorldState};

pub(crate) const VERSION: &str = "2015-04-01";

pub(crate) const NAMES: [&str; 2] = ["GetCallerIdentity", "AssumeRole"];

pub(crate) fn call(world: &mut WorldState, caller: &Key, action: &str, params: &Params, now: Timestamp) -> Reply {
    match action {
        "GetCallerIdentity" => caller_identity::call(world, caller),
        "AssumeRole" => assume_role::call(world, caller, params, now),
        _ => Err(access::unknown_action()),
    }
}
