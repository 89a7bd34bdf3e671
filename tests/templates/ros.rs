//! `deploy/ros/template.json` with its parameters filled in and its conditions decided.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use testkit::read;

use crate::known::Lists;

pub(crate) type Stack = BTreeMap<String, Value>;

fn template() -> Value {
    serde_json::from_str(&read("deploy/ros/template.json")).unwrap()
}

pub(crate) fn stack(parameters: &[(&str, &str)]) -> Stack {
    Template::new(template(), parameters).stack()
}

struct Template {
    whole: Value,
    parameters: Map<String, Value>,
    lists: Lists,
}

impl Template {
    fn new(whole: Value, given: &[(&str, &str)]) -> Self {
        let declared = whole["Parameters"].as_object().unwrap();
        let mut parameters: Map<_, _> =
            declared.iter().map(|(name, about)| (name.clone(), about["Default"].clone())).collect();
        for (name, value) in given {
            assert!(declared.contains_key(*name), "no parameter {name}");
            parameters.insert((*name).to_owned(), json!(value));
        }
        parameters.insert("ALIYUN::Region".to_owned(), json!("cn-shanghai"));
        parameters.insert("ALIYUN::TenantId".to_owned(), json!("2234567890123456"));
        Self { whole, parameters, lists: Lists::of("ros-properties") }
    }

    fn stack(&self) -> Stack {
        let resources = self.whole["Resources"].as_object().unwrap();
        let there = resources.iter().filter(|(_, about)| about.get("Condition").is_none_or(|name| self.holds(name)));
        let stack: Stack = there
            .map(|(name, about)| {
                let after = about["DependsOn"].as_array().into_iter().flatten();
                for other in after {
                    let other = resources.get(other.as_str().unwrap()).unwrap_or_else(|| panic!("{name}: no {other}"));
                    assert!(other.get("Condition").is_none(), "{name} waits for what may not be made");
                }
                let properties = self.value(&about["Properties"]).unwrap();
                (name.clone(), json!({"Type": about["Type"], "Properties": properties}))
            })
            .collect();
        for output in self.whole["Outputs"].as_object().unwrap().values() {
            self.value(&output["Value"]).unwrap();
        }
        stack
    }

    /// A condition, or the name of one.
    fn holds(&self, condition: &Value) -> bool {
        if let Some(name) = condition.as_str() {
            return self.holds(self.whole["Conditions"].get(name).unwrap_or_else(|| panic!("no condition {name}")));
        }
        let (function, argument) = condition.as_object().unwrap().iter().next().unwrap();
        match function.as_str() {
            "Fn::Equals" => self.value(&argument[0]) == self.value(&argument[1]),
            "Fn::Not" => !self.holds(argument),
            "Fn::Or" => argument.as_array().unwrap().iter().any(|inner| self.holds(inner)),
            other => panic!("unknown: {other}"),
        }
    }

    /// None is what is left out.
    fn value(&self, value: &Value) -> Option<Value> {
        match value {
            Value::Array(items) => Some(items.iter().filter_map(|item| self.value(item)).collect()),
            Value::Object(entries) => match entries.iter().next() {
                Some((name, argument)) if entries.len() == 1 && name == "Ref" => self.named(argument.as_str().unwrap()),
                Some((name, argument)) if entries.len() == 1 && name.starts_with("Fn::") => {
                    self.function(name, argument)
                }
                _ => {
                    let kept = entries.iter().filter_map(|(key, value)| Some((key.clone(), self.value(value)?)));
                    Some(kept.collect())
                }
            },
            other => Some(other.clone()),
        }
    }

    fn named(&self, name: &str) -> Option<Value> {
        if name == "ALIYUN::NoValue" {
            return None;
        }
        Some(self.parameters.get(name).unwrap_or_else(|| panic!("no parameter {name}")).clone())
    }

    fn function(&self, name: &str, argument: &Value) -> Option<Value> {
        match name {
            "Fn::If" => self.value(&argument[if self.holds(&argument[0]) { 1 } else { 2 }]),
            "Fn::Sub" => Some(self.substituted(argument).into()),
            "Fn::GetAtt" => Some(self.attribute(argument[0].as_str().unwrap(), argument[1].as_str().unwrap())),
            other => panic!("unknown: {other}"),
        }
    }

