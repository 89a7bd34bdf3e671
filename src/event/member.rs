//! Audit records of the resource directory: which account became a member. Whether it did is asked of the directory.

use std::borrow::Cow;

use super::eventbridge::{Record, Verdict, account};
use super::field;
use super::{Occurrence, Whose};
use crate::report::TriggerKind;

/// What the record is, if it is about the members of a resource directory.
pub(super) fn judge(record: &Record<'_>) -> Option<Verdict> {
    // Service names, hosts and versions differ between the API's generations; the start is common.
    if !record.is_of("Resource", "resource", "acs.resource") {
        return None;
    }
    Some(match record.event_name().as_str() {
        "CreateResourceAccount" => joined(record, created(record).as_deref(), "was created"),
        "CreateCloudAccount" => created_with_root(record),
        "AcceptHandshake" => joined(record, accepted(record).as_deref(), "accepted an invitation"),
        "MoveAccount" => joined(record, moved(record).as_deref(), "was moved"),
        "InviteAccountToResourceDirectory" => leave_out(record, "an invited account is no member yet"),
        "CancelCreateCloudAccount"
        | "DeclineHandshake"
        | "CancelHandshake"
        | "DeleteAccount"
        | "RemoveCloudAccount"
        | "PromoteResourceAccount" => leave_out(record, "it brings no new member"),
        _ => return None,
    })
}

fn joined(record: &Record<'_>, said: Option<&str>, how: &str) -> Verdict {
    let (whose, reason) = match account(said) {
        Ok(Some(id)) => (Whose::Account(id), format!("{}: the member account {how}", record.name())),
        Ok(None) => (
            Whose::NewMember,
            format!("{}: a member account {how}, it is not said which, and this one joined lately", record.name()),
        ),
        Err(error) => return leave_out(record, &error),
    };
    Verdict::Look(Occurrence { record: 0, whose, kind: TriggerKind::Member, reason, actor: None })
}

fn leave_out(record: &Record<'_>, why: &str) -> Verdict {
    Verdict::LeaveOut(TriggerKind::Member, format!("{}: {why}", record.name()))
}

fn created(record: &Record<'_>) -> Option<String> {
    let reply = record.object("responseElements")?;
    let account = field::object(&reply, "Account")?;
    field::text(&account, "AccountId").map(Cow::into_owned)
}

/// Such an account must be confirmed by its owner first.
fn created_with_root(record: &Record<'_>) -> Verdict {
    let reply = record.object("responseElements").unwrap_or_default();
    let account = field::object(&reply, "Account").unwrap_or_default();
    match field::text(&account, "Status") {
        Some(status) if status.ends_with("Verifying") => leave_out(record, "the account is still to be confirmed"),
        _ => joined(record, created(record).as_deref(), "was created"),
    }
}

/// It is the caller who accepts. `MasterAccountId` is the management account, never the new member.
fn accepted(record: &Record<'_>) -> Option<String> {
    let caller = record.object("userIdentity");
    let caller = caller.as_deref().and_then(|caller| field::text(caller, "accountId"));
    caller.map(Cow::into_owned).or_else(|| invited(record))
}

/// The invited account, where it was not invited by e-mail.
fn invited(record: &Record<'_>) -> Option<String> {
    let reply = record.object("responseElements")?;
    let handshake = field::object(&reply, "Handshake")?;
    field::text(&handshake, "TargetType").filter(|kind| kind.eq_ignore_ascii_case("Account"))?;
    field::text(&handshake, "TargetEntity").map(Cow::into_owned)
}

fn moved(record: &Record<'_>) -> Option<String> {
    record.parameters().find_map(|parameters| field::text(&parameters, "AccountId").map(Cow::into_owned))
}

#[cfg(test)]
mod tests {
    use authorization::settings::{Mode, Scope};
    use serde_json::{Value, json};

    use super::super::{Allowed, Decision, Wanted, Whose, decode};
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
            Decision::Run(request) => match request.wanted {
                Wanted::Records { looks, .. } => Ok(match &looks[0].whose {
                    Whose::Account(account) => account.to_string(),
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
        assert!(verdict("MoveAccount", request(json!("me"))).unwrap_err().contains("no account id"));
    }

    #[test]
    fn who_is_only_invited_or_has_left_is_none() {
        let named = || json!({"requestParameters": {"TargetEntity": NEW, "AccountId": NEW}});
        for name in ["InviteAccountToResourceDirectory", "DeleteAccount", "RemoveCloudAccount", "DeclineHandshake"] {
            assert!(verdict(name, named()).is_err(), "{name}");
        }
    }

    #[test]
    fn a_call_of_the_same_name_of_another_service_is_none() {
        let event = json!({"eventName": "MoveAccount", "serviceName": "Ecs", "eventSource": "ecs.aliyuncs.com",
            "requestParameters": {"AccountId": NEW}});
        let decision = decode(event.to_string().as_bytes(), Allowed::default()).decision;
        assert!(matches!(decision, Decision::Ignored { reason, .. } if reason.contains("names no role")));
    }
}
