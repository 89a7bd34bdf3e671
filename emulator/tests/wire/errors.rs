//! Each error code of RAM.

use emulator::{DTS_TRUST, Role, World};

use crate::support::{ACCOUNT, Answer, Client, ROLE, healthy, start};

fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text);
    let body = answer.json();
    assert_eq!(body["HostId"], "ram.aliyuncs.com");
    assert!(body["RequestId"].as_str().is_some_and(|id| id.len() == 36));
    assert!(body["Recommend"].as_str().is_some_and(|url| url.contains(code)));
}

#[test]
fn what_does_not_exist() {
    let (_emulator, client) = start(World::new().account(ACCOUNT, |a| a.role(Role::named("Other"))));
    let missing = [("RoleName", ROLE)];
    let policy = [("PolicyType", "System"), ("PolicyName", "AliyunDTSRolePolicy")];
    for action in ["GetRole", "UpdateRole", "DeleteRole", "ListPoliciesForRole"] {
        refused(&client.ram(action, &missing), 404, "EntityNotExist.Role");
    }
    for action in ["AttachPolicyToRole", "DetachPolicyFromRole"] {
        refused(&client.ram(action, &[missing[0], policy[0], policy[1]]), 404, "EntityNotExist.Role");
    }
    refused(
        &client.ram("DetachPolicyFromRole", &[("RoleName", "Other"), policy[0], policy[1]]),
        404,
        "EntityNotExist.Role.Policy",
    );
    let tag = [("ResourceType", "role"), ("ResourceNames", r#"["Nobody"]"#), ("Tag", r#"[{"Key":"a","Value":"b"}]"#)];
    refused(&client.ram("TagResources", &tag), 404, "EntityNotExist.Role");
}

#[test]
fn policies_that_do_not_exist() {
    let (_emulator, client) = healthy();
    for (kind, name) in
        [("System", "AliyunNoSuchPolicy"), ("Custom", "NoSuchPolicy"), ("Custom", "AliyunDTSRolePolicy")]
    {
        let params = [("RoleName", ROLE), ("PolicyType", kind), ("PolicyName", name)];
        refused(&client.ram("AttachPolicyToRole", &params), 404, "EntityNotExist.Policy");
        refused(&client.ram("GetPolicy", &params), 404, "EntityNotExist.Policy");
        refused(&client.ram("ListEntitiesForPolicy", &params), 404, "EntityNotExist.Policy");
    }
    let version = [("PolicyType", "System"), ("PolicyName", "AliyunDTSRolePolicy"), ("VersionId", "v1")];
    refused(&client.ram("GetPolicyVersion", &version), 404, "EntityNotExist.Policy.Version");
    refused(&client.ram("DeletePolicy", &[("PolicyName", "AdministratorAccess")]), 404, "EntityNotExist.Policy");
}

#[test]
fn what_exists_already() {
    let (_emulator, client) = healthy();
    refused(
        &client.ram("CreateRole", &[("RoleName", ROLE), ("AssumeRolePolicyDocument", DTS_TRUST)]),
        409,
        "EntityAlreadyExists.Role",
    );
    let attached = [("RoleName", ROLE), ("PolicyType", "System"), ("PolicyName", "AliyunDTSRolePolicy")];
    refused(&client.ram("AttachPolicyToRole", &attached), 409, "EntityAlreadyExists.Role.Policy");
    let document = r#"{"Version":"1","Statement":[]}"#;
    refused(
        &client.ram("CreatePolicy", &[("PolicyName", "TeamExtra"), ("PolicyDocument", document)]),
        409,
        "EntityAlreadyExists.Policy",
    );
}

#[test]
fn what_is_in_use() {
    let role = Role::dts().attach_custom("TeamExtra");
    let (emulator, client) =
        start(World::new().account(ACCOUNT, |a| a.role(role).role(Role::named("Linked").service_linked())));
    refused(&client.ram("DeleteRole", &[("RoleName", ROLE)]), 409, "DeleteConflict.Role.Policy");
    refused(&client.ram("DeletePolicy", &[("PolicyName", "TeamExtra")]), 409, "DeleteConflict.Policy.Role");
    refused(&client.ram("DeleteRole", &[("RoleName", "Linked")]), 409, "DeleteConflict.Role.ServiceLinkedRole");
    refused(&client.ram("UpdateRole", &[("RoleName", "Linked")]), 409, "DeleteConflict.Role.ServiceLinkedRole");
    assert!(emulator.role(ACCOUNT, "Linked").is_some() && emulator.role(ACCOUNT, ROLE).is_some());
}

#[test]
fn limits() {
    let policies = ["AliyunOSSReadOnlyAccess", "AliyunECSReadOnlyAccess"];
    let (_emulator, client) = start(World::new().account(ACCOUNT, |a| {
        a.role_limit(2)
            .policy_limits(1, 0)
            .role(Role::named("Full").attach_system(policies[0]))
            .role(Role::named("Second"))
            .custom_policy("TeamExtra")
    }));
    refused(
        &client.ram("CreateRole", &[("RoleName", "Third"), ("AssumeRolePolicyDocument", DTS_TRUST)]),
        409,
        "LimitExceeded.Role",
    );
    let system = [("RoleName", "Full"), ("PolicyType", "System"), ("PolicyName", policies[1])];
    refused(&client.ram("AttachPolicyToRole", &system), 409, "LimitExceeded.Role.Policy");
    let custom = [("RoleName", "Full"), ("PolicyType", "Custom"), ("PolicyName", "TeamExtra")];
    refused(&client.ram("AttachPolicyToRole", &custom), 409, "LimitExceeded.Role.Policy");
}

#[test]
fn names() {
    let (_emulator, client) = healthy();
    let long = "a".repeat(129);
    refused(&client.ram("GetRole", &[("RoleName", "a b")]), 400, "InvalidParameter.RoleName.InvalidChars");
    refused(&client.ram("GetRole", &[("RoleName", &long[..65])]), 400, "InvalidParameter.RoleName.Length");
    refused(&client.ram("GetRole", &[]), 400, "MissingParameter");
    refused(&client.ram("GetRole", &[("RoleName", "")]), 400, "MissingParameter");
    let policy = |kind, name| client.ram("GetPolicy", &[("PolicyType", kind), ("PolicyName", name)]);
    refused(&policy("Custom", "a.b"), 400, "InvalidParameter.PolicyName.InvalidChars");
    refused(&policy("Custom", &long), 400, "InvalidParameter.PolicyName.Length");
    refused(&policy("system", "X"), 400, "InvalidParameter.PolicyType");
}

fn create(client: &Client, trust: &str, more: (&str, &str)) -> Answer {
    client.ram("CreateRole", &[("RoleName", "New"), ("AssumeRolePolicyDocument", trust), more])
}

#[test]
fn what_a_role_may_not_be() {
    let (emulator, client) = healthy();
    let none = ("X", "");
    refused(&create(&client, "{}", none), 400, "MalformedPolicyDocument");
    refused(&create(&client, "", none), 400, "MissingParameter");
    refused(&create(&client, &" ".repeat(2049), none), 400, "InvalidParameter.AssumeRolePolicyDocument.Length");
    refused(
        &create(&client, DTS_TRUST, ("Description", &"é".repeat(1025))),
        400,
        "InvalidParameter.Description.Length",
    );
    refused(&create(&client, DTS_TRUST, ("MaxSessionDuration", "3599")), 400, "InvalidParameter.MaxSessionDuration");
    refused(&create(&client, DTS_TRUST, ("AllowConsoleLogin", "perhaps")), 400, "InvalidParameter.AllowConsoleLogin");
    let update = |name: &str, value: &str| client.ram("UpdateRole", &[("RoleName", ROLE), (name, value)]);
    refused(&update("NewAssumeRolePolicyDocument", "[]"), 400, "MalformedPolicyDocument");
    refused(
        &update("NewAssumeRolePolicyDocument", &" ".repeat(2049)),
        400,
        "InvalidParameter.NewAssumeRolePolicyDocument.Length",
    );
    refused(&update("NewMaxSessionDuration", "43201"), 400, "InvalidParameter.NewMaxSessionDuration");
    refused(
        &client.ram("CreatePolicy", &[("PolicyName", "P"), ("PolicyDocument", "{}")]),
        400,
        "MalformedPolicyDocument",
    );
    assert!(emulator.writes().iter().all(|call| !call.effect));
}

#[test]
fn tags_that_are_refused() {
    let (emulator, client) = healthy();
    let tag = |tags: &str| {
        client.ram(
            "TagResources",
            &[("ResourceType", "role"), ("ResourceNames", r#"["AliyunDTSDefaultRole"]"#), ("Tag", tags)],
        )
    };
    for key in ["acs:x", "aliyun", "aliyun-team", "", &"k".repeat(129)] {
        refused(&tag(&format!(r#"[{{"Key":"{key}","Value":"v"}}]"#)), 400, "InvalidParameter.TagKey");
    }
    refused(&tag(&format!(r#"[{{"Key":"k","Value":"{}"}}]"#, "v".repeat(257))), 400, "InvalidParameter.TagValue");
    refused(&tag("nonsense"), 400, "InvalidParameter.Tag");
    refused(&tag("[]"), 400, "MissingParameter");
    let many: Vec<String> = (0..21).map(|n| format!(r#"{{"Key":"k{n}","Value":""}}"#)).collect();
    refused(&tag(&format!("[{}]", many.join(","))), 400, "InvalidParameter.Tag.Length");
    refused(&client.ram("ListTagResources", &[("ResourceType", "user")]), 400, "InvalidParameter.ResourceType");
    refused(
        &client.ram("ListTagResources", &[("ResourceType", "role"), ("NextToken", "x")]),
        400,
        "InvalidParameter.NextToken",
    );
    refused(&client.ram("ListRoles", &[("Marker", "x")]), 400, "InvalidParameter.Marker");
    refused(
        &client.ram("UntagResources", &[("ResourceType", "role"), ("ResourceNames.1", ROLE)]),
        400,
        "MissingParameter",
    );
    assert!(emulator.role(ACCOUNT, ROLE).unwrap().tags.is_empty());
}
