//! What the platform's event bus delivers: `CloudEvents`, bare `ActionTrail` records, batches of either.

use std::borrow::Cow;

use authorization::target::AccountId;
use authorization::text::sanitized;
use serde_json::Value;

use super::field::{self, Object};
use super::{Allowed, Event, Occurrence, actiontrail, member, records};
use crate::report::{LeftOut, TriggerKind};

/// A record with the envelope that it came in, if it came in one.
pub(super) struct Record<'a> {
    envelope: Option<&'a Object>,
    data: Cow<'a, Object>,
}

/// What one record leads to.
pub(super) enum Verdict {
    /// An account must be looked at.
    Look(Occurrence),
    /// None for the guard, for this reason.
    LeaveOut(TriggerKind, String),
}

impl Verdict {
    fn kind(&self) -> TriggerKind {
        match self {
            Self::Look(occurrence) => occurrence.kind,
            Self::LeaveOut(kind, _) => *kind,
        }
    }
}

/// One event of the bus, if the object is one.
pub(super) fn single(object: &Object, allowed: Allowed) -> Option<Event> {
    let record = Record::read(object)?;
    Some(match judge(&record) {
        Verdict::Look(occurrence) => records(occurrence.kind, vec![occurrence], Vec::new(), allowed),
        Verdict::LeaveOut(kind, reason) => Event::ignored(kind, reason, Vec::new()),
    })
}

/// A batch holds events as objects, or as objects in strings. What else may stand among them is listed as such.
pub(super) fn is_batch(items: &[Value]) -> bool {
    items.iter().any(|item| item.is_object() || item.is_string())
}

/// What is understood is acted on, the rest is listed with reasons.
pub(super) fn batch(items: &[Value], allowed: Allowed) -> Event {
    let (mut looks, mut left_out, mut kinds) = (Vec::new(), Vec::new(), Vec::new());
    for (record, item) in items.iter().enumerate() {
        let verdict = judge_item(item);
        kinds.push(verdict.kind());
        match verdict {
            Verdict::Look(occurrence) => looks.push(Occurrence { record, ..occurrence }),
            Verdict::LeaveOut(_, reason) => left_out.push(LeftOut { record, reason }),
        }
    }
    let first = looks.first().map(|look: &Occurrence| look.kind);
    let kind = first.or_else(|| kinds.first().copied()).unwrap_or(TriggerKind::Audit);
    records(kind, looks, left_out, allowed)
}

fn judge_item(item: &Value) -> Verdict {
    let object = field::as_object(item);
    match object.as_deref().and_then(Record::read) {
        Some(record) => judge(&record),
        None => Verdict::LeaveOut(TriggerKind::Audit, format!("{} is no event of the bus", kind(item))),
    }
}

fn kind(item: &Value) -> &'static str {
    match item {
        Value::Null => "`null`",
        Value::Bool(_) => "`true` or `false`",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn judge(record: &Record<'_>) -> Verdict {
    if ["errorCode", "errorMessage"].iter().any(|name| record.says(name, actiontrail::CHECK_FAILED)) {
        return actiontrail::check_failed(record);
    }
    if let Some(verdict) = actiontrail::role_not_found(record) {
        return verdict;
    }
    match record.text("errorCode") {
        Some(code) => {
            let reason = format!("{} failed with the code `{}`: nothing changed", record.name(), sanitized(&code));
            Verdict::LeaveOut(TriggerKind::Audit, reason)
        }
        None => member::judge(record).unwrap_or_else(|| actiontrail::judge(record)),
    }
}

impl<'a> Record<'a> {
    /// A `CloudEvent` may come without its envelope, as the rule's owner likes it.
    fn read(object: &'a Object) -> Option<Self> {
        if field::has(object, "specversion") && field::has(object, "type") {
            return Some(Self { envelope: Some(object), data: field::object(object, "data").unwrap_or_default() });
        }
        let bare = field::has(object, "eventName")
            && ["eventSource", "userIdentity", "serviceName"].iter().any(|name| field::has(object, name));
        bare.then_some(Self { envelope: None, data: Cow::Borrowed(object) })
    }

    /// A text of the record.
    pub(super) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        field::text(&self.data, name)
    }

    /// A value of the record.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        field::value(&self.data, name)
    }

    pub(super) fn says(&self, name: &str, word: &str) -> bool {
        self.text(name).is_some_and(|text| text.contains(word))
    }

    /// Whether it is of a service: by its name, else by its host, else by the envelope. Of each the start is enough.
    pub(super) fn is_of(&self, service: &str, host: &str, source: &str) -> bool {
        let starts =
            |text: &str, with: &str| text.get(..with.len()).is_some_and(|start| start.eq_ignore_ascii_case(with));
        if let Some(name) = self.text("serviceName") {
            return starts(&name, service);
        }
        let by_host = self.text("eventSource").is_some_and(|said| starts(&said, host));
        by_host || self.attribute("source").is_some_and(|said| starts(&said, source))
    }

    /// What the call was given, in either of the fields that tell it.
    pub(super) fn parameters(&self) -> impl Iterator<Item = Cow<'_, Object>> {
        ["requestParameters", "requestParameterJson"].into_iter().filter_map(|name| self.object(name))
    }

    /// An object of the record.
    pub(super) fn object(&self, name: &str) -> Option<Cow<'_, Object>> {
        field::object(&self.data, name)
    }

    /// An attribute of the envelope.
    pub(super) fn attribute(&self, name: &str) -> Option<Cow<'_, str>> {
        field::text(self.envelope?, name)
    }

    /// The name of the call; for an event of another kind the last part of its type.
    pub(super) fn event_name(&self) -> String {
        let named = self.text("eventName").map(Cow::into_owned);
        let named = named.or_else(|| Some(self.attribute("type")?.rsplit(':').next()?.to_owned()));
        named.unwrap_or_default()
    }

    /// The call's name for a person.
    pub(super) fn name(&self) -> String {
        match self.event_name().as_str() {
            "" => "an event without a name".to_owned(),
            name => format!("`{}`", sanitized(name)),
        }
    }

    /// Whose call it was. Of the envelope's accounts the original one comes first: a member's events may be forwarded.
    pub(super) fn account(&self) -> Result<Option<AccountId>, String> {
        let actor = self.object("userIdentity");
        let said = self.text("acsAccountId").map(Cow::into_owned);
        let said = said.or_else(|| Some(field::text(actor.as_deref()?, "accountId")?.into_owned()));
        let said = said.or_else(|| self.attribute("aliyunoriginalaccountid").map(Cow::into_owned));
        let said = said.or_else(|| self.attribute("aliyunaccountid").map(Cow::into_owned));
        account(said.as_deref())
    }
}

