//! Lists, pages, policies and tags.

use std::collections::BTreeMap;

use emulator::{Role, World};
use serde_json::Value;

use crate::support::{ACCOUNT, Client, ROLE, healthy, start};

fn names(list: &Value, field: &str) -> Vec<String> {
    list.as_array().unwrap().iter().map(|item| item[field].as_str().unwrap().to_owned()).collect()
}

#[test]
fn roles_come_in_pages_without_their_trust() {
    let (_emulator, client) = start(
        World::new()
            .account(ACCOUNT, |a| ["C", "a", "B"].map(Role::named).into_iter().fold(a, emulator::AccountSeed::role)),
    );
    let first = client.ram("ListRoles", &[("MaxItems", "2")]).json();
    assert_eq!(
        (first["IsTruncated"].as_bool(), names(&first["Roles"]["Role"], "RoleName")),
        (Some(true), vec!["a".to_owned(), "B".to_owned()])
    );
    assert!(first["Roles"]["Role"][0].get("AssumeRolePolicyDocument").is_none());
    let second = client.ram("ListRoles", &[("MaxItems", "2"), ("Marker", first["Marker"].as_str().unwrap())]).json();
    assert_eq!(
        (second["IsTruncated"].as_bool(), names(&second["Roles"]["Role"], "RoleName")),
        (Some(false), vec!["C".to_owned()])
    );
    assert!(second.get("Marker").is_none());
}

#[test]
fn roles_can_be_chosen_by_tag() {
    let (_emulator, client) =
        start(World::new().account(ACCOUNT, |a| a.role(Role::named("A").tag("team", "data")).role(Role::named("B"))));
    let told = client.ram("ListRoles", &[("Tag", r#"[{"Key":"team","Value":"data"}]"#)]).json();
    assert_eq!(names(&told["Roles"]["Role"], "RoleName"), ["A"]);
}

#[test]
fn a_roles_policies_come_in_one_reply() {
    let role = Role::dts().attach_custom("TeamExtra");
    let (_emulator, client) = start(World::new().account(ACCOUNT, |a| a.role(role).role(Role::named("Bare"))));
    let told = client.ram("ListPoliciesForRole", &[("RoleName", ROLE)]).json();
    let list = &told["Policies"]["Policy"];
    assert_eq!(names(list, "PolicyName"), ["AliyunDTSRolePolicy", "TeamExtra"]);
    assert_eq!(names(list, "PolicyType"), ["System", "Custom"]);
    assert_eq!(list[0]["AttachDate"], "2025-01-23T12:33:18Z");
    let bare = client.ram("ListPoliciesForRole", &[("RoleName", "Bare")]).json();
    assert_eq!(bare["Policies"]["Policy"], serde_json::json!([]));
}

#[test]
fn a_service_linked_role_says_so() {
    let (_emulator, client) = start(
        World::new()
            .account(ACCOUNT, |a| a.role(Role::named("L").service_linked().console_login(false)).role(Role::dts())),
    );
    let role = |name| client.ram("GetRole", &[("RoleName", name)]).json()["Role"].clone();
    assert_eq!((&role("L")["IsServiceLinkedRole"], &role("L")["AllowConsoleLogin"]), (&true.into(), &false.into()));
    let plain = role(ROLE);
    assert!(plain.get("IsServiceLinkedRole").is_none() && plain.get("AllowConsoleLogin").is_none());
}

#[test]
fn policies_are_created_told_and_deleted() {
    let (_emulator, client) = healthy();
    let document = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"oss:*","Resource":"*"}]}"#;
    let created = client
        .ram("CreatePolicy", &[("PolicyName", "Mine"), ("PolicyDocument", document), ("Description", "d")])
        .json();
    assert_eq!(
        (&created["Policy"]["PolicyType"], &created["Policy"]["DefaultVersion"]),
        (&"Custom".into(), &"v1".into())
    );
    let mine = [("PolicyType", "Custom"), ("PolicyName", "Mine"), ("RoleName", ROLE), ("VersionId", "v1")];
    assert_eq!(client.ram("GetPolicyVersion", &mine).json()["PolicyVersion"]["PolicyDocument"], document);
    assert_eq!(client.ram("AttachPolicyToRole", &mine).status, 200);
    let told = client.ram("GetPolicy", &mine).json();
    assert_eq!(
        (&told["Policy"]["AttachmentCount"], &told["DefaultPolicyVersion"]["VersionId"]),
        (&1.into(), &"v1".into())
    );
    assert_eq!(client.ram("DetachPolicyFromRole", &mine).status, 200);
    assert_eq!(client.ram("DeletePolicy", &mine).status, 200);
    assert_eq!(client.ram("GetPolicy", &mine).code(), "EntityNotExist.Policy");
}