    fn substituted(&self, argument: &Value) -> String {
        let (text, own) = if let Some(text) = argument.as_str() {
            (text, &Value::Null)
        } else {
            (argument[0].as_str().unwrap(), &argument[1])
        };
        let mut parts = text.split("${");
        let mut made = parts.next().unwrap().to_owned();
        for part in parts {
            let (name, rest) = part.split_once('}').unwrap();
            let value = own.get(name).map_or_else(|| self.named(name), |value| self.value(value)).unwrap();
            made += value.as_str().unwrap();
            made += rest;
        }
        made
    }

    /// What a resource exports: what was given, if it was.
    fn attribute(&self, resource: &str, name: &str) -> Value {
        let about = self.whole["Resources"].get(resource).unwrap_or_else(|| panic!("no resource {resource}"));
        let known = self.lists.get("attributes", about["Type"].as_str().unwrap()).unwrap();
        assert!(known.as_array().unwrap().contains(&json!(name)), "{resource} has no {name}");
        match about["Properties"].get(name) {
            Some(value) => self.value(value).unwrap(),
            None => json!(format!("({resource}.{name})")),
        }
    }
}

/// Names, types, ranges, lengths and words that the service would not take.
fn mistakes(stack: &Stack) -> Vec<String> {
    let lists = Lists::of("ros-properties");
    let mut mistakes = Vec::new();
    for (name, resource) in stack {
        match lists.get("resources", resource["Type"].as_str().unwrap()) {
            Some(known) => in_object(&resource["Properties"], known, name, &mut mistakes),
            None => mistakes.push(format!("{name}: unknown {}", resource["Type"])),
        }
    }
    mistakes
}

fn in_object(value: &Value, known: &Value, place: &str, mistakes: &mut Vec<String>) {
    let (Some(value), Some(known)) = (value.as_object(), known.as_object()) else {
        return mistakes.push(format!("{place}: no object"));
    };
    for (key, value) in value {
        match known.get(key) {
            Some(about) => in_value(value, about, &format!("{place}.{key}"), mistakes),
            None => mistakes.push(format!("{place}: unknown {key}")),
        }
    }
    let missing = known.iter().filter(|(key, about)| about["required"] == true && !value.contains_key(*key));
    mistakes.extend(missing.map(|(key, _)| format!("{place}: missing {key}")));
}

fn in_value(value: &Value, about: &Value, place: &str, mistakes: &mut Vec<String>) {
    let kind = about["type"].as_str().unwrap();
    let fits = match kind {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "any" => true,
        _ if kind.starts_with("list<") => value.is_array(),
        _ => value.is_object(),
    };
    let length = value.as_str().map(|text| text.chars().count()).or_else(|| value.as_array().map(Vec::len));
    let within = |limits: &Value, number: f64| {
        limits[0].as_f64().is_none_or(|least| number >= least) && limits[1].as_f64().is_none_or(|most| number <= most)
    };
    let in_range = value.as_f64().is_none_or(|number| within(&about["range"], number));
    #[expect(clippy::cast_precision_loss, reason = "lengths are short")]
    let long_enough = length.is_none_or(|length| within(&about["length"], length as f64));
    let allowed = about["allowed"].as_array().is_none_or(|words| words.contains(value));
    if !(fits && in_range && long_enough && allowed) {
        mistakes.push(format!("{place}: {value} is no {about}"));
    }
    if let Some(known) = about.get("properties") {
        match value {
            Value::Array(items) => items.iter().for_each(|item| in_object(item, known, place, mistakes)),
            object => in_object(object, known, place, mistakes),
        }
    }
}

/// The choices that can stand together.
fn choices() -> [Vec<(&'static str, &'static str)>; 3] {
    let all = [
        ("Organization", "yes"),
        ("Reports", "yes"),
        ("LogProject", "example-project"),
        ("PackageBucket", "example-bucket"),
        ("JournalKey", "0123456789abcdef"),
    ];
    let with = |more: &[(&'static str, &'static str)]| [&all[..], more].concat();
    [
        vec![("PackageBucket", "example-bucket"), ("Mode", "verify"), ("Alerts", "no")],
        with(&[("JournalBucket", "example-bucket")]),
        with(&[
            ("JournalNas", "example.cn-hangzhou.nas.aliyuncs.com:/dts-role-guard"),
            ("VpcId", "vpc-example"),
            ("VSwitchId", "vsw-example"),
            ("SecurityGroupId", "sg-example"),
        ]),
    ]
}

#[test]
fn every_property_is_one_that_the_service_takes() {
    let mut made = std::collections::BTreeSet::new();
    for choice in choices() {
        let stack = stack(&choice);
        assert_eq!(mistakes(&stack), Vec::<String>::new(), "{choice:?}");
        made.extend(stack.into_keys());
    }
    assert_eq!(made, template()["Resources"].as_object().unwrap().keys().cloned().collect());
}

