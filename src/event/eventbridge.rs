//! Events of the platform that this version does not act on, told apart by their shape.
//!
//! Audit records and new member accounts will be decoded beside this.

use serde_json::{Map, Value};

use crate::report::TriggerKind;

/// What kind of event it is, if it is none for the guard.
pub(super) fn foreign_kind(object: &Map<String, Value>) -> Option<(TriggerKind, &'static str)> {
    let has = |keys: &[&str]| keys.iter().all(|key| object.contains_key(*key));
    if has(&["specversion", "type"]) {
        return Some((TriggerKind::Audit, "a CloudEvent"));
    }
    if has(&["eventName", "eventSource"]) || has(&["eventName", "userIdentity"]) {
        return Some((TriggerKind::Audit, "an ActionTrail record"));
    }
    if has(&["version", "rawPath", "requestContext"]) {
        return Some((TriggerKind::Manual, "an event of an HTTP trigger"));
    }
    has(&["requestContext", "requestPayload"])
        .then_some((TriggerKind::Manual, "a record of an asynchronous invocation"))
}