#[test]
fn entities_of_a_policy() {
    let (_emulator, client) = healthy();
    let told =
        client.ram("ListEntitiesForPolicy", &[("PolicyType", "System"), ("PolicyName", "AliyunDTSRolePolicy")]).json();
    assert_eq!(names(&told["Roles"]["Role"], "RoleName"), [ROLE]);
    assert_eq!((&told["Users"]["User"], &told["Groups"]["Group"]), (&serde_json::json!([]), &serde_json::json!([])));
}

fn tags(client: &Client, more: &[(&str, &str)]) -> Value {
    let mut params = vec![("ResourceType", "role"), ("ResourceNames", r#"["AliyunDTSDefaultRole"]"#)];
    params.extend(more);
    client.ram("ListTagResources", &params).json()
}

#[test]
fn tags_are_set_told_in_pages_and_taken() {
    let (emulator, client) = healthy();
    let role = [("ResourceType", "role"), ("ResourceNames", r#"["AliyunDTSDefaultRole"]"#)];
    let set = r#"[{"Key":"b","Value":""},{"Key":"a","Value":"空 +"},{"Key":"c"}]"#;
    assert_eq!(client.ram("TagResources", &[role[0], role[1], ("Tag", set)]).status, 200);
    let first = tags(&client, &[("PageSize", "2")]);
    assert_eq!(names(&first["TagResources"], "TagKey"), ["a", "b"]);
    assert_eq!(
        (&first["TagResources"][0]["TagValue"], &first["TagResources"][0]["ResourceType"]),
        (&"空 +".into(), &"role".into())
    );
    let second = tags(&client, &[("PageSize", "2"), ("NextToken", first["NextToken"].as_str().unwrap())]);
    assert_eq!(names(&second["TagResources"], "TagKey"), ["c"]);
    assert!(second.get("NextToken").is_none());
    assert_eq!(names(&tags(&client, &[("Tag", r#"[{"Key":"b"}]"#)])["TagResources"], "TagKey"), ["b"]);
    assert_eq!(client.ram("UntagResources", &[role[0], role[1], ("TagKeys", r#"["a","x"]"#)]).status, 200);
    assert_eq!(emulator.role(ACCOUNT, ROLE).unwrap().tags.into_keys().collect::<Vec<_>>(), ["b", "c"]);
    assert_eq!(client.ram("UntagResources", &[role[0], role[1], ("All", "true")]).status, 200);
    assert!(emulator.role(ACCOUNT, ROLE).unwrap().tags.is_empty());
}

#[test]
fn tags_may_be_sent_one_parameter_each() {
    let (emulator, client) = healthy();
    let params = [
        ("ResourceType", "role"),
        ("ResourceNames.1", ROLE),
        ("Tag.1.Key", "k"),
        ("Tag.1.Value", "v"),
        ("Tag.2.Key", "empty"),
    ];
    assert_eq!(client.ram("TagResources", &params).status, 200);
    let expected = BTreeMap::from([("k".to_owned(), "v".to_owned()), ("empty".to_owned(), String::new())]);
    assert_eq!(emulator.role(ACCOUNT, ROLE).unwrap().tags, expected);
}

#[test]
fn custom_policies_have_tags_too() {
    let (_emulator, client) = healthy();
    let policy =
        [("ResourceType", "policy"), ("ResourceNames", r#"["TeamExtra"]"#), ("Tag", r#"[{"Key":"k","Value":"v"}]"#)];
    assert_eq!(client.ram("TagResources", &policy).status, 200);
    let told = client.ram("ListTagResources", &policy[..1]).json();
    assert_eq!(names(&told["TagResources"], "ResourceName"), ["TeamExtra"]);
}

#[test]
fn a_role_is_created_with_its_tags() {
    let (emulator, client) = start(World::new());
    let params = [
        ("RoleName", ROLE),
        ("AssumeRolePolicyDocument", emulator::DTS_TRUST),
        ("Tag", r#"[{"Key":"team","Value":"data"}]"#),
        ("AllowConsoleLogin", "true"),
    ];
    let told = client.ram("CreateRole", &params).json();
    assert!(told["Role"].get("UpdateDate").is_none());
    let role = emulator.role(ACCOUNT, ROLE).unwrap();
    assert_eq!((role.tags.get("team").map(String::as_str), role.console_login), (Some("data"), Some(true)));
}
