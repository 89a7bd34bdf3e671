//! What the platform's event bus delivers: `CloudEvents`, bare `ActionTrail` records, batches of either.

use std::borrow::Cow;
use std::collections::BTreeSet;

use authorization::target::{AccountId, BadAccountId};
use authorization::text::sanitized;
use serde_json::Value;

use super::field::{self, Object};
use super::request::too_many;
use super::{Allowed, Approved, Decision, Event, Request, Selector, TriggerRecord, actiontrail, member};
use crate::report::{LeftOut, Trigger, TriggerKind};

/// A record with the envelope that it came in, if it came in one.
pub(super) struct AuditRecord<'a> {
    envelope: Option<&'a Object>,
    data: Cow<'a, Object>,
}

/// Why a record does not concern the guard.
pub(super) struct Irrelevant {
    pub(super) kind: TriggerKind,
    pub(super) reason: String,
}

/// One event of the bus, if the object is one.
pub(super) fn single(object: &Object, allowed: Allowed) -> Option<Event> {
    let record = AuditRecord::read(object)?;
    Some(match judge(&record) {
        Ok(record) => of_records(record.kind, vec![record], Vec::new(), allowed),
        Err(Irrelevant { kind, reason }) => Event::ignored(kind, reason, Vec::new()),
    })
}

/// What is understood is acted on, the rest is listed with reasons.
pub(super) fn batch(items: &[Value], allowed: Allowed) -> Event {
    let (mut records, mut left_out, mut first_left_out) = (Vec::new(), Vec::new(), None);
    for (index, item) in items.iter().enumerate() {
        let object = field::as_object(item);
        let judged = if let Some(record) = object.as_deref().and_then(AuditRecord::read) {
            judge(&record)
        } else {
            let reason = format!("{} is not an event of the bus", kind(item));
            Err(Irrelevant { kind: TriggerKind::Audit, reason })
        };
        match judged {
            Ok(record) => records.push(TriggerRecord { index, ..record }),
            Err(Irrelevant { kind, reason }) => {
                first_left_out.get_or_insert(kind);
                left_out.push(LeftOut { record: index, reason });
            }
        }
    }
    let kind = records.first().map(|record: &TriggerRecord| record.kind).or(first_left_out);
    of_records(kind.unwrap_or(TriggerKind::Audit), records, left_out, allowed)
}

/// Records run in the settings' own mode and scope.
fn of_records(kind: TriggerKind, records: Vec<TriggerRecord>, left_out: Vec<LeftOut>, allowed: Allowed) -> Event {
    if records.is_empty() {
        return Event::ignored(kind, "no record of the batch is for the guard".to_owned(), left_out);
    }
    let accounts: BTreeSet<_> = records.iter().map(|record| &record.account).collect();
    let decision = match too_many(accounts.len()) {
        Some(reason) => Decision::Rejected(reason),
        None => Decision::Run(Request {
            mode: allowed.mode,
            scope: allowed.scope,
            selector: Selector::Records { records, left_out },
            approved: Approved::Nothing,
        }),
    };
    Event { trigger: Trigger { kind, name: None }, decision }
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

fn judge(record: &AuditRecord<'_>) -> Result<TriggerRecord, Irrelevant> {
    if ["errorCode", "errorMessage"].iter().any(|name| record.says(name, actiontrail::CHECK_FAILED)) {
        return actiontrail::check_failed(record);
    }
    if let Some(found) = actiontrail::role_not_found(record) {
        return found;
    }
    match record.text("errorCode") {
        Some(code) => {
            let reason = format!("{} failed with the code `{}`: nothing changed", record.name(), sanitized(&code));
            Err(Irrelevant { kind: TriggerKind::Audit, reason })
        }
        None => member::judge(record).unwrap_or_else(|| actiontrail::judge(record)),
    }
}

impl<'a> AuditRecord<'a> {
    /// A `CloudEvent` may come without its envelope, as the rule's owner likes it.
    fn read(object: &'a Object) -> Option<Self> {
        let has = |name| field::value(object, name).is_some();
        if has("specversion") && has("type") {
            return Some(Self { envelope: Some(object), data: field::object(object, "data").unwrap_or_default() });
        }
        let is_bare = has("eventName") && ["eventSource", "userIdentity", "serviceName"].into_iter().any(has);
        is_bare.then_some(Self { envelope: None, data: Cow::Borrowed(object) })
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        field::text(&self.data, name)
    }

    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        field::value(&self.data, name)
    }

    pub(super) fn object(&self, name: &str) -> Option<Cow<'_, Object>> {
        field::object(&self.data, name)
    }

    pub(super) fn attribute(&self, name: &str) -> Option<String> {
        field::text(self.envelope?, name)
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

    /// The name of the call; for an event of another kind the last part of its type.
    pub(super) fn event_name(&self) -> String {
        let by_type = || Some(self.attribute("type")?.rsplit(':').next()?.to_owned());
        self.text("eventName").or_else(by_type).unwrap_or_default()
    }

    /// The call's name for a person.
    pub(super) fn name(&self) -> String {
        match self.event_name().as_str() {
            "" => "an event without a name".to_owned(),
            name => format!("`{}`", sanitized(name)),
        }
    }

    pub(super) fn caller(&self, name: &str) -> Option<String> {
        field::text(&*self.object("userIdentity")?, name)
    }

    /// The caller's account. Of the envelope's accounts the original one comes first: a member's events may be forwarded.
    pub(super) fn account(&self) -> Result<Option<AccountId>, BadAccountId> {
        let said = self.text("acsAccountId").or_else(|| self.caller("accountId"));
        let said = said.or_else(|| self.attribute("aliyunoriginalaccountid"));
        said.or_else(|| self.attribute("aliyunaccountid")).map(|id| id.parse()).transpose()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::decode;
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
        let Selector::Records { records, left_out } = request.selector else { panic!() };
        assert_eq!(records.iter().map(|record| record.index).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(left_out.iter().map(|left_out| left_out.record).collect::<Vec<_>>(), [0, 3, 4]);
    }

    #[test]
    fn whatever_else_stands_in_a_batch_is_listed() {
        let odd = [json!(null), json!(7), json!(true), json!([record()]), json!("text"), json!({})];
        let batch: Vec<_> = [record()].into_iter().chain(odd).collect();
        let Decision::Run(request) = decision(&json!(batch)) else { panic!() };
        let Selector::Records { records, left_out } = request.selector else { panic!() };
        assert_eq!((records.len(), records[0].index), (1, 0));
        let said: Vec<_> = left_out.iter().map(|left_out| left_out.reason.as_str()).collect();
        let kinds = ["`null`", "a number", "`true` or `false`", "an array", "a text", "an object"];
        assert_eq!(said, kinds.map(|kind| format!("{kind} is not an event of the bus")));
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
