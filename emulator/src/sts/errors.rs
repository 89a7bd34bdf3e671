//! The codes of STS. Three causes share `NoPermission`, told apart by the message only.

use crate::wire::Failure;

pub(super) fn role_not_found() -> Failure {
    Failure::new(404, "EntityNotExist.Role", "The specified Role not exists .")
}

/// The caller is an account root, or lacks `sts:AssumeRole`.
pub(super) fn not_authorized() -> Failure {
    Failure::new(403, "NoPermission", "You are not authorized to do this action. You should be authorized by RAM.")
}

pub(super) fn not_trusted() -> Failure {
    let message = "No permission perform sts:AssumeRole on this Role. Maybe you are not authorized or the specified role does not trust you";
    Failure::new(403, "NoPermission", message)
}

pub(super) fn throttled() -> Failure {
    Failure::new(400, "Throttling.User", "Request was denied due to user flow control.")
}

pub(super) fn malformed(parameter: &str) -> Failure {
    Failure::new(400, format!("InvalidParameter.{parameter}"), format!("The parameter {parameter} is wrongly formed."))
}

pub(super) fn duration() -> Failure {
    Failure::new(400, "InvalidParameter.DurationSeconds", "The Min/Max value of DurationSeconds is 15min/1hr.")
}

pub(super) fn policy_grammar() -> Failure {
    Failure::new(400, "InvalidParameter.PolicyGrammar", "The parameter Policy has not passed grammar check.")
}
