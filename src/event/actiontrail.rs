//! Audit records of RAM: which call of whom touched our role.

use std::borrow::Cow;

use serde_json::Value;

use super::eventbridge::{Record, Verdict};
use super::field::{self, Object};
use super::{Actor, Occurrence};
use crate::report::TriggerKind;
use crate::target::ROLE_NAME;
use crate::telemetry::foreign;

/// The code of the DTS console for a failed authorization. It has another cause too, so it is a reason to look, no proof.
pub(super) const CHECK_FAILED: &str = "Abnormal.RamCheckUserRole";

/// Calls that change nothing. Everything else that names the role is taken for a write: in doubt the guard looks.
const READS: [&str; 7] = ["Get", "List", "Describe", "Query", "Check", "Decode", "AssumeRole"];

/// Where the names of roles stand in `referencedResources`.
const ROLES: &str = "ACS::RAM::Role";

pub(super) fn judge(record: &Record<'_>) -> Verdict {
    let roles = roles(record);
    if roles.is_empty() {
        return leave_out(format!("{} names no role", record.name()));
    }
    if !roles.iter().any(|role| role.eq_ignore_ascii_case(ROLE_NAME)) {
        return leave_out(format!("{} is about another role, `{}`", record.name(), foreign(&roles.join("`, `"))));
    }
    if is_read(record) {
        return leave_out(format!("{} changes nothing", record.name()));
    }
    look(record, format!("{} on the role{}", record.name(), by_whom(record)), own_hand(record))
}

/// A record that says that DTS found the authorization broken.
pub(super) fn check_failed(record: &Record<'_>) -> Verdict {
    look(record, format!("{} gave the code `{CHECK_FAILED}`", record.name()), None)
}

fn look(record: &Record<'_>, reason: String, actor: Option<Actor>) -> Verdict {
    match record.account() {
        Ok(account) => Verdict::Look(Occurrence { record: 0, account, kind: TriggerKind::Audit, reason, actor }),
        Err(error) => leave_out(format!("{}: {error}", record.name())),
    }
}

fn leave_out(reason: String) -> Verdict {
    Verdict::LeaveOut(TriggerKind::Audit, reason)
}

/// Every role that the record names, in whatever place.
fn roles(record: &Record<'_>) -> Vec<String> {
    let mut roles = Vec::new();
    let mut named = |name: Option<Cow<'_, str>>| roles.extend(name.map(Cow::into_owned));
    if let Some(parameters) = record.object("requestParameters") {
        named(field::text(&parameters, "RoleName"));
    }
    if let Some(reply) = record.object("responseElements") {
        named(field::object(&reply, "Role").as_deref().and_then(|role| field::text(role, "RoleName")));
    }
    if let Some(resources) = record.object("referencedResources") {
        referenced(&resources).for_each(|name| named(Some(Cow::Borrowed(name))));
    }
    let subject = record.attribute("subject");
    named(subject.as_deref().and_then(|subject| Some(subject.rsplit_once(":role/")?.1)).map(Cow::Borrowed));
    roles.dedup();
    roles
}

/// A name or an ARN, one or several.
fn referenced(resources: &Object) -> impl Iterator<Item = &str> {
    let (one, several) = match field::value(resources, ROLES) {
        Some(Value::String(name)) => (Some(name.as_str()), None),
        Some(Value::Array(names)) => (None, Some(names)),
        _ => (None, None),
    };
    let several = several.into_iter().flatten().filter_map(Value::as_str);
    one.into_iter().chain(several).map(|name| name.rsplit_once(":role/").map_or(name, |(_, name)| name))
}

fn is_read(record: &Record<'_>) -> bool {
    let said = record.text("eventRW").is_some_and(|word| word.eq_ignore_ascii_case("read"));
    let name = record.event_name();
    said || READS.iter().any(|verb| name.get(..verb.len()).is_some_and(|start| start.eq_ignore_ascii_case(verb)))
}

fn by_whom(record: &Record<'_>) -> String {
    let actor = record.object("userIdentity");
    let name = actor.as_deref().and_then(|actor| field::text(actor, "userName"));
    name.map(|name| format!(" by `{}`", foreign(&name))).unwrap_or_default()
}

