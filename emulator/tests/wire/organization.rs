//! Resource Manager: who may look into the directory, and what is in it.

use emulator::{
    AccessKey, DirectorySeed, Emulator, JoinMethod, Member, MemberStatus, MemberType, Rule, World, member_ids,
};
use serde_json::Value;

use crate::support::{ACCOUNT, Answer, Client, MEMBER, STYLES, Style};

const DELEGATED: &str = "3234567890123456";
const OUTSIDER: &str = "9234567890123456";

/// The management account's key is `MANAGEMENT`; each of the others is named as its account is.
fn start(seed: impl FnOnce(DirectorySeed) -> DirectorySeed) -> (Emulator, Client) {
    let user = |id: &str, account: &str| AccessKey::permanent(id, "secret").of_user(account, "alice");
    let world = World::new()
        .directory(ACCOUNT, seed)
        .key(user("MANAGEMENT", ACCOUNT))
        .key(user("DELEGATED", DELEGATED))
        .key(user("MEMBER", MEMBER))
        .key(user("OUTSIDER", OUTSIDER))
        .key(user("LISTER", ACCOUNT).allow(["resourcemanager:ListAccounts"], ["acs:resourcemanager:*:*:account/*"]))
        .key(user("ELSEWHERE", ACCOUNT).allow(["resourcemanager:*"], ["acs:resourcemanager:*:9234567890123456:*"]))
        .key(user("GETTER", ACCOUNT).allow(["resourcemanager:Get*"], ["*"]))
        .key(user("RAM", ACCOUNT).allow(["ram:*"], ["*"]));
    let emulator = Emulator::start(world).unwrap();
    let client = Client::new(&emulator, "MANAGEMENT", "secret", None);
    (emulator, client)
}

fn two_members() -> (Emulator, Client) {
    start(|directory| {
        let members = [MEMBER, DELEGATED].map(Member::new);
        members.into_iter().fold(directory, DirectorySeed::member).delegated_administrator(DELEGATED)
    })
}

fn ids(listed: &Answer) -> Vec<String> {
    let accounts = listed.json()["Accounts"]["Account"].as_array().unwrap().clone();
    accounts.iter().map(|account| account["AccountId"].as_str().unwrap().to_owned()).collect()
}

fn list(client: &Client, params: &[(&str, &str)]) -> Answer {
    client.resource_manager("ListAccounts", params)
}

fn get(client: &Client, id: &str) -> Answer {
    client.resource_manager("GetAccount", &[("AccountId", id)])
}

fn directory(client: &Client) -> Answer {
    client.resource_manager("GetResourceDirectory", &[])
}

/// Status and code of each of the three operations.
fn outcomes(client: &Client, id: &str) -> [(u16, String); 3] {
    let client = Client { id: id.to_owned(), ..client.clone() };
    [list(&client, &[]), get(&client, MEMBER), directory(&client)].map(|answer| (answer.status, answer.code()))
}

