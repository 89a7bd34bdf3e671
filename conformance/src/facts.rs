//! The facts: what the guard believes of the cloud, on which grounds, and what depends on it.

use serde::Serialize;

/// Why a fact is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Ground {
    /// A page of the vendor says so.
    Documented,
    /// Published code, or a user's transcript, shows it.
    Seen,
    /// Nobody says so.
    Inferred,
}

/// The scenario that shows a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// What surrounds a call: time, nonce, signature, key.
    Calls,
    /// A role is made.
    Creation,
    /// It is changed.
    Change,
    /// Policies are attached and detached.
    Policies,
    /// It is tagged.
    Tags,
    /// Somebody without the permission tries.
    Permission,
    /// Sessions of roles.
    Sessions,
    /// It is deleted, and made again.
    Deletion,
    /// The resource directory is read.
    Directory,
}

/// Something that the guard believes.
#[derive(Debug, PartialEq, Eq)]
pub struct Fact {
    /// Stable.
    pub id: &'static str,
    /// The scenario that shows it.
    pub part: Part,
    /// Why it is believed.
    pub ground: Ground,
    /// What is believed.
    pub expected: &'static str,
    /// What depends on it.
    pub matters: &'static str,
}

const fn fact(part: Part, id: &'static str, ground: Ground, expected: &'static str, matters: &'static str) -> Fact {
    Fact { id, part, ground, expected, matters }
}

use Ground::{Documented, Inferred, Seen};
use Part::{Calls, Change, Creation, Deletion, Directory, Permission, Policies, Sessions, Tags};

