//! Replies are held against the question: one about something else is no fact.

use std::collections::BTreeMap;

use authorization::settings::{Mode, Scope};
use dts_role_guard::event::Request;
use dts_role_guard::report::{Report, Status};
use emulator::{DTS_POLICY, Emulator, FaultGuard, Member, PolicyType, Role, Rule};
use serde_json::{Value, json};
use testkit::{ACCOUNT, Lab, account, bare};

const OTHER: &str = "9999999999999999";

/// Sets a field of a reply, named by its path.
fn set(reply: &mut Value, path: &str, value: Value) {
    let field = path.split('/').fold(reply, |value, key| &mut value[key]);
    *field = value;
}

fn says(emulator: &Emulator, operation: &str, path: &'static str, value: Value) -> FaultGuard {
    emulator.rewrite(Rule::on(operation), move |reply, _| {
        if reply.get("Code").is_none() {
            set(reply, path, value.clone());
        }
    })
}

fn assert_failed(lab: &Lab, report: &Report, case: &str) -> String {
    assert_eq!(report.status, Status::Failed, "{case}: {}", account(report));
    assert_eq!(lab.writes(), [""; 0], "{case}");
    account(report)["error"]["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_look_that_is_about_something_else_is_no_fact() {
    for (operation, path, value, word) in [
        ("GetRole", "Role/RoleName", json!("OtherRole"), "OtherRole"),
        ("GetRole", "Role/RoleName", json!(null), "shape"),
        ("GetRole", "Role/Arn", json!("acs:ram::1234567890123456:role/otherrole"), "otherrole"),
        ("GetRole", "Role/Arn", json!("acs:ram::1234567890123456:user/aliyundtsdefaultrole"), "not the ARN of a role"),
        ("GetRole", "Role/Arn", json!("nonsense"), "not the ARN of a role"),
        ("GetRole", "Role/RoleId", json!(""), "no id"),
        ("GetRole", "Role/RoleId", json!(" "), "no id"),
        ("GetRole", "Role/RoleId", json!(null), "shape"),
        ("GetRole", "Role", json!(null), "shape"),
        ("ListPoliciesForRole", "IsTruncated", json!(true), "where the rest is"),
        ("ListPoliciesForRole", "Policies/Policy", json!(null), "shape"),
        ("ListPoliciesForRole", "Marker", json!("m"), "repeats itself"),
    ] {
        let lab = Lab::new(Some(bare()));
        let _lie = says(&lab.emulator, operation, path, value.clone());
        let report = lab.run(Mode::Remediate).await;
        let said = assert_failed(&lab, &report, path);
        assert!(said.contains(word), "{operation} {path} {value}: {said}");
    }
}

/// Keys of another account: what they see is not judged under this one's id.
#[tokio::test]
async fn a_look_with_the_keys_of_another_account_names_both() {
    for mode in [Mode::Verify, Mode::Plan, Mode::Remediate] {
        let lab = Lab::new(Some(Role::dts()));
        let arn = format!("acs:ram::{OTHER}:role/aliyundtsdefaultrole");
        let _other = says(&lab.emulator, "GetRole", "Role/Arn", json!(arn));
        let report = lab.run(mode).await;
        let said = assert_failed(&lab, &report, "another account");
        assert!(said.contains(OTHER) && said.contains(ACCOUNT), "{said}");
        let next = report.accounts[0].next.as_deref().unwrap_or_default();
        assert!(next.contains("a person must mend it") && !next.contains("may pass"), "{next}");
        assert!(report.failure().is_some(), "the platform is told");
        assert_eq!(account(&report)["findings"], json!([]), "nothing is judged");
    }
}

/// What is not given says nothing, and neither does `null` (source: prowler-cloud/prowler pull request 9213).
#[tokio::test]
async fn a_field_that_is_null_is_one_that_is_not_given() {
    for (operation, path) in [
        ("GetRole", "Role/Description"),
        ("GetRole", "Role/MaxSessionDuration"),
        ("GetRole", "Role/IsServiceLinkedRole"),
        ("GetRole", "Role/AllowConsoleLogin"),
        ("GetRole", "Role/LatestDeletionTask"),
        ("GetRole", "Role/CreateDate"),
        ("GetRole", "Role/UpdateDate"),
        ("GetRole", "Role/RolePrincipalName"),
        ("GetRole", "Role/Arn"),
        ("GetRole", "RequestId"),
        ("ListPoliciesForRole", "IsTruncated"),
        ("ListPoliciesForRole", "Marker"),
        ("ListPoliciesForRole", "RequestId"),
        ("ListTagResources", "NextToken"),
        ("ListTagResources", "TagResources"),
        ("CreateRole", "Role/Description"),
        ("CreateRole", "RequestId"),
        ("AttachPolicyToRole", "RequestId"),
        ("GetCallerIdentity", "RoleId"),
        ("GetCallerIdentity", "UserId"),
    ] {
        let lab = Lab::new(Some(Role::dts().description("")));
        let _null = says(&lab.emulator, operation, path, Value::Null);
        assert_eq!(lab.run(Mode::Verify).await.status, Status::Authorized, "{operation} {path}");
        let lab = Lab::new(Some(Role::dts().description("").detach(DTS_POLICY)));
        let _null = says(&lab.emulator, operation, path, Value::Null);
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{operation} {path}: {}", account(&report));
    }
}

/// The role's ARN, and names in it, come in different cases.
#[tokio::test]
async fn case_makes_no_other_role() {
    for arn in
        ["acs:ram::1234567890123456:role/AliyunDTSDefaultRole", "acs:ram:*:1234567890123456:role/ALIYUNDTSDEFAULTROLE"]
    {
        let lab = Lab::new(Some(Role::dts()));
        let _said = says(&lab.emulator, "GetRole", "Role/Arn", json!(arn));
        assert_eq!(lab.run(Mode::Verify).await.status, Status::Authorized, "{arn}");
    }
}

/// The policies in pages of one, as the protocol has it for other lists.
fn policy_page(reply: &mut Value, params: &BTreeMap<String, String>) {
    let begin: usize = params.get("Marker").map_or(0, |marker| marker.parse().unwrap());
    let items = reply["Policies"]["Policy"].as_array().unwrap().clone();
    let more = begin + 1 < items.len();
    reply["Policies"]["Policy"] = items.iter().skip(begin).take(1).cloned().collect();
    reply["IsTruncated"] = json!(more);
    if more {
        reply["Marker"] = json!((begin + 1).to_string());
    }
}

/// The same for tags, of which the emulator gives those from the token on.
fn tag_page(reply: &mut Value, params: &BTreeMap<String, String>) {
    let begin: usize = params.get("NextToken").map_or(0, |token| token["tags-".len()..].parse().unwrap());
    let items = reply["TagResources"].as_array().unwrap().clone();
    reply["TagResources"] = items.iter().take(1).cloned().collect();
    if items.len() > 1 {
        reply["NextToken"] = json!(format!("tags-{}", begin + 1));
    }
}

#[tokio::test]
async fn lists_in_pages_are_read_to_their_end() {
    let tags = (0..25).fold(bare(), |role, number| role.tag(&format!("key-{number}"), "x"));
    let lab = Lab::new(Some(tags.attach_custom("TeamLogs").attach_custom("TeamAudit")));
    let _policies = lab.emulator.rewrite(Rule::on("ListPoliciesForRole"), policy_page);
    let _tags = lab.emulator.rewrite(Rule::on("ListTagResources"), tag_page);
    let report = lab.run(Mode::Plan).await;
    let before = &account(&report)["before"];
    assert_eq!(before["policies"].as_array().unwrap().len(), 3, "{before}");
    assert_eq!(before["tags"].as_object().unwrap().len(), 26, "{before}");
}

/// Tags without end are tags that cannot be read, not those of the first pages.
#[tokio::test]
async fn a_list_without_end_is_an_error_and_never_a_shorter_list() {
    for (operation, marker) in [("ListPoliciesForRole", "Marker"), ("ListTagResources", "NextToken")] {
        let lab = Lab::new(Some(bare()));
        let mut page = 0;
        let _endless = lab.emulator.rewrite(Rule::on(operation), move |reply, _| {
            page += 1;
            reply["IsTruncated"] = json!(true);
            reply[marker] = json!(format!("tags-{page}"));
        });
        let report = lab.run(Mode::Remediate).await;
        assert!([Status::Failed, Status::Refused].contains(&report.status), "{operation}: {}", account(&report));
        assert_eq!(lab.writes(), [""; 0], "{operation}");
        let next = account(&report)["next"].as_str().unwrap().to_owned();
        assert!(next.contains("does not end"), "{next}");
    }
}

#[tokio::test]
async fn tags_of_another_resource_are_not_taken_for_the_roles() {
    let lab = Lab::new(Some(bare()));
    let _other = lab.emulator.rewrite(Rule::on("ListTagResources"), |reply, _| {
        reply["TagResources"][0]["ResourceName"] = json!("OtherRole");
    });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Refused, "{}", account(&report));
    assert_eq!(lab.writes(), [""; 0]);
}

