//! RAM 2015-05-01, as far as the guard needs it (source: the vendor's RAM API reference).
#![expect(clippy::missing_errors_doc, reason = "each call may fail with any `Error`; its `Kind` says why")]

use std::collections::BTreeMap;

use authorization::role::{NewRole, RoleChange};
use authorization::target::{PolicyRef, PolicyType};
use serde::Deserialize;
use serde_json::json;

use super::reply::{self, Pages};
use super::{Api, Error, Kind, Request, Session};

/// A role as `GetRole` and `CreateRole` answer it. Fields that the cloud adds over the years are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RoleFacts {
    /// Changes when a role is recreated; never empty.
    pub role_id: String,
    role_name: String,
    arn: Option<String>,
    /// The trust policy as text; it may be percent-encoded.
    pub assume_role_policy_document: String,
    /// Absent and empty mean the same.
    #[serde(default, deserialize_with = "reply::or_default")]
    pub description: String,
    /// Seconds. Older replies leave it out.
    pub max_session_duration: Option<u32>,
    /// Absent for ordinary roles.
    #[serde(default, deserialize_with = "reply::or_default")]
    pub is_service_linked_role: bool,
    /// Whether a person may switch to the role in the console.
    pub allow_console_login: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleReply {
    role: RoleFacts,
    #[serde(default, deserialize_with = "reply::text")]
    request_id: Option<String>,
}

/// What `UpdateRole` answers: the role is there in newer versions only.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateReply {
    role: Option<NamedRole>,
    #[serde(default, deserialize_with = "reply::text")]
    request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NamedRole {
    role_name: String,
    arn: Option<String>,
}