/// All facts, in the order in which they are tried.
#[rustfmt::skip]
pub const FACTS: &[Fact] = &[
    fact(Calls, "time-refused", Documented, "a call whose time is 20 minutes off is refused with a code that begins with `InvalidTimeStamp`", "such a refusal had no effect: a write is sent again with the cloud's time"),
    fact(Calls, "time-told", Inferred, "a refusal for the time tells the cloud's time in its header `Date`", "a clock that is wrong does no harm"),
    fact(Calls, "nonce-refused", Documented, "the same signed call sent twice is refused with `SignatureNonceUsed`", "a write that meets this code has arrived: the guard looks"),
    fact(Calls, "both-signatures", Documented, "calls signed by RPC 1.0 and by ACS3 are both accepted", "`DTS_GUARD_SIGNATURE`"),
    fact(Calls, "signature-refused", Documented, "a wrong signature is refused with `SignatureDoesNotMatch`", "is told from a missing permission"),
    fact(Calls, "key-unknown", Documented, "an unknown key is refused with `InvalidAccessKeyId.NotFound`", "is told from a missing permission"),

    fact(Creation, "role-missing", Documented, "`GetRole` of a role that does not exist answers `EntityNotExist.Role`", "the finding `role-missing`, and the answer that nothing else is taken for"),
    fact(Creation, "create-reply", Documented, "`CreateRole` answers with the role: id, name, ARN, trust policy", "a reply without them is about something else, and the role is looked for"),
    fact(Creation, "attach-new-role", Inferred, "`AttachPolicyToRole` finds a role within 10 s of its creation", "`attach` after `create`: `EntityNotExist.Role` is repeated"),
    fact(Creation, "create-seen", Inferred, "`GetRole` shows a role within 10 s of its creation", "the second look, `remediated`"),
    fact(Creation, "create-trust", Documented, "the trust policy comes back as the JSON that was sent", "`trust-service-missing`; two looks are held against each other"),
    fact(Creation, "create-settings", Documented, "description and session duration come back as they were sent", "the second look, `description-differs`"),
    fact(Creation, "create-console", Documented, "`AllowConsoleLogin` comes back as it was sent", "the console flag comes back"),
    fact(Creation, "ordinary-role", Documented, "a role that a person made is not told as service-linked", "a service-linked role is `refused`"),
    fact(Creation, "arn", Seen, "the `Arn` of a role is `acs:ram::ACCOUNT:role/NAME`, whatever the case of the name", "a reply about another role or account is no fact"),
    fact(Creation, "name-case-read", Inferred, "`GetRole` finds a role by its name in other letters", "a role in other letters is the same"),
    fact(Creation, "name-case-create", Inferred, "`CreateRole` with a taken name in other letters makes no second role", "a role in other letters is the same"),
    fact(Creation, "create-twice", Documented, "`CreateRole` with a taken name answers `EntityAlreadyExists.Role`", "**rehearsal**; at the creation it means: look whose"),
    fact(Creation, "create-twice-harmless", Inferred, "`CreateRole` with a taken name changes nothing of the role that is there, whatever it asks for", "**rehearsal**"),
    fact(Creation, "create-checks-first", Inferred, "parameters are checked before the name: a taken name and a malformed trust policy answer `MalformedPolicyDocument`", "**rehearsal**: a refused parameter is seen before the deletion"),

    fact(Change, "update-seen", Inferred, "`GetRole` shows a new trust policy within 10 s", "`in-place`, the second look"),
    fact(Change, "update-absent", Inferred, "`UpdateRole` with a trust policy alone leaves description, session duration and console flag", "`in-place` changes nothing else"),
    fact(Change, "update-id", Inferred, "`UpdateRole` leaves the `RoleId`", "`in-place`: another id is another role"),
    fact(Change, "update-missing", Documented, "`UpdateRole` of a role that does not exist answers `EntityNotExist.Role`", "`in-place` makes no role"),
    fact(Change, "update-malformed", Documented, "a trust policy that is none is refused with `MalformedPolicyDocument`", "such a refusal had no effect"),
    fact(Change, "statement-object", Inferred, "`Statement` as one object is refused with `MalformedPolicyDocument`", "`trust-unreadable`: no role can have it"),
    fact(Change, "trust-length", Inferred, "a trust policy of 2048 characters is accepted", "`in-place` adds a statement to one that may be long"),

    fact(Policies, "attach-seen", Inferred, "`ListPoliciesForRole` shows a policy within 10 s of its attachment", "the second look, `remediated`"),
    fact(Policies, "attach-twice", Documented, "`AttachPolicyToRole` of an attached policy answers `EntityAlreadyExists.Role.Policy`", "**rehearsal**; elsewhere it means: it is so"),
    fact(Policies, "attach-twice-harmless", Inferred, "attaching an attached policy changes nothing: the policies and their dates stay", "**rehearsal**"),
    fact(Policies, "attach-policy-missing", Documented, "attaching a policy that does not exist answers `EntityNotExist.Policy`", "`policy-gone`"),
    fact(Policies, "attach-type", Documented, "a custom policy of a system policy's name is another policy", "`policy-missing`: a custom policy of that name does not count"),
    fact(Policies, "attach-role-missing", Documented, "attaching to a role that does not exist answers `EntityNotExist.Role`", "after the creation it is repeated"),
    fact(Policies, "attach-role-first", Inferred, "the role is looked for before the policy", "a role that is not visible yet is not taken for `policy-gone`"),
    fact(Policies, "list-missing", Documented, "`ListPoliciesForRole` of a role that does not exist answers `EntityNotExist.Role`", "both reads of a look say the same"),
    fact(Policies, "attach-limit", Documented, "the 21st system policy is refused with `LimitExceeded.Role.Policy`", "a role whose policies would not fit back is `refused`"),
    fact(Policies, "attach-twice-full", Inferred, "on a full role an attached policy still answers `EntityAlreadyExists.Role.Policy`", "**rehearsal** of a role with 20 policies"),
    fact(Policies, "list-unpaged", Documented, "`ListPoliciesForRole` tells 20 policies in one reply, without a marker", "what a list leaves out would be lost"),
    fact(Policies, "detach-seen", Inferred, "`ListPoliciesForRole` no longer shows a policy within 10 s of its detachment", "the look before the deletion"),
    fact(Policies, "detach-twice", Inferred, "detaching a policy that is not attached answers `EntityNotExist.Role.Policy`", "such a policy is not attached again"),
    fact(Policies, "detach-policy-missing", Inferred, "detaching a policy that does not exist answers `EntityNotExist.Role.Policy` or `EntityNotExist.Policy`", "`policy-gone`; the repair goes on"),
    fact(Policies, "detach-role-missing", Documented, "detaching from a role that does not exist answers `EntityNotExist.Role`", "the role is gone: nothing is left to detach"),

    fact(Tags, "tag-20", Documented, "`TagResources` takes 20 tags in one call, as JSON text", "tags come back"),
    fact(Tags, "tag-seen", Inferred, "`ListTagResources` shows tags within 10 s", "tags are read before a deletion"),
    fact(Tags, "tag-empty", Inferred, "an empty value comes back empty or absent", "tags come back"),
    fact(Tags, "tag-pages", Inferred, "tags come in pages, each once; the last page has no `NextToken` or an empty one", "what a list leaves out would be lost"),
    fact(Tags, "tag-same", Inferred, "setting a tag to the value that it has succeeds and changes nothing, nor any other tag", "**rehearsal**"),
    fact(Tags, "tag-21", Documented, "21 tags in one call are refused", "more tags go in several calls"),
    fact(Tags, "tag-reserved", Inferred, "a key that begins with `acs:` is refused", "reserved keys are reported, not restored"),
    fact(Tags, "tag-missing", Inferred, "tagging a role that does not exist answers `EntityNotExist.Role`", "after the creation it is repeated"),

    fact(Permission, "description-empty", Inferred, "an empty description comes back empty or absent", "the two are equal"),
    fact(Permission, "assume-new-role", Inferred, "a role can be assumed within 60 s of its creation", "the role of a member that has just joined"),
    fact(Permission, "identity-free", Inferred, "`GetCallerIdentity` needs no permission", "asked before the first write"),
    fact(Permission, "identity-arn", Seen, "`GetCallerIdentity` names a session `acs:ram::ACCOUNT:assumed-role/ROLE/SESSION`", "the guard knows its own role, and its own writes"),
    fact(Permission, "denied-code", Documented, "what is not permitted answers `NoPermission`", "`refused`, with the permission"),
    fact(Permission, "denied-detail", Documented, "a denial has `AccessDeniedDetail` with `AuthAction` and `NoPermissionType`", "which policy denied it is told"),
    fact(Permission, "denied-create", Inferred, "`CreateRole` with a taken name asks for the permission first", "**rehearsal**: it shows that the creation is allowed"),
    fact(Permission, "denied-attach", Inferred, "`AttachPolicyToRole` of an attached policy asks for the permission first", "**rehearsal**"),
    fact(Permission, "denied-tag", Inferred, "`TagResources` with a tag as it is asks for the permission", "**rehearsal**"),
    fact(Permission, "denied-missing", Inferred, "`GetRole` of a role that does not exist asks for the permission first", "`role-missing` is never a missing permission"),
    fact(Permission, "denied-detach", Inferred, "`DetachPolicyFromRole` of a policy that is not attached asks for the permission first", "`EntityNotExist.Role.Policy` is a fact about the role"),
    fact(Permission, "denied-delete", Inferred, "`DeleteRole` of a role with policies asks for the permission first", "`DeleteConflict.Role.Policy` is a fact about the role"),
    fact(Permission, "narrow-create", Documented, "`CreateRole` can be permitted for one name", "`policies/remediate.json`"),
    fact(Permission, "narrow-tag", Inferred, "`TagResources` and `ListTagResources` can be permitted for one role", "`policies/remediate.json`"),
    fact(Permission, "narrow-tag-other", Inferred, "a permission to tag one role permits nothing on another", "`policies/remediate.json`"),
    fact(Permission, "narrow-attach", Documented, "`AttachPolicyToRole` is permitted by role and policy together", "`policies/remediate.json`"),
    fact(Permission, "narrow-attach-policy", Inferred, "the permission for the role alone lets no policy be attached", "a narrower document keeps extras away"),
    fact(Permission, "narrow-attach-role", Inferred, "the permission for the policy alone lets it be attached to no role", "no other role can be given a policy"),
    fact(Permission, "narrow-deny", Documented, "a `Deny` for one policy wins over the permission for all", "`policies/remediate.json` denies the privileged ones"),

    fact(Sessions, "assume-missing", Seen, "`AssumeRole` of a role that does not exist answers `EntityNotExist.Role`", "a member without the access role"),
    fact(Sessions, "assume-untrusted", Documented, "`AssumeRole` of a role that does not trust the caller answers `NoPermission`", "a member whose access role was changed"),
    fact(Sessions, "assume-duration", Documented, "a session of 900 s is granted, one of 899 s refused with `InvalidParameter.DurationSeconds`", "member sessions are short"),
    fact(Sessions, "assume-policy", Documented, "a session `Policy` takes away what it does not name, and gives nothing", "member sessions are narrow"),
    fact(Sessions, "assume-policy-length", Documented, "a session `Policy` of 2048 characters is accepted", "member sessions are narrow"),
    fact(Sessions, "assume-chained", Documented, "a session of a role can assume another role, for an hour too", "the function enters members with the keys of its role"),

    fact(Deletion, "delete-attached", Documented, "`DeleteRole` of a role with a policy answers `DeleteConflict.Role.Policy`", "somebody attached one meanwhile: everything is put back"),
    fact(Deletion, "delete-attached-harmless", Documented, "a refused deletion takes nothing away", "everything is put back"),
    fact(Deletion, "delete-detached", Inferred, "`DeleteRole` succeeds within 10 s of the last detachment", "`recreate`: `DeleteConflict.Role.Policy` is repeated"),
    fact(Deletion, "create-deleted", Inferred, "`CreateRole` succeeds within 10 s of the deletion", "`recreate`: the gap"),
    fact(Deletion, "new-id", Inferred, "a role that is created again has another `RoleId`", "whose role it is"),
    fact(Deletion, "same-arn", Inferred, "a role that is created again has the same `Arn`", "DTS finds the new role"),
    fact(Deletion, "new-empty", Inferred, "a role that is created again has neither policies nor tags of the old one", "what the old one had is attached again"),
    fact(Deletion, "delete-seen", Inferred, "`GetRole` answers `EntityNotExist.Role` within 10 s of the deletion", "the look after a lost reply"),
    fact(Deletion, "delete-twice", Documented, "`DeleteRole` of a deleted role answers `EntityNotExist.Role`", "the deletion is done"),

    fact(Directory, "directory-none", Seen, "without a directory `ListAccounts` answers `EntityNotExists.ResourceDirectory` or `ResourceDirectoryNotInUse`", "`failed`, and not \"no accounts\""),
    fact(Directory, "members-total", Documented, "the pages of `ListAccounts` hold `TotalCount` members, each once", "a list that is short is listed again"),
    fact(Directory, "members-end", Inferred, "a page behind the last one is empty and no error", "a list that ends early is no error"),
    fact(Directory, "members-own", Inferred, "the management account is not among the members", "the own account is added"),
    fact(Directory, "members-status", Documented, "the `Status` of each member is one of the known", "an unknown one is looked at"),
    fact(Directory, "member-unknown", Seen, "`GetAccount` of an account that is no member answers `EntityNotExists.Account`", "an event about a stranger's account is refused"),
];

