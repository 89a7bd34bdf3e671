//! Audit records of RAM: which call of whom touched our role.

use authorization::baseline::DTS_ROLE;
use authorization::text::sanitized;
use serde_json::Value;

use super::eventbridge::{AuditRecord, Irrelevant};
use super::field::{self, Object};
use super::{AccountRef, Actor, TriggerRecord};
use crate::report::TriggerKind;

/// The code of the DTS console for a failed authorization. It has other causes too, so it is a reason to look and not a proof.
pub(super) const CHECK_FAILED: &str = "Abnormal.RamCheckUserRole";

/// The code of a call that found no such role.
const NO_ROLE: &str = "EntityNotExist.Role";

/// Calls that change nothing. Everything else that names the role is taken for a write: in doubt the guard looks.
const READS: [&str; 7] = ["Get", "List", "Describe", "Query", "Check", "Decode", "AssumeRole"];

/// What a role is called where resources are listed by their type.
const ROLES: &str = "ACS::RAM::Role";

pub(super) fn judge(record: &AuditRecord<'_>) -> Result<TriggerRecord, Irrelevant> {
    let roles = roles(record);
    if roles.is_empty() {
        return Err(irrelevant(format!("{} names no role", record.name())));
    }
    if !roles.iter().any(|role| role.eq_ignore_ascii_case(DTS_ROLE)) {
        let others = sanitized(&roles.join("`, `"));
        return Err(irrelevant(format!("{} is about another role, `{others}`", record.name())));
    }
    let name = record.event_name();
    let says_read = record.text("eventRW").is_some_and(|word| word.eq_ignore_ascii_case("read"));
    let starts_with = |verb: &str| name.get(..verb.len()).is_some_and(|start| start.eq_ignore_ascii_case(verb));
    if says_read || READS.into_iter().any(starts_with) {
        return Err(irrelevant(format!("{} changes nothing", record.name())));
    }
    let by = record.caller("userName").map(|name| format!(" by `{}`", sanitized(&name))).unwrap_or_default();
    look(record, format!("{} on the role{by}", record.name()), own_hand(record))
}

/// A record that says that DTS found the authorization broken.
pub(super) fn check_failed(record: &AuditRecord<'_>) -> Result<TriggerRecord, Irrelevant> {
    look(record, format!("{} gave the code `{CHECK_FAILED}`", record.name()), None)
}

/// A call of DTS that failed because our role does not exist. Only the message names the role.
pub(super) fn role_not_found(record: &AuditRecord<'_>) -> Option<Result<TriggerRecord, Irrelevant>> {
    let is_dts = record.is_of("dts", "dts.", "acs.dts");
    let says_so = ["errorCode", "errorMessage"].iter().any(|name| record.says(name, NO_ROLE));
    let names_it = record.text("errorMessage").is_some_and(|message| names_role(&message))
        || roles(record).iter().any(|role| role.eq_ignore_ascii_case(DTS_ROLE));
    let reason = || format!("{} of DTS gave the code `{NO_ROLE}`", record.name());
    (is_dts && says_so && names_it).then(|| look(record, reason(), None))
}

fn look(record: &AuditRecord<'_>, reason: String, actor: Option<Actor>) -> Result<TriggerRecord, Irrelevant> {
    let account = record.account().map_err(|error| irrelevant(format!("{}: {error}", record.name())))?;
    let account = account.map_or(AccountRef::Own, AccountRef::Id);
    Ok(TriggerRecord { index: 0, account, kind: TriggerKind::Audit, reason, actor })
}

fn irrelevant(reason: String) -> Irrelevant {
    Irrelevant { kind: TriggerKind::Audit, reason }
}

/// Whether the role's name stands in a text, in any letter case, and not as a part of a longer name.
fn names_role(text: &str) -> bool {
    let (text, name) = (text.to_ascii_lowercase(), DTS_ROLE.to_ascii_lowercase());
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '-';
    text.match_indices(&name).any(|(start, _)| {
        let (before, behind) =
            (text.get(..start).unwrap_or_default(), text.get(start + name.len()..).unwrap_or_default());
        // A name may hold a dot, and a sentence ends with one.
        let goes_on = behind.strip_prefix('.').unwrap_or(behind).starts_with(is_part);
        !before.ends_with(is_part) && !before.ends_with('.') && !goes_on
    })
}

/// Every role that the record names, in whatever place.
fn roles(record: &AuditRecord<'_>) -> Vec<String> {
    let mut roles = Vec::new();
    for parameters in record.parameters() {
        roles.extend(field::text(&parameters, "RoleName"));
        roles.extend(principal(&parameters));
    }
    if let Some(reply) = record.object("responseElements") {
        roles.extend(field::object(&reply, "Role").and_then(|role| field::text(&role, "RoleName")));
    }
    if let Some(listed) = record.object("referencedResources") {
        roles.extend(groups(field::value(&listed, ROLES)).into_iter().flat_map(separated));
    }
    roles.extend(resources(record));
    roles.extend(record.attribute("subject").filter(|subject| subject.contains(":role/")));
    let bare = |name: &String| name.rsplit_once(":role/").map_or(name.as_str(), |(_, name)| name).to_owned();
    let mut roles: Vec<_> = roles.iter().map(bare).collect();
    roles.dedup();
    roles
}

