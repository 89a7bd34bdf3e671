//! Least privilege: what the published policies allow, and what they refuse.

use emulator::{AccessKey, DTS_TRUST, Emulator, Role, World};

use crate::support::{ACCOUNT, Client, ROLE};

const OWN: &str = "acs:ram:*:*:role/AliyunDTSDefaultRole";

fn with_key(key: AccessKey) -> (Emulator, Client) {
    let role = Role::dts().attach_custom("TeamExtra");
    let world = World::new().account(ACCOUNT, |account| account.role(role).role(Role::named("Other")));
    let emulator = Emulator::start(world.key(key)).unwrap();
    let client = Client::new(&emulator, "LTAI", "secret", None);
    (emulator, client)
}

fn key() -> AccessKey {
    AccessKey::permanent("LTAI", "secret").of_user(ACCOUNT, "alice")
}

#[test]
fn a_reader_of_one_role() {
    let (emulator, client) =
        with_key(key().allow(["ram:GetRole", "ram:ListPoliciesForRole", "ram:ListTagResources"], [OWN]));
    let role = [("RoleName", ROLE)];
    let tags = [("ResourceType", "role"), ("ResourceNames", r#"["AliyunDTSDefaultRole"]"#)];
    assert_eq!(client.ram("GetRole", &role).status, 200);
    assert_eq!(client.ram("ListPoliciesForRole", &role).status, 200);
    assert_eq!(client.ram("ListTagResources", &tags).status, 200);
    for (action, params) in [
        ("GetRole", vec![("RoleName", "Other")]),
        ("ListRoles", vec![]),
        ("DeleteRole", role.to_vec()),
        ("ListTagResources", tags[..1].to_vec()),
    ] {
        assert_eq!(client.ram(action, &params).code(), "NoPermission", "{action}");
    }
    assert_eq!(client.sts("GetCallerIdentity", &[]).status, 200);
    assert!(emulator.writes().iter().all(|call| !call.effect));
}

#[test]
fn a_denial_tells_its_detail() {
    let (_emulator, client) =
        with_key(AccessKey::permanent("LTAI", "secret").of_role(ACCOUNT, "guard", "s").allow(["ram:Get*"], ["*"]));
    let answer = client.ram("DeleteRole", &[("RoleName", ROLE)]);
    let detail = answer.json()["AccessDeniedDetail"].clone();
    assert_eq!((answer.status, &detail["AuthAction"]), (403, &"ram:DeleteRole".into()));
    assert_eq!(
        (&detail["AuthPrincipalType"], &detail["AuthPrincipalDisplayName"]),
        (&"AssumedRoleUser".into(), &"guard:s".into())
    );
    assert_eq!(
        (&detail["PolicyType"], &detail["NoPermissionType"]),
        (&"AccountLevelIdentityBasedPolicy".into(), &"ImplicitDeny".into())
    );
}

#[test]
fn attachments_need_role_and_policy() {
    let attach = ["ram:AttachPolicyToRole", "ram:DetachPolicyFromRole"];
    let (_emulator, client) =
        with_key(key().allow(attach, [OWN]).allow(attach, ["acs:ram:*:system:policy/AliyunDTSRolePolicy"]));
    let call = |action, role, kind, policy| {
        client.ram(action, &[("RoleName", role), ("PolicyType", kind), ("PolicyName", policy)]).code()
    };
    assert_eq!(call("DetachPolicyFromRole", ROLE, "System", "AliyunDTSRolePolicy"), "none");
    assert_eq!(call("DetachPolicyFromRole", ROLE, "Custom", "TeamExtra"), "NoPermission");
    assert_eq!(call("AttachPolicyToRole", "Other", "System", "AliyunDTSRolePolicy"), "NoPermission");
    assert_eq!(call("AttachPolicyToRole", ROLE, "System", "AdministratorAccess"), "NoPermission");
}

#[test]
fn a_denial_wins_over_what_is_allowed() {
    let (_emulator, client) = with_key(
        key().allow(["ram:*"], ["*"]).deny(["ram:AttachPolicyToRole"], ["acs:ram:*:system:policy/AdministratorAccess"]),
    );
    let attach = |policy| {
        client.ram("AttachPolicyToRole", &[("RoleName", ROLE), ("PolicyType", "System"), ("PolicyName", policy)])
    };
    assert_eq!(attach("AliyunOSSReadOnlyAccess").status, 200);
    let answer = attach("AdministratorAccess");
    assert_eq!(answer.json()["AccessDeniedDetail"]["NoPermissionType"], "ExplicitDeny");
}

#[test]
fn a_policy_document_is_read() {
    let document = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ram:CreateRole","Resource":"acs:ram:*:1234567890123456:role/New"}]}"#;
    let (_emulator, client) = with_key(key().policy(document));
    let create = |name| client.ram("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", DTS_TRUST)]).code();
    assert_eq!((create("New").as_str(), create("Old").as_str()), ("none", "NoPermission"));
}
