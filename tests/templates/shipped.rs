//! What is deployed is the same, whichever of the three deploys it.

use std::collections::BTreeSet;

use dts_role_guard::config::{Config, Variables};
use hcl::value;
use serde_json::{Map, Value, json};
use testkit::deployment::{filled_in, switched_on};
use testkit::read;

use crate::{module, ros, terraform};

/// A block of `s.yaml`, and the same in the words of the two others.
type Choice = (Option<&'static str>, Vec<(&'static str, hcl::Value)>, Vec<(&'static str, &'static str)>);

fn choices() -> [Choice; 5] {
    let nas = value!({
        "server_addr" = "example.cn-hangzhou.nas.aliyuncs.com:/dts-role-guard"
        "vpc_id" = "vpc-example"
        "vswitch_ids" = ["vsw-example"]
        "security_group_id" = "sg-example"
        "user_id" = 0
        "group_id" = 0
    });
    [
        (None, vec![], vec![]),
        (Some("organization"), vec![("organization", terraform::organization())], vec![("Organization", "yes")]),
        (
            Some("nas"),
            vec![("journal_nas", nas)],
            vec![
                ("JournalNas", "example.cn-hangzhou.nas.aliyuncs.com:/dts-role-guard"),
                ("VpcId", "vpc-example"),
                ("VSwitchId", "vsw-example"),
                ("SecurityGroupId", "sg-example"),
            ],
        ),
        (
            Some("oss"),
            vec![("journal_oss", value!({ "bucket" = "example-bucket", "path" = "/dts-role-guard" }))],
            vec![("JournalBucket", "example-bucket")],
        ),
        (Some("success"), vec![("reports", true.into())], vec![("Reports", "yes")]),
    ]
}

/// What a deployment says of the function, without what each says in its own way.
fn essence(function: &Value) -> Value {
    // The account and the region of the tests.
    let text =
        function.to_string().replace("2234567890123456", "1234567890123456").replace("cn-shanghai", "cn-hangzhou");
    let function: Value = serde_json::from_str(&text).unwrap();
    let variables: Variables = serde_json::from_value(function["environmentVariables"].clone()).unwrap();
    let mut essence = Map::new();
    essence.insert("settings".to_owned(), format!("{:?}", Config::from_variables(&variables).unwrap()).into());
    let keys = [
        "functionName",
        "runtime",
        "customRuntimeConfig",
        "timeout",
        "cpu",
        "memorySize",
        "diskSize",
        "instanceConcurrency",
        "internetAccess",
        "concurrencyConfig",
        "vpcConfig",
        "nasConfig",
        "ossMountConfig",
    ];
    for key in keys {
        essence.insert(key.to_owned(), function[key].clone());
    }
    let mut runs = function["asyncInvokeConfig"].clone();
    runs.as_object_mut().unwrap().retain(|key, _| key != "functionName" && key != "qualifier");
    essence.insert("asyncInvokeConfig".to_owned(), runs);
    let mut log = function["logConfig"].clone();
    // Which name it has is said elsewhere.
    log.as_object_mut().unwrap().remove("project");
    essence.insert("logConfig".to_owned(), log);
    let triggers = function["triggers"].as_array().unwrap().iter().map(|trigger| {
        let mut config = trigger["triggerConfig"].clone();
        if let Some(pattern) = config["eventRuleFilterPattern"].as_str() {
            config["eventRuleFilterPattern"] = serde_json::from_str(pattern).unwrap();
        }
        json!([trigger["triggerName"], trigger["triggerType"], trigger["description"], config])
    });
    essence.insert("triggers".to_owned(), triggers.collect());
    essence.into()
}

#[test]
fn all_three_deploy_the_same() {
    for (block, variables, parameters) in choices() {
        let text = switched_on(&read("s.yaml"), "logs");
        let text = block.map_or_else(|| text.clone(), |block| switched_on(&text, block));
        let expected = essence(&filled_in(&text)["resources"]["guard"]["props"]);
        assert_eq!(essence(&terraform::function(&module::made(&variables))), expected, "Terraform, {block:?}");
        let parameters = [&[("PackageBucket", "example-bucket")][..], &parameters].concat();
        assert_eq!(essence(&ros::function(&ros::stack(&parameters))), expected, "ROS, {block:?}");
    }
}

#[test]
fn the_documents_are_those_of_the_folder() {
    let names: BTreeSet<_> = ["remediate", "failures", "reports", "logs", "organization", "journal-oss"]
        .map(|name| format!("dts-role-guard-{name}"))
        .into();
    for (who, documents) in [("Terraform", terraform::all_documents()), ("ROS", ros::all_documents())] {
        assert_eq!(documents.keys().cloned().collect::<BTreeSet<_>>(), names, "{who}");
        for (name, document) in documents {
            let text = document
                .to_string()
                .replace("2234567890123456", "1234567890123456")
                .replace("cn-shanghai", "cn-hangzhou");
            let file = read(&format!("policies/{}.json", name.trim_start_matches("dts-role-guard-")));
            let file: Value = serde_json::from_str(&file).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), file, "{who}, {name}");
        }
    }
}

#[test]
fn a_mode_that_writes_nothing_may_write_nothing() {
    for mode in ["verify", "plan"] {
        let terraform = terraform::documents(&module::made(&[("mode", mode.into())]));
        let ros = ros::documents(&ros::stack(&[("PackageBucket", "example-bucket"), ("Mode", mode)]));
        for documents in [terraform, ros] {
            assert!(documents.contains_key("dts-role-guard-verify"), "{mode}");
            assert!(!documents.contains_key("dts-role-guard-remediate"), "{mode}");
        }
    }
}

#[test]
fn the_role_trusts_function_compute() {
    let trust: Value = serde_json::from_str(&read("policies/function-trust.json")).unwrap();
    let made = module::made(&[]);
    let role = made["alicloud_ram_role.function"].as_object().unwrap();
    assert_eq!(serde_json::from_str::<Value>(role["assume_role_policy_document"].as_str().unwrap()).unwrap(), trust);
    let stack = ros::stack(&[("PackageBucket", "example-bucket")]);
    assert_eq!(stack["Role"]["Properties"]["AssumeRolePolicyDocument"], trust);
}
