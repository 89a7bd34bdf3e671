//! From the bytes of an invocation to a decision: what to look at, in which mode, or why not. Pure.
//!
//! An event may narrow the mode and the scope that the settings allow, never widen them. It can name no role.

mod actiontrail;
mod decision;
mod eventbridge;
mod field;
mod member;
mod request;

use authorization::settings::Scope;
use authorization::text::sanitized;
use serde_json::{Value, json};

pub use decision::{AccountRef, Actor, Allowed, Approved, Decision, Forget, Request, Selector, TriggerRecord};
use field::Object;
pub use request::ACCOUNTS_LIMIT;
use request::{RawRequest, decide};

use crate::report::{LeftOut, Trigger, TriggerKind};

/// What to do about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// What invoked us, for the report.
    pub trigger: Trigger,
    /// What follows.
    pub decision: Decision,
}

/// A right event, for the answer to a wrong one.
pub fn example(scope: Scope) -> Value {
    match scope {
        Scope::Account => json!({"mode": "verify"}),
        Scope::Organization => json!({"mode": "verify", "scope": "account"}),
    }
}

const DOCTOR: &str = "doctor";

/// The trigger that asks for the doctor, if one does: by its text, or by a timer's payload. The doctor examines the settings
/// first, so it is asked for before they are read.
pub fn asks_for_doctor(body: &[u8]) -> Option<Trigger> {
    let text = trimmed(body).ok()?;
    if text == DOCTOR {
        return Some(Trigger { kind: TriggerKind::Manual, name: None });
    }
    let Ok(Value::Object(object)) = serde_json::from_str(text) else { return None };
    let trigger = timer(&object)?;
    (object.get("payload")?.as_str()?.trim() == DOCTOR).then_some(trigger)
}

/// Reads an event. `allowed` is the most that the settings allow.
pub fn decode(body: &[u8], allowed: Allowed) -> Event {
    let Ok(text) = trimmed(body) else {
        return Event::manual(Decision::Rejected("the event is not UTF-8 text".to_owned()));
    };
    if !text.starts_with(['{', '[']) {
        return Event::manual(decide(RawRequest::read(text), allowed));
    }
    let object = match serde_json::from_str(text) {
        Ok(Value::Object(object)) => object,
        // A batch holds events as objects, or as objects in strings. What else stands among them is listed in the report.
        Ok(Value::Array(items)) if items.iter().any(|item| item.is_object() || item.is_string()) => {
            return eventbridge::batch(&items, allowed);
        }
        Ok(_) => return Event::manual(Decision::Rejected("a JSON array that is not a batch of events".to_owned())),
        Err(error) => return Event::manual(Decision::Rejected(format!("the event is not valid JSON: {error}"))),
    };
    if let Some(trigger) = timer(&object) {
        return Event { trigger, decision: decide(RawRequest::of_timer(object.get("payload")), allowed) };
    }
    if let Some(event) = eventbridge::single(&object, allowed) {
        return event;
    }
    match for_another_function(&object) {
        Some(what) => Event::ignored(TriggerKind::Manual, format!("{what} asks for nothing"), Vec::new()),
        None => Event::manual(decide(RawRequest::read(text), allowed)),
    }
}

fn trimmed(body: &[u8]) -> Result<&str, std::str::Utf8Error> {
    Ok(std::str::from_utf8(body)?.trim_start_matches('\u{FEFF}').trim())
}

/// The trigger of a timer's event: `{"triggerTime", "triggerName", "payload"}`.
fn timer(object: &Object) -> Option<Trigger> {
    let name = object.get("triggerName").filter(|_| object.contains_key("triggerTime"))?;
    Some(Trigger { kind: TriggerKind::Timer, name: name.as_str().map(sanitized) })
}