/// No id is learnt from a creation's reply that is about something else: a look tells.
#[tokio::test]
async fn a_creation_that_is_answered_with_something_else_is_looked_at() {
    for (path, value) in [
        ("Role/RoleName", json!("OtherRole")),
        ("Role/RoleId", json!("")),
        ("Role/Arn", json!(format!("acs:ram::{OTHER}:role/aliyundtsdefaultrole"))),
    ] {
        let lab = Lab::new(Some(bare()));
        let _lie = says(&lab.emulator, "CreateRole", path, value);
        let before = lab.role().unwrap().role_id;
        let report = lab.run(Mode::Remediate).await;
        assert_eq!(report.status, Status::Remediated, "{path}: {}", account(&report));
        let role = lab.role().unwrap();
        assert!(role.has_policy(PolicyType::Custom, "TeamExtra") && role.role_id != before, "{path}: {role:?}");
    }
}

/// A reply with a code is an error, whatever the HTTP status says.
#[tokio::test]
async fn a_success_with_a_code_is_none() {
    let lab = Lab::new(Some(bare()));
    let _lie = lab.emulator.rewrite(Rule::on("GetRole").times(1), |reply, _| {
        *reply = json!({"Code": "EntityNotExist.Role", "RequestId": "x"});
    });
    let report = lab.run(Mode::Remediate).await;
    assert_eq!(report.status, Status::Remediated, "{}", account(&report));
}

