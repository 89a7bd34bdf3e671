//! Each operation over the wire: its happy path.

use crate::support::{ACCOUNT, ROLE, STYLES, healthy, start};
use emulator::{DTS_TRUST, PolicyType, Role, World};

const DTS_POLICY: [(&str, &str); 3] =
    [("RoleName", ROLE), ("PolicyType", "System"), ("PolicyName", "AliyunDTSRolePolicy")];

#[test]
fn a_role_lives_and_dies_in_every_style() {
    let (emulator, client) = start(World::new());
    for client in STYLES.map(|style| client.style(style)) {
        let role = [("RoleName", ROLE)];
        assert_eq!(client.ram("GetRole", &role).code(), "EntityNotExist.Role", "{:?}", client.style);
        let trust = [role[0], ("AssumeRolePolicyDocument", DTS_TRUST), ("Description", "é* ~")];
        assert_eq!(client.ram("CreateRole", &trust).status, 200);
        assert_eq!(client.ram("CreateRole", &trust).code(), "EntityAlreadyExists.Role");
        let told = client.ram("GetRole", &role).json()["Role"].clone();
        assert_eq!(told["AssumeRolePolicyDocument"], DTS_TRUST);
        assert_eq!(told["Description"], "é* ~");
        assert_eq!(told["Arn"], "acs:ram::1234567890123456:role/aliyundtsdefaultrole");
        assert_eq!(client.ram("AttachPolicyToRole", &DTS_POLICY).status, 200);
        assert_eq!(client.ram("AttachPolicyToRole", &DTS_POLICY).code(), "EntityAlreadyExists.Role.Policy");
        let policies = client.ram("ListPoliciesForRole", &role).json()["Policies"]["Policy"].clone();
        assert_eq!(policies[0]["DefaultVersion"], "v59");
        assert_eq!(client.ram("DeleteRole", &role).code(), "DeleteConflict.Role.Policy");
        assert_eq!(client.ram("DetachPolicyFromRole", &DTS_POLICY).status, 200);
        assert_eq!(client.ram("DetachPolicyFromRole", &DTS_POLICY).code(), "EntityNotExist.Role.Policy");
        assert_eq!(client.ram("DeleteRole", &role).status, 200);
        assert!(emulator.role(ACCOUNT, ROLE).is_none());
    }
}

#[test]
fn a_recreated_role_is_another_role() {
    let (emulator, client) = start(World::new().account(ACCOUNT, |a| a.role(Role::named(ROLE).tag("team", "data"))));
    let before = emulator.role(ACCOUNT, ROLE).unwrap();
    client.ram("DeleteRole", &[("RoleName", ROLE)]);
    client.ram("CreateRole", &[("RoleName", ROLE), ("AssumeRolePolicyDocument", DTS_TRUST)]);
    let after = emulator.role(ACCOUNT, ROLE).unwrap();
    assert!(after.role_id > before.role_id && after.role_id.len() == 18);
    assert!(after.tags.is_empty());
}

#[test]
fn an_update_changes_only_what_it_names() {
    let (emulator, client) = healthy();
    let before = emulator.role(ACCOUNT, ROLE).unwrap();
    let told =
        client.ram("UpdateRole", &[("RoleName", ROLE), ("NewMaxSessionDuration", "7200"), ("NewDescription", "")]);
    assert_eq!(told.json()["Role"]["MaxSessionDuration"], 7200);
    let after = emulator.role(ACCOUNT, ROLE).unwrap();
    assert_eq!((after.description.as_str(), &after.trust), ("", &before.trust));
    assert!(after.has_policy(PolicyType::System, "AliyunDTSRolePolicy"));
}