/// What the platform hands to functions of other kinds, by keys that stand together in no other event (source: the vendor's
/// page "Formats of event for different triggers").
const OTHER_TRIGGERS: [(&[&str], &str); 8] = [
    (&["version", "rawPath", "requestContext"], "an event of an HTTP trigger"),
    (&["path", "httpMethod", "headers"], "an event of an API gateway"),
    (&["requestContext", "requestPayload"], "a record of an asynchronous invocation"),
    (&["parameter", "source", "jobName", "taskId"], "a notice of SLS"),
    (&["TopicName", "MessageId"], "a notice of MNS"),
    (&["TopicName", "SubscriptionName"], "a notice of MNS"),
    (&["Version", "Records"], "a notice of Tablestore"),
    (&["invokingEvent", "resultToken"], "an event of a rule of Cloud Config"),
];

/// What the event is, if it is for another kind of function. It asks the guard for nothing.
fn for_another_function(object: &Object) -> Option<&'static str> {
    let has = |keys: &[&str]| keys.iter().all(|key| object.contains_key(*key));
    if let Some((_, what)) = OTHER_TRIGGERS.iter().find(|(keys, _)| has(keys)) {
        return Some(what);
    }
    let is_notice = |event: &Value| event.get("eventName").is_some() && event.get("eventSource").is_some();
    let events = object.get("events")?.as_array()?;
    (!events.is_empty() && events.iter().all(is_notice)).then_some("a notice of OSS or the CDN")
}

impl Event {
    fn ignored(kind: TriggerKind, reason: String, records: Vec<LeftOut>) -> Self {
        Self { trigger: Trigger { kind, name: None }, decision: Decision::Ignored { reason, records } }
    }

    fn manual(decision: Decision) -> Self {
        Self { trigger: Trigger { kind: TriggerKind::Manual, name: None }, decision }
    }
}

#[cfg(test)]
mod tests {
    use authorization::settings::Mode;

    use super::*;

    const PLAN: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn decision(body: &str, mode: Mode) -> Decision {
        decode(body.as_bytes(), Allowed { mode, scope: Scope::Account }).decision
    }

    fn rejected(body: &str, mode: Mode) -> String {
        match decision(body, mode) {
            Decision::Rejected(reason) => reason,
            other => panic!("{body} gave {other:?}"),
        }
    }

    fn run(mode: Mode) -> Decision {
        Decision::Run(Request { mode, ..Request::default() })
    }

    #[test]
    fn the_doctor_is_asked_for_by_a_word_or_a_timer() {
        let kind = |body: &str| asks_for_doctor(body.as_bytes()).map(|trigger| trigger.kind);
        for body in ["doctor", " doctor\n", "\u{FEFF}doctor"] {
            assert_eq!(kind(body), Some(TriggerKind::Manual), "{body:?}");
        }
        let timer = |payload: &str| json!({"triggerTime": "", "triggerName": "t", "payload": payload}).to_string();
        assert_eq!(kind(&timer("doctor ")), Some(TriggerKind::Timer));
        for body in ["", "Doctor", "doctors", "\"doctor\"", "{\"mode\":\"doctor\"}", "[\"doctor\"]", &timer("verify")] {
            assert_eq!(kind(body), None, "{body}");
        }
        assert!(rejected("{\"mode\":\"doctor\"}", Mode::Remediate).contains("`mode`"));
        assert!(rejected("doctors", Mode::Remediate).contains("`doctor`"), "the right words are named");
    }

    #[test]
    fn an_empty_event_means_the_settings() {
        for body in ["", "  \n", "{}", "\u{FEFF}"] {
            assert_eq!(decision(body, Mode::Plan), run(Mode::Plan), "{body:?}");
        }
        let allowed = Allowed { mode: Mode::Plan, scope: Scope::Organization };
        let Decision::Run(request) = decode(b"", allowed).decision else { panic!() };
        assert_eq!((request.scope, request.selector), (Scope::Organization, Selector::All));
    }

    #[test]
    fn an_event_narrows_the_mode() {
        for body in ["verify", " verify\n", r#"{"mode":"verify"}"#] {
            assert_eq!(decision(body, Mode::Remediate), run(Mode::Verify), "{body:?}");
        }
    }