#[tokio::test]
async fn an_identity_that_contradicts_itself_may_not_write() {
    let lab = Lab::new(Some(bare()));
    let _lie = says(&lab.emulator, "GetCallerIdentity", "AccountId", json!(OTHER));
    let said = assert_failed(&lab, &lab.run(Mode::Remediate).await, "identity");
    assert!(said.contains(OTHER) && said.contains(ACCOUNT), "{said}");
}

async fn sweep(lab: &Lab) -> Report {
    let request = Request { mode: Mode::Remediate, scope: Scope::Organization, ..Request::default() };
    lab.request(request).await
}

#[tokio::test]
async fn keys_of_another_role_are_not_used() {
    let member = "2234567890123456";
    for arn in
        ["acs:ram::3234567890123456:role/resourcedirectoryaccountaccessrole/s", "acs:ram::2234567890123456:role/x/s"]
    {
        let lab =
            Lab::organization(|directory| directory.member(Member::new(member).role(Role::dts().detach(DTS_POLICY))));
        let _lie = says(&lab.emulator, "AssumeRole", "AssumedRoleUser/Arn", json!(arn));
        let report = sweep(&lab).await;
        let account = report.accounts.iter().find(|line| line.account_id.as_ref().unwrap().as_str() == member).unwrap();
        assert_eq!(account.status, Status::Failed, "{account:?}");
        assert_eq!(lab.writes(), [""; 0], "{arn}");
    }
}

/// A directory that goes on and on is an error.
#[tokio::test]
async fn a_directory_without_end_is_an_error() {
    let lab = Lab::organization(|directory| directory.member(Member::new("2234567890123456").role(Role::dts())));
    let _endless = lab.emulator.rewrite(Rule::on("ListAccounts"), |reply, params| {
        reply["TotalCount"] = json!(10_000_000);
        reply["PageNumber"] = json!(params["PageNumber"].parse::<usize>().unwrap());
        let account = reply["Accounts"]["Account"][0].clone();
        if account.is_null() {
            reply["Accounts"]["Account"] = json!([{"AccountId": "2234567890123456", "Status": "CreateSuccess"}]);
        }
    });
    let report = sweep(&lab).await;
    assert_eq!(report.status, Status::Failed);
    let calls = lab.emulator.operations().into_iter().filter(|operation| operation == "ListAccounts").count();
    assert!(calls <= 2_000, "{calls}");
}
