//! Does the role exist?

use serde_json::json;

use crate::target::ROLE_NAME;
use crate::verify::{Finding, FindingId};

pub(in crate::verify) fn role_missing() -> Finding {
    let message = format!("the role `{ROLE_NAME}` does not exist");
    Finding::new(FindingId::RoleMissing, message, json!({"roleName": ROLE_NAME}))
}