/// Who made the call, if it looks like a call of the guard.
fn own_hand(record: &Record<'_>) -> Option<Actor> {
    record.text("userAgent").filter(|agent| agent.starts_with("dts-role-guard/"))?;
    let actor = record.object("userIdentity")?;
    let account = field::text(&actor, "accountId")?.parse().ok()?;
    field::text(&actor, "type").filter(|kind| kind.to_ascii_lowercase().contains("role"))?;
    let name = field::text(&actor, "userName")?;
    let principal = field::text(&actor, "principalId");
    let (role, session) = match name.split_once(':') {
        Some((role, session)) => (role, Some(session)),
        None => (name.as_ref(), principal.as_deref().and_then(|id| Some(id.split_once(':')?.1))),
    };
    Some(Actor { account, role: role.to_owned(), session: session?.to_owned() })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::{Actor, Allowed, Decision, Occurrence, Wanted, decode};
    use crate::config::{Mode, Scope};

    const ACCOUNT: &str = "2234567890123456";

    /// A deletion of the role in a member account, with some fields changed.
    fn record(changes: Value) -> Value {
        let mut record = json!({
            "eventName": "DeleteRole", "eventRW": "Write", "serviceName": "Ram", "userAgent": "console",
            "userIdentity": {"type": "ram-user", "accountId": ACCOUNT, "userName": "alice"},
            "requestParameters": {"RoleName": "AliyunDTSDefaultRole"},
        });
        if let (Some(record), Value::Object(changes)) = (record.as_object_mut(), changes) {
            record.extend(changes);
        }
        record
    }

    fn decision(event: &Value) -> Decision {
        decode(event.to_string().as_bytes(), Allowed { mode: Mode::Verify, scope: Scope::Organization }).decision
    }

    fn looked(event: &Value) -> Occurrence {
        match decision(event) {
            Decision::Run(request) => match request.wanted {
                Wanted::Records { looks, .. } => looks.into_iter().next().unwrap(),
                other => panic!("{event}: {other:?}"),
            },
            other => panic!("{event}: {other:?}"),
        }
    }

    fn account(event: &Value) -> Option<String> {
        looked(event).account.map(|account| account.to_string())
    }

    #[test]
    fn a_write_to_the_role_is_a_reason_to_look() {
        for name in ["DeleteRole", "UpdateRole", "DetachPolicyFromRole", "AttachPolicyToRole", "CreateRole", "NewCall"]
        {
            let look = looked(&record(json!({"eventName": name})));
            assert_eq!(look.reason, format!("`{name}` on the role by `alice`"));
            assert_eq!((look.account.unwrap().as_str(), look.actor), (ACCOUNT, None));
        }
    }

    #[test]
    fn what_is_none_for_the_guard_says_why() {
        for (changes, part) in [
            (json!({"eventName": "GetRole"}), "`GetRole` changes nothing"),
            (json!({"eventName": "NewCall", "eventRW": "Read"}), "changes nothing"),
            (json!({"eventName": "AssumeRole"}), "changes nothing"),
            (json!({"requestParameters": {"RoleName": "Another"}}), "another role, `Another`"),
            (json!({"requestParameters": {}}), "names no role"),
            (json!({"errorCode": "NoPermission"}), "`NoPermission`: nothing changed"),
            (json!({"userIdentity": {"accountId": "me"}}), "`me` is no account id"),
        ] {
            match decision(&record(changes)) {
                Decision::Ignored { reason, .. } => assert!(reason.contains(part), "{reason}"),
                other => panic!("{part}: {other:?}"),
            }
        }
    }

    #[test]
    fn the_role_is_found_in_any_place_and_any_case() {
        let none = json!({});
        for changes in [
            json!({"requestParameters": {"roleName": "aliyundtsdefaultrole"}}),
            json!({"requestParameters": "{\"RoleName\": \"AliyunDTSDefaultRole\"}"}),
            json!({"requestParameters": none, "responseElements": {"Role": {"RoleName": "AliyunDTSDefaultRole"}}}),
            json!({"requestParameters": none, "referencedResources": {"ACS::RAM::Role": ["AliyunDTSDefaultRole"]}}),
            json!({"requestParameters": none,
                "referencedResources": {"ACS::RAM::Role": ["acs:ram::1:role/aliyundtsdefaultrole"]}}),
        ] {
            looked(&record(changes));
        }
    }

    #[test]
    fn the_account_is_the_callers_before_the_envelopes() {
        let envelope = |data: Value| {
            json!({"specversion": "1.0", "type": "ram:ActionTrail:ApiCall", "aliyunaccountid": "3234567890123456",
                "aliyunoriginalaccountid": "4234567890123456", "data": data})
        };
        assert_eq!(account(&envelope(record(json!({})))).as_deref(), Some(ACCOUNT));
        let said = record(json!({"acsAccountId": 5_234_567_890_123_456_u64}));
        assert_eq!(account(&envelope(said)).as_deref(), Some("5234567890123456"));
        let silent = record(json!({"userIdentity": {}}));
        assert_eq!(account(&envelope(silent.clone())).as_deref(), Some("4234567890123456"));
        assert_eq!(account(&silent), None, "then it is about the own account");
    }

    #[test]
    fn the_consoles_code_is_a_reason_to_look_whatever_the_call_was() {
        for place in ["errorCode", "ErrorCode", "errorMessage"] {
            let code = json!({"eventName": "DescribeDtsJobs", "eventRW": "Read", "requestParameters": {},
                place: "Abnormal.RamCheckUserRole"});
            assert_eq!(account(&record(code)).as_deref(), Some(ACCOUNT));
        }
    }

    #[test]
    fn a_call_that_looks_like_the_guards_own_names_its_session() {
        let call = |agent: &str, user: Value| looked(&record(json!({"userAgent": agent, "userIdentity": user}))).actor;
        let session = |name: &str, principal: &str| json!({"type": "assumed-role", "accountId": ACCOUNT, "userName": name, "principalId": principal});
        let actor = Actor { account: ACCOUNT.parse().unwrap(), role: "guard".to_owned(), session: "s".to_owned() };
        assert_eq!(call("dts-role-guard/0.1.0", session("guard:s", "3000")), Some(actor.clone()));
        assert_eq!(call("dts-role-guard/0.1.0", session("guard", "3000:s")), Some(actor));
        assert_eq!(call("console", session("guard:s", "3000:s")), None);
        assert_eq!(call("dts-role-guard/0.1.0", session("guard", "3000")), None);
        let person = json!({"type": "ram-user", "accountId": ACCOUNT, "userName": "guard:s"});
        assert_eq!(call("dts-role-guard/0.1.0", person), None);
    }
}
