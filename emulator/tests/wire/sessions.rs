//! STS: who am I, and may I be somebody else.

use emulator::{AccessKey, Emulator, Role, World};

use crate::support::{ACCOUNT, Answer, Client, MEMBER, ROLE, STYLES, assume, healthy, session};

const ARN: &str = "acs:ram::2234567890123456:role/ResourceDirectoryAccountAccessRole";

fn organisation() -> (Emulator, Client) {
    let world = World::new()
        .account(ACCOUNT, |account| account.role(Role::named("guard")))
        .account(MEMBER, |account| {
            account
                .role(Role::dts())
                .role(Role::member_access(ACCOUNT))
                .role(Role::named("Weak").trusting_account(ACCOUNT))
        })
        .key(AccessKey::permanent("ROOT", "secret").of_root(ACCOUNT))
        .key(AccessKey::permanent("NONE", "secret").of_user(ACCOUNT, "bob").allow(["ram:*"], ["*"]))
        .key(AccessKey::permanent("LTAI", "secret").of_user(ACCOUNT, "alice"));
    let emulator = Emulator::start(world).unwrap();
    let client = Client::new(&emulator, "LTAI", "secret", None);
    (emulator, client)
}

#[test]
fn a_session_is_somebody_in_the_other_account() {
    let (emulator, client) = organisation();
    for client in STYLES.map(|style| client.style(style)) {
        let told = assume(&client, ARN, &[]).json();
        assert_eq!(told["AssumedRoleUser"]["Arn"], format!("{}/dts-role-guard", ARN.to_lowercase()));
        let session = session(&emulator, &told);
        let me = session.sts("GetCallerIdentity", &[]).json();
        assert_eq!((&me["AccountId"], &me["IdentityType"]), (&MEMBER.into(), &"AssumedRoleUser".into()));
        assert_eq!(
            me["Arn"],
            "acs:ram::2234567890123456:assumed-role/ResourceDirectoryAccountAccessRole/dts-role-guard"
        );
        assert_eq!(me["PrincipalId"], told["AssumedRoleUser"]["AssumedRoleId"]);
        assert_eq!(session.ram("GetRole", &[("RoleName", ROLE)]).status, 200);
    }
    assert!(emulator.secrets().len() >= STYLES.len() * 2);
}

#[test]
fn callers_of_every_kind() {
    let (emulator, client) = organisation();
    let me = |id: &str| Client { id: id.to_owned(), ..client.clone() }.sts("GetCallerIdentity", &[]).json();
    assert_eq!(me("LTAI")["Arn"], "acs:ram::1234567890123456:user/alice");
    assert_eq!((&me("ROOT")["IdentityType"], &me("ROOT")["PrincipalId"]), (&"Account".into(), &ACCOUNT.into()));
    let (_emulator, client) = healthy();
    let told = client.sts("GetCallerIdentity", &[]).json();
    assert_eq!(told["Arn"], "acs:ram::1234567890123456:assumed-role/guard/test");
    assert_eq!(told["PrincipalId"], format!("{}:test", told["RoleId"].as_str().unwrap()));
    drop(emulator);
}

#[test]
fn a_session_has_no_more_than_its_roles_policies() {
    let (emulator, client) = organisation();
    let told = assume(&client, "acs:ram::2234567890123456:role/weak", &[]).json();
    let session = session(&emulator, &told);
    assert_eq!(session.ram("GetRole", &[("RoleName", ROLE)]).code(), "NoPermission");
    emulator.with_world(|world| world.attach_system(MEMBER, "Weak", "AliyunRAMReadOnlyAccess"));
    assert_eq!(session.ram("GetRole", &[("RoleName", ROLE)]).status, 200);
    emulator.with_world(|world| world.delete_role(MEMBER, "Weak"));
    assert_eq!(session.ram("GetRole", &[("RoleName", ROLE)]).code(), "NoPermission");
}

