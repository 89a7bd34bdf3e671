//! From the bytes of an invocation to a decision: what to look at, in which mode, or why not. Pure.
//!
//! An event may narrow the mode and the scope that the settings allow, never widen them. It can name no role.

mod actiontrail;
mod allow;
mod decision;
mod eventbridge;
mod field;
mod manual;
mod member;
mod notice;
mod timer;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

pub use allow::ACCOUNTS_LIMIT;
use allow::{Wish, decide, too_many};
use authorization::settings::Scope;
pub use decision::{Actor, Allowed, Approved, Clear, Decision, Forget, Occurrence, Request, Wanted, Whose};

use crate::report::{LeftOut, Trigger, TriggerKind};

/// What to do about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Who or what invoked us, for the report.
    pub trigger: Trigger,
    /// What follows.
    pub decision: Decision,
}

/// A right event, for the answer to a wrong one.
#[must_use]
pub fn example(scope: Scope) -> Value {
    match scope {
        Scope::Account => json!({"mode": "verify"}),
        Scope::Organization => json!({"mode": "verify", "scope": "account"}),
    }
}

/// The word that asks for the doctor.
const DOCTOR: &str = "doctor";

/// Who asks for the doctor, if somebody does: by the text, or as a timer's payload. It is no run, and it is asked for before the
/// settings have their say, since they are what it looks at first.
#[must_use]
pub fn asks_for_doctor(body: &[u8]) -> Option<Trigger> {
    let text = std::str::from_utf8(body).ok()?.trim_start_matches('\u{FEFF}').trim();
    if text == DOCTOR {
        return Some(Trigger { kind: TriggerKind::Manual, name: None });
    }
    let Ok(Value::Object(object)) = serde_json::from_str(text) else { return None };
    let is_asked = is_timer(&object) && object.get("payload")?.as_str()?.trim() == DOCTOR;
    is_asked.then(|| Trigger { kind: TriggerKind::Timer, name: timer::name(&object) })
}

/// Reads an event. `allowed` is the most that the settings allow.
#[must_use]
pub fn decode(body: &[u8], allowed: Allowed) -> Event {
    let Ok(text) = std::str::from_utf8(body) else {
        return Event::manual(Decision::Rejected("the event is not UTF-8 text".to_owned()));
    };
    let text = text.trim_start_matches('\u{FEFF}').trim();
    if text.starts_with('{') || text.starts_with('[') {
        return match serde_json::from_str(text) {
            Ok(value) => of_json(text, &value, allowed),
            Err(error) => Event::manual(Decision::Rejected(format!("the event is no valid JSON: {error}"))),
        };
    }
    Event::manual(decide(manual::word(text), allowed))
}

fn of_json(text: &str, value: &Value, allowed: Allowed) -> Event {
    match value {
        Value::Object(object) if is_timer(object) => timer::decode(object, allowed),
        Value::Object(object) => of_object(text, object, allowed),
        Value::Array(items) if eventbridge::is_batch(items) => eventbridge::batch(items, allowed),
        _ => Event::manual(Decision::Rejected("a JSON array that is no batch of events".to_owned())),
    }
}

fn of_object(text: &str, object: &Map<String, Value>, allowed: Allowed) -> Event {
    if let Some(event) = eventbridge::single(object, allowed) {
        return event;
    }
    match notice::kind(object) {
        Some(what) => Event::ignored(TriggerKind::Manual, format!("{what} asks for nothing"), Vec::new()),
        None => Event::manual(decide(manual::json(text), allowed)),
    }
}

fn is_timer(object: &Map<String, Value>) -> bool {
    object.contains_key("triggerTime") && object.contains_key("triggerName")
}

impl Event {
    fn ignored(kind: TriggerKind, reason: String, records: Vec<LeftOut>) -> Self {
        Self { trigger: Trigger { kind, name: None }, decision: Decision::Ignored { reason, records } }
    }

    fn manual(decision: Decision) -> Self {
        Self { trigger: Trigger { kind: TriggerKind::Manual, name: None }, decision }
    }
}

/// Records of the cloud run in the settings' own mode and scope.
fn records(kind: TriggerKind, looks: Vec<Occurrence>, left_out: Vec<LeftOut>, allowed: Allowed) -> Event {
    let trigger = Trigger { kind, name: None };
    if looks.is_empty() {
        return Event::ignored(kind, "no record of the batch is for the guard".to_owned(), left_out);
    }
    let accounts: BTreeSet<_> = looks.iter().map(|look| &look.whose).collect();
    let decision = match too_many(accounts.len()) {
        Some(reason) => Decision::Rejected(reason),
        None => Decision::Run(Request {
            mode: allowed.mode,
            scope: allowed.scope,
            wanted: Wanted::Records { looks, left_out },
            approved: Approved::Nothing,
        }),
    };
    Event { trigger, decision }
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
        assert_eq!((request.scope, request.wanted), (Scope::Organization, Wanted::All));
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
            (r#"{"mode":"#, "no valid JSON"),
            (r#"{"scope":"organization"}"#, "`scope` `organization` is wider"),
            (r#"{"planId":"sha256:12"}"#, "planId"),
            ("\"verify\"", "`\"verify\"`"),
            (r#"{"mode":null}"#, "`mode`: `null` is no value"),
            (r#"{"scope":null}"#, "`scope`: `null` is no value"),
            (r#"{"accounts":null}"#, "`accounts`: `null` is no value"),
            (r#"{"planId":null}"#, "`planId`: `null` is no value"),
            (r#"{"accounts":[null]}"#, "`accounts[0]`: invalid type: null"),
            (r#"{"dryRun":null}"#, "unknown field `dryRun`"),
            ("null", "`null` is none of"),
            ("[]", "no batch"),
            ("[1]", "no batch"),
            ("[null]", "no batch"),
        ] {
            let reason = rejected(body, Mode::Remediate);
            assert!(reason.contains(part), "{body}: {reason}");
        }
    }

    #[test]
    fn accounts_are_each_looked_at_once() {
        let body = r#"{"accounts":["2234567890123456","1234567890123456","2234567890123456"]}"#;
        let Decision::Run(request) = decision(body, Mode::Verify) else { panic!() };
        assert!(matches!(request.wanted, Wanted::Accounts(accounts) if accounts.len() == 2));
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
            let clear = Decision::Clear(Clear { account: account.parse().unwrap(), what });
            assert_eq!(decision(&body, Mode::Verify), clear, "it writes to no cloud, so the mode is no matter");
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
            (json!({"clear": null, "accounts": [account]}), "`clear`: `null` is no value"),
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
        assert_eq!((request.scope, request.wanted), (Scope::Account, Wanted::All), "the own account");
        assert!(rejected(&by_hand, Mode::Plan).contains("mode `remediate`"));
        let two = json!({"planId": PLAN, "accounts": ["1234567890123456", "2234567890123456"]}).to_string();
        assert!(rejected(&two, Mode::Remediate).contains("exactly one account"));
        let timer = json!({"triggerTime": "", "triggerName": "t", "payload": by_hand}).to_string();
        assert!(rejected(&timer, Mode::Remediate).contains("`planId`"));
    }
}