/// Whom a policy is attached to by Resource Manager: `<role>@role.<account>.onaliyunservice.com` (a user's name has another
/// domain behind it).
fn principal(parameters: &Object) -> Option<String> {
    let kind = field::text(parameters, "PrincipalType");
    if kind.is_some_and(|kind| !kind.to_ascii_lowercase().contains("role")) {
        return None;
    }
    let name = field::text(parameters, "PrincipalName")?;
    match name.split_once('@') {
        None => Some(name),
        Some((role, domain)) => domain.to_ascii_lowercase().starts_with("role.").then(|| role.to_owned()),
    }
}

/// Roles among `resourceName`, whose types stand in `resourceType` in the same order: types with semicolons between them,
/// names of one type with commas. Where the two do not fit together, any name may be a role's.
fn resources(record: &AuditRecord<'_>) -> Vec<String> {
    let (types, groups) = (groups(record.value("resourceType")), groups(record.value("resourceName")));
    let fits = types.len() == groups.len();
    let is_role = |index: usize| !fits || types.get(index).is_some_and(|kind| kind.eq_ignore_ascii_case(ROLES));
    let roles = groups.iter().enumerate().filter(|(index, _)| is_role(*index));
    roles.flat_map(|(_, group)| separated(group)).collect()
}

/// One text or several, as an array or in one text.
fn groups(value: Option<&Value>) -> Vec<&str> {
    let texts = match value {
        Some(Value::Array(items)) => items.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(text)) => text.split(';').collect(),
        _ => Vec::new(),
    };
    texts.into_iter().map(str::trim).collect()
}

fn separated(names: &str) -> impl Iterator<Item = String> {
    names.split([';', ',']).map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned)
}

/// The caller, if it looks like the guard.
fn own_hand(record: &AuditRecord<'_>) -> Option<Actor> {
    record.text("userAgent").filter(|agent| agent.starts_with("dts-role-guard/"))?;
    record.caller("type").filter(|kind| kind.to_ascii_lowercase().contains("role"))?;
    let (account, name) = (record.caller("accountId")?.parse().ok()?, record.caller("userName")?);
    let (role, session) = match name.split_once(':') {
        Some((role, session)) => (role, session.to_owned()),
        None => (name.as_str(), record.caller("principalId")?.split_once(':')?.1.to_owned()),
    };
    Some(Actor { account, role: role.to_owned(), session })
}

#[cfg(test)]
mod tests {
    use authorization::settings::{Mode, Scope};
    use serde_json::{Value, json};

    use super::super::{AccountRef, Actor, Allowed, Decision, Selector, TriggerRecord, decode};

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

    fn looked(event: &Value) -> TriggerRecord {
        match decision(event) {
            Decision::Run(request) => match request.selector {
                Selector::Records { records, .. } => records.into_iter().next().unwrap(),
                other => panic!("{event}: {other:?}"),
            },
            other => panic!("{event}: {other:?}"),
        }
    }

    fn account(event: &Value) -> Option<String> {
        match looked(event).account {
            AccountRef::Own => None,
            AccountRef::Id(account) => Some(account.to_string()),
            AccountRef::NewMember => panic!("{event}"),
        }
    }

    fn why_not(event: &Value) -> String {
        match decision(event) {
            Decision::Ignored { reason, .. } => reason,
            other => panic!("{event}: {other:?}"),
        }
    }

    #[test]
    fn a_write_to_the_role_is_a_reason_to_look() {
        for name in ["DeleteRole", "UpdateRole", "DetachPolicyFromRole", "AttachPolicyToRole", "CreateRole", "NewCall"]
        {
            let look = looked(&record(json!({"eventName": name})));
            assert_eq!(look.reason, format!("`{name}` on the role by `alice`"));
            assert_eq!((look.account, look.actor), (AccountRef::Id(ACCOUNT.parse().unwrap()), None));
        }
    }