/// What is not tried, since it takes damage, money or days, and why.
#[rustfmt::skip]
pub const LEFT: &[(&str, &str)] = &[
    ("the codes of throttling, and the rate that each API grants", "would take the account's own programs their share"),
    ("`LimitExceeded.Role`: the 1001st role of an account", "would leave no room for others meanwhile"),
    ("`InvalidSecurityToken.Expired`, and keys whose time is over", "takes 15 minutes"),
    ("`ServiceUnavailable`, `InternalError`, lost replies", "cannot be asked for"),
    ("service-linked roles: that `DeleteRole` and `UpdateRole` refuse them", "would be tried on a role of a service"),
    ("control policies of a resource directory, and the word `ControlPolicy` in a denial", "would bind real members"),
    ("`Principal: \"*\"`, `NotPrincipal`, `NotAction` in a trust policy", "would open a role to everybody for as long as it is there"),
    ("how service names are compared: other case, blanks, a final dot", "only DTS itself could show it"),
    ("what running DTS tasks do while the role is gone", "takes DTS tasks, and may break them"),
    ("a RAM or STS API of another region, and the endpoints inside a VPC", "one set of endpoints is asked"),
    ("new, invited, moved, removed and suspended members", "cannot be taken back at will"),
    ("the access role of a member: who it trusts, what it may do", "would be looked at in members that are somebody's"),
    ("delegated administrators", "takes a second account"),
    ("events of ActionTrail and EventBridge", "come minutes later, on a bus that may not be there"),
    ("that a session loses its rights when its role is deleted", "the role is deleted last"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique_and_plain() {
        for (index, fact) in FACTS.iter().enumerate() {
            assert!(FACTS.iter().skip(index + 1).all(|other| other.id != fact.id), "{}", fact.id);
            assert!(fact.id.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'));
        }
    }
}
