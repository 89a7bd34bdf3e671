//! RAM 2015-05-01, as far as the guard needs it (source: the vendor's RAM API reference).

use std::collections::BTreeMap;

use authorization::role::{NewRole, RoleChange};
use authorization::target::{PolicyRef, PolicyType};
use serde::Deserialize;
use serde_json::json;

use super::pages::Pages;
use super::{Api, Error, Request, Session, wire};

/// A role as `GetRole` and `CreateRole` answer it. Fields that the cloud adds over the years are ignored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleFacts {
    /// Changes when a role is recreated; never empty.
    pub role_id: String,
    /// The trust policy as text; it may be percent-encoded.
    pub assume_role_policy_document: String,
    /// Absent and empty mean the same.
    pub description: String,
    /// Seconds. Older replies leave it out.
    pub max_session_duration: Option<u32>,
    /// Absent for ordinary roles.
    pub is_service_linked_role: bool,
    /// Whether a person may switch to the role in the console.
    pub allow_console_login: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleReply {
    role: WireRole,
    #[serde(default, deserialize_with = "wire::text")]
    request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct WireRole {
    role_id: String,
    role_name: String,
    arn: Option<String>,
    assume_role_policy_document: String,
    #[serde(default, deserialize_with = "wire::or_default")]
    description: String,
    max_session_duration: Option<u32>,
    #[serde(default, deserialize_with = "wire::or_default")]
    is_service_linked_role: bool,
    allow_console_login: Option<bool>,
}

/// What `UpdateRole` answers: the role is there in newer versions only.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct UpdateReply {
    role: Option<NamedRole>,
    #[serde(default, deserialize_with = "wire::text")]
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
    #[serde(default, deserialize_with = "wire::text")]
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
    #[serde(default, deserialize_with = "wire::or_default")]
    tag_resources: Vec<Tagged>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tagged {
    resource_name: Option<String>,
    tag_key: String,
    #[serde(default, deserialize_with = "wire::or_default")]
    tag_value: String,
}

/// Names differ in case between the vendor's own replies, and mean the same role.
fn is_same_role(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
}

fn read(operation: &'static str, role: &str) -> Request {
    Request::read(Api::Ram, operation).param("RoleName", role)
}

fn write(operation: &'static str, role: &str) -> Request {
    Request::write(Api::Ram, operation).param("RoleName", role)
}

fn tag_request(operation: Request, role: &str) -> Request {
    operation.param("ResourceType", "role").param("ResourceNames", &json!([role]))
}

impl Session {
    /// `GetRole`.
    ///
    /// # Errors
    /// Any [`Error`]; [`Kind::NotFound`](super::Kind::NotFound) when the role is missing.
    pub async fn get_role(&self, role: &str) -> Result<RoleFacts, Error> {
        let request = read("GetRole", role);
        let reply: RoleReply = self.read(&request).await?;
        self.facts(&request, role, reply.role)
    }

    /// What a reply says of a role, if it is about the role that was asked for, in the account that is meant.
    fn facts(&self, request: &Request, asked: &str, role: WireRole) -> Result<RoleFacts, Error> {
        self.check(request, asked, &role.role_name, role.arn.as_deref())?;
        if role.role_id.trim().is_empty() {
            return Err(self.about(request, request.unrelated("the role has no id".to_owned())));
        }
        Ok(RoleFacts {
            role_id: role.role_id,
            assume_role_policy_document: role.assume_role_policy_document,
            description: role.description,
            max_session_duration: role.max_session_duration,
            is_service_linked_role: role.is_service_linked_role,
            allow_console_login: role.allow_console_login,
        })
    }

    fn check(&self, request: &Request, asked: &str, name: &str, arn: Option<&str>) -> Result<(), Error> {
        let unrelated = |why: String| self.about(request, request.unrelated(why));
        if !is_same_role(name, asked) {
            return Err(unrelated(format!("it is about the role `{}`", self.quoted(name))));
        }
        // An ARN that is not there says nothing; before a write the owner of the keys is asked for.
        let Some(arn) = arn else { return Ok(()) };
        let parts =
            arn.strip_prefix("acs:ram:").and_then(|rest| rest.split_once(':')).and_then(|(_, it)| it.split_once(':'));
        match parts.and_then(|(account, it)| Some((account, it.strip_prefix("role/")?))) {
            Some((_, named)) if !is_same_role(named, asked) => {
                Err(unrelated(format!("it is about the role `{}`", self.quoted(arn))))
            }
            Some((account, _)) if self.is_other_account(account) => {
                Err(self.about(request, request.other_account(&self.quoted(account), &self.account)))
            }
            Some(_) => Ok(()),
            None => Err(unrelated(format!("`{}` is no ARN of a role", self.quoted(arn)))),
        }
    }

    /// `ListPoliciesForRole`. It has no pages, as the vendor has it; if it gets some they are all read.
    ///
    /// # Errors
    /// Any [`Error`]; [`Kind::NotFound`](super::Kind::NotFound) when the role is missing. A list that does not end as it
    /// should is one, too.
    pub async fn list_policies_for_role(&self, role: &str) -> Result<Vec<PolicyRef>, Error> {
        let (mut policies, mut pages) = (Vec::new(), Pages::default());
        loop {
            let request = read("ListPoliciesForRole", role).page("Marker", &pages);
            let reply: PoliciesReply = self.read(&request).await?;
            let page = reply.policies.policy.into_iter();
            let page = page.map(|policy| PolicyRef { kind: policy.policy_type, name: policy.policy_name });
            let before = policies.len();
            policies.extend(page);
            let more = pages.go_on(policies.len() - before, reply.is_truncated, reply.marker);
            if !more.map_err(|why| self.about(&request, request.no_reply(why)))? {
                return Ok(policies);
            }
        }
    }

    /// `ListTagResources`, all pages.
    ///
    /// # Errors
    /// Any [`Error`]; a list that does not end as it should is one, too.
    pub async fn list_role_tags(&self, role: &str) -> Result<BTreeMap<String, String>, Error> {
        let (mut tags, mut pages) = (BTreeMap::new(), Pages::default());
        loop {
            let request = tag_request(Request::read(Api::Ram, "ListTagResources"), role).param("PageSize", &100);
            let request = request.page("NextToken", &pages);
            let page: TagsReply = self.read(&request).await?;
            let names = page.tag_resources.iter().filter_map(|tag| tag.resource_name.as_deref());
            if let Some(other) = names.into_iter().find(|name| !is_same_role(name, role)) {
                let why = format!("it is about `{}`", self.quoted(other));
                return Err(self.about(&request, request.unrelated(why)));
            }
            let count = page.tag_resources.len();
            tags.extend(page.tag_resources.into_iter().map(|tag| (tag.tag_key, tag.tag_value)));
            let more = pages.go_on(count, None, page.next_token);
            if !more.map_err(|why| self.about(&request, request.no_reply(why)))? {
                return Ok(tags);
            }
        }
    }
}

/// The calls that change something. Each is sent once: only who looks at the role first may repeat one.
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
    /// `CreateRole`, once.
    ///
    /// # Errors
    /// Any [`Error`]. No id is learnt from a reply that is about something else.
    pub async fn create_role(&self, role: &str, new: &NewRole) -> Result<(RoleFacts, Receipt), Error> {
        let request = write("CreateRole", role)
            .param("AssumeRolePolicyDocument", &new.trust)
            .param("Description", &new.description)
            .optional("MaxSessionDuration", new.max_session_duration)
            .optional("AllowConsoleLogin", new.allow_console_login);
        let reply: RoleReply = self.0.send(&request).await?;
        Ok((self.0.facts(&request, role, reply.role)?, Receipt { request_id: reply.request_id }))
    }

    /// `UpdateRole`, once.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn update_role(&self, role: &str, change: &RoleChange) -> Result<Receipt, Error> {
        let request = write("UpdateRole", role).param("NewAssumeRolePolicyDocument", &change.trust);
        let reply: UpdateReply = self.0.send(&request).await?;
        if let Some(told) = reply.role {
            self.0.check(&request, role, &told.role_name, told.arn.as_deref())?;
        }
        Ok(Receipt { request_id: reply.request_id })
    }

    /// `DeleteRole`, once. The cloud refuses while policies are attached.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn delete_role(&self, role: &str) -> Result<Receipt, Error> {
        self.0.send(&write("DeleteRole", role)).await
    }

    /// `AttachPolicyToRole`, once.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn attach_policy_to_role(&self, role: &str, policy: &PolicyRef) -> Result<Receipt, Error> {
        self.0.send(&policy_write("AttachPolicyToRole", role, policy)).await
    }

    /// `DetachPolicyFromRole`, once.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn detach_policy_from_role(&self, role: &str, policy: &PolicyRef) -> Result<Receipt, Error> {
        self.0.send(&policy_write("DetachPolicyFromRole", role, policy)).await
    }

    /// `TagResources`, once, with at most 20 tags.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn tag_role(&self, role: &str, tags: &BTreeMap<String, String>) -> Result<Receipt, Error> {
        let list: Vec<_> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        self.0.send(&tag_request(Request::write(Api::Ram, "TagResources"), role).param("Tag", &json!(list))).await
    }
}

fn policy_write(operation: &'static str, role: &str, policy: &PolicyRef) -> Request {
    write(operation, role).param("PolicyType", policy.kind.as_str()).param("PolicyName", &policy.name)
}
