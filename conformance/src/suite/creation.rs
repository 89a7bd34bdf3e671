//! A role is made, and made again while it is there.

use authorization::baseline::DTS;
use serde_json::Value;

use super::{DESCRIPTION, SESSION_SECONDS, Suite};
use crate::Stop;
use crate::cloud::{Answer, Ask};

/// A trust policy that differs from the vendor's, and opens the role to nobody: DTS would have to give a word that nobody knows.
pub(super) const OTHER_TRUST: &str = r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["dts.aliyuncs.com"]},"Condition":{"StringEquals":{"sts:ExternalId":"conformance"}}}],"Version":"1"}"#;

pub(super) async fn run(suite: &Suite) -> Result<(), Stop> {
    let (book, name) = (&suite.book, suite.cloud.names.role());
    let get = Ask::role("GetRole", &name);
    suite
        .answers("role-missing", &Ask::role("GetRole", &suite.cloud.names.missing_role()), &["EntityNotExist.Role"])
        .await?;

    let made = suite.create(&suite.creation()).await?;
    let Some(id) = suite.scratch.id(&name) else { return Err(Stop::answered("CreateRole", &made)) };
    let is_whole = made.text("/Role/RoleName").is_some_and(|told| told.eq_ignore_ascii_case(&name))
        && made.text("/Role/Arn").is_some()
        && made.text("/Role/AssumeRolePolicyDocument").is_some();
    book.write("create-reply", is_whole, told_fields(&made), made.request_id.clone());

    // At once, as a repair does it.
    let attach = Ask::policy("AttachPolicyToRole", &name, "System", DTS.policy);
    suite.soon("attach-new-role", &attach, |it| it.is_done() || it.is("EntityAlreadyExists.Role.Policy")).await?;
    let role = suite.soon("create-seen", &get, |it| it.text("/Role/RoleId") == Some(id.as_str())).await?;
    settings(suite, &role, &name);

    let other_letters = name.to_uppercase();
    let answer = suite.send(&Ask::role("GetRole", &other_letters)).await?;
    book.judge("name-case-read", answer.text("/Role/RoleId") == Some(id.as_str()), &answer);
    // If that makes a role, it is one of ours and removed at the end.
    let answer = suite.create(&suite.creation().with("RoleName", &other_letters)).await?;
    book.judge("name-case-create", !answer.is_done(), &answer);

    again(suite, &role).await
}

fn told_fields(answer: &Answer) -> String {
    let told = ["RoleId", "RoleName", "Arn", "AssumeRolePolicyDocument"];
    let is_told = |field: &&str| answer.body.pointer(&format!("/Role/{field}")).is_some_and(Value::is_string);
    told.into_iter().filter(is_told).collect::<Vec<_>>().join(", ")
}

/// What `GetRole` tells of the new role.
fn settings(suite: &Suite, role: &Answer, name: &str) {
    let book = &suite.book;
    let id = role.request_id.clone();
    let is_trust = role.text("/Role/AssumeRolePolicyDocument").is_some_and(|told| is_same_json(told, DTS.trust));
    book.write("create-trust", is_trust, if is_trust { "the same" } else { "another text" }, id.clone());
    let seconds = role.body.pointer("/Role/MaxSessionDuration").and_then(Value::as_u64);
    let is_kept = role.text("/Role/Description") == Some(DESCRIPTION) && seconds == Some(SESSION_SECONDS.into());
    book.write("create-settings", is_kept, if is_kept { "the same" } else { "others" }, id.clone());
    let console = role.body.pointer("/Role/AllowConsoleLogin");
    let seen = console.map_or_else(|| "absent".to_owned(), ToString::to_string);
    book.write("create-console", console == Some(&Value::Bool(true)), seen, id.clone());
    let linked = role.body.pointer("/Role/IsServiceLinkedRole");
    let is_ordinary = linked.is_none_or(|linked| linked.is_null() || linked == &Value::Bool(false));
    book.write(
        "ordinary-role",
        is_ordinary,
        linked.map_or_else(|| "absent".to_owned(), ToString::to_string),
        id.clone(),
    );
    let arn = format!("acs:ram::{}:role/{name}", suite.caller.account_id);
    let told = role.text("/Role/Arn").unwrap_or_default();
    let seen = authorization::text::sanitized(told);
    book.write("arn", told.eq_ignore_ascii_case(&arn), format!("`{seen}`"), id);
}

/// `CreateRole` while the role is there: what a rehearsal sends, and what it relies on.
async fn again(suite: &Suite, before: &Answer) -> Result<(), Stop> {
    let (book, get) = (&suite.book, Ask::role("GetRole", &suite.cloud.names.role()));
    // It asks for other settings, so that it would be seen if they were taken over.
    let other = suite.creation().with("Description", "another description").with("MaxSessionDuration", 3600);
    let other = other.with("AssumeRolePolicyDocument", OTHER_TRUST);
    let answer = suite.create(&other).await?;
    book.judge("create-twice", answer.is("EntityAlreadyExists.Role"), &answer);
    let after = suite.need(&get).await?;
    let is_same = after.body.get("Role") == before.body.get("Role");
    let seen = if is_same { "the role is as it was" } else { "the role has changed" };
    book.write("create-twice-harmless", is_same, seen, after.request_id);
    let malformed = suite.creation().with("AssumeRolePolicyDocument", r#"{"Version":"1"}"#);
    let answer = suite.create(&malformed).await?;
    book.judge("create-checks-first", answer.is("MalformedPolicyDocument"), &answer);
    Ok(())
}

/// White space and the order of keys do not matter.
pub(super) fn is_same_json(one: &str, other: &str) -> bool {
    let parse = |text: &str| serde_json::from_str::<Value>(text).ok();
    parse(one).is_some_and(|one| Some(one) == parse(other))
}
