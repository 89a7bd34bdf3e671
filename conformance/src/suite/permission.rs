//! Somebody without the permission tries: a session of a role that has no policy, and then one narrow one.

use std::sync::PoisonError;

use aliyun::credentials::Credentials;
use authorization::baseline::DTS;
use serde_json::{Value, json};

use super::policies::DENIED_POLICY;
use super::{Suite, sessions};
use crate::Stop;
use crate::cloud::{Answer, Ask, tags};

/// A tag that the part before has set.
const TAG: (&str, &str) = ("conformance-01", "数据 a+b=c");

pub(super) async fn run(suite: &Suite) -> Result<(), Stop> {
    let session = session_role(suite).await?;
    identity(suite, &session).await?;
    denied(suite, &session).await?;
    granted(suite, &session).await
}

/// Makes the role that only the caller may assume, and assumes it.
async fn session_role(suite: &Suite) -> Result<Credentials, Stop> {
    let Some(principal) = suite.caller.principal() else {
        return Err(Stop::Needed("the keys are those of the account's root, which cannot assume a role".to_owned()));
    };
    let name = suite.cloud.names.session_role();
    let trust = json!({ "Version": "1", "Statement": [
        { "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": { "RAM": [principal] } }
    ] });
    let create = Ask::role("CreateRole", &name).with("AssumeRolePolicyDocument", trust).with("Description", "");
    let made = suite.create(&create).await?;
    if !made.is_done() {
        return Err(Stop::answered("CreateRole", &made));
    }
    let (role, _) = suite.until(&Ask::role("GetRole", &name), Answer::is_done).await?;
    let told = role.text("/Role/Description").unwrap_or_default();
    let seen = authorization::text::sanitized(told);
    suite.book.write("description-empty", told.is_empty(), format!("`{seen}`"), role.request_id);
    let session = sessions::assume_soon(suite, &name).await?;
    *suite.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(session.clone());
    Ok(session)
}

/// `GetCallerIdentity` by somebody who may do nothing.
async fn identity(suite: &Suite, session: &Credentials) -> Result<(), Stop> {
    let (book, ask) = (&suite.book, Ask::sts("GetCallerIdentity"));
    let answer = suite.cloud.send(session, &ask).await?;
    book.judge("identity-free", answer.is_done(), &answer);
    if answer.is_done() {
        let role = suite.cloud.names.session_role();
        let arn = format!("acs:ram::{}:assumed-role/{role}/{}", suite.caller.account_id, sessions::SESSION_NAME);
        let told = answer.text("/Arn").unwrap_or_default();
        let seen = format!("`{}`", authorization::text::sanitized(told));
        book.write("identity-arn", told.eq_ignore_ascii_case(&arn), seen, answer.request_id.clone());
    } else {
        book.untried("identity-arn", answer.seen());
    }
    Ok(())
}

/// What a rehearsal sends, by somebody who may do nothing: the permission must be asked for before anything else is looked at.
async fn denied(suite: &Suite, session: &Credentials) -> Result<(), Stop> {
    let (book, names) = (&suite.book, &suite.cloud.names);
    let role = names.role();
    let answer = suite.cloud.send(session, &Ask::role("GetRole", &role)).await?;
    book.judge("denied-code", answer.is("NoPermission"), &answer);
    let field = |name: &str| answer.text(&format!("/AccessDeniedDetail/{name}"));
    let is_told = field("AuthAction").is_some() && field("NoPermissionType").is_some();
    let seen = match field("NoPermissionType") {
        Some(kind) => format!("`{}`", authorization::text::sanitized(kind)),
        None => "no such detail".to_owned(),
    };
    book.write("denied-detail", is_told, seen, answer.request_id.clone());
    if answer.is_done() {
        return Err(Stop::Needed("a session without a policy may read a role".to_owned()));
    }

    let missing = names.missing_role();
    let detach = Ask::policy("DetachPolicyFromRole", &role, "System", DENIED_POLICY);
    for (id, ask) in [
        ("denied-create", suite.creation()),
        ("denied-attach", Ask::policy("AttachPolicyToRole", &role, "System", DTS.policy)),
        ("denied-tag", Ask::tag(&role, &tags([TAG]))),
        ("denied-missing", Ask::role("GetRole", &missing)),
        ("denied-detach", detach),
        ("denied-delete", Ask::role("DeleteRole", &role)),
    ] {
        let answer = suite.cloud.send(session, &ask).await?;
        // Each code that speaks of a permission will do: only `denied-code` is about the word.
        book.judge(id, is_denied(&answer), &answer);
    }
    Ok(())
}

/// The codes that the guard takes for a missing permission.
fn is_denied(answer: &Answer) -> bool {
    let code = answer.code.as_deref().unwrap_or_default();
    ["NoPermission", "Forbidden", "NotAuthorized"].iter().any(|word| code.starts_with(word))
}

/// The permissions of `policies/remediate.json` that are not plain, for the scratch role.
fn policy(role: &str) -> Value {
    let own = format!("acs:ram:*:*:role/{role}");
    let actions = ["GetRole", "CreateRole", "TagResources", "ListTagResources", "AttachPolicyToRole"];
    json!({ "Version": "1", "Statement": [
        { "Effect": "Allow", "Action": actions.map(|action| format!("ram:{action}")), "Resource": own },
        { "Effect": "Allow", "Action": "ram:AttachPolicyToRole", "Resource": "acs:ram:*:system:policy/*" },
        { "Effect": "Deny", "Action": "ram:AttachPolicyToRole",
          "Resource": format!("acs:ram:*:system:policy/{DENIED_POLICY}") },
    ] })
}

async fn granted(suite: &Suite, session: &Credentials) -> Result<(), Stop> {
    let (book, names) = (&suite.book, &suite.cloud.names);
    let (role, session_role, custom) = (names.role(), names.session_role(), names.policy());
    suite.scratch.asked_for_policy(&custom);
    let create = Ask::ram("CreatePolicy").with("PolicyName", &custom).with("PolicyDocument", policy(&role));
    suite.need(&create).await?;
    suite.need(&Ask::policy("AttachPolicyToRole", &session_role, "Custom", &custom)).await?;
    let (answer, _) = suite.until_with(session, &Ask::role("GetRole", &role), Answer::is_done).await?;
    if !answer.is_done() {
        return Err(Stop::answered("GetRole", &answer));
    }

    let create = Ask::role("CreateRole", &role).with("AssumeRolePolicyDocument", DTS.trust);
    let dts = |role: &str| Ask::policy("AttachPolicyToRole", role, "System", DTS.policy);
    let tag = |role: &str| Ask::tag(role, &tags([TAG]));
    for (id, ask, is_allowed) in [
        ("narrow-create", create, true),
        ("narrow-attach", dts(&role), true),
        ("narrow-tag-other", tag(&session_role), false),
        ("narrow-attach-policy", Ask::policy("AttachPolicyToRole", &role, "Custom", &custom), false),
        ("narrow-attach-role", dts(&session_role), false),
        ("narrow-deny", Ask::policy("AttachPolicyToRole", &role, "System", DENIED_POLICY), false),
    ] {
        let answer = suite.cloud.send(session, &ask).await?;
        book.judge(id, is_denied(&answer) != is_allowed, &answer);
    }
    let (set, listed) =
        (suite.cloud.send(session, &tag(&role)).await?, suite.cloud.send(session, &Ask::list_tags(&role)).await?);
    let seen = format!("{}; {}", set.seen(), listed.seen());
    book.write("narrow-tag", !is_denied(&set) && !is_denied(&listed), seen, set.request_id);
    Ok(())
}
