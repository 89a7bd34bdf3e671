//! The directory itself: `GetResourceDirectory`, and who may look into it.

use serde_json::json;

use super::errors;
use crate::access;
use crate::wire::{Failure, Reply};
use crate::world::{Directory, Key, ROOT_FOLDER, Standing, WorldState};

pub(super) const DIRECTORY_ID: &str = "rd-000001";

/// Members may ask too: they learn whose directory they are in.
pub(super) fn get(world: &WorldState, caller: &Key) -> Reply {
    access::require(world, caller, "resourcemanager:GetResourceDirectory", &["*".to_owned()])?;
    let directory = world.directory().filter(|directory| directory.standing(&caller.account) != Standing::Outsider);
    let directory = directory.ok_or_else(errors::directory_not_in_use)?;
    let told = json!({
        "ResourceDirectoryId": DIRECTORY_ID,
        "RootFolderId": ROOT_FOLDER,
        "MasterAccountId": directory.management,
        "MasterAccountName": "example",
        "CreateTime": "2024-01-01T00:00:00Z",
        "ControlPolicyStatus": "Enabled",
        "MemberDeletionStatus": "Disabled",
        "IdentityInformation": "Example Ltd",
    });
    Ok(json!({ "ResourceDirectory": told }))
}

/// The directory, for those who may see its members.
pub(super) fn administered<'w>(world: &'w WorldState, caller: &Key) -> Result<&'w Directory, Failure> {
    let directory = world.directory().ok_or_else(errors::no_directory)?;
    match directory.standing(&caller.account) {
        Standing::Management | Standing::DelegatedAdministrator => Ok(directory),
        Standing::Member => Err(errors::not_an_administrator()),
        Standing::Outsider => Err(errors::no_directory()),
    }
}