/// Reads an account id that may be absent.
pub(super) fn account(said: Option<&str>) -> Result<Option<AccountId>, String> {
    said.map(|id| id.parse().map_err(|error| format!("{error}"))).transpose()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Decision, Wanted, decode};
    use super::*;

    fn record() -> Value {
        json!({"eventName": "DeleteRole", "userIdentity": {"accountId": "2234567890123456"},
            "requestParameters": {"RoleName": "AliyunDTSDefaultRole"}})
    }

    fn decision(event: &Value) -> Decision {
        decode(event.to_string().as_bytes(), Allowed::default()).decision
    }

    #[test]
    fn of_a_batch_the_understood_records_are_acted_on_and_the_rest_is_listed() {
        let batch =
            json!([{"mode": "verify"}, record().to_string(), record(), "text", {"eventName": "x", "eventSource": "y"}]);
        let Decision::Run(request) = decision(&batch) else { panic!() };
        let Wanted::Records { looks, left_out } = request.wanted else { panic!() };
        assert_eq!(looks.iter().map(|look| look.record).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(left_out.iter().map(|left_out| left_out.record).collect::<Vec<_>>(), [0, 3, 4]);
    }

    #[test]
    fn whatever_else_stands_in_a_batch_is_listed() {
        let odd = [json!(null), json!(7), json!(true), json!([record()]), json!("text"), json!({})];
        let batch: Vec<_> = [record()].into_iter().chain(odd).collect();
        let Decision::Run(request) = decision(&json!(batch)) else { panic!() };
        let Wanted::Records { looks, left_out } = request.wanted else { panic!() };
        assert_eq!((looks.len(), looks[0].record), (1, 0));
        let said: Vec<_> = left_out.iter().map(|left_out| left_out.reason.as_str()).collect();
        let kinds = ["`null`", "a number", "`true` or `false`", "an array", "a text", "an object"];
        assert_eq!(said, kinds.map(|kind| format!("{kind} is no event of the bus")));
        assert_eq!(left_out.iter().map(|left_out| left_out.record).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn a_batch_of_which_nothing_is_understood_is_ignored_with_the_reasons() {
        let Decision::Ignored { records, .. } = decision(&json!([{}, "[]"])) else { panic!() };
        assert_eq!(records.len(), 2);
    }

    #[test]
    fn an_envelope_may_hold_its_record_as_text_or_none_at_all() {
        let envelope = |data: Value| json!({"specversion": "1.0", "type": "ram:ActionTrail:ApiCall", "data": data});
        assert!(matches!(decision(&envelope(json!(record().to_string()))), Decision::Run(_)));
        for data in [json!(null), json!("text"), json!([]), json!({})] {
            assert!(matches!(decision(&envelope(data)), Decision::Ignored { .. }));
        }
    }
}
