//! The role as one would believe it to be who takes what was asked for to be done.

use std::collections::{BTreeMap, BTreeSet};

use aliyun::Reply;
use serde_json::{Value, json};

use crate::wire::success;

#[derive(Default)]
pub(crate) struct Belief {
    role: Value,
    policies: BTreeSet<(String, String)>,
    tags: BTreeMap<String, String>,
}

impl Belief {
    /// Takes a write to be done, and the reply to a read to be true.
    pub(crate) fn learn(&mut self, asked: &BTreeMap<String, String>, reply: Option<&Reply>) {
        let reply: Value = reply.and_then(|reply| serde_json::from_slice(&reply.body).ok()).unwrap_or_default();
        let policy = || (asked["PolicyType"].clone(), asked["PolicyName"].clone());
        match asked["Action"].as_str() {
            "GetRole" | "CreateRole" if !reply["Role"].is_null() => self.role = reply["Role"].clone(),
            "UpdateRole" => self.role["AssumeRolePolicyDocument"] = asked["NewAssumeRolePolicyDocument"].clone().into(),
            "ListPoliciesForRole" => self.policies = policies(&reply),
            "AttachPolicyToRole" => drop(self.policies.insert(policy())),
            "DetachPolicyFromRole" => drop(self.policies.remove(&policy())),
            "TagResources" => self.tags.extend(tags(&asked["Tag"])),
            _ => {}
        }
    }

    /// The answer to a read, if it is one that is believed in.
    pub(crate) fn answer(&self, operation: &str) -> Option<Reply> {
        let body = match operation {
            "GetRole" => json!({ "Role": self.role }),
            "ListPoliciesForRole" => json!({ "Policies": { "Policy": self.list() } }),
            "ListTagResources" => json!({ "TagResources": self.list_tags() }),
            _ => return None,
        };
        Some(success(body))
    }

    fn list(&self) -> Vec<Value> {
        let policies = self.policies.iter();
        policies.map(|(kind, name)| json!({ "PolicyType": kind, "PolicyName": name })).collect()
    }

    fn list_tags(&self) -> Vec<Value> {
        self.tags.iter().map(|(key, value)| json!({ "TagKey": key, "TagValue": value })).collect()
    }
}

fn policies(reply: &Value) -> BTreeSet<(String, String)> {
    let text = |policy: &Value, field: &str| policy[field].as_str().unwrap_or_default().to_owned();
    let list = reply["Policies"]["Policy"].as_array().into_iter().flatten();
    list.map(|policy| (text(policy, "PolicyType"), text(policy, "PolicyName"))).collect()
}

/// Tags as `TagResources` takes them.
pub(crate) fn tags(asked: &str) -> Vec<(String, String)> {
    let list: Vec<BTreeMap<String, String>> = serde_json::from_str(asked).unwrap();
    list.into_iter().map(|mut tag| (tag.remove("Key").unwrap(), tag.remove("Value").unwrap())).collect()
}
