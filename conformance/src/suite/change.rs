//! The trust policy of the role is changed in place.

use authorization::baseline::DTS;
use serde_json::Value;

use super::creation::{OTHER_TRUST, is_same_json};
use super::{DESCRIPTION, SESSION_SECONDS, Suite};
use crate::Stop;
use crate::cloud::{Answer, Ask};

/// What the vendor's pages give no number for, and what the guard takes to be safe.
const LONG: usize = 2048;

pub(super) async fn run(suite: &Suite) -> Result<(), Stop> {
    let (book, name) = (&suite.book, suite.cloud.names.role());
    let get = Ask::role("GetRole", &name);
    let update = |trust: &str| Ask::role("UpdateRole", &name).with("NewAssumeRolePolicyDocument", trust);
    let has = |trust: &'static str| {
        move |role: &Answer| role.text("/Role/AssumeRolePolicyDocument").is_some_and(|told| is_same_json(told, trust))
    };

    suite.need(&update(OTHER_TRUST)).await?;
    let role = suite.soon("update-seen", &get, has(OTHER_TRUST)).await?;
    let field = |name: &str| role.body.pointer(&format!("/Role/{name}"));
    let is_kept = role.text("/Role/Description") == Some(DESCRIPTION)
        && field("MaxSessionDuration").and_then(Value::as_u64) == Some(SESSION_SECONDS.into())
        // An API that does not tell the flag says nothing about it.
        && field("AllowConsoleLogin").is_none_or(|flag| flag == &Value::Bool(true));
    let seen = if is_kept { "they are as they were" } else { "they have changed" };
    book.write("update-absent", is_kept, seen, role.request_id.clone());
    let is_same = role.text("/Role/RoleId").map(str::to_owned) == suite.scratch.id(&name);
    book.write("update-id", is_same, if is_same { "the same" } else { "another" }, role.request_id);

    let missing = Ask::role("UpdateRole", &suite.cloud.names.missing_role());
    let missing = missing.with("NewAssumeRolePolicyDocument", DTS.trust);
    suite.answers("update-missing", &missing, &["EntityNotExist.Role"]).await?;
    suite.answers("update-malformed", &update(r#"{"Version":"1"}"#), &["MalformedPolicyDocument"]).await?;
    let object = DTS.trust.replace("[{", "{").replace("}],\"V", "},\"V");
    suite.answers("statement-object", &update(&object), &["MalformedPolicyDocument"]).await?;
    let fill = "x".repeat(LONG.saturating_sub(OTHER_TRUST.chars().count()));
    let long = OTHER_TRUST.replace("conformance", &format!("conformance{fill}"));
    let answer = suite.send(&update(&long)).await?;
    book.judge("trust-length", answer.is_done(), &answer);
    suite.need(&update(DTS.trust)).await?;
    let (role, _) = suite.until(&get, has(DTS.trust)).await?;
    if has(DTS.trust)(&role) { Ok(()) } else { Err(Stop::answered("GetRole", &role)) }
}
