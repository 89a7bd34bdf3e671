//! The recorder: what was asked, what came of it, and that nothing else was.

use std::time::Duration;

use emulator::{Call, Rule, Scheme, peak_in_flight, peak_per_second, round_trips, round_trips_with};

use crate::support::{ACCOUNT, Client, ROLE, Style, healthy};

#[test]
fn a_call_is_told_without_its_secrets() {
    let (emulator, client) = healthy();
    client.style(Style::Acs3Query).ram("GetRole", &[("RoleName", ROLE)]);
    client.ram("TagResources", &[("ResourceType", "role"), ("ResourceNames.1", ROLE), ("Tag.1.Key", "k")]);
    client.ram("GetRole", &[("RoleName", "Nobody")]);
    let calls = emulator.calls();
    assert_eq!(emulator.operations(), ["GetRole", "TagResources", "GetRole"]);
    assert_eq!(
        calls.iter().map(|call| call.scheme.unwrap()).collect::<Vec<_>>(),
        [Scheme::Acs3, Scheme::RpcV1, Scheme::RpcV1]
    );
    assert_eq!(calls.iter().map(|call| call.status.unwrap()).collect::<Vec<_>>(), [200, 200, 404]);
    assert_eq!(
        calls.iter().map(|call| (call.index, call.write, call.effect)).collect::<Vec<_>>(),
        [(0, false, false), (1, true, true), (2, false, false)]
    );
    assert_eq!((calls[2].code.as_deref(), calls[2].account.as_deref()), (Some("EntityNotExist.Role"), Some(ACCOUNT)));
    assert_eq!(
        (calls[0].user_agent.as_deref(), calls[0].access_key_id.as_deref()),
        (Some("hand-made"), Some("STS.ID"))
    );
    assert!(calls.iter().all(|call| call.finished.unwrap() >= call.started));
    let told = format!("{calls:?}");
    assert!(emulator.secrets().iter().all(|secret| !told.contains(secret.as_str())), "{told}");
}

#[test]
fn the_request_id_is_the_replys() {
    let (emulator, client) = healthy();
    let told = client.ram("GetRole", &[("RoleName", ROLE)]).json();
    assert_eq!(told["RequestId"], emulator.calls()[0].request_id);
}

#[test]
fn a_call_is_about_the_account_that_is_entered_or_asked_for() {
    let (emulator, client) = healthy();
    client.ram("GetRole", &[("RoleName", ROLE)]);
    client.resource_manager("GetAccount", &[("AccountId", "2234567890123456")]);
    client.sts("AssumeRole", &[("RoleArn", "acs:ram::3234567890123456:role/reader")]);
    let calls = emulator.calls();
    let about: Vec<_> = calls.iter().map(Call::about).collect();
    assert_eq!(about, [ACCOUNT, "2234567890123456", "3234567890123456"]);
}

#[test]
fn reads_are_silence() {
    let (emulator, client) = healthy();
    client.ram("GetRole", &[("RoleName", ROLE)]);
    client.ram("ListRoles", &[]);
    client.sts("GetCallerIdentity", &[]);
    assert!(emulator.writes().is_empty());
    client.ram("DeleteRole", &[("RoleName", ROLE)]);
    assert_eq!(emulator.writes().len(), 1);
    assert!(!emulator.writes()[0].effect);
}

#[test]
fn a_write_that_changes_nothing_has_no_effect() {
    let (emulator, client) = healthy();
    client.ram("UpdateRole", &[("RoleName", ROLE)]);
    client.ram("UntagResources", &[("ResourceType", "role"), ("ResourceNames.1", ROLE), ("TagKeys.1", "x")]);
    assert!(emulator.writes().iter().all(|call| call.status == Some(200) && !call.effect));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_arrival_can_be_awaited() {
    let (emulator, client) = healthy();
    let hanging = emulator.fault(Rule::on("GetRole").nth(2).hang());
    let thread = std::thread::spawn(move || {
        client.ram("GetRole", &[("RoleName", ROLE)]);
        client.open(&client.request("GetRole", &[("RoleName", ROLE)]))
    });
    emulator.wait_for_call("GetRole", 2).await;
    emulator.wait_for_call("GetRole", 1).await;
    assert_eq!(emulator.calls()[1].finished, None);
    drop((thread.join().unwrap(), hanging));
}

#[test]
fn latency_delays_every_call() {
    let (emulator, client) = healthy();
    emulator.set_latency(Duration::from_millis(30));
    client.ram("GetRole", &[("RoleName", ROLE)]);
    let call = &emulator.calls()[0];
    assert!(call.took().unwrap() >= Duration::from_millis(30));
}

#[test]
fn each_call_on_a_connection_of_its_own_takes_a_trip_more() {
    let (emulator, client) = healthy();
    for _ in 0..3 {
        client.ram("GetRole", &[("RoleName", ROLE)]);
    }
    let (calls, openings) = (emulator.calls(), emulator.openings());
    assert_eq!((round_trips(&calls), openings.len(), emulator.connections()), (3, 3, 3));
    assert!(openings.iter().all(|opening| opening.trips == 1 && opening.finished >= Some(opening.started)));
    assert_eq!(round_trips_with(&calls, &openings), 6);
    assert_eq!(round_trips_with(&calls[1..], &openings[1..]), 4);
}

#[test]
fn peaks_of_one_operation_and_of_all() {
    let (emulator, client) = healthy();
    assert_eq!((emulator.peak_per_second("GetRole"), emulator.peak_in_flight()), (0, 0));
    for action in ["GetRole", "ListRoles", "GetRole"] {
        client.ram(action, &[("RoleName", ROLE)]);
    }
    assert_eq!(emulator.peak_per_second("ListRoles"), 1);
    assert_eq!(emulator.peak_in_flight(), 1, "one after the other");
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_hang_are_open_at_once() {
    let (emulator, client) = healthy();
    let hanging = emulator.fault(Rule::on("GetRole").hang());
    let open = [(); 3].map(|()| client.open(&client.request("GetRole", &[("RoleName", ROLE)])));
    emulator.wait_for_call("GetRole", 3).await;
    client.ram("ListRoles", &[]);
    assert_eq!(emulator.peak_in_flight(), 4);
    let calls = emulator.calls();
    let lists = || calls.iter().filter(|call| call.operation == "ListRoles");
    assert_eq!((peak_in_flight(lists()), peak_per_second(lists())), (1, 1));
    drop((open, hanging));
}

#[test]
fn two_emulators_know_nothing_of_each_other() {
    let ((first, client), (second, _)) = (healthy(), healthy());
    client.ram("UpdateRole", &[("RoleName", ROLE), ("NewDescription", "mine")]);
    assert_ne!(first.role(ACCOUNT, ROLE), second.role(ACCOUNT, ROLE));
    assert!(second.calls().is_empty());
    let elsewhere = Client { host: second.host(), ..client };
    assert_eq!(elsewhere.ram("GetRole", &[("RoleName", ROLE)]).status, 200);
}
