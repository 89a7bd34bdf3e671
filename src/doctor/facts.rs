//! What the guard takes for granted although no document states it, as a table: each row says what is expected and how it is
//! seen in the replies of a run. What a first run in a real account teaches is thus written down.

use std::collections::BTreeSet;

use authorization::baseline::DTS_ROLE;
use serde::Serialize;
use serde_json::Value;

use self::Look::{All, Each};
use super::recorder::RecordedReply;

/// An inferred fact, held against the replies.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fact {
    /// Its stable name.
    pub id: &'static str,
    /// What the guard takes for granted.
    pub expected: &'static str,
    /// What a reply showed; the first that differs, where one does.
    pub seen: String,
    /// Whether the two agree.
    pub agrees: bool,
}

/// What is expected, under a stable name, and how it is seen.
type Inferred = (&'static str, &'static str, Look);

/// Gives nothing where no reply bears on the fact.
enum Look {
    /// At each reply to an operation.
    Each(&'static str, fn(&RecordedReply) -> Option<Observed>),
    All(fn(&[RecordedReply]) -> Option<Observed>),
}

/// Whether the replies agree, and what they show.
type Observed = (bool, String);

const TABLE: &[Inferred] = &[
    (
        "date-of-replies",
        "every reply has a `Date`, by which a wrong clock is put right",
        All(|replies| each(replies, |reply| Some(either(reply.date.is_some(), "a `Date`", "no `Date`")))),
    ),
    (
        "wrong-time-corrected",
        "a request that was refused for its time is accepted with the `Date` of the refusal",
        All(wrong_time),
    ),
    ("identity-without-permission", "`GetCallerIdentity` needs no permission", Each("GetCallerIdentity", is_allowed)),
    (
        "status-expired-token",
        "`InvalidSecurityToken.Expired` has the status 403 or 400",
        All(|replies| status(replies, |code| code == "InvalidSecurityToken.Expired", &[403, 400])),
    ),
    (
        "status-bad-token",
        "`MissingSecurityToken` and `InvalidSecurityToken.*` have the status 400 or 404",
        All(|replies| {
            let is_one = |code: &str| code.contains("SecurityToken") && code != "InvalidSecurityToken.Expired";
            status(replies, is_one, &[400, 404])
        }),
    ),
    (
        "status-throttling",
        "`Throttling` has the status 400, 429 or 503",
        All(|replies| status(replies, |code| code.contains("Throttling"), &[400, 429, 503])),
    ),
    (
        "status-assume-role-missing",
        "`AssumeRole` of a role that does not exist has the status 404",
        All(|replies| status(of(replies, "AssumeRole"), |code| code == "EntityNotExist.Role", &[404])),
    ),
    (
        "status-assume-role-denied",
        "`AssumeRole` that is denied has the code `NoPermission` and the status 403",
        All(|replies| status(of(replies, "AssumeRole"), is_denial, &[403])),
    ),
    (
        "policy-type-of-denial",
        "`AccessDeniedDetail.PolicyType` names an identity's, a session's, a role's or a control policy",
        All(|replies| each(replies, policy_type)),
    ),
    ("arn-of-role", "the ARN of the role ends with its name, in whatever case", Each("GetRole", arn)),
    (
        "empty-description",
        "a role without a description has an empty one, or the field is absent",
        Each("GetRole", empty_description),
    ),
    (
        "tags-narrowed",
        "`ListTagResources` is allowed by a policy that names the one role",
        Each("ListTagResources", is_allowed),
    ),
    ("tags-end", "`NextToken` is absent or empty at the end of a list of tags", Each("ListTagResources", end_of_tags)),
    (
        "member-statuses",
        "a member's `Status` is one of those that the vendor lists",
        Each("ListAccounts", member_statuses),
    ),
    ("members-counted", "`TotalCount` is the number of members on all pages", All(members_counted)),
    (
        "management-account-is-no-member",
        "the management account is no member of its directory: neither listed, nor known to `GetAccount`",
        All(management_account),
    ),
    (
        "delegated-administrator-is-not-trusted",
        "`ResourceDirectoryAccountAccessRole` does not trust a delegated administrator's account",
        All(delegated_administrator),
    ),
    (
        "session-duration",
        "keys of `AssumeRole` last as long as was asked for, also where a role asks",
        Each("AssumeRole", session_duration),
    ),
    (
        "permission-before-existence",
        "`CreateRole` for a role that exists is either denied or answered `EntityAlreadyExists.Role`, status 409",
        Each("CreateRole", |reply| exists(reply, "EntityAlreadyExists.Role")),
    ),
    (
        "permission-before-attachment",
        "attaching a policy that is attached is either denied or answered `EntityAlreadyExists.Role.Policy`, status 409",
        Each("AttachPolicyToRole", |reply| exists(reply, "EntityAlreadyExists.Role.Policy")),
    ),
    (
        "tag-set-again",
        "`TagResources` takes a tag that has that value already",
        Each("TagResources", |reply| match reply.code() {
            None => Some(observed(true, "it was taken")),
            Some(code) => (!is_denial(code)).then(|| observed(false, code)),
        }),
    ),
];

pub(super) fn of_replies(replies: &[RecordedReply]) -> Vec<Fact> {
    let fact = |&(id, expected, ref look): &Inferred| {
        let (agrees, seen) = match look {
            Each(operation, look) => each(of(replies, operation), look),
            All(look) => look(replies),
        }?;
        Some(Fact { id, expected, seen, agrees })
    };
    TABLE.iter().filter_map(fact).collect()
}

fn observed(agrees: bool, text: impl Into<String>) -> Observed {
    (agrees, text.into())
}

fn either(agrees: bool, right: &str, wrong: &str) -> Observed {
    observed(agrees, if agrees { right } else { wrong })
}

fn of<'a>(replies: &'a [RecordedReply], operation: &'static str) -> impl Iterator<Item = &'a RecordedReply> {
    replies.iter().filter(move |reply| reply.operation == operation)
}

/// The first reply that differs, else the first that bears on it.
fn each<'a>(
    replies: impl IntoIterator<Item = &'a RecordedReply>,
    look: impl Fn(&'a RecordedReply) -> Option<Observed>,
) -> Option<Observed> {
    let seen: Vec<_> = replies.into_iter().filter_map(look).collect();
    if let Some(differs) = seen.iter().find(|(agrees, _)| !agrees) {
        return Some(differs.clone());
    }
    let (_, text) = seen.first()?;
    Some((true, if seen.len() > 1 { format!("{text} (the same in {} replies)", seen.len()) } else { text.clone() }))
}

fn is_denial(code: &str) -> bool {
    ["NoPermission", "Forbidden", "NotAuthorized"].iter().any(|denial| code.starts_with(denial))
}

fn status<'a>(
    replies: impl IntoIterator<Item = &'a RecordedReply>,
    is_one: impl Fn(&str) -> bool,
    expected: &[u16],
) -> Option<Observed> {
    each(replies, |reply| {
        let code = reply.code().filter(|code| is_one(code))?;
        Some(observed(expected.contains(&reply.status), format!("`{code}` with the status {}", reply.status)))
    })
}

