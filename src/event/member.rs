//! Audit records of the resource directory: which account became a member. Whether it did is asked of the directory.

use super::eventbridge::{AuditRecord, Irrelevant};
use super::field;
use super::{AccountRef, TriggerRecord};
use crate::report::TriggerKind;

/// What the record leads to, if it is about the members of a resource directory.
pub(super) fn judge(record: &AuditRecord<'_>) -> Option<Result<TriggerRecord, Irrelevant>> {
    // Service names, hosts and versions differ between the API's generations; the start is common.
    if !record.is_of("Resource", "resource", "acs.resource") {
        return None;
    }
    Some(match record.event_name().as_str() {
        "CreateResourceAccount" => joined(record, created(record, "AccountId"), "was created"),
        "CreateCloudAccount" => match created(record, "Status") {
            // Its owner must confirm such an account first.
            Some(status) if status.ends_with("Verifying") => {
                Err(irrelevant(record, "the account is still to be confirmed"))
            }
            _ => joined(record, created(record, "AccountId"), "was created"),
        },
        // The caller accepts. `MasterAccountId` is the management account, never the new member.
        "AcceptHandshake" => {
            joined(record, record.caller("accountId").or_else(|| invited(record)), "accepted an invitation")
        }
        "MoveAccount" => {
            let moved = record.parameters().find_map(|parameters| field::text(&parameters, "AccountId"));
            joined(record, moved, "was moved")
        }
        "InviteAccountToResourceDirectory" => Err(irrelevant(record, "an invited account is not a member yet")),
        "CancelCreateCloudAccount"
        | "DeclineHandshake"
        | "CancelHandshake"
        | "DeleteAccount"
        | "RemoveCloudAccount"
        | "PromoteResourceAccount" => Err(irrelevant(record, "it brings no new member")),
        _ => return None,
    })
}

fn joined(record: &AuditRecord<'_>, said: Option<String>, how: &str) -> Result<TriggerRecord, Irrelevant> {
    let said = said.map(|id| id.parse()).transpose();
    let (account, reason) = match said {
        Ok(Some(id)) => (AccountRef::Id(id), format!("{}: the member account {how}", record.name())),
        Ok(None) => (
            AccountRef::NewMember,
            format!("{}: a member account {how}, it is not said which, and this one joined lately", record.name()),
        ),
        Err(error) => return Err(irrelevant(record, &error.to_string())),
    };
    Ok(TriggerRecord { index: 0, account, kind: TriggerKind::Member, reason, actor: None })
}

fn irrelevant(record: &AuditRecord<'_>, why: &str) -> Irrelevant {
    Irrelevant { kind: TriggerKind::Member, reason: format!("{}: {why}", record.name()) }
}

fn created(record: &AuditRecord<'_>, name: &str) -> Option<String> {
    field::text(&*field::object(&*record.object("responseElements")?, "Account")?, name)
}

/// The invited account, where it was not invited by e-mail.
fn invited(record: &AuditRecord<'_>) -> Option<String> {
    let reply = record.object("responseElements")?;
    let handshake = field::object(&reply, "Handshake")?;
    field::text(&handshake, "TargetType").filter(|kind| kind.eq_ignore_ascii_case("Account"))?;
    field::text(&handshake, "TargetEntity")
}

#[cfg(test)]
mod tests {
    use authorization::settings::{Mode, Scope};
    use serde_json::{Value, json};

    use super::super::{AccountRef, Allowed, Decision, Selector, decode};
    use crate::report::TriggerKind;

    const NEW: &str = "2234567890123456";

