//! Each inferred fact that the replies of a run bear on is told, and if the cloud is another than was inferred it is contradicted.

use std::collections::BTreeMap;

use dts_role_guard::doctor::{DoctorReport, Fact};
use emulator::{ErrorDate, FaultGuard, Member, Role, Rule, World};
use serde_json::{Value, json};
use testkit::{ACCOUNT, Lab, TOKEN, key};

const MEMBERS: [&str; 2] = ["2234567890123456", "3234567890123456"];

fn lab() -> Lab {
    Lab::organization(|directory| directory.members(MEMBERS.map(str::to_owned), |_, member| member))
}

fn facts(report: &DoctorReport) -> BTreeMap<&'static str, Fact> {
    report.facts.iter().map(|fact| (fact.id, fact.clone())).collect()
}

/// The fact under a cloud whose replies were changed.
async fn bent(id: &'static str, rule: Rule, change: impl FnMut(&mut Value) + Send + 'static) -> Fact {
    let lab = lab();
    let mut change = change;
    let _bent = lab.emulator.rewrite(rule, move |reply, _| change(reply));
    facts(&lab.doctor().await).remove(id).unwrap_or_else(|| panic!("nothing is told of `{id}`"))
}

async fn faulty(id: &'static str, fault: impl FnOnce(&Lab) -> FaultGuard) -> Fact {
    let lab = lab();
    let _fault = fault(&lab);
    facts(&lab.doctor().await).remove(id).unwrap_or_else(|| panic!("nothing is told of `{id}`"))
}

#[tokio::test]
async fn the_emulator_is_as_was_inferred() {
    let report = lab().doctor().await;
    let facts = facts(&report);
    assert!(facts.len() >= 10, "{facts:#?}");
    assert!(facts.values().all(|fact| fact.agrees), "{facts:#?}");
}

#[tokio::test]
async fn another_cloud_contradicts() {
    let cases = [
        bent("arn-of-role", Rule::on("GetRole").nth(1), |reply| reply["Role"]["Arn"] = json!("acs:ram::1:role/x"))
            .await,
        bent("empty-description", Rule::on("GetRole").nth(1), |reply| reply["Role"]["Description"] = Value::Null).await,
        bent("tags-end", Rule::on("ListTagResources"), |reply| reply["NextToken"] = json!(7)).await,
        bent("member-statuses", Rule::on("ListAccounts"), |reply| {
            reply["Accounts"]["Account"][0]["Status"] = json!("Sleeping");
        })
        .await,
        bent("members-counted", Rule::on("ListAccounts"), |reply| reply["TotalCount"] = json!(3)).await,
        bent("management-account-is-no-member", Rule::on("GetAccount"), |reply| {
            *reply = json!({"RequestId": "r", "Account": {"AccountId": ACCOUNT, "Status": "CreateSuccess"}});
        })
        .await,
        bent("session-duration", Rule::on("AssumeRole"), |reply| {
            reply["Credentials"]["Expiration"] = json!("2099-01-01T00:00:00Z");
        })
        .await,
        bent("permission-before-existence", Rule::on("CreateRole"), |reply| {
            *reply = json!({"RequestId": "r", "Role": {"RoleId": "1", "RoleName": "AliyunDTSDefaultRole",
                "Arn": format!("acs:ram::{ACCOUNT}:role/AliyunDTSDefaultRole"), "AssumeRolePolicyDocument": "{}"}});
        })
        .await,
        bent("permission-before-attachment", Rule::on("AttachPolicyToRole"), |reply| {
            *reply = json!({"RequestId": "r"});
        })
        .await,
        faulty("identity-without-permission", |lab| lab.emulator.fault(Rule::on("GetCallerIdentity").every().deny()))
            .await,
        faulty("tags-narrowed", |lab| lab.emulator.fault(Rule::on("ListTagResources").every().deny())).await,
        faulty("status-throttling", |lab| {
            lab.emulator.fault(Rule::on("GetRole").every().error(418, "Throttling.User"))
        })
        .await,
        faulty("status-assume-role-missing", |lab| {
            lab.emulator.fault(Rule::on("AssumeRole").every().error(400, "EntityNotExist.Role"))
        })
        .await,
        faulty("status-assume-role-denied", |lab| {
            lab.emulator.fault(Rule::on("AssumeRole").every().error(404, "NoPermission"))
        })
        .await,
        faulty("status-expired-token", |lab| {
            lab.emulator.fault(Rule::on("GetRole").every().error(401, "InvalidSecurityToken.Expired"))
        })
        .await,
        faulty("status-bad-token", |lab| {
            lab.emulator.fault(Rule::on("GetRole").every().error(401, "InvalidSecurityToken.Malformed"))
        })
        .await,
        faulty("date-of-replies", |lab| {
            lab.emulator.set_error_date(ErrorDate::Absent);
            lab.emulator.fault(Rule::on("GetRole").every().deny())
        })
        .await,
    ];
    for fact in cases {
        assert!(!fact.agrees && !fact.seen.is_empty() && !fact.expected.is_empty(), "{fact:#?}");
    }
}

