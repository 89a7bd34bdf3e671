//! What names and texts may look like, and the names of resources in policies.

use super::errors::{invalid, invalid_characters, invalid_length, malformed_document};
use crate::policy::Trust;
use crate::wire::{Failure, Params};
use crate::world::PolicyType;

/// The vendor's limit is not published; this much is assumed to be safe.
const TRUST_LENGTH: usize = 2048;

pub(super) fn role_name(params: &Params) -> Result<&str, Failure> {
    checked_name(params, "RoleName", 64, ".-")
}

pub(super) fn policy_name(params: &Params) -> Result<&str, Failure> {
    checked_name(params, "PolicyName", 128, "-")
}

fn checked_name<'p>(
    params: &'p Params,
    parameter: &str,
    longest: usize,
    punctuation: &str,
) -> Result<&'p str, Failure> {
    let name = params.required(parameter)?;
    if !name.chars().all(|letter| letter.is_ascii_alphanumeric() || punctuation.contains(letter)) {
        return Err(invalid_characters(parameter));
    }
    if name.len() > longest { Err(invalid_length(parameter)) } else { Ok(name) }
}

pub(super) fn policy_type(params: &Params) -> Result<PolicyType, Failure> {
    PolicyType::parse(params.required("PolicyType")?).ok_or_else(|| invalid("PolicyType"))
}

pub(super) fn description<'p>(params: &'p Params, parameter: &str) -> Result<Option<&'p str>, Failure> {
    let text = params.optional(parameter);
    if text.is_some_and(|text| text.chars().count() > 1024) { Err(invalid_length("Description")) } else { Ok(text) }
}

/// Checks length and grammar of a trust policy.
pub(super) fn trust<'p>(document: &'p str, parameter: &str) -> Result<&'p str, Failure> {
    if document.chars().count() > TRUST_LENGTH {
        return Err(invalid_length(parameter));
    }
    if Trust::parse(document).is_some() { Ok(document) } else { Err(malformed_document()) }
}

pub(super) fn role_resource(account: &str, role: &str) -> String {
    format!("acs:ram:*:{account}:role/{role}")
}

pub(super) fn policy_resource(account: &str, policy_type: PolicyType, policy: &str) -> String {
    let owner = if policy_type == PolicyType::System { "system" } else { account };
    format!("acs:ram:*:{owner}:policy/{policy}")
}
