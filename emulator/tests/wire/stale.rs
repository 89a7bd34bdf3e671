//! Stale reads: yesterday's truth, told today.

use emulator::{Role, Rule, World};

use crate::support::{ACCOUNT, Client, ROLE, healthy, start};

const POLICY: [(&str, &str); 3] = [("RoleName", ROLE), ("PolicyType", "System"), ("PolicyName", "AliyunDTSRolePolicy")];

fn count(client: &Client) -> usize {
    client.ram("ListPoliciesForRole", &[("RoleName", ROLE)]).json()["Policies"]["Policy"].as_array().unwrap().len()
}

#[test]
fn a_stale_read_lags_one_write_behind() {
    let (emulator, client) = healthy();
    client.ram("DetachPolicyFromRole", &POLICY);
    let stale = emulator.fault(Rule::reads().stale());
    assert_eq!(count(&client), 1);
    assert!(emulator.role(ACCOUNT, ROLE).unwrap().policies.is_empty());
    drop(stale);
    assert_eq!(count(&client), 0);
}

#[test]
fn a_deleted_role_is_still_seen_and_a_created_one_not_yet() {
    let (emulator, client) = start(World::new().account(ACCOUNT, |a| a.role(Role::named(ROLE))));
    let get = |client: &Client| client.ram("GetRole", &[("RoleName", ROLE)]).status;
    client.ram("DeleteRole", &[("RoleName", ROLE)]);
    let stale = emulator.fault(Rule::on("GetRole").stale());
    assert_eq!(get(&client), 200);
    client.ram("CreateRole", &[("RoleName", ROLE), ("AssumeRolePolicyDocument", emulator::DTS_TRUST)]);
    assert_eq!(get(&client), 404);
    assert_eq!(stale.hits(), 2);
}

#[test]
fn a_read_can_lag_several_writes_behind() {
    let (emulator, client) = healthy();
    emulator.with_world(|world| world.attach_system(ACCOUNT, ROLE, "AliyunOSSReadOnlyAccess"));
    emulator.with_world(|world| world.attach_custom(ACCOUNT, ROLE, "TeamExtra"));
    let seen = |writes| {
        let _stale = emulator.fault(Rule::on("ListPoliciesForRole").stale_writes(writes));
        count(&client)
    };
    assert_eq!([seen(0), seen(1), seen(2), seen(99)], [3, 2, 1, 1]);
}

#[test]
fn writes_know_the_truth() {
    let (emulator, client) = healthy();
    client.ram("DetachPolicyFromRole", &POLICY);
    let _stale = emulator.fault(Rule::any().stale());
    assert_eq!(client.ram("DeleteRole", &[("RoleName", ROLE)]).status, 200);
}

#[test]
fn without_a_write_there_is_nothing_stale() {
    let (emulator, client) = healthy();
    let _stale = emulator.fault(Rule::any().stale());
    assert_eq!(count(&client), 1);
}
