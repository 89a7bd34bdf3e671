//! Faults, as a client on a raw socket meets them.

use std::io::Read;
use std::time::Duration;

use emulator::{Emulator, Fault, Rule};

use crate::support::{ACCOUNT, Answer, Client, MEMBER, ROLE, healthy, parse};

const DETACH: [(&str, &str); 3] = [("RoleName", ROLE), ("PolicyType", "System"), ("PolicyName", "AliyunDTSRolePolicy")];

fn detach(client: &Client) -> Answer {
    client.ram("DetachPolicyFromRole", &DETACH)
}

fn raw_detach(client: &Client) -> Vec<u8> {
    client.send(&client.request("DetachPolicyFromRole", &DETACH))
}

fn is_attached(emulator: &Emulator) -> bool {
    !emulator.role(ACCOUNT, ROLE).unwrap().policies.is_empty()
}

fn on_detach() -> Rule {
    Rule::on("DetachPolicyFromRole")
}

#[test]
fn envelopes_without_effect() {
    let cases: [(Fault, u16, &str); 6] = [
        (on_detach().throttle(), 400, "Throttling.User"),
        (on_detach().unavailable(), 503, "ServiceUnavailable"),
        (on_detach().deny(), 403, "NoPermission"),
        (on_detach().deny_by_control_policy(), 403, "NoPermission"),
        (on_detach().expired_token(), 403, "InvalidSecurityToken.Expired"),
        (on_detach().error(429, "Throttling"), 429, "Throttling"),
    ];
    let (emulator, client) = healthy();
    for (fault, status, code) in cases {
        let guard = emulator.fault(fault);
        let answer = detach(&client);
        assert_eq!((answer.status, answer.code().as_str(), is_attached(&emulator)), (status, code, true));
        assert_eq!(guard.hits(), 1);
    }
    assert!(emulator.writes().iter().all(|call| !call.effect));
}

#[test]
fn a_control_policy_says_so() {
    let (emulator, client) = healthy();
    let _guard = emulator.fault(on_detach().deny_by_control_policy());
    let detail = detach(&client).json()["AccessDeniedDetail"].clone();
    assert_eq!((&detail["PolicyType"], &detail["NoPermissionType"]), (&"ControlPolicy".into(), &"ExplicitDeny".into()));
    assert_eq!(detail["AuthAction"], "ram:DetachPolicyFromRole");
}

#[test]
fn an_internal_error_after_the_effect() {
    let (emulator, client) = healthy();
    let _guard = emulator.fault(on_detach().internal_error_after_effect());
    let answer = detach(&client);
    assert_eq!((answer.status, answer.code().as_str(), is_attached(&emulator)), (500, "InternalError", false));
    assert!(emulator.writes()[0].effect);
}

#[test]
fn a_page_of_html() {
    let (emulator, client) = healthy();
    let _guard = emulator.fault(on_detach().html(502));
    let answer = detach(&client);
    assert_eq!(answer.status, 502);
    assert!(answer.text.starts_with("<html>") && answer.head.contains("text/html") && is_attached(&emulator));
}

#[test]
fn a_lost_reply_is_no_byte_at_all() {
    for (fault, effect) in [(on_detach().lose_before(), false), (on_detach().lose_after(), true)] {
        let (emulator, client) = healthy();
        let _guard = emulator.fault(fault);
        assert_eq!(raw_detach(&client), b"");
        assert_eq!(is_attached(&emulator), !effect);
        let call = &emulator.writes()[0];
        assert_eq!((call.status, call.effect, call.finished.is_some()), (None, effect, true));
    }
}

#[test]
fn half_a_body_is_less_than_it_promises() {
    for (fault, effect) in [(on_detach().half_body(), true), (on_detach().half_body().before_effect(), false)] {
        let (emulator, client) = healthy();
        let _guard = emulator.fault(fault);
        let answer = parse(&raw_detach(&client));
        let promised = answer.head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        assert_eq!((answer.status, answer.text.len()), (200, promised.parse::<usize>().unwrap() / 2));
        assert!(!answer.text.is_empty() && serde_json::from_str::<serde_json::Value>(&answer.text).is_err());
        assert_eq!(is_attached(&emulator), !effect);
    }
}

#[test]
fn a_hanging_call_keeps_its_connection() {
    let (emulator, client) = healthy();
    let _guard = emulator.fault(on_detach().hang());
    let mut stream = client.open(&client.request("DetachPolicyFromRole", &DETACH));
    stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    let error = stream.read(&mut [0; 16]).unwrap_err();
    assert!(matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut));
    assert!(is_attached(&emulator));
    drop(emulator);
    stream.set_read_timeout(None).unwrap();
    // The emulator's end is the connection's end.
    assert!(matches!(stream.read(&mut [0; 16]), Ok(0) | Err(_)));
}

#[test]
fn a_call_can_hang_after_its_effect() {
    let (emulator, client) = healthy();
    let _guard = emulator.fault(on_detach().hang().after_effect());
    let stream = client.open(&client.request("DetachPolicyFromRole", &DETACH));
    // Another call is answered after the one that hangs.
    while is_attached(&emulator) {
        client.ram("GetRole", &[("RoleName", ROLE)]);
    }
    assert_eq!(emulator.writes()[0].finished, None);
    drop(stream);
}

