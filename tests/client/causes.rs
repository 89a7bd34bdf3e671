//! Causes are named, not codes: which key, which permission on which resource, which address; and no secret.

use authorization::settings::Mode;
use dts_role_guard::report::Status;
use emulator::{AccessKey, DTS_POLICY, Emulator, Role, Rule, World};
use serde_json::json;
use testkit::{ACCOUNT, KEY_ID, KEY_SECRET, Lab, TOKEN, account, bare, session_key};

const ROLE: &str = "`acs:ram:*:1234567890123456:role/AliyunDTSDefaultRole`";
const SECRETS: [&str; 2] = [KEY_SECRET, TOKEN];

async fn said(lab: &Lab) -> String {
    account(&lab.run(Mode::Remediate).await).to_string().replace(r"\u0060", "`")
}

fn assert_says(said: &str, words: &[&str]) {
    for word in words {
        assert!(said.contains(word), "no {word} in {said}");
    }
}

#[tokio::test]
async fn a_denial_names_the_permission_the_resource_and_the_caller() {
    let custom = "`acs:ram:*:1234567890123456:policy/TeamExtra`";
    for (operation, resources) in [
        ("GetRole", vec![ROLE]),
        ("ListPoliciesForRole", vec![ROLE]),
        ("ListTagResources", vec![ROLE]),
        ("DetachPolicyFromRole", vec![ROLE, custom]),
    ] {
        let lab = Lab::new(Some(bare()));
        let _denied = lab.emulator.fault(Rule::on(operation).deny());
        let words =
            [format!("`ram:{operation}`"), "`dts-role-guard-role:lab`".to_owned(), "lacks the permission".to_owned()];
        let words: Vec<_> = words.iter().map(String::as_str).chain(resources).collect();
        assert_says(&said(&lab).await, &words);
    }
}

#[tokio::test]
async fn a_control_policy_is_named() {
    let lab = Lab::new(Some(bare()));
    let _denied = lab.emulator.fault(Rule::on("GetRole").deny_by_control_policy());
    assert_says(&said(&lab).await, &["a control policy of the resource directory forbids `ram:GetRole`", ROLE]);
}

/// Without the detail, which the cloud may leave out or shape otherwise.
#[tokio::test]
async fn a_denial_without_its_detail_is_named_all_the_same() {
    for detail in [json!(null), json!("text"), json!([]), json!({"PolicyType": 7, "AuthAction": null})] {
        let lab = Lab::new(Some(bare()));
        let _denied = lab.emulator.fault(Rule::on("GetRole").deny());
        let _detail = lab.emulator.rewrite(Rule::on("GetRole"), move |reply, _| {
            reply["AccessDeniedDetail"] = detail.clone();
        });
        assert_says(&said(&lab).await, &["NoPermission", "lacks the permission `ram:GetRole`", ROLE]);
    }
}

/// Source: ali-sdk/ali-oss issue 1363, a key id with a line break at its end.
#[tokio::test]
async fn an_unknown_key_id_is_called_unknown() {
    let lab = Lab::new(Some(bare()));
    let _unknown = lab.emulator.fault(Rule::any().error(404, "InvalidAccessKeyId.NotFound"));
    let said = said(&lab).await;
    assert_says(&said, &["unknown, or its temporary keys have expired", "request headers"]);
    assert!(!said.contains(KEY_ID), "{said}");
}

#[tokio::test]
async fn a_wrong_key_secret_is_called_that() {
    let key = AccessKey::session(KEY_ID, "another-secret-012", TOKEN);
    let lab = Lab::with_key(Some(bare()), key.of_role(ACCOUNT, "dts-role-guard-role", "lab"));
    assert_says(
        &said(&lab).await,
        &["SignatureDoesNotMatch", "the access key secret does not belong to the access key id"],
    );
}

#[tokio::test]
async fn a_wrong_token_is_called_that() {
    let key = AccessKey::session(KEY_ID, KEY_SECRET, "another-token-012");
    let lab = Lab::with_key(Some(bare()), key.of_role(ACCOUNT, "dts-role-guard-role", "lab"));
    assert_says(&said(&lab).await, &["the security token from the request headers"]);
}