fn is_allowed(reply: &RecordedReply) -> Option<Observed> {
    match reply.code() {
        None => Some(observed(true, "it answered")),
        Some(code) => is_denial(code).then(|| observed(false, code)),
    }
}

fn wrong_time(replies: &[RecordedReply]) -> Option<Observed> {
    let is_wrong = |reply: &RecordedReply| {
        reply.code().is_some_and(|code| code.to_ascii_lowercase().starts_with("invalidtimestamp"))
    };
    let first = replies.iter().position(is_wrong)?;
    let (refused, later) = (replies.get(first)?, replies.get(first + 1..)?);
    let again = later.iter().find(|reply| reply.operation == refused.operation);
    Some(match again {
        Some(reply) => either(!is_wrong(reply), "it was accepted", "it was refused again"),
        None if refused.date.is_none() => observed(false, "the refusal has no `Date`"),
        None => return None,
    })
}

fn policy_type(reply: &RecordedReply) -> Option<Observed> {
    const KNOWN: [&str; 5] = [
        "AccountLevelIdentityBasedPolicy",
        "ResourceGroupLevelIdentityBasedPolicy",
        "SessionPolicy",
        "AssumeRolePolicy",
        "ControlPolicy",
    ];
    let said = reply.body.access_denied_detail.as_ref()?.get("PolicyType")?.as_str()?;
    let known = KNOWN.into_iter().find(|known| *known == said);
    // Another word is text of others, and may be anything.
    Some(observed(known.is_some(), known.unwrap_or("another word")))
}

fn arn(reply: &RecordedReply) -> Option<Observed> {
    let arn = reply.body.role.as_ref()?.get("Arn")?.as_str()?;
    let name = arn.rsplit('/').next()?;
    if name == DTS_ROLE {
        return Some(observed(true, "its name"));
    }
    Some(either(name.eq_ignore_ascii_case(DTS_ROLE), "its name, in another case", "something else"))
}

fn empty_description(reply: &RecordedReply) -> Option<Observed> {
    match reply.body.role.as_ref()?.get("Description") {
        None => Some(observed(true, "the field is absent")),
        Some(Value::String(text)) => text.is_empty().then(|| observed(true, "an empty one")),
        Some(_) => Some(observed(false, "something that is not text")),
    }
}