#[test]
fn a_pause_before_or_after_the_effect() {
    for fault in
        [on_detach().latency(Duration::from_millis(30)), on_detach().latency(Duration::from_millis(30)).after_effect()]
    {
        let (emulator, client) = healthy();
        let _guard = emulator.fault(fault);
        assert_eq!(detach(&client).status, 200);
        let call = &emulator.writes()[0];
        assert!(call.took().unwrap() >= Duration::from_millis(30) && call.effect);
    }
}

#[test]
fn a_list_without_its_last_item() {
    let (emulator, client) = healthy();
    let _guard = emulator.fault(Rule::on("ListPoliciesForRole").partial_list());
    let told = client.ram("ListPoliciesForRole", &[("RoleName", ROLE)]).json();
    assert_eq!(told["Policies"]["Policy"], serde_json::json!([]));
}

fn codes(client: &Client, calls: usize) -> Vec<String> {
    (0..calls).map(|_| client.ram("GetRole", &[("RoleName", ROLE)]).code()).collect()
}

#[test]
fn rules_choose_by_number() {
    let (emulator, client) = healthy();
    let seen = |fault: Fault| {
        let _guard = emulator.fault(fault);
        codes(&client, 4).iter().map(|code| u8::from(code != "none")).collect::<Vec<_>>()
    };
    assert_eq!(seen(Rule::on("GetRole").nth(2).throttle()), [0, 1, 0, 0]);
    assert_eq!(seen(Rule::reads().from(3).throttle()), [0, 0, 1, 1]);
    assert_eq!(seen(Rule::any().times(2).throttle()), [1, 1, 0, 0]);
    assert_eq!(seen(Rule::on("GetRole").every().throttle()), [1, 1, 1, 1]);
    assert_eq!(seen(Rule::writes().throttle()), [0, 0, 0, 0]);
    assert_eq!(codes(&client, 1), ["none"]);
}

#[test]
fn rules_choose_by_account_and_parameter() {
    let (emulator, client) = healthy();
    let hit = |rule: Rule| {
        let _guard = emulator.fault(rule.throttle());
        codes(&client, 1) != ["none"]
    };
    assert!(hit(Rule::any().account(ACCOUNT)) && !hit(Rule::any().account(MEMBER)));
    assert!(hit(Rule::any().param("RoleName", ROLE)) && !hit(Rule::any().param("RoleName", "Other")));
}

#[test]
fn a_rule_can_outlive_its_guard() {
    let (emulator, client) = healthy();
    emulator.fault(Rule::on("GetRole").throttle()).keep();
    assert_eq!(codes(&client, 1), ["Throttling.User"]);
}

#[test]
fn a_person_comes_in_between() {
    let (emulator, client) = healthy();
    let _guard = emulator.on_call(Rule::on("DeleteRole").nth(1), |world| {
        world.attach_system(ACCOUNT, ROLE, "AliyunOSSReadOnlyAccess");
    });
    detach(&client);
    assert_eq!(client.ram("DeleteRole", &[("RoleName", ROLE)]).code(), "DeleteConflict.Role.Policy");
    assert_eq!(emulator.role(ACCOUNT, ROLE).unwrap().policy_names(), ["AliyunOSSReadOnlyAccess"]);
}

#[test]
fn a_person_comes_just_after() {
    let (emulator, client) = healthy();
    let _guard = emulator.after_call(on_detach(), |world| {
        world.delete_role(ACCOUNT, ROLE);
    });
    assert_eq!(detach(&client).status, 200);
    assert_eq!(client.ram("GetRole", &[("RoleName", ROLE)]).code(), "EntityNotExist.Role");
    assert_eq!(emulator.writes().len(), 1);
}

#[test]
fn a_kept_connection_ends_with_the_lost_reply() {
    let (emulator, client) = healthy();
    let _guard = emulator.fault(on_detach().lose_after());
    let kept =
        |action: &str, params: &[(&str, &str)]| client.request(action, params).replace("connection: close\r\n", "");
    let requests = kept("GetRole", &DETACH[..1]) + &kept("DetachPolicyFromRole", &DETACH);
    let replies = String::from_utf8(client.send(&requests)).unwrap();
    assert_eq!((replies.matches("HTTP/1.1").count(), replies.matches("200 OK").count()), (1, 1), "{replies}");
    assert!(!is_attached(&emulator));
}

#[test]
fn a_written_fault_falls_and_somebody_changes_the_role() {
    let (emulator, client) = healthy();
    let second = emulator.written_fault(&"GetRole:2:ServiceUnavailable".parse().unwrap());
    assert_eq!(codes(&client, 3), ["none", "ServiceUnavailable", "none"]);
    assert_eq!(second.hits(), 1);
    let _changed = emulator.written_fault(&"DetachPolicyFromRole:1:changed".parse().unwrap());
    assert_eq!(detach(&client).status, 200);
    let role = emulator.role(ACCOUNT, ROLE).unwrap();
    assert_eq!((role.description.as_str(), role.policies.len()), ("changed by somebody", 0));
}