    #[test]
    fn a_record_that_does_not_concern_the_guard_says_why() {
        for (changes, part) in [
            (json!({"eventName": "GetRole"}), "`GetRole` changes nothing"),
            (json!({"eventName": "NewCall", "eventRW": "Read"}), "changes nothing"),
            (json!({"eventName": "AssumeRole"}), "changes nothing"),
            (json!({"requestParameters": {"RoleName": "Another"}}), "another role, `Another`"),
            (json!({"requestParameters": {}}), "names no role"),
            (json!({"errorCode": "NoPermission"}), "`NoPermission`: nothing changed"),
            (json!({"userIdentity": {"accountId": "me"}}), "`me` is not an account id"),
        ] {
            let reason = why_not(&record(changes));
            assert!(reason.contains(part), "{reason}");
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
            json!({"requestParameters": none, "referencedResources": {"ACS::RAM::Role": "a;AliyunDTSDefaultRole"}}),
            json!({"requestParameters": null, "requestParameterJson": "{\"RoleName\": \"AliyunDTSDefaultRole\"}"}),
            json!({"requestParameters": none, "requestParameterJson": {"roleName": "acs:ram::1:role/AliyunDTSDefaultRole"}}),
            json!({"requestParameters": none, "resourceType": "ACS::RAM::Role", "resourceName": "AliyunDTSDefaultRole"}),
            json!({"requestParameters": none, "resourceType": "ACS::RAM::Policy; acs::ram::role",
                "resourceName": "AliyunDTSRolePolicy; aliyundtsdefaultrole"}),
            json!({"requestParameters": none, "resourceType": "ACS::RAM::Role;ACS::RAM::Policy",
                "resourceName": "Other,AliyunDTSDefaultRole;AliyunDTSRolePolicy"}),
            json!({"requestParameters": none, "resourceType": ["ACS::RAM::Role"], "resourceName": ["AliyunDTSDefaultRole"]}),
            json!({"requestParameters": none, "resourceName": "AliyunDTSRolePolicy;AliyunDTSDefaultRole"}),
            json!({"requestParameters": none, "resourceType": "ACS::RAM::Role",
                "resourceName": "AliyunDTSRolePolicy;AliyunDTSDefaultRole"}),
        ] {
            looked(&record(changes));
        }
        let policy = json!({"requestParameters": none, "resourceType": "ACS::RAM::Policy;ACS::RAM::Role",
            "resourceName": "AliyunDTSDefaultRole;Another"});
        assert!(why_not(&record(policy)).contains("another role, `Another`"));
    }

    #[test]
    fn a_policy_may_be_detached_through_resource_manager() {
        let call = |name: &str, kind: Value, principal: &str| {
            record(json!({"eventName": name, "serviceName": "ResourceManager", "requestParameters":
                {"PolicyType": "System", "PrincipalType": kind, "PrincipalName": principal}}))
        };
        let ours = "aliyundtsdefaultrole@role.2234567890123456.onaliyunservice.com";
        for name in ["DetachPolicy", "AttachPolicy"] {
            assert_eq!(account(&call(name, json!("ServiceRole"), ours)).as_deref(), Some(ACCOUNT));
            assert_eq!(account(&call(name, json!(null), ours)).as_deref(), Some(ACCOUNT));
            assert_eq!(account(&call(name, json!("ServiceRole"), "AliyunDTSDefaultRole")).as_deref(), Some(ACCOUNT));
        }
        let text = "{\"PrincipalType\": \"ServiceRole\", \"PrincipalName\": \"AliyunDTSDefaultRole@role.1.onaliyunservice.com\"}";
        looked(&record(json!({"eventName": "DetachPolicy", "requestParameters": {}, "requestParameterJson": text})));
        let user = "aliyundtsdefaultrole@example.onaliyun.com";
        for event in [call("DetachPolicy", json!("IMSUser"), user), call("DetachPolicy", json!(null), user)] {
            assert!(why_not(&event).contains("names no role"));
        }
        let other = call("DetachPolicy", json!("ServiceRole"), "other@role.2234567890123456.onaliyunservice.com");
        assert!(why_not(&other).contains("another role, `other`"));
        let mut denied = call("DetachPolicy", json!("ServiceRole"), ours);
        denied["errorCode"] = json!("NoPermission");
        assert!(why_not(&denied).contains("nothing changed"));
    }

    #[test]
    fn a_call_of_dts_that_missed_the_role_is_a_reason_to_look() {
        let call = |service: Value, message: &str| {
            record(json!({"eventName": "ConfigureDtsJob", "serviceName": service, "requestParameters": {},
                "errorCode": "EntityNotExist.Role", "errorMessage": message}))
        };
        for message in [
            "The role not exists: acs:ram::2234567890123456:role/aliyundtsdefaultrole",
            "AliyunDTSDefaultRole.",
            "role `ALIYUNDTSDEFAULTROLE`, request id 1",
        ] {
            let look = looked(&call(json!("Dts"), message));
            assert_eq!(look.reason, "`ConfigureDtsJob` of DTS gave the code `EntityNotExist.Role`", "{message}");
            assert_eq!(look.account, AccountRef::Id(ACCOUNT.parse().unwrap()));
        }
        for message in ["role/AliyunDTSDefaultRole2", "role/AliyunDTSDefaultRole.old", "role/ram-for-dts", ""] {
            assert!(
                why_not(&call(json!("DTS"), message)).contains("`EntityNotExist.Role`: nothing changed"),
                "{message}"
            );
        }
        assert!(
            why_not(&call(json!("Ram"), "AliyunDTSDefaultRole")).contains("nothing changed"),
            "a person's mistyped call"
        );
        let by_source = json!({"specversion": "1.0", "type": "dts:ActionTrail:ApiCall", "source": "acs.dts",
            "data": call(json!(null), "AliyunDTSDefaultRole")});
        looked(&by_source);
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