/// A page before the last is full, and says nothing about the end.
fn end_of_tags(reply: &RecordedReply) -> Option<Observed> {
    let tags = reply.body.tag_resources.as_ref()?.len();
    match &reply.body.next_token {
        None => Some(observed(true, "absent")),
        Some(Value::String(token)) if token.is_empty() => Some(observed(true, "empty")),
        Some(_) => (tags == 0).then(|| observed(false, "there, after a page without tags")),
    }
}

fn member_statuses(reply: &RecordedReply) -> Option<Observed> {
    const KNOWN: [&str; 12] = [
        "CreateSuccess",
        "CreateVerifying",
        "CreateFailed",
        "CreateExpired",
        "CreateCancelled",
        "PromoteVerifying",
        "PromoteFailed",
        "PromoteExpired",
        "PromoteCancelled",
        "PromoteSuccess",
        "InviteSuccess",
        "Removed",
    ];
    let members = &reply.body.accounts.as_ref()?.account;
    let statuses: BTreeSet<_> = members.iter().filter_map(|member| member.status.as_deref()).collect();
    let known: Vec<_> = KNOWN.into_iter().filter(|known| statuses.contains(known)).collect();
    let text = if known.len() == statuses.len() { known.join(", ") } else { "another word".to_owned() };
    (!statuses.is_empty()).then(|| observed(known.len() == statuses.len(), text))
}

fn listed(replies: &[RecordedReply]) -> BTreeSet<&str> {
    let pages = of(replies, "ListAccounts").filter_map(|reply| reply.body.accounts.as_ref());
    pages.flat_map(|page| &page.account).map(|account| account.account_id.as_str()).collect()
}

fn members_counted(replies: &[RecordedReply]) -> Option<Observed> {
    let total = of(replies, "ListAccounts").filter_map(|reply| reply.body.total_count).last()?;
    let known = listed(replies).len();
    Some(observed(known == total, format!("{known} on the pages, and `TotalCount` {total}")))
}

fn own(replies: &[RecordedReply]) -> Option<&str> {
    of(replies, "GetCallerIdentity").find_map(|reply| reply.body.account_id.as_deref())
}

/// Whether it is a member can be told from two operations. Where both say so, it is a delegated administrator's.
fn management_account(replies: &[RecordedReply]) -> Option<Observed> {
    let own = own(replies)?;
    let members = listed(replies);
    let asked = of(replies, "GetAccount").find(|reply| reply.asked_account.as_deref() == Some(own))?;
    let is_known = match asked.code() {
        None => true,
        Some("EntityNotExists.Account") => false,
        Some(_) => return None,
    };
    match (is_known, members.contains(own)) {
        _ if members.is_empty() => None,
        (false, false) => Some(observed(true, "neither")),
        (false, true) => Some(observed(false, "listed, and not known to `GetAccount`")),
        (true, false) => Some(observed(false, "known to `GetAccount`, and not listed")),
        (true, true) => None,
    }
}

fn delegated_administrator(replies: &[RecordedReply]) -> Option<Observed> {
    let own = own(replies)?;
    if !listed(replies).contains(own) {
        return None;
    }
    each(of(replies, "AssumeRole"), |reply| {
        let is_default = reply.role_arn.as_deref()?.ends_with(":role/ResourceDirectoryAccountAccessRole");
        match reply.code() {
            None => is_default.then(|| observed(false, "its keys were given")),
            Some(code) => (is_default && is_denial(code)).then(|| observed(true, code)),
        }
    })
}

fn session_duration(reply: &RecordedReply) -> Option<Observed> {
    let end = reply.body.credentials.as_ref()?.expiration?;
    let lasts = end.as_second() - reply.date?.as_second();
    let asked = reply.duration_seconds?;
    Some(observed((lasts - asked).abs() <= 60, format!("{lasts} s, asked for {asked} s")))
}

/// A denial bears on it, too: it came although the thing exists.
fn exists(reply: &RecordedReply, right: &str) -> Option<Observed> {
    match reply.code() {
        None => Some(observed(false, "it was taken")),
        Some(code) if code == right => {
            Some(observed(reply.status == 409, format!("`{code}` with the status {}", reply.status)))
        }
        Some(code) => is_denial(code).then(|| observed(true, code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_there_once_and_expectations_are_sentences_of_their_own() {
        let ids: BTreeSet<_> = TABLE.iter().map(|(id, ..)| id).collect();
        assert_eq!(ids.len(), TABLE.len());
        let expected: BTreeSet<_> = TABLE.iter().map(|(_, expected, _)| expected).collect();
        assert_eq!(expected.len(), TABLE.len());
    }

    #[test]
    fn no_reply_bears_on_nothing() {
        assert!(of_replies(&[]).is_empty());
    }
}
