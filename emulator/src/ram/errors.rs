//! The codes of RAM, with the statuses that the vendor documents or that are assumed.

use crate::wire::Failure;

pub(super) fn role_not_found(name: &str) -> Failure {
    Failure::new(404, "EntityNotExist.Role", format!("The role not exists: {name} ."))
}

pub(super) fn role_exists() -> Failure {
    Failure::new(409, "EntityAlreadyExists.Role", "The role does already EXIST.")
}

pub(super) fn role_has_policies() -> Failure {
    Failure::new(409, "DeleteConflict.Role.Policy", "The role CAN NOT has any attached policy while deleting the role.")
}

/// The code is assumed; that the call is refused is documented.
pub(super) fn role_is_service_linked() -> Failure {
    Failure::new(
        409,
        "DeleteConflict.Role.ServiceLinkedRole",
        "A service-linked role CAN NOT be changed or deleted by this operation.",
    )
}

pub(super) fn too_many_roles() -> Failure {
    Failure::new(409, "LimitExceeded.Role", "The count of roles beyond the current limits.")
}

pub(super) fn too_many_policies() -> Failure {
    Failure::new(
        409,
        "LimitExceeded.Role.Policy",
        "The count of policies attached to the role beyond the current limits.",
    )
}

pub(super) fn policy_not_found() -> Failure {
    Failure::new(404, "EntityNotExist.Policy", "The policy does not exist.")
}

pub(super) fn version_not_found() -> Failure {
    Failure::new(404, "EntityNotExist.Policy.Version", "The policy version does not exist.")
}

pub(super) fn policy_exists() -> Failure {
    Failure::new(409, "EntityAlreadyExists.Policy", "The policy does already EXIST.")
}

/// The code is assumed after those for users and groups.
pub(super) fn policy_is_attached() -> Failure {
    Failure::new(
        409,
        "DeleteConflict.Policy.Role",
        "The policy CAN NOT been attached to any role while deleting the policy.",
    )
}

pub(super) fn already_attached() -> Failure {
    Failure::new(409, "EntityAlreadyExists.Role.Policy", "The role has already been attached this policy.")
}

pub(super) fn not_attached() -> Failure {
    Failure::new(404, "EntityNotExist.Role.Policy", "The policy attached to the role does not exist.")
}

pub(super) fn malformed_document() -> Failure {
    Failure::new(400, "MalformedPolicyDocument", "The policy format is invalid.")
}

pub(super) fn invalid(parameter: &str) -> Failure {
    Failure::new(400, format!("InvalidParameter.{parameter}"), format!("The parameter - \"{parameter}\" is invalid."))
}

pub(super) fn invalid_characters(parameter: &str) -> Failure {
    Failure::new(
        400,
        format!("InvalidParameter.{parameter}.InvalidChars"),
        format!("The parameter - \"{parameter}\" contains invalid chars."),
    )
}

pub(super) fn invalid_length(parameter: &str) -> Failure {
    Failure::new(
        400,
        format!("InvalidParameter.{parameter}.Length"),
        format!("The parameter - \"{parameter}\" beyond the length limit."),
    )
}
