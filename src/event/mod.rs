//! From the bytes of an invocation to a decision: what to look at, in which mode, or why not. Pure.
//!
//! An event may narrow the mode that the settings allow, never widen it. It can name no role and widen no scope.

mod eventbridge;
mod manual;
mod timer;

use serde_json::{Map, Value, json};

use crate::config::Mode;
use crate::plan::PlanId;
use crate::report::{Trigger, TriggerKind};
use crate::target::AccountId;

/// What to do about an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Who or what invoked us, for the report.
    pub trigger: Trigger,
    /// What follows.
    pub decision: Decision,
}

/// What follows from an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Look, and do what the mode allows.
    Run(Request),
    /// None of ours. Nothing is done.
    Ignored(String),
    /// Not understood or not allowed. Nothing is done.
    Rejected(String),
}

impl Decision {
    /// For the log.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Run(_) => "run",
            Self::Ignored(_) => "ignored",
            Self::Rejected(_) => "rejected",
        }
    }
}

/// What an event asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The mode; the settings' own where the event names none.
    pub mode: Mode,
    /// The accounts; the own one where the event names none.
    pub accounts: Option<Vec<AccountId>>,
    /// The plan that a person approved.
    pub plan_id: Option<PlanId>,
}

/// More accounts than this in one event are rejected.
const ACCOUNTS_LIMIT: usize = 100;

/// What an event asks for, before the settings had their say.
#[derive(Debug, Default)]
struct Wish {
    mode: Option<Mode>,
    accounts: Option<Vec<AccountId>>,
    plan_id: Option<PlanId>,
}

/// A right event, for the answer to a wrong one.
#[must_use]
pub fn example() -> Value {
    json!({"mode": "verify"})
}

