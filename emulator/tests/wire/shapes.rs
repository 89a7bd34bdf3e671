//! Replies have the shape of the samples: the same fields, of the same types, at the same depth.

use std::path::Path;

use emulator::{AccessKey, DTS_TRUST, Emulator, Member, MemberStatus, Role, World};
use serde_json::{Value, json};

use crate::support::{ACCOUNT, Answer, Client, ROLE};

/// Every value replaced by its type; a list by the shape of its first item.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields.iter().map(|(name, value)| (name.clone(), shape(value))).collect(),
        Value::Array(items) => items.iter().take(1).map(shape).collect(),
        Value::String(_) => json!("text"),
        Value::Number(_) => json!(0),
        Value::Bool(_) => json!(true),
        Value::Null => Value::Null,
    }
}

fn sample(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/samples").join(format!("{name}.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[track_caller]
fn is_like(name: &str, answer: &Answer) {
    assert_eq!(shape(&answer.json()), shape(&sample(name)), "{name}: {}", answer.text);
}

#[track_caller]
fn is_refused_like(name: &str, answer: &Answer) {
    let expected = sample(name);
    assert_eq!(shape(&answer.json()), shape(&expected["body"]), "{name}: {}", answer.text);
    assert_eq!(
        (answer.status, &answer.json()["Code"]),
        (u16::try_from(expected["status"].as_u64().unwrap()).unwrap(), &expected["body"]["Code"])
    );
}

fn emulator() -> (Emulator, impl Fn(&str) -> Client) {
    let world = World::new()
        .account(ACCOUNT, |account| {
            account
                .role(Role::dts().attach_custom("TeamExtra").tag("team", "data").tag("empty", ""))
                .role(Role::named("Bare"))
                .role(Role::named("Linked").service_linked())
                .role(Role::member_access(ACCOUNT))
        })
        .key(AccessKey::permanent("USER", "secret").of_user(ACCOUNT, "alice"))
        .key(AccessKey::permanent("ROOT", "secret").of_root(ACCOUNT))
        .key(AccessKey::permanent("ROLE", "secret").of_role(ACCOUNT, "guard", "s"))
        .key(AccessKey::permanent("READER", "secret").of_role(ACCOUNT, "guard", "s").allow(["ram:Get*"], ["*"]));
    let emulator = Emulator::start(world).unwrap();
    let client = Client::new(&emulator, "USER", "secret", None);
    (emulator, move |id: &str| Client { id: id.to_owned(), ..client.clone() })
}

const POLICY: [(&str, &str); 4] =
    [("RoleName", "Bare"), ("PolicyType", "System"), ("PolicyName", "AliyunDTSRolePolicy"), ("VersionId", "v59")];
const TAGS: [(&str, &str); 4] =
    [("ResourceType", "role"), ("ResourceNames.1", ROLE), ("Tag.1.Key", "team"), ("TagKeys.1", "team")];

#[test]
fn reads_of_ram() {
    let (_emulator, client) = emulator();
    let ram = |action: &str, params: &[(&str, &str)]| client("USER").ram(action, params);
    is_like("ram-GetRole", &ram("GetRole", &[("RoleName", ROLE)]));
    is_like("ram-GetRole-service-linked", &ram("GetRole", &[("RoleName", "Linked")]));
    is_like("ram-ListRoles-page1", &ram("ListRoles", &[("MaxItems", "2")]));
    is_like("ram-ListRoles-page2", &ram("ListRoles", &[]));
    is_like("ram-ListPoliciesForRole", &ram("ListPoliciesForRole", &[("RoleName", ROLE)]));
    is_like("ram-ListPoliciesForRole-empty", &ram("ListPoliciesForRole", &[("RoleName", "Bare")]));
    is_like("ram-GetPolicy", &ram("GetPolicy", &POLICY));
    is_like("ram-GetPolicyVersion", &ram("GetPolicyVersion", &POLICY));
    is_like("ram-ListEntitiesForPolicy", &ram("ListEntitiesForPolicy", &POLICY));
    is_like("ram-ListTagResources", &ram("ListTagResources", &TAGS[..2]));
    is_like("ram-ListTagResources-page1", &ram("ListTagResources", &[TAGS[0], TAGS[1], ("PageSize", "1")]));
}

#[test]
fn writes_of_ram() {
    let (_emulator, client) = emulator();
    let ram = |action: &str, params: &[(&str, &str)]| client("USER").ram(action, params);
    is_like("ram-CreateRole", &ram("CreateRole", &[("RoleName", "New"), ("AssumeRolePolicyDocument", DTS_TRUST)]));
    is_like("ram-UpdateRole", &ram("UpdateRole", &[("RoleName", "New"), ("NewDescription", "d")]));
    is_like("ram-DeleteRole", &ram("DeleteRole", &[("RoleName", "New")]));
    is_like("ram-AttachPolicyToRole", &ram("AttachPolicyToRole", &POLICY));
    is_like("ram-DetachPolicyFromRole", &ram("DetachPolicyFromRole", &POLICY));
    is_like("ram-TagResources", &ram("TagResources", &TAGS));
    is_like("ram-UntagResources", &ram("UntagResources", &TAGS));
}

#[test]
fn sts() {
    let (_emulator, client) = emulator();
    let assume = [
        ("RoleArn", "acs:ram::1234567890123456:role/ResourceDirectoryAccountAccessRole"),
        ("RoleSessionName", "session"),
    ];
    is_like("sts-AssumeRole", &client("USER").sts("AssumeRole", &assume));
    is_like("sts-GetCallerIdentity", &client("ROLE").sts("GetCallerIdentity", &[]));
    is_like("sts-GetCallerIdentity-account", &client("ROOT").sts("GetCallerIdentity", &[]));
    is_like("sts-GetCallerIdentity-ramuser", &client("USER").sts("GetCallerIdentity", &[]));
    is_refused_like("sts-error-NoPermission", &client("READER").sts("AssumeRole", &assume));
}

/// The members of the samples.
fn directory() -> (Emulator, impl Fn(&str) -> Client) {
    let member = |id: &str, name: &str, status| Member::new(id).name(name).status(status);
    let world = World::new()
        .directory(ACCOUNT, |directory| {
            directory
                .member(member("2234567890123456", "app-dev", MemberStatus::CreateSuccess))
                .member(member("3234567890123456", "legacy", MemberStatus::InviteSuccess))
                .member(member("4234567890123456", "app-prod", MemberStatus::PromoteVerifying))
        })
        .key(AccessKey::permanent("USER", "secret").of_user(ACCOUNT, "alice"))
        .key(AccessKey::permanent("MEMBER", "secret").of_user("2234567890123456", "bob"))
        .key(AccessKey::permanent("OUTSIDER", "secret").of_user("9234567890123456", "eve"));
    let emulator = Emulator::start(world).unwrap();
    let client = Client::new(&emulator, "USER", "secret", None);
    (emulator, move |id: &str| Client { id: id.to_owned(), ..client.clone() })
}

/// Equal but for what the sample cannot know, and the path, to which the vendor's pages add the account.
#[track_caller]
fn tells(name: &str, answer: &Answer) {
    is_like(name, answer);
    let known = |text: String| -> Value {
        let mut value: Value = serde_json::from_str(&text).unwrap();
        value["RequestId"] = Value::Null;
        value
    };
    let mut expected = sample(name);
    let accounts = expected.pointer_mut("/Accounts/Account").and_then(Value::as_array_mut);
    for account in accounts.into_iter().flatten() {
        add_to_path(account);
    }
    expected.get_mut("Account").into_iter().for_each(add_to_path);
    assert_eq!(known(answer.text.clone()), known(expected.to_string()), "{name}");
}

fn add_to_path(account: &mut Value) {
    let text = |name: &str| account[name].as_str().unwrap();
    account["ResourceDirectoryPath"] = format!("{}/{}", text("ResourceDirectoryPath"), text("AccountId")).into();
}

#[test]
fn resource_manager() {
    let (emulator, client) = directory();
    let ask = |action: &str, params: &[(&str, &str)]| client("USER").resource_manager(action, params);
    tells("resourcemanager-ListAccounts-page1", &ask("ListAccounts", &[("PageSize", "2")]));
    tells("resourcemanager-ListAccounts-page2", &ask("ListAccounts", &[("PageSize", "2"), ("PageNumber", "2")]));
    tells("resourcemanager-GetAccount", &ask("GetAccount", &[("AccountId", "2234567890123456")]));
    tells("resourcemanager-GetResourceDirectory", &ask("GetResourceDirectory", &[]));
    let unknown = ask("GetAccount", &[("AccountId", "9234567890123456")]);
    is_refused_like("resourcemanager-error-EntityNotExists.Account", &unknown);
    let by = |id: &str| client(id).resource_manager("ListAccounts", &[]);
    is_refused_like("resourcemanager-error-NoPermission", &by("MEMBER"));
    is_refused_like("resourcemanager-error-EntityNotExists.ResourceDirectory", &by("OUTSIDER"));
    emulator.with_world(|world| {
        ["2234567890123456", "3234567890123456", "4234567890123456"].map(|id| world.remove_member(id))
    });
    tells("resourcemanager-ListAccounts-empty", &ask("ListAccounts", &[("PageSize", "100")]));
}

#[test]
fn refusals() {
    let (_emulator, client) = emulator();
    is_refused_like("ram-error-NoPermission", &client("READER").ram("DeleteRole", &[("RoleName", ROLE)]));
    is_refused_like("ram-error-EntityNotExist.Role", &client("USER").ram("GetRole", &[("RoleName", "Nobody")]));
}