#[test]
fn a_session_policy_narrows() {
    let (emulator, client) = organisation();
    let policy = r#"{"Version":"1","Statement":[{"Effect":"Allow","Action":"ram:Get*","Resource":"acs:ram:*:*:role/AliyunDTSDefaultRole"}]}"#;
    let session = session(&emulator, &assume(&client, ARN, &[("Policy", policy)]).json());
    assert_eq!(session.ram("GetRole", &[("RoleName", ROLE)]).status, 200);
    assert_eq!(session.ram("GetRole", &[("RoleName", "Weak")]).code(), "NoPermission");
    assert_eq!(session.ram("ListPoliciesForRole", &[("RoleName", ROLE)]).code(), "NoPermission");
}

#[test]
fn a_session_ends() {
    let (emulator, client) = organisation();
    let session = session(&emulator, &assume(&client, ARN, &[("DurationSeconds", "900")]).json());
    emulator.shift_clock(899);
    assert_eq!(session.sts("GetCallerIdentity", &[]).status, 200);
    emulator.with_world(|world| world.expire_key(&session.id));
    let ended = session.sts("GetCallerIdentity", &[]);
    assert_eq!((ended.status, ended.code().as_str()), (403, "InvalidSecurityToken.Expired"));
}

fn refused(answer: &Answer, status: u16, code: &str, message: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text);
    assert!(answer.json()["Message"].as_str().unwrap().contains(message), "{}", answer.text);
    assert_eq!(answer.json()["HostId"], "sts.aliyuncs.com");
}

#[test]
fn who_may_not() {
    let (emulator, client) = organisation();
    let by = |id: &str| Client { id: id.to_owned(), ..client.clone() };
    refused(&assume(&by("ROOT"), ARN, &[]), 403, "NoPermission", "authorized by RAM");
    refused(&assume(&by("NONE"), ARN, &[]), 403, "NoPermission", "authorized by RAM");
    refused(
        &assume(&client, "acs:ram::2234567890123456:role/AliyunDTSDefaultRole", &[]),
        403,
        "NoPermission",
        "does not trust you",
    );
    refused(&assume(&client, "acs:ram::2234567890123456:role/Nobody", &[]), 404, "EntityNotExist.Role", "not exists");
    refused(&assume(&client, "acs:ram::9934567890123456:role/Nobody", &[]), 404, "EntityNotExist.Role", "not exists");
    emulator.with_world(|world| world.set_trust(MEMBER, "Weak", "rubbish"));
    refused(&assume(&client, "acs:ram::2234567890123456:role/Weak", &[]), 403, "NoPermission", "does not trust you");
}

#[test]
fn what_is_no_request() {
    let (_emulator, client) = organisation();
    let invalid = |more: &[(&str, &str)], code: &str| {
        refused(&assume(&client, ARN, more), 400, &format!("InvalidParameter.{code}"), "");
    };
    for seconds in ["899", "3601", "soon"] {
        invalid(&[("DurationSeconds", seconds)], "DurationSeconds");
    }
    for policy in ["", "{}", &" ".repeat(2049)] {
        invalid(&[("Policy", policy)], "PolicyGrammar");
    }
    invalid(&[("ExternalId", "x")], "ExternalId");
    for name in ["x", "a b", &"x".repeat(65)] {
        let params = [("RoleArn", ARN), ("RoleSessionName", name)];
        refused(&client.sts("AssumeRole", &params), 400, "InvalidParameter.RoleSessionName", "");
    }
    refused(&assume(&client, "arn:aws:iam::1:role/x", &[]), 400, "InvalidParameter.RoleArn", "");
    refused(&client.sts("AssumeRole", &[("RoleArn", ARN)]), 400, "MissingParameter", "RoleSessionName");
}

#[test]
fn a_chain_of_roles() {
    let (emulator, client) = organisation();
    emulator.with_world(|world| world.put_role(ACCOUNT, Role::named("back").trusting_account(MEMBER)));
    let first = session(&emulator, &assume(&client, ARN, &[]).json());
    assert_eq!(assume(&first, "acs:ram::1234567890123456:role/back", &[]).status, 200);
}
