//! The role is deleted, made again, and deleted for good.

use authorization::baseline::DTS;
use serde_json::Value;

use super::policies::holds;
use super::{PATIENCE, SOON, STEP, Suite, tags};
use crate::Stop;
use crate::cloud::{Answer, Ask};

pub(super) async fn run(suite: &Suite) -> Result<(), Stop> {
    let (book, role) = (&suite.book, suite.cloud.names.role());
    let (get, list) = (Ask::role("GetRole", &role), Ask::role("ListPoliciesForRole", &role));
    let delete = Ask::role("DeleteRole", &role);
    // What a part that ended early has left attached would keep the role from being deleted.
    for policy in suite.need(&list).await?.items("/Policies/Policy") {
        let text = |field: &str| policy.get(field).and_then(Value::as_str).unwrap_or_default();
        if (text("PolicyType"), text("PolicyName")) != ("System", DTS.policy) {
            let detach = Ask::policy("DetachPolicyFromRole", &role, text("PolicyType"), text("PolicyName"));
            suite.send(&detach).await?;
        }
    }
    let old = suite.need(&get).await?;

    suite.answers("delete-attached", &delete, &["DeleteConflict.Role.Policy"]).await?;
    let (now, policies) = (suite.send(&get).await?, suite.send(&list).await?);
    let is_kept = now.body.get("Role") == old.body.get("Role") && holds(&policies, DTS.policy);
    let seen = if is_kept { "role and policy are there" } else { "role or policy is gone" };
    book.write("delete-attached-harmless", is_kept, seen, policies.request_id.clone());

    // A cloud that tells another code, or deletes all the same, has been told of; here it must be gone in the end.
    let detached = suite.send(&Ask::policy("DetachPolicyFromRole", &role, "System", DTS.policy)).await?;
    if detached.code.as_deref().is_some_and(|code| !code.starts_with("EntityNotExist")) {
        return Err(Stop::answered("DetachPolicyFromRole", &detached));
    }
    suite.soon("delete-detached", &delete, |it| it.is_done() || it.is("EntityNotExist.Role")).await?;
    let made = recreated(suite).await?;

    let id = |role: &Answer| role.text("/Role/RoleId").map(str::to_owned);
    let is_other = id(&made) != id(&old);
    book.write("new-id", is_other, if is_other { "another" } else { "the same" }, made.request_id.clone());
    let arn = |role: &Answer| role.text("/Role/Arn").map(str::to_ascii_lowercase);
    let is_same = arn(&made) == arn(&old);
    book.write("same-arn", is_same, if is_same { "the same" } else { "another" }, made.request_id);

    let (policies, _) = suite.until(&list, |it| it.is_done() && it.items("/Policies/Policy").is_empty()).await?;
    let (listed, _) = suite.until(&Ask::list_tags(&role), |it| tags::told(it).is_empty()).await?;
    let (held, tagged) = (policies.items("/Policies/Policy").len(), tags::told(&listed).len());
    let seen = format!("{held} policies, {tagged} tags");
    book.write("new-empty", held == 0 && tagged == 0, seen, policies.request_id);

    let (gone, _) = suite.until(&delete, |it| it.is_done() || it.is("EntityNotExist.Role")).await?;
    if !gone.is_done() && !gone.is("EntityNotExist.Role") {
        return Err(Stop::answered("DeleteRole", &gone));
    }
    suite.soon("delete-seen", &get, |it| it.is("EntityNotExist.Role")).await?;
    suite.scratch.is_gone(&role);
    suite.answers("delete-twice", &delete, &["EntityNotExist.Role"]).await?;
    Ok(())
}

/// The creation that follows a deletion without anything in between.
async fn recreated(suite: &Suite) -> Result<Answer, Stop> {
    let (create, clock) = (suite.creation(), &suite.cloud.clock);
    let begin = clock.uptime();
    loop {
        let made = suite.create(&create).await?;
        let took = clock.uptime().saturating_sub(begin);
        if made.is_done() {
            let seen = format!("after {:.1} s", took.as_secs_f64());
            suite.book.write("create-deleted", took <= SOON, seen, made.request_id.clone());
            return Ok(made);
        }
        if took > PATIENCE {
            let seen = format!("not within {} s: {}", took.as_secs(), made.seen());
            suite.book.write("create-deleted", false, seen, made.request_id.clone());
            return Err(Stop::answered("CreateRole", &made));
        }
        clock.sleep(STEP).await;
    }
}