#[test]
fn what_the_service_would_not_take_is_found() {
    let wrong = [
        ("/Resources/Function/Properties/Memorysize", json!(256)),
        ("/Resources/Function/Properties/MemorySize", json!(64)),
        ("/Resources/Function/Properties/MemorySize", json!("256")),
        ("/Resources/Function/Properties/CustomRuntimeConfig/Ports", json!(9000)),
        ("/Resources/PolicyLogs/Type", json!("ALIYUN::RAM::Policy")),
        ("/Resources/AsyncSettings/Properties/MaxAsyncRetryAttempts", json!(9)),
        ("/Resources/Logstore/Properties/Ttl", json!(1)),
        ("/Resources/Index/Properties/FullTextIndex/Enable", Value::Null),
    ];
    for (place, value) in wrong {
        let mut whole = template();
        let (parent, key) = place.rsplit_once('/').unwrap();
        whole.pointer_mut(parent).unwrap()[key] = value;
        assert_eq!(mistakes(&Template::new(whole, &choices()[0]).stack()).len(), 1, "{place}");
    }
}

pub(crate) fn documents(stack: &Stack) -> Map<String, Value> {
    let policies = stack.values().filter(|resource| resource["Type"] == "ALIYUN::RAM::ManagedPolicy");
    policies
        .map(|policy| {
            assert_eq!(policy["Properties"]["Roles"], json!(["dts-role-guard-role"]));
            let name = policy["Properties"]["PolicyName"].as_str().unwrap().to_owned();
            (name, policy["Properties"]["PolicyDocumentUnchecked"].clone())
        })
        .collect()
}

pub(crate) fn all_documents() -> Map<String, Value> {
    documents(&stack(&choices()[1]))
}

/// In the words of `s.yaml`.
pub(crate) fn function(stack: &Stack) -> Value {
    let properties = |name: &str| small(&stack[name]["Properties"]);
    let mut function = properties("Function");
    function["concurrencyConfig"] = json!({"reservedConcurrency": properties("Concurrency")["reservedConcurrency"]});
    function["asyncInvokeConfig"] = properties("AsyncSettings");
    function["triggers"] = ["Nightly", "RoleChanges", "NewAccounts"]
        .map(|name| {
            let mut trigger = properties(name);
            // Already in the platform's words.
            trigger["triggerConfig"] = stack[name]["Properties"]["TriggerConfig"].clone();
            trigger
        })
        .into();
    function
}

/// Keys as the platform spells them.
fn small(value: &Value) -> Value {
    match value {
        Value::Object(entries) => entries
            .iter()
            .map(|(key, value)| {
                let key = if key.starts_with("DTS_") { key.clone() } else { key[..1].to_lowercase() + &key[1..] };
                (key, small(value))
            })
            .collect(),
        Value::Array(items) => items.iter().map(small).collect(),
        other => other.clone(),
    }
}

#[test]
fn index_and_alerts_are_those_of_the_log_service() {
    let stack = stack(&choices()[1]);
    let alerts = stack.values().filter(|resource| resource["Type"] == "ALIYUN::SLS::Alert");
    let mut names = Vec::new();
    for alert in alerts {
        let detail = small(&alert["Properties"]["Detail"]);
        let name = detail["name"].as_str().unwrap().replace("dts-role-guard-", "alert-");
        let mut body: Value = serde_json::from_str(&read(&format!("deploy/sls/{name}.json"))).unwrap();
        for (key, value) in [("region", "cn-shanghai"), ("project", "example-project"), ("store", "dts-role-guard")] {
            body["configuration"]["queryList"][0][key] = json!(value);
        }
        assert_eq!(detail, body);
        names.push(name);
    }
    assert_eq!(names.len(), 5);
    let index: Value = serde_json::from_str(&read("deploy/sls/index.json")).unwrap();
    let keys = stack["Index"]["Properties"]["KeyIndices"].as_array().unwrap();
    for (name, key) in index["keys"].as_object().unwrap() {
        let made = keys.iter().find(|made| made["Name"] == *name).unwrap();
        assert_eq!(made["Type"], key["type"]);
        for (leaf, about) in key["json_keys"].as_object().into_iter().flatten() {
            let leaves = made["JsonKeyIndices"].as_array().unwrap();
            assert!(leaves.contains(&json!({"Name": leaf, "Type": about["type"], "EnableAnalytics": true})), "{leaf}");
        }
    }
}
