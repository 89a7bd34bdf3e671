//! What the platform hands to functions of other kinds. It asks the guard for nothing (source: the vendor's page "Formats of
//! event for different triggers").

use serde_json::Value;

use super::field::Object;

/// Keys that stand together in no other event.
const KINDS: [(&[&str], &str); 8] = [
    (&["version", "rawPath", "requestContext"], "an event of an HTTP trigger"),
    (&["path", "httpMethod", "headers"], "an event of an API gateway"),
    (&["requestContext", "requestPayload"], "a record of an asynchronous invocation"),
    (&["parameter", "source", "jobName", "taskId"], "a notice of SLS"),
    (&["TopicName", "MessageId"], "a notice of MNS"),
    (&["TopicName", "SubscriptionName"], "a notice of MNS"),
    (&["Version", "Records"], "a notice of Tablestore"),
    (&["invokingEvent", "resultToken"], "an event of a rule of Cloud Config"),
];

/// Which kind of function it is for.
pub(super) fn kind(object: &Object) -> Option<&'static str> {
    let has = |keys: &[&str]| keys.iter().all(|key| object.contains_key(*key));
    let known = KINDS.iter().find(|(keys, _)| has(keys)).map(|(_, kind)| *kind);
    known.or_else(|| object.get("events").is_some_and(are_notices).then_some("a notice of OSS or the CDN"))
}

fn are_notices(events: &Value) -> bool {
    let is_notice = |event: &Value| event.get("eventName").is_some() && event.get("eventSource").is_some();
    events.as_array().is_some_and(|events| !events.is_empty() && events.iter().all(is_notice))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Allowed, Decision, decode};

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