/// Reads an event. `allowed` is the most that the settings allow.
#[must_use]
pub fn decode(body: &[u8], allowed: Mode) -> Event {
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

fn of_json(text: &str, value: &Value, allowed: Mode) -> Event {
    match value {
        Value::Object(object) if is_timer(object) => timer::decode(object, allowed),
        Value::Object(object) => match eventbridge::foreign_kind(object) {
            Some((kind, what)) => Event::ignored(kind, what),
            None => Event::manual(decide(manual::json(text), allowed)),
        },
        Value::Array(items) if is_batch(items) => Event::ignored(TriggerKind::Audit, "a batch of events"),
        _ => Event::manual(Decision::Rejected("a JSON array that is no batch of events".to_owned())),
    }
}

fn is_timer(object: &Map<String, Value>) -> bool {
    object.contains_key("triggerTime") && object.contains_key("triggerName")
}

/// A batch holds events as objects, or as objects in strings.
fn is_batch(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(|item| item.is_object() || item.is_string())
}

impl Event {
    fn ignored(kind: TriggerKind, what: &str) -> Self {
        let decision = Decision::Ignored(format!("{what}: this version does not act on it"));
        Self { trigger: Trigger { kind, name: None }, decision }
    }

    fn manual(decision: Decision) -> Self {
        Self { trigger: Trigger { kind: TriggerKind::Manual, name: None }, decision }
    }
}

/// Holds a wish against the settings.
fn decide(wish: Result<Wish, String>, allowed: Mode) -> Decision {
    match wish.and_then(|wish| allow(wish, allowed)) {
        Ok(request) => Decision::Run(request),
        Err(reason) => Decision::Rejected(reason),
    }
}

fn allow(wish: Wish, allowed: Mode) -> Result<Request, String> {
    let mode = wish.mode.unwrap_or(allowed);
    if mode > allowed {
        return Err(format!(
            "mode `{mode}` is wider than the settings allow (`{allowed}`): an event may only narrow it"
        ));
    }
    let accounts = wish.accounts.map(distinct).transpose()?;
    if wish.plan_id.is_some() {
        approvable(mode, accounts.as_deref())?;
    }
    Ok(Request { mode, accounts, plan_id: wish.plan_id })
}

fn distinct(mut accounts: Vec<AccountId>) -> Result<Vec<AccountId>, String> {
    accounts.sort_unstable();
    accounts.dedup();
    match accounts.len() {
        0 => Err("`accounts` is empty: leave it out for the own account, or name at least one".to_owned()),
        count if count > ACCOUNTS_LIMIT => {
            Err(format!("`accounts` names {count} accounts: one event takes at most {ACCOUNTS_LIMIT}"))
        }
        _ => Ok(accounts),
    }
}

fn approvable(mode: Mode, accounts: Option<&[AccountId]>) -> Result<(), String> {
    if accounts.is_some_and(|accounts| accounts.len() != 1) {
        return Err("a `planId` belongs to exactly one account: name that one in `accounts`, or none".to_owned());
    }
    if !mode.writes() {
        return Err(format!("a `planId` is carried out in mode `remediate`, and this event is for mode `{mode}`"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decision(body: &str, allowed: Mode) -> Decision {
        decode(body.as_bytes(), allowed).decision
    }

    fn rejected(body: &str, allowed: Mode) -> String {
        match decision(body, allowed) {
            Decision::Rejected(reason) => reason,
            other => panic!("{body} gave {other:?}"),
        }
    }

    fn run(mode: Mode) -> Decision {
        Decision::Run(Request { mode, ..Request::default() })
    }

    const PLAN: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    #[test]
    fn an_empty_event_means_the_settings() {
        for body in ["", "  \n", "{}", "\u{FEFF}"] {
            assert_eq!(decision(body, Mode::Plan), run(Mode::Plan), "{body:?}");
        }
    }

    #[test]
    fn an_event_narrows_the_mode() {
        for body in ["verify", " verify\n", r#"{"mode":"verify"}"#] {
            assert_eq!(decision(body, Mode::Remediate), run(Mode::Verify), "{body:?}");
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
            (r#"{"scope":"organization"}"#, "scope"),
            (r#"{"planId":"sha256:12"}"#, "planId"),
            ("\"verify\"", "`\"verify\"`"),
            ("[]", "no batch"),
            ("[1]", "no batch"),
        ] {
            let reason = rejected(body, Mode::Remediate);
            assert!(reason.contains(part), "{body}: {reason}");
        }
    }

    #[test]
    fn accounts_are_each_looked_at_once() {
        let body = r#"{"accounts":["2234567890123456","1234567890123456","2234567890123456"]}"#;
        let Decision::Run(request) = decision(body, Mode::Verify) else { panic!() };
        assert_eq!(request.accounts.unwrap().len(), 2);
    }

    #[test]
    fn a_hundred_accounts_are_enough() {
        let body = |count: usize| {
            let ids: Vec<_> = (0..count).map(|id| format!("{:016}", 1_000_000 + id)).collect();
            json!({"accounts": ids}).to_string()
        };
        assert!(matches!(decision(&body(100), Mode::Verify), Decision::Run(_)));
        assert!(rejected(&body(101), Mode::Verify).contains("at most 100"));
    }

    #[test]
    fn a_plan_is_approved_by_hand_for_one_account_in_mode_remediate() {
        let by_hand = json!({"planId": PLAN}).to_string();
        let Decision::Run(request) = decision(&by_hand, Mode::Remediate) else { panic!() };
        assert_eq!(request.plan_id.unwrap().to_string(), PLAN);
        assert!(rejected(&by_hand, Mode::Plan).contains("mode `remediate`"));
        let two = json!({"planId": PLAN, "accounts": ["1234567890123456", "2234567890123456"]}).to_string();
        assert!(rejected(&two, Mode::Remediate).contains("exactly one account"));
        let timer = json!({"triggerTime": "", "triggerName": "t", "payload": by_hand}).to_string();
        assert!(rejected(&timer, Mode::Remediate).contains("`planId`"));
    }

    proptest! {
        #[test]
        fn any_bytes_give_a_decision_within_the_settings(body: Vec<u8>) {
            within_the_settings(&body);
        }

        #[test]
        fn any_text_in_a_known_shape_gives_a_decision_within_the_settings(
            mode in "verify|plan|remediate|[a-z]{0,9}", id in "[0-9]{0,20}", key in "mode|scope|planId|accounts|x",
        ) {
            within_the_settings(json!({"mode": mode, "accounts": [id]}).to_string().as_bytes());
            within_the_settings(json!({&key: mode}).to_string().as_bytes());
            within_the_settings(json!({"triggerTime": id, "triggerName": key, "payload": mode}).to_string().as_bytes());
        }
    }

    fn within_the_settings(body: &[u8]) {
        for allowed in [Mode::Verify, Mode::Plan, Mode::Remediate] {
            if let Decision::Run(request) = decode(body, allowed).decision {
                assert!(request.mode <= allowed);
            }
        }
    }
}