    /// The account to look at, or why none.
    fn verdict(name: &str, rest: Value) -> Result<String, String> {
        let caller = json!({"accountId": "4234567890123456"});
        let mut event = json!({"eventName": name, "serviceName": "ResourceDirectoryMaster", "userIdentity": caller});
        if let (Some(event), Value::Object(rest)) = (event.as_object_mut(), rest) {
            event.extend(rest);
        }
        let event = decode(event.to_string().as_bytes(), Allowed { mode: Mode::Verify, scope: Scope::Organization });
        assert_eq!(event.trigger.kind, TriggerKind::Member);
        match event.decision {
            Decision::Ignored { reason, .. } => Err(reason),
            Decision::Run(request) => match request.selector {
                Selector::Records { records, .. } => Ok(match &records[0].account {
                    AccountRef::Id(account) => account.to_string(),
                    other => format!("{other:?}"),
                }),
                other => panic!("{other:?}"),
            },
            other => panic!("{other:?}"),
        }
    }

    fn created(account: &Value) -> Value {
        json!({"responseElements": {"Account": account}})
    }

    #[test]
    fn a_created_account_stands_in_the_reply() {
        let account = || created(&json!({"AccountId": NEW}));
        assert_eq!(verdict("CreateResourceAccount", account()).unwrap(), NEW);
        assert_eq!(verdict("CreateCloudAccount", account()).unwrap(), NEW);
        let verifying = created(&json!({"AccountId": NEW, "Status": "CreateVerifying"}));
        assert!(verdict("CreateCloudAccount", verifying).unwrap_err().contains("still to be confirmed"));
    }

    #[test]
    fn a_new_member_that_is_not_named_is_looked_for() {
        let nothing = || [json!({}), json!({"responseElements": null}), created(&json!({})), created(&json!(null))];
        for name in ["CreateResourceAccount", "CreateCloudAccount", "MoveAccount"] {
            for rest in nothing() {
                assert_eq!(verdict(name, rest).unwrap(), "NewMember", "{name}");
            }
        }
    }

    #[test]
    fn who_accepts_an_invitation_is_the_new_member() {
        let handshake = |kind: &str| {
            json!({"responseElements": {"Handshake":
                {"TargetType": kind, "TargetEntity": NEW, "MasterAccountId": "1234567890123456"}}})
        };
        assert_eq!(verdict("AcceptHandshake", handshake("Email")).unwrap(), "4234567890123456");
        let nobody = |kind: &str| {
            let mut rest = handshake(kind);
            rest["userIdentity"] = json!({"type": "root-account"});
            rest
        };
        assert_eq!(verdict("AcceptHandshake", nobody("Account")).unwrap(), NEW);
        assert_eq!(verdict("AcceptHandshake", nobody("Email")).unwrap(), "NewMember");
    }

    #[test]
    fn a_moved_account_stands_in_the_request() {
        let request = |id: Value| json!({"requestParameters": {"AccountId": id}});
        assert_eq!(verdict("MoveAccount", request(json!(NEW))).unwrap(), NEW);
        let text = json!({"requestParameterJson": json!({"AccountId": NEW}).to_string()});
        assert_eq!(verdict("MoveAccount", text).unwrap(), NEW);
        assert!(verdict("MoveAccount", request(json!("me"))).unwrap_err().contains("not an account id"));
    }

    #[test]
    fn an_account_that_is_only_invited_or_has_left_is_not_a_new_member() {
        let named = || json!({"requestParameters": {"TargetEntity": NEW, "AccountId": NEW}});
        for name in ["InviteAccountToResourceDirectory", "DeleteAccount", "RemoveCloudAccount", "DeclineHandshake"] {
            assert!(verdict(name, named()).is_err(), "{name}");
        }
    }

    #[test]
    fn a_call_of_the_same_name_of_another_service_is_another_call() {
        let event = json!({"eventName": "MoveAccount", "serviceName": "Ecs", "eventSource": "ecs.aliyuncs.com",
            "requestParameters": {"AccountId": NEW}});
        let decision = decode(event.to_string().as_bytes(), Allowed::default()).decision;
        assert!(matches!(decision, Decision::Ignored { reason, .. } if reason.contains("names no role")));
    }
}