#[tokio::test]
async fn an_unreachable_host_is_named_with_its_port() {
    let port = {
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        free.local_addr().unwrap().port()
    };
    let lab = Lab::new(None).set("DTS_GUARD_RAM_ENDPOINT", &format!("http://localhost:{port}"));
    assert_says(&said(&lab).await, &[&format!("could not reach the cloud at `localhost:{port}`")]);
}

/// A gateway that quotes the request in the wrong field shows nothing of it.
#[tokio::test]
async fn no_secret_is_shown_wherever_a_reply_puts_it() {
    for signature in ["hmac-sha1", "acs3"] {
        for secret in SECRETS {
            for field in ["Code", "RequestId"] {
                let lab = Lab::new(Some(bare())).set("DTS_GUARD_SIGNATURE", signature);
                let _fault = lab.emulator.fault(Rule::on("GetRole").error(400, "SomethingNew"));
                let quoted = format!("server string to sign is:{secret}");
                let _lie = lab.emulator.rewrite(Rule::on("GetRole"), move |reply, _| reply[field] = json!(quoted));
                let report = lab.run(Mode::Remediate).await;
                assert_eq!(report.status, Status::Failed);
                let said = serde_json::to_string(&report).unwrap();
                assert!(!said.contains(secret), "{field}: {said}");
                assert!(said.contains("withheld"), "{field}: {said}");
            }
        }
    }
}

#[tokio::test]
async fn a_code_outside_its_form_is_cut_and_escaped() {
    let lab = Lab::new(Some(bare()));
    let _fault = lab.emulator.fault(Rule::on("GetRole").error(400, "SomethingNew"));
    let _lie = lab.emulator.rewrite(Rule::on("GetRole"), |reply, _| {
        reply["Code"] = json!(format!("Bad\u{1b}[31m{}", "x".repeat(5_000)));
        reply["RequestId"] = json!(format!("\u{202e}{}", "y".repeat(5_000)));
    });
    let account = account(&lab.run(Mode::Remediate).await);
    for field in ["code", "requestId"] {
        let text = account["error"][field].as_str().unwrap();
        assert!(text.chars().count() <= 270 && !text.contains(['\u{1b}', '\u{202e}']), "{text}");
    }
}

/// A denial quotes names of the cloud's: they are foreign text like codes.
#[tokio::test]
async fn what_a_detail_says_is_foreign_text() {
    let lab = Lab::new(Some(bare()));
    let _denied = lab.emulator.fault(Rule::on("GetRole").deny());
    let _lie = lab.emulator.rewrite(Rule::on("GetRole"), |reply, _| {
        reply["AccessDeniedDetail"]["AuthPrincipalDisplayName"] = json!(format!("\u{1b}[31m{}", SECRETS[1]));
        reply["AccessDeniedDetail"]["AuthAction"] = json!("\u{202e}x");
    });
    let said = said(&lab).await;
    assert!(!said.contains(SECRETS[1]) && !said.contains(['\u{1b}', '\u{202e}']), "{said}");
}

/// Both accounts have a role, and the keys see the wrong one.
#[tokio::test]
async fn keys_of_another_account_are_told_at_no_cost() {
    let other = "5555555555555555";
    let key = session_key().of_role(other, "dts-role-guard-role", "lab");
    let world = World::new().key(key).account(ACCOUNT, |account| account.role(Role::dts().detach(DTS_POLICY)));
    let lab = Lab::of(world.account(other, |account| account.role(Role::dts())));
    let report = lab.run(Mode::Verify).await;
    assert_eq!(report.status, Status::Failed, "{}", account(&report));
    assert_says(&account(&report).to_string(), &[other, ACCOUNT]);
    assert_eq!(reads(&lab.emulator), ["GetRole", "ListPoliciesForRole"]);
}

fn reads(emulator: &Emulator) -> Vec<String> {
    let mut operations = emulator.operations();
    operations.sort();
    operations
}