fn is(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

fn ok() -> (u16, String) {
    is(200, "none")
}

#[test]
fn management_account_and_delegated_administrator_see_the_members() {
    let (_emulator, client) = two_members();
    assert_eq!(outcomes(&client, "MANAGEMENT"), [ok(), ok(), ok()]);
    assert_eq!(outcomes(&client, "DELEGATED"), [ok(), ok(), ok()]);
}

#[test]
fn a_member_sees_only_whose_directory_it_is_in() {
    let (_emulator, client) = two_members();
    let denied = is(403, "NoPermission");
    assert_eq!(outcomes(&client, "MEMBER"), [denied.clone(), denied, ok()]);
    let told = directory(&Client { id: "MEMBER".to_owned(), ..client }).json();
    assert_eq!(told["ResourceDirectory"]["MasterAccountId"], ACCOUNT);
}

#[test]
fn an_account_outside_has_no_directory() {
    let (_emulator, client) = two_members();
    let none = is(404, "EntityNotExists.ResourceDirectory");
    let expected = [none.clone(), none, is(404, "ResourceDirectoryNotInUse")];
    assert_eq!(outcomes(&client, "OUTSIDER"), expected);
    let (emulator, client) = two_members();
    emulator.with_world(|world| world.remove_member(DELEGATED));
    assert_eq!(outcomes(&client, "DELEGATED"), expected, "it lost its office with its membership");
}

#[test]
fn an_account_that_was_removed_is_outside_even_while_it_is_listed() {
    let (emulator, client) = two_members();
    emulator.with_world(|world| world.set_member_status(MEMBER, MemberStatus::Removed));
    assert_eq!(ids(&list(&client, &[])), [MEMBER, DELEGATED]);
    assert_eq!(outcomes(&client, "MEMBER")[2], is(404, "ResourceDirectoryNotInUse"));
}

#[test]
fn a_world_without_a_directory() {
    let world = World::new().key(AccessKey::permanent("LTAI", "secret").of_user(ACCOUNT, "alice"));
    let emulator = Emulator::start(world).unwrap();
    let client = Client::new(&emulator, "LTAI", "secret", None);
    let none = is(404, "EntityNotExists.ResourceDirectory");
    assert_eq!(outcomes(&client, "LTAI"), [none.clone(), none, is(404, "ResourceDirectoryNotInUse")]);
    emulator.with_world(|world| {
        assert!(!world.put_member(Member::new(MEMBER)));
        assert!(!world.remove_member(MEMBER) && !world.give_access_role(MEMBER));
        assert!(!world.set_member_status(MEMBER, MemberStatus::Removed));
    });
}

#[test]
fn policies_decide_before_the_directory_does() {
    let (_emulator, client) = two_members();
    let denied = is(403, "NoPermission");
    assert_eq!(outcomes(&client, "LISTER"), [ok(), denied.clone(), denied.clone()]);
    assert_eq!(outcomes(&client, "GETTER"), [denied.clone(), ok(), ok()]);
    for nobody in ["ELSEWHERE", "RAM"] {
        assert_eq!(outcomes(&client, nobody), [denied.clone(), denied.clone(), denied.clone()], "{nobody}");
    }
    let detail = list(&Client { id: "RAM".to_owned(), ..client }, &[]).json()["AccessDeniedDetail"].clone();
    assert_eq!(detail["AuthAction"], "resourcemanager:ListAccounts");
}

#[test]
fn pages_over_every_signature() {
    let (_emulator, client) = start(|directory| directory.members(member_ids(5), |_, member| member));
    let all: Vec<String> = member_ids(5).collect();
    for client in STYLES.map(|style| client.style(style)) {
        let page = |number| list(&client, &[("PageSize", "2"), ("PageNumber", number)]);
        assert_eq!(["1", "2", "3", "4"].map(|number| ids(&page(number))).concat(), all);
        assert!(ids(&page("4")).is_empty() && ids(&page("4294967295")).is_empty());
        let told = page("2").json();
        assert_eq!((&told["TotalCount"], &told["PageNumber"], &told["PageSize"]), (&5.into(), &2.into(), &2.into()));
    }
}

#[test]
fn ten_members_a_page_unless_asked_for_more() {
    let (_emulator, client) = start(|directory| directory.members(member_ids(101), |_, member| member));
    assert_eq!((ids(&list(&client, &[])).len(), ids(&list(&client, &[("PageSize", "100")])).len()), (10, 100));
    assert_eq!(ids(&list(&client, &[("PageSize", "100"), ("PageNumber", "2")])), ["2000000000000101"]);
}

#[test]
fn what_is_no_page() {
    let (_emulator, client) = two_members();
    let cases = [
        ("PageNumber", "0"),
        ("PageNumber", "-1"),
        ("PageNumber", "one"),
        ("PageSize", "0"),
        ("PageSize", "101"),
        ("PageSize", ""),
        ("IncludeTags", "perhaps"),
        ("Tag", "rubbish"),
    ];
    for (name, value) in cases {
        let answer = list(&client, &[(name, value)]);
        assert_eq!((answer.status, answer.code()), is(400, &format!("InvalidParameter.{name}")), "{value}");
    }
}

#[test]
fn one_account_by_its_id() {
    let (_emulator, client) = two_members();
    let outcome = |params: &[(&str, &str)]| {
        let answer = client.resource_manager("GetAccount", params);
        (answer.status, answer.code())
    };
    assert_eq!(outcome(&[("AccountId", MEMBER)]), ok());
    assert_eq!(outcome(&[("AccountId", OUTSIDER)]), is(404, "EntityNotExists.Account"));
    assert_eq!(outcome(&[]), is(400, "MissingParameter.AccountId"));
    assert_eq!(outcome(&[("AccountId", "")]), is(400, "MissingParameter.AccountId"));
    for id in ["123456789012345", "12345678901234567", "12345678901234x6"] {
        assert_eq!(outcome(&[("AccountId", id)]), is(400, "InvalidParameter.AccountId"), "{id}");
    }
    assert_eq!(outcome(&[("AccountId", MEMBER), ("IncludeTags", "x")]), is(400, "InvalidParameter.IncludeTags"));
}

#[test]
fn the_management_account_is_listed_only_if_asked_for() {
    let (_emulator, client) = two_members();
    assert_eq!(ids(&list(&client, &[])), [MEMBER, DELEGATED]);
    assert_eq!(get(&client, ACCOUNT).code(), "EntityNotExists.Account");
    let (_emulator, client) = start(|directory| directory.member(Member::new(MEMBER)).list_management_account());
    assert_eq!(ids(&list(&client, &[])), [ACCOUNT, MEMBER]);
    assert_eq!(get(&client, ACCOUNT).json()["Account"]["Type"], "CloudAccount");
}

#[test]
fn every_status_is_told_in_the_list_and_alone() {
    let ids: Vec<String> = member_ids(MemberStatus::ALL.len()).collect();
    let of_status = |index: usize, member: Member| member.status(MemberStatus::ALL[index]);
    let (_emulator, client) = start(|directory| directory.members(ids.clone(), of_status));
    let listed = list(&client, &[("PageSize", "100")]).json();
    for (index, status) in MemberStatus::ALL.iter().enumerate() {
        assert_eq!(listed["Accounts"]["Account"][index]["Status"], status.to_string());
        assert_eq!(get(&client, &ids[index]).json()["Account"]["Status"], status.to_string());
    }
}

#[test]
fn a_member_is_told_as_it_was_seeded() {
    let legacy = Member::new(MEMBER).name("旧 <legacy>").status(MemberStatus::InviteSuccess);
    let odd = Member::new(DELEGATED).member_type(MemberType::CloudAccount).join_method(JoinMethod::Created);
    let (_emulator, client) = start(|directory| directory.member(legacy).member(odd));
    let told = |id| {
        let account = get(&client, id).json()["Account"].clone();
        ["DisplayName", "Type", "JoinMethod"].map(|field| account[field].as_str().unwrap().to_owned())
    };
    assert_eq!(told(MEMBER), ["旧 <legacy>", "CloudAccount", "invited"]);
    assert_eq!(told(DELEGATED)[1..], ["CloudAccount", "created"]);
}

#[test]
fn tags_are_told_when_asked_for_and_choose_members() {
    let (_emulator, client) = start(|directory| {
        directory
            .member(Member::new(MEMBER).tag("team", "data").tag("env", "dev"))
            .member(Member::new(DELEGATED).tag("team", ""))
    });
    let tags = |params: &[(&str, &str)]| list(&client, params).json()["Accounts"]["Account"][0]["Tags"].clone();
    assert_eq!(tags(&[]), Value::Null);
    assert_eq!(tags(&[("IncludeTags", "true")])["Tag"][1], serde_json::json!({ "Key": "team", "Value": "data" }));
    let alone = client.resource_manager("GetAccount", &[("AccountId", DELEGATED), ("IncludeTags", "true")]).json();
    assert_eq!(alone["Account"]["Tags"], serde_json::json!([{ "Key": "team", "Value": "" }]));

    let chosen =
        |params: &[(&str, &str)]| (ids(&list(&client, params)), list(&client, params).json()["TotalCount"].clone());
    assert_eq!(chosen(&[("Tag.1.Key", "team")]), (vec![MEMBER.to_owned(), DELEGATED.to_owned()], 2.into()));
    let both = [("Tag.1.Key", "team"), ("Tag.1.Value", "data"), ("Tag.2.Key", "env"), ("Tag.2.Value", "dev")];
    assert_eq!(chosen(&both), (vec![MEMBER.to_owned()], 1.into()));
    assert_eq!(chosen(&[("Tag.1.Key", "nothing")]), (vec![], 0.into()));
}

#[test]
fn members_come_and_go_while_it_runs() {
    let (emulator, client) = two_members();
    assert!(emulator.with_world(|world| world.put_member(Member::new("2000000000000001"))));
    assert_eq!(ids(&list(&client, &[])), ["2000000000000001", MEMBER, DELEGATED]);
    assert!(emulator.with_world(|world| world.remove_member(MEMBER)));
    assert!(!emulator.with_world(|world| world.remove_member(MEMBER)));
    assert_eq!(ids(&list(&client, &[])), ["2000000000000001", DELEGATED]);
    assert_eq!(get(&client, MEMBER).code(), "EntityNotExists.Account");
    assert!(emulator.with_world(|world| world.set_member_status(DELEGATED, MemberStatus::PromoteFailed)));
    assert_eq!(get(&client, DELEGATED).json()["Account"]["Status"], "PromoteFailed");
}

#[test]
fn a_page_may_shift_under_the_reader() {
    let (emulator, client) = start(|directory| directory.members(member_ids(4), |_, member| member));
    let page = |number| ids(&list(&client, &[("PageSize", "2"), ("PageNumber", number)]));
    assert_eq!(page("1"), ["2000000000000001", "2000000000000002"]);
    emulator.with_world(|world| world.remove_member("2000000000000001"));
    assert_eq!(page("2"), ["2000000000000004"], "the third is on the first page now");
}

#[test]
fn versions_keep_products_apart() {
    let (_emulator, client) = two_members();
    let code = |version, action| client.call(version, action, &[]).code();
    for version in [crate::support::RAM, crate::support::STS] {
        assert_eq!(code(version, "ListAccounts"), "InvalidAction.NotFound");
    }
    assert_eq!(code("2020-03-31", "ListRoles"), "InvalidAction.NotFound");
    assert_eq!(code("2022-04-19", "ListAccounts"), "InvalidVersion");
}

#[test]
fn xml_unless_json_is_asked_for() {
    let (_emulator, client) = two_members();
    let xml = Client { format: "", ..client }.style(Style::RpcPost);
    let text = list(&xml, &[]).text;
    assert!(text.contains("<ListAccountsResponse>") && text.contains("<Accounts><Account><AccountId>"), "{text}");
    let text = get(&xml, OUTSIDER).text;
    assert!(text.contains("<HostId>resourcemanager.aliyuncs.com</HostId>"), "{text}");
}

#[test]
fn faults_speak_for_resource_manager() {
    let (emulator, client) = two_members();
    let denied = emulator.fault(Rule::on("ListAccounts").deny());
    let answer = list(&client, &[]).json();
    assert_eq!(answer["AccessDeniedDetail"]["AuthAction"], "resourcemanager:ListAccounts");
    assert_eq!(answer["HostId"], "resourcemanager.aliyuncs.com");
    drop(denied);
    let partial = emulator.fault(Rule::on("ListAccounts").partial_list());
    assert_eq!(ids(&list(&client, &[])), [MEMBER]);
    drop(partial);
    assert!(emulator.writes().is_empty());
}
