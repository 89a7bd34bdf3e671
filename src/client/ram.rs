//! RAM 2015-05-01, as far as the guard needs it (source: the vendor's RAM API reference).

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;

use super::{Api, Error, Request, Session};
use crate::target::{PolicyRef, PolicyType};

/// A role as `GetRole` and `CreateRole` answer it. Fields that the cloud adds over the years are ignored.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RoleFacts {
    /// Changes when a role is recreated.
    pub role_id: String,
    /// The trust policy as text; it may be percent-encoded.
    pub assume_role_policy_document: String,
    /// Absent and empty mean the same.
    #[serde(default)]
    pub description: String,
    /// Seconds. Older replies leave it out.
    pub max_session_duration: Option<u32>,
    /// Absent for ordinary roles.
    #[serde(default)]
    pub is_service_linked_role: bool,
    /// Whether a person may switch to the role in the console.
    pub allow_console_login: Option<bool>,
}

/// The parameters of `CreateRole`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRole {
    /// The trust policy.
    pub trust: String,
    /// At most 1024 characters.
    pub description: String,
    /// Seconds, 3600 to 43200.
    pub max_session_duration: Option<u32>,
    /// Sent only where the role had one.
    pub allow_console_login: Option<bool>,
}

/// The parameters of `UpdateRole`; what is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleChange {
    /// The trust policy.
    pub trust: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RoleReply {
    role: RoleFacts,
    request_id: Option<String>,
}

/// The id that the cloud gave to a call that succeeded.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Done {
    /// For the report; the vendor's support asks for it.
    pub request_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct PoliciesReply {
    policies: Policies,
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
    #[serde(default)]
    tag_resources: Vec<Tag>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    tag_key: String,
    #[serde(default)]
    tag_value: String,
}

/// Pages of tags. A role holds 20; more pages than this is a cloud that repeats itself.
const TAG_PAGES: usize = 20;

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
        Ok(self.read::<RoleReply>(read("GetRole", role)).await?.role)
    }

    /// `ListPoliciesForRole`, which has no pages.
    ///
    /// # Errors
    /// Any [`Error`]; [`Kind::NotFound`](super::Kind::NotFound) when the role is missing.
    pub async fn list_policies_for_role(&self, role: &str) -> Result<Vec<PolicyRef>, Error> {
        let reply: PoliciesReply = self.read(read("ListPoliciesForRole", role)).await?;
        let policies = reply.policies.policy.into_iter();
        Ok(policies.map(|policy| PolicyRef { kind: policy.policy_type, name: policy.policy_name }).collect())
    }

    /// `ListTagResources`, all pages.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn list_role_tags(&self, role: &str) -> Result<BTreeMap<String, String>, Error> {
        let mut tags = BTreeMap::new();
        let mut token = None;
        for _ in 0..TAG_PAGES {
            let request = tag_request(Request::read(Api::Ram, "ListTagResources"), role).param("PageSize", &100);
            let page: TagsReply = self.read(request.optional("NextToken", token)).await?;
            tags.extend(page.tag_resources.into_iter().map(|tag| (tag.tag_key, tag.tag_value)));
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(tags)
    }

    /// `CreateRole`, once.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn create_role(&self, role: &str, new: &NewRole) -> Result<(RoleFacts, Done), Error> {
        let request = write("CreateRole", role)
            .param("AssumeRolePolicyDocument", &new.trust)
            .param("Description", &new.description)
            .optional("MaxSessionDuration", new.max_session_duration)
            .optional("AllowConsoleLogin", new.allow_console_login);
        let reply: RoleReply = self.send(&request).await?;
        Ok((reply.role, Done { request_id: reply.request_id }))
    }

    /// `UpdateRole`, once.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn update_role(&self, role: &str, change: &RoleChange) -> Result<Done, Error> {
        self.send(&write("UpdateRole", role).param("NewAssumeRolePolicyDocument", &change.trust)).await
    }

    /// `DeleteRole`, once. The cloud refuses while policies are attached.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn delete_role(&self, role: &str) -> Result<Done, Error> {
        self.send(&write("DeleteRole", role)).await
    }

    /// `AttachPolicyToRole`, once.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn attach_policy_to_role(&self, role: &str, policy: &PolicyRef) -> Result<Done, Error> {
        self.send(&policy_write("AttachPolicyToRole", role, policy)).await
    }

    /// `DetachPolicyFromRole`, once.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn detach_policy_from_role(&self, role: &str, policy: &PolicyRef) -> Result<Done, Error> {
        self.send(&policy_write("DetachPolicyFromRole", role, policy)).await
    }

    /// `TagResources`, once, with at most 20 tags.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn tag_role(&self, role: &str, tags: &BTreeMap<String, String>) -> Result<Done, Error> {
        let list: Vec<_> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
        self.send(&tag_request(Request::write(Api::Ram, "TagResources"), role).param("Tag", &json!(list))).await
    }

    /// `UntagResources`, once.
    ///
    /// # Errors
    /// Any [`Error`].
    pub async fn untag_role(&self, role: &str, keys: &[String]) -> Result<Done, Error> {
        self.send(&tag_request(Request::write(Api::Ram, "UntagResources"), role).param("TagKeys", &json!(keys))).await
    }
}

fn policy_write(operation: &'static str, role: &str, policy: &PolicyRef) -> Request {
    write(operation, role).param("PolicyType", policy.kind.as_str()).param("PolicyName", &policy.name)
}
