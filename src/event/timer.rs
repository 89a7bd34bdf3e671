//! A time trigger: `{"triggerTime", "triggerName", "payload"}`, its payload a text that may be empty or hold JSON.

use authorization::text::sanitized;
use serde_json::{Map, Value};

use super::{Allowed, Event, Wish, decide, manual};
use crate::report::{Trigger, TriggerKind};

pub(super) fn decode(object: &Map<String, Value>, allowed: Allowed) -> Event {
    Event {
        trigger: Trigger { kind: TriggerKind::Timer, name: name(object) },
        decision: decide(wish(object.get("payload")), allowed),
    }
}

pub(super) fn name(object: &Map<String, Value>) -> Option<String> {
    object.get("triggerName").and_then(Value::as_str).map(sanitized)
}

fn wish(payload: Option<&Value>) -> Result<Wish, String> {
    let text = match payload {
        None => "",
        Some(Value::String(text)) => text.trim(),
        Some(_) => {
            return Err("`payload` is no text: a timer's payload is a string, JSON inside it included".to_owned());
        }
    };
    let wish = if text.starts_with('{') { manual::json(text) } else { manual::word(text) };
    match wish.map_err(|reason| format!("`payload`: {reason}"))? {
        Wish { plan_id: Some(_), .. } => {
            Err("`payload`: a `planId` approves one plan once and cannot stand in a timer".to_owned())
        }
        Wish { clear: Some(_), .. } => {
            Err("`payload`: `clear` is for a person who has looked, and cannot stand in a timer".to_owned())
        }
        wish => Ok(wish),
    }
}

#[cfg(test)]
mod tests {
    use authorization::settings::Mode;

    use super::super::*;

    fn timer(payload: &Value) -> Event {
        let event = json!({"triggerTime": "2025-11-24T02:00:00Z", "triggerName": "nightly", "payload": payload});
        decode(event.to_string().as_bytes(), Allowed { mode: Mode::Remediate, scope: Scope::Account })
    }

    #[test]
    fn three_kinds_of_payload() {
        for (payload, mode) in [("", Mode::Remediate), ("verify", Mode::Verify), (r#"{"mode":"plan"}"#, Mode::Plan)] {
            let event = timer(&json!(payload));
            assert_eq!(event.trigger, Trigger { kind: TriggerKind::Timer, name: Some("nightly".to_owned()) });
            assert_eq!(event.decision, Decision::Run(Request { mode, ..Request::default() }), "{payload}");
        }
    }

    #[test]
    fn a_payload_that_is_no_text_is_rejected() {
        for payload in [json!({"mode": "verify"}), json!(null), json!(1), json!([])] {
            let Decision::Rejected(reason) = timer(&payload).decision else { panic!("{payload}") };
            assert!(reason.contains("`payload`"), "{reason}");
        }
    }
}
