//! RAM as far as the protocol can see it: one role, whose every call takes effect at once.

use std::collections::{BTreeMap, BTreeSet};

use emulator::DTS_POLICY;
use serde_json::{Value, json};

use crate::ACCOUNT;

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Role {
    pub(super) id: u32,
    pub(super) trusts_dts: bool,
    /// Made by somebody who may assume it.
    pub(super) strange: bool,
    pub(super) description: String,
    pub(super) policies: BTreeSet<(String, String)>,
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Cloud {
    pub(super) role: Option<Role>,
    next_id: u32,
}

pub(super) type Params = BTreeMap<String, String>;
pub(super) type Answer = Result<Value, &'static str>;

const TRUST: [&str; 3] = [
    r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"RAM":["acs:ram::6666666666666666:root"]}}],"Version":"1"}"#,
    r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["ecs.aliyuncs.com"]}}],"Version":"1"}"#,
    r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["dts.aliyuncs.com"]}}],"Version":"1"}"#,
];

impl Cloud {
    pub fn new(role: Option<Role>) -> Self {
        Self { role, next_id: 2 }
    }

    pub(super) fn authorized(&self) -> bool {
        self.role.as_ref().is_some_and(|role| role.trusts_dts && role.policies.contains(&system(DTS_POLICY)))
    }

    pub(super) fn call(&mut self, params: &Params) -> Answer {
        let text = |name: &str| params.get(name).cloned().unwrap_or_default();
        let policy = (text("PolicyType"), text("PolicyName"));
        match params["Action"].as_str() {
            "GetCallerIdentity" => {
                Ok(json!({"AccountId": ACCOUNT, "Arn": format!("acs:ram::{ACCOUNT}:assumed-role/guard/model")}))
            }
            "GetRole" => self.existing().map(|role| json!({"Role": role.facts()})),
            "ListPoliciesForRole" => self.existing().map(|role| json!({"Policies": {"Policy": role.list()}})),
            "ListTagResources" => Ok(json!({"TagResources": self.role.as_ref().map(Role::list_tags)})),
            "CreateRole" => self.create(text("Description")),
            "DeleteRole" => self.delete(),
            "AttachPolicyToRole" => {
                let attached = self.existing()?.policies.insert(policy);
                attached.then(|| json!({})).ok_or("EntityAlreadyExists.Role.Policy")
            }
            "DetachPolicyFromRole" => {
                let detached = self.existing()?.policies.remove(&policy);
                detached.then(|| json!({})).ok_or("EntityNotExist.Role.Policy")
            }
            "TagResources" => {
                let tags: Vec<Value> = serde_json::from_str(&text("Tag")).unwrap();
                let pair = |tag: &Value, key: &str| tag[key].as_str().unwrap().to_owned();
                self.existing()?.tags.extend(tags.iter().map(|tag| (pair(tag, "Key"), pair(tag, "Value"))));
                Ok(json!({}))
            }
            other => panic!("the model knows no {other}"),
        }
    }

    fn existing(&mut self) -> Result<&mut Role, &'static str> {
        self.role.as_mut().ok_or("EntityNotExist.Role")
    }

    fn create(&mut self, description: String) -> Answer {
        if self.role.is_some() {
            return Err("EntityAlreadyExists.Role");
        }
        let id = self.next_id;
        self.next_id += 1;
        let (policies, tags) = (BTreeSet::new(), BTreeMap::new());
        let role = Role { id, trusts_dts: true, strange: false, description, policies, tags };
        Ok(json!({"Role": self.role.insert(role).facts()}))
    }

    /// Somebody makes a role of that name in the place of the other one.
    pub(super) fn replace(&mut self) {
        self.role = None;
        let _ = self.create("theirs".to_owned());
        if let Some(role) = &mut self.role {
            (role.trusts_dts, role.strange) = (false, true);
        }
    }

    fn delete(&mut self) -> Answer {
        if !self.existing()?.policies.is_empty() {
            return Err("DeleteConflict.Role.Policy");
        }
        self.role = None;
        Ok(json!({}))
    }
}

impl Role {
    fn facts(&self) -> Value {
        json!({
            "RoleId": self.id.to_string(),
            "RoleName": "AliyunDTSDefaultRole",
            "Arn": format!("acs:ram::{ACCOUNT}:role/aliyundtsdefaultrole"),
            "AssumeRolePolicyDocument": TRUST[if self.strange { 0 } else { 1 + usize::from(self.trusts_dts) }],
            "Description": self.description,
            "MaxSessionDuration": 3600,
        })
    }

    fn list(&self) -> Vec<Value> {
        self.policies.iter().map(|(kind, name)| json!({"PolicyType": kind, "PolicyName": name})).collect()
    }

    fn list_tags(&self) -> Vec<Value> {
        self.tags.iter().map(|(key, value)| json!({"TagKey": key, "TagValue": value})).collect()
    }
}

pub(super) fn system(name: &str) -> (String, String) {
    ("System".to_owned(), name.to_owned())
}

pub(super) fn custom(name: &str) -> (String, String) {
    ("Custom".to_owned(), name.to_owned())
}

/// Whether a call changes something.
pub(super) fn writes(params: &Params) -> bool {
    !params["Action"].starts_with("Get") && !params["Action"].starts_with("List")
}
