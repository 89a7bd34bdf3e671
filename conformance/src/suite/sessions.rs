//! Sessions of roles.

use std::time::Duration;

use aliyun::credentials::{Credentials, Source};
use serde_json::{Value, json};

use super::{PATIENCE, STEP, Suite};
use crate::Stop;
use crate::cloud::{Answer, Ask};

pub(super) const SESSION_NAME: &str = "dts-role-guard-conformance";
/// The shortest.
const SECONDS: u32 = 900;
const HOUR: u32 = 3600;
/// The longest `Policy`, in characters.
const LONG: usize = 2048;

pub(super) async fn run(suite: &Suite) -> Result<(), Stop> {
    let (book, names) = (&suite.book, &suite.cloud.names);
    let session = suite.session()?;
    let assume = |role: &str| assume(suite, role);
    suite.answers("assume-missing", &assume(&names.missing_role()), &["EntityNotExist.Role"]).await?;
    // It trusts DTS alone.
    suite.answers("assume-untrusted", &assume(&names.role()), &["NoPermission"]).await?;

    let own = assume(&names.session_role());
    let (granted, short) =
        (suite.send(&own).await?, suite.send(&own.clone().with("DurationSeconds", SECONDS - 1)).await?);
    let holds = granted.is_done() && short.is("InvalidParameter.DurationSeconds");
    book.write("assume-duration", holds, format!("{}; {}", granted.seen(), short.seen()), short.request_id);

    let read = json!({ "Version": "1", "Statement": [
        { "Effect": "Allow", "Action": ["ram:GetRole", "ram:ListPoliciesForRole"], "Resource": "acs:ram:*:*:role/*" }
    ] });
    narrowed(suite, &own, &read, &session).await?;

    let long = |fill: usize| read.to_string().replace("role/*", &format!("role/{}*", "x".repeat(fill)));
    let long = long(LONG.saturating_sub(long(0).chars().count()));
    let answer = suite.send(&own.clone().with("Policy", long)).await?;
    book.judge("assume-policy-length", answer.is_done(), &answer);

    if suite.caller.is_session() {
        let answer = suite.send(&own.with("DurationSeconds", HOUR)).await?;
        book.judge("assume-chained", answer.is_done(), &answer);
    } else {
        book.untried("assume-chained", "the keys are not those of a role");
    }
    Ok(())
}

/// The session role may more than the session's `Policy`, and the `Policy` names more than the role may.
async fn narrowed(suite: &Suite, own: &Ask, policy: &Value, whole: &Credentials) -> Result<(), Stop> {
    let role = suite.cloud.names.role();
    let answer = suite.need(&own.clone().with("Policy", policy)).await?;
    let narrow = keys(&answer).ok_or_else(|| Stop::answered("AssumeRole", &answer))?;
    if !suite.cloud.send(whole, &Ask::list_tags(&role)).await?.is_done() {
        suite.book.untried("assume-policy", "the session role has no permission that could be taken away");
        return Ok(());
    }
    let both = suite.cloud.send(&narrow, &Ask::role("GetRole", &role)).await?;
    let not_in_policy = suite.cloud.send(&narrow, &Ask::list_tags(&role)).await?;
    let not_in_role = suite.cloud.send(&narrow, &Ask::role("ListPoliciesForRole", &role)).await?;
    let holds = both.is_done() && !not_in_policy.is_done() && !not_in_role.is_done();
    let seen = format!(
        "in both: {}; in the role's alone: {}; in the session's alone: {}",
        both.seen(),
        not_in_policy.seen(),
        not_in_role.seen()
    );
    suite.book.write("assume-policy", holds, seen, not_in_policy.request_id);
    Ok(())
}

fn assume(suite: &Suite, role: &str) -> Ask {
    let arn = format!("acs:ram::{}:role/{role}", suite.caller.account_id);
    let ask = Ask::sts("AssumeRole").with("RoleArn", arn).with("RoleSessionName", SESSION_NAME);
    ask.with("DurationSeconds", SECONDS)
}

/// Assumes a role that was just made.
pub(super) async fn assume_soon(suite: &Suite, role: &str) -> Result<Credentials, Stop> {
    let (ask, clock) = (assume(suite, role), &suite.cloud.clock);
    let begin = clock.uptime();
    loop {
        let answer = suite.send(&ask).await?;
        let took = clock.uptime().saturating_sub(begin);
        if let Some(keys) = keys(&answer) {
            suite.book.write("assume-new-role", took <= PATIENCE, after(took), answer.request_id);
            return Ok(keys);
        }
        if took > 2 * PATIENCE {
            // Whoever may not assume any role learns nothing about this one.
            let why = format!("not within {} s: {}", took.as_secs(), answer.seen());
            if answer.is("NoPermission") {
                return Err(Stop::Needed(format!("`AssumeRole` {why}; the caller needs `sts:AssumeRole`")));
            }
            suite.book.write("assume-new-role", false, why, answer.request_id.clone());
            return Err(Stop::answered("AssumeRole", &answer));
        }
        clock.sleep(STEP).await;
    }
}

fn after(took: Duration) -> String {
    format!("after {:.1} s", took.as_secs_f64())
}

fn keys(answer: &Answer) -> Option<Credentials> {
    let text = |name: &str| answer.text(&format!("/Credentials/{name}"));
    Some(Credentials {
        access_key_id: text("AccessKeyId")?.to_owned(),
        access_key_secret: text("AccessKeySecret")?.into(),
        security_token: Some(text("SecurityToken")?.into()),
        source: Source::AssumeRole,
    })
}