    #[test]
    fn an_event_narrows_the_scope() {
        let allowed = Allowed { mode: Mode::Verify, scope: Scope::Organization };
        for body in
            [r#"{"scope":"account"}"#, r#"{"triggerTime":"","triggerName":"","payload":"{\"scope\":\"account\"}"}"#]
        {
            let Decision::Run(request) = decode(body.as_bytes(), allowed).decision else { panic!("{body}") };
            assert_eq!(request.scope, Scope::Account, "{body}");
        }
    }

    #[test]
    fn an_event_never_widens_the_mode() {
        for body in ["remediate", r#"{"mode":"remediate"}"#, r#"{"triggerTime":"","triggerName":"t","payload":"plan"}"#]
        {
            assert!(rejected(body, Mode::Verify).contains("wider than the settings allow"), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (body, part) in [
            ("repair", "`repair`"),
            (r#"{"mode":"repair"}"#, "mode"),
            (r#"{"roleName":"AliyunDTSDefaultRole"}"#, "roleName"),
            (r#"{"accounts":["12x45678"]}"#, "accounts[0]"),
            (r#"{"accounts":"1234567890123456"}"#, "accounts"),
            (r#"{"accounts":[]}"#, "empty"),
            (r#"{"mode":"verify","mode":"plan"}"#, "duplicate field `mode`"),
            (r#"{"mode":"#, "not valid JSON"),
            (r#"{"scope":"organization"}"#, "`scope` `organization` is wider"),
            (r#"{"planId":"sha256:12"}"#, "planId"),
            ("\"verify\"", "`\"verify\"`"),
            (r#"{"mode":null}"#, "`mode`: `null` is not a value"),
            (r#"{"scope":null}"#, "`scope`: `null` is not a value"),
            (r#"{"accounts":null}"#, "`accounts`: `null` is not a value"),
            (r#"{"planId":null}"#, "`planId`: `null` is not a value"),
            (r#"{"accounts":[null]}"#, "`accounts[0]`: invalid type: null"),
            (r#"{"dryRun":null}"#, "unknown field `dryRun`"),
            ("null", "`null` is not `verify`"),
            ("[]", "not a batch"),
            ("[1]", "not a batch"),
            ("[null]", "not a batch"),
        ] {
            let reason = rejected(body, Mode::Remediate);
            assert!(reason.contains(part), "{body}: {reason}");
        }
    }

    #[test]
    fn accounts_are_each_looked_at_once() {
        let body = r#"{"accounts":["2234567890123456","1234567890123456","2234567890123456"]}"#;
        let Decision::Run(request) = decision(body, Mode::Verify) else { panic!() };
        assert!(matches!(request.selector, Selector::Accounts(accounts) if accounts.len() == 2));
    }

    #[test]
    fn a_hundred_accounts_are_enough() {
        let id = |id: usize| format!("{:016}", 1_000_000 + id);
        let by_hand = |count: usize| json!({"accounts": (0..count).map(id).collect::<Vec<_>>()}).to_string();
        let record = |account: usize| {
            json!({"eventName": "DeleteRole", "acsAccountId": id(account), "userIdentity": {},
            "requestParameters": {"RoleName": "AliyunDTSDefaultRole"}})
        };
        let batch = |count: usize| Value::Array((0..count).map(record).collect()).to_string();
        for body in [by_hand(100), batch(100)] {
            assert!(matches!(decision(&body, Mode::Verify), Decision::Run(_)));
        }
        for body in [by_hand(101), batch(101)] {
            assert!(rejected(&body, Mode::Verify).contains("at most 100"));
        }
    }

    #[test]
    fn a_record_is_forgotten_by_hand_for_one_account() {
        let account = "2234567890123456";
        for (word, what) in [("attempts", Forget::Attempts), ("unfinished", Forget::Unfinished)] {
            let body = json!({"clear": word, "accounts": [account, account]}).to_string();
            let clear = Decision::Clear { account: account.parse().unwrap(), what };
            assert_eq!(decision(&body, Mode::Verify), clear, "it writes to no cloud, so the mode does not matter");
            let timer = json!({"triggerTime": "", "triggerName": "t", "payload": body}).to_string();
            assert!(rejected(&timer, Mode::Remediate).contains("cannot stand in a timer"));
        }
        for (wrong, part) in [
            (json!({"clear": "attempts"}), "exactly one account"),
            (json!({"clear": "attempts", "accounts": []}), "exactly one account"),
            (json!({"clear": "attempts", "accounts": [account, "3234567890123456"]}), "exactly one account"),
            (json!({"clear": "attempts", "accounts": [account], "mode": "verify"}), "nothing else"),
            (json!({"clear": "attempts", "accounts": [account], "scope": "account"}), "nothing else"),
            (json!({"clear": "attempts", "accounts": [account], "planId": PLAN}), "nothing else"),
            (json!({"clear": null, "accounts": [account]}), "`clear`: `null` is not a value"),
            (json!({"clear": true, "accounts": [account]}), "`clear`"),
            (json!({"clear": "all", "accounts": [account]}), "`attempts` or `unfinished`"),
        ] {
            let reason = rejected(&wrong.to_string(), Mode::Remediate);
            assert!(reason.contains(part), "{wrong}: {reason}");
        }
    }

    #[test]
    fn a_plan_is_approved_by_hand_for_one_account_in_mode_remediate() {
        let by_hand = json!({"planId": PLAN}).to_string();
        let allowed = Allowed { mode: Mode::Remediate, scope: Scope::Organization };
        let Decision::Run(request) = decode(by_hand.as_bytes(), allowed).decision else { panic!() };
        assert_eq!(request.approved, Approved::Plan(PLAN.parse().unwrap()));
        assert_eq!((request.scope, request.selector), (Scope::Account, Selector::All), "the own account");
        assert!(rejected(&by_hand, Mode::Plan).contains("mode `remediate`"));
        let two = json!({"planId": PLAN, "accounts": ["1234567890123456", "2234567890123456"]}).to_string();
        assert!(rejected(&two, Mode::Remediate).contains("exactly one account"));
        let timer = json!({"triggerTime": "", "triggerName": "t", "payload": by_hand}).to_string();
        assert!(rejected(&timer, Mode::Remediate).contains("`planId`"));
    }

    #[test]
    fn what_is_for_another_function_is_ignored_whatever_else_it_holds() {
        let object = json!({"eventName": "ObjectCreated:PutObject", "eventSource": "acs:oss", "region": "cn-hangzhou",
            "oss": {"object": {"key": "x"}}});
        for (notice, said) in [
            (json!({"events": [object]}), "OSS"),
            (json!({"events": [{"eventName": "LogFileCreated", "eventSource": "cdn"}]}), "CDN"),
            (
                json!({"parameter": {}, "source": {"endpoint": "x", "projectName": "y", "logstoreName": "z", "shardId": 0},
                    "jobName": "j", "taskId": "t", "cursorTime": 1}),
                "SLS",
            ),
            (
                json!({"TopicOwner": "1", "TopicName": "t", "MessageId": "m", "Message": "{\"mode\":\"remediate\"}"}),
                "MNS",
            ),
            (json!({"Version": "Sync-v1", "Records": []}), "Tablestore"),
            (json!({"path": "/", "httpMethod": "GET", "headers": {}, "body": ""}), "API gateway"),
        ] {
            let Decision::Ignored { reason, .. } = decode(notice.to_string().as_bytes(), Allowed::default()).decision
            else {
                panic!("{notice}")
            };
            assert!(reason.contains(said), "{notice}: {reason}");
        }
    }

    #[test]
    fn a_list_that_is_no_notice_is_a_mistake() {
        for event in [json!({"events": []}), json!({"events": [{"mode": "verify"}]}), json!({"events": null})] {
            let decision = decode(event.to_string().as_bytes(), Allowed::default()).decision;
            assert!(matches!(decision, Decision::Rejected(reason) if reason.contains("`events`")), "{event}");
        }
    }
}
