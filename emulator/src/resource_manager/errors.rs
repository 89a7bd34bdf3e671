//! The codes of Resource Manager. It writes `NotExists` where RAM writes `NotExist`.

use crate::wire::Failure;

pub(super) fn no_directory() -> Failure {
    Failure::new(404, "EntityNotExists.ResourceDirectory", "The resource directory for the account is not enabled.")
}

/// What `GetResourceDirectory` says instead.
pub(super) fn directory_not_in_use() -> Failure {
    Failure::new(
        404,
        "ResourceDirectoryNotInUse",
        "The specified account is not an Alibaba Cloud account or a member account of the resource directory.",
    )
}

pub(super) fn account_not_found() -> Failure {
    Failure::new(404, "EntityNotExists.Account", "The specified account does not exist in the resource directory.")
}

/// That other members are refused is documented, with which code is not.
pub(super) fn not_an_administrator() -> Failure {
    Failure::new(403, "NoPermission", "You are not authorized to do this action.")
}

pub(super) fn account_id_missing() -> Failure {
    Failure::new(400, "MissingParameter.AccountId", "You must specify AccountId.")
}

pub(super) fn account_id_invalid() -> Failure {
    Failure::new(400, "InvalidParameter.AccountId", "The AccountId is invalid.")
}

pub(super) fn folder_not_found() -> Failure {
    Failure::new(404, "EntityNotExists.Folder", "The resource directory folder does not exist.")
}

pub(super) fn folder_id_missing(name: &str) -> Failure {
    Failure::new(400, format!("MissingParameter.{name}"), format!("You must specify {name}."))
}
