//! Entering members: the access role, early, late and never; suspended accounts; ten thousand of them; the rate.

use emulator::{AccessKey, Emulator, Member, MemberStatus, Role, Rule, Seed, World, member_ids};

use crate::support::{ACCOUNT, Answer, Client, MEMBER, ROLE, assume, session};

const ACCESS_ROLE: &str = "ResourceDirectoryAccountAccessRole";

fn start(world: World) -> (Emulator, Client) {
    let key = AccessKey::session("STS.ID", "secret", "token").of_role(ACCOUNT, "guard", "test");
    let emulator = Emulator::start(world.key(key)).unwrap();
    let client = Client::new(&emulator, "STS.ID", "secret", Some("token"));
    (emulator, client)
}

fn with(member: Member) -> (Emulator, Client) {
    start(World::new().directory(ACCOUNT, |directory| directory.member(member)))
}

fn enter(client: &Client, account: &str) -> Answer {
    assume(client, &format!("acs:ram::{account}:role/{ACCESS_ROLE}"), &[])
}

fn outcome(answer: &Answer) -> (u16, String) {
    (answer.status, answer.code())
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn role_code(client: &Client) -> (u16, String) {
    outcome(&client.ram("GetRole", &[("RoleName", ROLE)]))
}

#[test]
fn the_management_account_may_enter_a_member() {
    let (emulator, client) = with(Member::new(MEMBER).seed(Seed::Policy));
    let inside = session(&emulator, &enter(&client, MEMBER).json());
    assert_eq!(inside.sts("GetCallerIdentity", &[]).json()["AccountId"], MEMBER);
    let attach = [("RoleName", ROLE), ("PolicyType", "System"), ("PolicyName", "AliyunDTSRolePolicy")];
    assert_eq!(inside.ram("AttachPolicyToRole", &attach).status, 200);
    assert_eq!(emulator.role(MEMBER, ROLE).unwrap().policy_names(), ["AliyunDTSRolePolicy"]);
    assert_eq!(inside.resource_manager("ListAccounts", &[]).code(), "NoPermission", "it is a member now");
}

#[test]
fn nobody_else_may() {
    let (emulator, client) = with(Member::new(MEMBER));
    let stranger = AccessKey::permanent("LTAI", "secret").of_user("3234567890123456", "eve");
    emulator.with_world(|world| world.put_key(stranger));
    let stranger = Client { id: "LTAI".to_owned(), token: None, ..client };
    assert_eq!(outcome(&enter(&stranger, MEMBER)), is(403, "NoPermission"));
}

#[test]
fn a_member_may_lack_the_access_role() {
    let (emulator, client) = with(Member::new(MEMBER).without_access_role().role(Role::dts()));
    assert_eq!(outcome(&enter(&client, MEMBER)), is(404, "EntityNotExist.Role"));
    assert!(emulator.role(MEMBER, ROLE).is_some());
    assert!(emulator.with_world(|world| world.give_access_role(MEMBER)));
    assert_eq!(enter(&client, MEMBER).status, 200);
}

#[test]
fn what_is_no_member_has_no_access_role() {
    for status in MemberStatus::ALL {
        let (_emulator, client) = with(Member::new(MEMBER).status(status));
        assert_eq!(enter(&client, MEMBER).status == 200, status.is_member(), "{status}");
    }
}

#[test]
fn the_access_role_of_a_new_member_may_come_late() {
    let (emulator, client) = start(World::new().directory(ACCOUNT, |directory| directory));
    emulator.with_world(|world| world.put_member(Member::new(MEMBER).without_access_role()));
    let late = emulator.after_call(Rule::assume_role_in(MEMBER).nth(2), |world| {
        world.give_access_role(MEMBER);
    });
    assert_eq!(
        [enter(&client, MEMBER), enter(&client, MEMBER), enter(&client, MEMBER)].map(|a| a.status),
        [404, 404, 200]
    );
    assert_eq!(late.hits(), 1);
}

#[test]
fn a_rule_for_one_member_leaves_the_others_alone() {
    let (emulator, client) =
        start(World::new().directory(ACCOUNT, |directory| directory.members(member_ids(2), |_, member| member)));
    let busy = emulator.fault(Rule::assume_role_in("2000000000000002").throttle());
    assert_eq!(enter(&client, "2000000000000001").status, 200);
    assert_eq!(enter(&client, "2000000000000002").code(), "Throttling.User");
    assert_eq!(client.sts("GetCallerIdentity", &[]).status, 200);
    assert_eq!(busy.hits(), 1);
}

#[test]
fn a_member_that_left_keeps_its_roles() {
    let (emulator, client) = with(Member::new(MEMBER).role(Role::dts()));
    emulator.with_world(|world| world.remove_member(MEMBER));
    assert!(emulator.role(MEMBER, ROLE).is_some());
    assert_eq!(enter(&client, MEMBER).status, 200, "until somebody deletes the access role");
}

#[test]
fn a_suspended_account_answers_inactive() {
    let (emulator, client) = with(Member::new(MEMBER).role(Role::dts()).suspended());
    let listed = client.resource_manager("GetAccount", &[("AccountId", MEMBER)]).json();
    assert_eq!(listed["Account"]["Status"], "CreateSuccess", "the directory does not tell");
    assert_eq!(outcome(&enter(&client, MEMBER)), is(403, "Inactive"));
    assert!(emulator.with_world(|world| world.set_suspended(MEMBER, false)));
    let inside = session(&emulator, &enter(&client, MEMBER).json());
    assert_eq!(role_code(&inside), is(200, "none"));
    assert!(emulator.with_world(|world| world.set_suspended(MEMBER, true)));
    assert_eq!(role_code(&inside), is(403, "Inactive"));
    assert_eq!(outcome(&inside.sts("GetCallerIdentity", &[])), is(403, "Inactive"));
    assert_eq!(outcome(&inside.ram("DeleteRole", &[("RoleName", ROLE)])), is(403, "Inactive"));
    assert!(emulator.role(MEMBER, ROLE).is_some());
}

#[test]
fn ten_thousand_members() {
    let every_hundredth = |index: usize| if index.is_multiple_of(100) { Seed::Trust } else { Seed::Healthy };
    let world = World::new().directory(ACCOUNT, |directory| {
        directory.members(member_ids(10_000), |index, member| member.seed(every_hundredth(index)))
    });
    let (emulator, client) = start(world);
    let mut listed = Vec::new();
    for page in 1..=100 {
        let params = [("PageSize", "100"), ("PageNumber", &page.to_string())];
        let told = client.resource_manager("ListAccounts", &params).json();
        assert_eq!(told["TotalCount"], 10_000);
        let accounts = told["Accounts"]["Account"].as_array().unwrap();
        listed.extend(accounts.iter().map(|account| account["AccountId"].as_str().unwrap().to_owned()));
    }
    assert_eq!(listed, member_ids(10_000).collect::<Vec<_>>());
    for id in listed.iter().step_by(333) {
        let inside = session(&emulator, &enter(&client, id).json());
        assert_eq!(role_code(&inside), is(200, "none"), "{id}");
    }
    let broken = listed.iter().filter(|id| emulator.role(id, ROLE).unwrap().trust.contains("ecs.aliyuncs.com"));
    assert_eq!(broken.count(), 100);
}

#[test]
fn assume_role_has_a_rate_if_asked_for() {
    let world = World::new().directory(ACCOUNT, |directory| directory.member(Member::new(MEMBER)));
    let (emulator, client) = start(world.assume_role_limit(1));
    let by = |id: &str, account: &str| {
        emulator.with_world(|world| world.put_key(AccessKey::permanent(id, "secret").of_user(account, id)));
        Client { id: id.to_owned(), token: None, ..client.clone() }
    };
    assert_eq!(enter(&client, MEMBER).status, 200);
    let throttled = enter(&by("colleague", ACCOUNT), MEMBER);
    assert_eq!(outcome(&throttled), is(400, "Throttling.User"), "users and roles of an account share it");
    assert_eq!(throttled.json()["HostId"], "sts.aliyuncs.com");
    assert_eq!(enter(&by("stranger", "3234567890123456"), MEMBER).code(), "NoPermission", "accounts do not");
    assert_eq!(client.sts("GetCallerIdentity", &[]).status, 200, "other operations have no part in it");
    emulator.shift_clock(2);
    assert_eq!(enter(&client, MEMBER).status, 200);
}