#[tokio::test]
async fn a_clock_that_is_put_right_by_the_cloud_is_a_fact() {
    let lab = lab();
    lab.emulator.shift_clock(3600);
    let fact = facts(&lab.doctor().await).remove("wrong-time-corrected").unwrap();
    assert!(fact.agrees, "{fact:#?}");
}

#[tokio::test]
async fn a_gateway_that_quotes_the_request_is_not_quoted() {
    let lab = Lab::new(Some(Role::dts()));
    let secrets = lab.emulator.secrets();
    let token = TOKEN.to_owned();
    assert!(secrets.contains(&token));
    let _bent = lab.emulator.rewrite(Rule::any(), move |reply, _| {
        reply["Code"] = json!(format!("Throttling.{token}"));
        reply["AccessDeniedDetail"] = json!({"PolicyType": token.clone()});
    });
    let report = lab.doctor().await;
    let text = report.to_json();
    assert!(secrets.iter().all(|secret| !text.contains(secret)), "{text}");
}

/// Not a single reply is no reason to fail, and no fact.
#[tokio::test]
async fn without_replies_there_are_no_facts() {
    let lab = Lab::new(Some(Role::dts())).set("DTS_GUARD_MODE", "x");
    assert!(lab.doctor().await.facts.is_empty());
    let member = Member::new(MEMBERS[0]);
    let lab = Lab::organization(|directory| directory.member(member));
    let _lost = lab.emulator.fault(Rule::any().every().lose_before());
    assert!(lab.doctor().await.facts.is_empty());
}

/// What needs more than one bend.
#[tokio::test]
async fn the_rarer_facts_are_contradicted_too() {
    let denied = lab();
    let _deny = denied.emulator.fault(Rule::on("GetRole").every().deny());
    let _bent = denied.emulator.rewrite(Rule::on("GetRole"), |reply, _| {
        reply["AccessDeniedDetail"]["PolicyType"] = json!("SomethingNew");
    });
    let fact = facts(&denied.doctor().await).remove("policy-type-of-denial").unwrap();
    assert!(!fact.agrees && !fact.seen.contains("SomethingNew"), "text of others is not shown: {fact:#?}");
    let time = faulty("wrong-time-corrected", |lab| {
        lab.emulator.fault(Rule::on("GetRole").every().error(400, "InvalidTimeStamp.Expired"))
    });
    let tag = Lab::new(Some(Role::dts().tag("team", "data")));
    let _refused = tag.emulator.fault(Rule::on("TagResources").every().error(409, "EntityAlreadyExists.Tag"));
    let tag = facts(&tag.doctor().await).remove("tag-set-again").unwrap();
    let trusted = delegated(true).await;
    for fact in [time.await, tag, trusted] {
        assert!(!fact.agrees, "{fact:#?}");
    }
    assert!(delegated(false).await.agrees);
}

/// A delegated administrator's function, and a member whose access role trusts its account or not.
async fn delegated(is_trusted: bool) -> Fact {
    const MANAGEMENT: &str = "9234567890123456";
    let trusted = if is_trusted { ACCOUNT } else { MANAGEMENT };
    let access = Role::named("ResourceDirectoryAccountAccessRole").trusting_account(trusted);
    let member = Member::new(MEMBERS[0]).without_access_role().account(|account| account.role(access));
    let world = World::new().key(key()).account(MANAGEMENT, |account| account);
    let world = world.directory(MANAGEMENT, |directory| {
        let own = Member::new(ACCOUNT).role(Role::dts());
        directory.member(own).member(member).delegated_administrator(ACCOUNT)
    });
    let lab = Lab::of(world).set("DTS_GUARD_SCOPE", "organization");
    facts(&lab.doctor().await).remove("delegated-administrator-is-not-trusted").expect("a member is asked for")
}