/// The id that the cloud gave to a call that succeeded.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Receipt {
    /// For the report; the vendor's support asks for it.
    #[serde(default, deserialize_with = "reply::text")]
    pub request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PoliciesReply {
    policies: Policies,
    is_truncated: Option<bool>,
    marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policies {
    policy: Vec<Policy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    policy_name: String,
    policy_type: PolicyType,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TagsReply {
    #[serde(default, deserialize_with = "reply::or_default")]
    tag_resources: Vec<Tagged>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagged {
    resource_name: Option<String>,
    tag_key: String,
    #[serde(default, deserialize_with = "reply::or_default")]
    tag_value: String,
}

/// Names differ in case between the vendor's own replies, and mean the same role.
fn is_same_role(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn write(operation: &'static str, role: &str) -> Request {
    Request::write(Api::Ram, operation).param("RoleName", role)
}

fn tag_request(operation: Request, role: &str) -> Request {
    operation.param("ResourceType", "role").param("ResourceNames", &json!([role]))
}

impl Session {
    /// `GetRole`.
    pub async fn get_role(&self, role: &str) -> Result<RoleFacts, Error> {
        let request = Request::read(Api::Ram, "GetRole").param("RoleName", role);
        let reply: RoleReply = self.read(&request).await?;
        self.facts(&request, role, reply.role)
    }

    /// The role of a reply, if it is the one that was asked for, in the account that is meant.
    fn facts(&self, request: &Request, asked: &str, role: RoleFacts) -> Result<RoleFacts, Error> {
        self.check(request, asked, &role.role_name, role.arn.as_deref())?;
        if role.role_id.trim().is_empty() {
            return Err(self.failed(request, Kind::Unrelated, "the role has no id"));
        }
        Ok(role)
    }

    fn check(&self, request: &Request, asked: &str, name: &str, arn: Option<&str>) -> Result<(), Error> {
        let unrelated = |why: String| Err(self.failed(request, Kind::Unrelated, why));
        if !is_same_role(name, asked) {
            return unrelated(format!("it is about the role `{}`", self.quoted(name)));
        }
        // An ARN that is not there says nothing; before a write the owner of the keys is asked for.
        let Some(arn) = arn else { return Ok(()) };
        let parts =
            arn.strip_prefix("acs:ram:").and_then(|rest| rest.split_once(':')).and_then(|(_, it)| it.split_once(':'));
        match parts.and_then(|(account, it)| Some((account, it.strip_prefix("role/")?))) {
            Some((_, named)) if !is_same_role(named, asked) => {
                unrelated(format!("it is about the role `{}`", self.quoted(arn)))
            }
            Some((account, _)) if !self.account.is_empty() && account != self.account => {
                // What a write did there is looked at first.
                let kind = if request.writes { Kind::Unrelated } else { Kind::OtherAccount };
                let (theirs, meant) = (self.quoted(account), &self.account);
                let why = format!("the keys are those of account `{theirs}`, not of account `{meant}`");
                Err(self.failed(request, kind, why))
            }
            Some(_) => Ok(()),
            None => unrelated(format!("`{}` is not the ARN of a role", self.quoted(arn))),
        }
    }

    /// `ListPoliciesForRole`. The vendor documents no pages; if there are some they are all read.
    pub async fn list_policies_for_role(&self, role: &str) -> Result<Vec<PolicyRef>, Error> {
        let (mut policies, mut pages) = (Vec::new(), Pages::default());
        loop {
            let request = Request::read(Api::Ram, "ListPoliciesForRole").param("RoleName", role);
            let request = request.optional("Marker", pages.next.as_ref());
            let reply: PoliciesReply = self.read(&request).await?;
            let page = reply.policies.policy;
            let count = page.len();
            policies.extend(page.into_iter().map(|it| PolicyRef { kind: it.policy_type, name: it.policy_name }));
            let more = pages.go_on(count, reply.is_truncated, reply.marker);
            if !more.map_err(|why| self.failed(&request, Kind::NoReply, why))? {
                return Ok(policies);
            }
        }
    }

    /// `ListTagResources`, all pages.
    pub async fn list_role_tags(&self, role: &str) -> Result<BTreeMap<String, String>, Error> {
        let (mut tags, mut pages) = (BTreeMap::new(), Pages::default());
        loop {
            let request = tag_request(Request::read(Api::Ram, "ListTagResources"), role).param("PageSize", &100);
            let request = request.optional("NextToken", pages.next.as_ref());
            let page: TagsReply = self.read(&request).await?;
            let names = page.tag_resources.iter().filter_map(|tag| tag.resource_name.as_deref());
            if let Some(other) = names.into_iter().find(|name| !is_same_role(name, role)) {
                let why = format!("it is about `{}`", self.quoted(other));
                return Err(self.failed(&request, Kind::Unrelated, why));
            }
            let count = page.tag_resources.len();
            tags.extend(page.tag_resources.into_iter().map(|tag| (tag.tag_key, tag.tag_value)));
            let more = pages.go_on(count, None, page.next_token);
            if !more.map_err(|why| self.failed(&request, Kind::NoReply, why))? {
                return Ok(tags);
            }
        }
    }
}

/// The calls that change something. Each is sent once: to repeat one, look at the role first.
#[derive(Debug)]
#[must_use]
pub struct Writer<'s>(&'s Session);

impl Session {
    /// The way to the calls that change something.
    pub fn writer(&self) -> Writer<'_> {
        Writer(self)
    }
}

impl Writer<'_> {
    /// `CreateRole`.
    pub async fn create_role(&self, role: &str, new: &NewRole) -> Result<(RoleFacts, Receipt), Error> {
        let request = write("CreateRole", role)
            .param("AssumeRolePolicyDocument", &new.trust)
            .param("Description", &new.description)
            .optional("MaxSessionDuration", new.max_session_duration)
            .optional("AllowConsoleLogin", new.allow_console_login);
        let reply: RoleReply = self.0.send(&request).await?;
        Ok((self.0.facts(&request, role, reply.role)?, Receipt { request_id: reply.request_id }))
    }

    /// `UpdateRole`.
    pub async fn update_role(&self, role: &str, change: &RoleChange) -> Result<Receipt, Error> {
        let request = write("UpdateRole", role).param("NewAssumeRolePolicyDocument", &change.trust);
        let reply: UpdateReply = self.0.send(&request).await?;
        if let Some(told) = reply.role {
            self.0.check(&request, role, &told.role_name, told.arn.as_deref())?;
        }
        Ok(Receipt { request_id: reply.request_id })
    }

    /// `DeleteRole`. The cloud refuses while policies are attached.
    pub async fn delete_role(&self, role: &str) -> Result<Receipt, Error> {
        self.0.send(&write("DeleteRole", role)).await
    }

    /// `AttachPolicyToRole`.
    pub async fn attach_policy_to_role(&self, role: &str, policy: &PolicyRef) -> Result<Receipt, Error> {
        self.0.send(&policy_write("AttachPolicyToRole", role, policy)).await
    }

    /// `DetachPolicyFromRole`.
    pub async fn detach_policy_from_role(&self, role: &str, policy: &PolicyRef) -> Result<Receipt, Error> {
        self.0.send(&policy_write("DetachPolicyFromRole", role, policy)).await
    }

    /// `TagResources`, with at most 20 tags.
    pub async fn tag_role(&self, role: &str, tags: &BTreeMap<String, String>) -> Result<Receipt, Error> {
        let list: Vec<_> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        self.0.send(&tag_request(Request::write(Api::Ram, "TagResources"), role).param("Tag", &json!(list))).await
    }
}

fn policy_write(operation: &'static str, role: &str, policy: &PolicyRef) -> Request {
    write(operation, role).param("PolicyType", policy.kind.as_str()).param("PolicyName", &policy.name)
}
