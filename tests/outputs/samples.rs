//! Reports to render: real ones, kept in `tests/fixtures/reports`, and big ones.

use dts_role_guard::report::{Report, read};
use serde_json::{Value, json};
use testkit::{fixture, fixture_names};

/// The names of the real ones.
pub(crate) fn names() -> Vec<String> {
    fixture_names("reports")
}

pub(crate) fn text(name: &str) -> String {
    fixture(&format!("reports/{name}"))
}

pub(crate) fn report(name: &str) -> Report {
    of(&serde_json::from_str(&text(name)).unwrap())
}

pub(crate) fn of(value: &Value) -> Report {
    read(&value.to_string()).unwrap_or_else(|why| panic!("{why}"))
}

/// Nothing of a saved report is lost. A later version may say more, of which an older report has the default.
pub(crate) fn assert_holds(rendered: &str, saved: &str, name: &str) {
    let (rendered, saved) = (serde_json::from_str(rendered).unwrap(), serde_json::from_str(saved).unwrap());
    assert!(holds(&rendered, &saved), "{name}: {rendered:#} does not hold {saved:#}");
}

fn holds(whole: &Value, part: &Value) -> bool {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => {
            part.iter().all(|(key, value)| whole.get(key).is_some_and(|whole| holds(whole, value)))
        }
        (Value::Array(whole), Value::Array(part)) => {
            whole.len() == part.len() && whole.iter().zip(part).all(|(whole, part)| holds(whole, part))
        }
        _ => whole == part,
    }
}

/// A run over an organization with these accounts.
pub(crate) fn run(kind: &str, accounts: &[Value]) -> Value {
    let count = |status: &str| accounts.iter().filter(|account| account["status"] == status).count();
    let statuses =
        ["authorized", "drifted", "remediated", "rolledBack", "stuck", "refused", "failed", "pending", "skipped"];
    let mut summary = serde_json::Map::from_iter([("accounts".to_owned(), json!(accounts.len()))]);
    summary.extend(statuses.map(|status| (status.to_owned(), json!(count(status)))));
    let order = ["stuck", "failed", "rolledBack", "refused", "drifted", "pending", "remediated", "authorized"];
    let worst = order.into_iter().find(|status| count(status) > 0).unwrap_or("skipped");
    json!({
        "schema": "dts-role-guard/report/v1", "status": worst, "requestId": "1-692414ee-10000001-000000000003",
        "trigger": {"kind": kind, "name": null}, "mode": "plan", "strategy": "recreate",
        "startedAt": "2026-11-24T02:00:00.120Z", "durationMs": 139_012, "journal": "folder",
        "summary": summary, "accounts": accounts,
    })
}

/// A broken role with foreign text.
pub(crate) fn broken(number: usize, status: &str, text: &str) -> Value {
    let finding = |id: &str, severity: &str| json!({"id": id, "severity": severity, "message": format!("it is so: {text}"), "evidence": {"foreign": text}});
    let role = json!({
        "roleId": "300123456789012345", "description": text, "maxSessionDuration": 3600, "tags": {"team": text},
        "policies": [{"policyType": "Custom", "policyName": "TeamExtra"}],
        "trustPolicy": {"Version": "1", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["ecs.aliyuncs.com"], "RAM": [text]}}]},
    });
    let step = |action: &str, target: &str| json!({"action": action, "target": target, "result": "planned", "attempts": 0, "requestId": null, "durationMs": 0});
    json!({
        "accountId": format!("{}", 1_000_000_000_000_000 + number), "roleName": "AliyunDTSDefaultRole", "status": status,
        "findings": [finding("trust-service-missing", "failed"), finding("policy-missing", "failed"), finding("policy-extra", "advisory")],
        "planId": format!("sha256:{}", "0".repeat(64)), "before": role, "after": null, "residual": [],
        "steps": [step("DetachPolicyFromRole", "Custom/TeamExtra"), step("DeleteRole", "AliyunDTSDefaultRole"), step("CreateRole", "AliyunDTSDefaultRole"),
            step("AttachPolicyToRole", "System/AliyunDTSRolePolicy"), step("AttachPolicyToRole", "Custom/TeamExtra"), step("TagResources", "AliyunDTSDefaultRole")],
        "next": format!("{text}\naliyun ram CreateRole --RoleName AliyunDTSDefaultRole --Description '{text}'"),
    })
}

pub(crate) fn healthy(number: usize) -> Value {
    json!({"accountId": format!("{}", 1_000_000_000_000_000 + number), "status": "authorized"})
}

/// So many accounts, of which the first are broken.
pub(crate) fn organization(accounts: usize, broken_ones: usize) -> Value {
    let account = |number| {
        if number < broken_ones { broken(number, "drifted", "the text of others") } else { healthy(number) }
    };
    run("manual", &(0..accounts).map(account).collect::<Vec<_>>())
}

/// What may stand in foreign text.
pub(crate) const WORST: [&str; 12] = [
    "plain",
    "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "=HYPERLINK(\"https://example.com\")",
    "\u{1b}[2J\u{1b}]0;title\u{7}\r\n",
    "a\u{202e}b\u{200b}c\u{2066}d\u{feff}",
    "\0\u{1}\u{1f}\u{7f}\u{9b}",
    "@all <!channel> <at user_id=\"all\">",
    "\u{1f4a9}\u{1f1e9}\u{1f1ea}",
    "日本語の説明",
    "\\\\\\\"\"\"///",
    "{{7*7}}${jndi:ldap://x}]]>--><!--",
];
