//! Compliance Findings of the Open Cybersecurity Schema Framework: one event a line for each account, role and condition
//! that failed, or that a repair of this run has ended.
//!
//! Advice is no condition, and an account that could not be looked at has no finding: nobody knows.

use authorization::text::sanitized;
use authorization::verify::Finding;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::view::harmless_lines;
use super::{AccountReport, QUICK_AUTHORIZATION, Render, Report, Status};

/// Lines of JSON.
#[derive(Debug, Clone, Copy)]
pub struct Ocsf;

/// The schema's version.
const VERSION: &str = "1.8.0";
const CLASS: u32 = 2003;

impl Render for Ocsf {
    fn render(&self, report: &Report) -> String {
        let events = report.accounts.iter().flat_map(|account| events(report, account));
        events.map(|event| format!("{event}\n")).collect()
    }
}

fn events(report: &Report, account: &AccountReport) -> Vec<Value> {
    if account.status == Status::Failed {
        return Vec::new();
    }
    let (found, left) = (failed(&account.findings), failed(&account.residual));
    // Only a second look can say that a condition holds again.
    let is_ended = |finding: &Finding| account.after.is_some() && !left.iter().any(|other| other.id == finding.id);
    let new = left.iter().filter(|finding| !found.iter().any(|other| other.id == finding.id));
    found.iter().chain(new).map(|finding| event(report, account, finding, is_ended(finding))).collect()
}

fn failed(findings: &[Finding]) -> Vec<&Finding> {
    findings.iter().filter(|finding| finding.failed()).collect()
}

fn event(report: &Report, account: &AccountReport, finding: &Finding, is_ended: bool) -> Value {
    let (id, name, status_id, status) = if is_ended { (3, "Close", 4, "Resolved") } else { (1, "Create", 1, "New") };
    let (severity_id, severity) = if is_ended { (1, "Informational") } else { (4, "High") };
    let (verdict_id, verdict) = if is_ended { (1, "Pass") } else { (3, "Fail") };
    let control = finding.id.as_str();
    let told = if is_ended { "repaired".to_owned() } else { sanitized(&finding.message) };
    let owner = account.id_or("unknown");
    let arn = format!("acs:ram::{owner}:role/{}", account.role_name());
    let message = format!("{control} in account {owner}: {told}");
    let mut event = json!({
        "activity_id": id, "activity_name": name,
        "category_uid": 2, "category_name": "Findings",
        "class_uid": CLASS, "class_name": "Compliance Finding",
        "type_uid": CLASS * 100 + id, "type_name": format!("Compliance Finding: {name}"),
        "severity_id": severity_id, "severity": severity,
        "status_id": status_id, "status": status,
        "time": ended_at(report),
        "message": message,
        "metadata": {
            "version": VERSION,
            "profiles": ["cloud"],
            "product": {"name": "dts-role-guard", "vendor_name": "dts-role-guard", "version": env!("CARGO_PKG_VERSION")},
            "correlation_uid": sanitized(&report.request_id),
        },
        // The same for the same condition in every run.
        "finding_info": {
            "uid": format!("dts-role-guard/{owner}/{}/{control}", account.role_name()),
            "title": format!("{} fails the condition {control}", account.role_name()),
            "desc": sanitized(&finding.message),
            "analytic": {"type_id": 1, "type": "Rule", "uid": control, "name": control},
        },
        "compliance": {"control": control, "status_id": verdict_id, "status": verdict},
        "cloud": cloud(account),
        "resources": [{"uid": arn, "name": account.role_name(), "type": "RAM role"}],
        "remediation": {"desc": remediation(account, is_ended), "references": [QUICK_AUTHORIZATION]},
    });
    let unmapped = unmapped(report, account);
    if let (Some(event), false) = (event.as_object_mut(), unmapped.is_empty()) {
        event.insert("unmapped".to_owned(), Value::Object(unmapped));
    }
    event
}

fn cloud(account: &AccountReport) -> Value {
    let mut cloud = json!({"provider": "Alibaba Cloud"});
    if let (Some(id), Some(fields)) = (&account.account_id, cloud.as_object_mut()) {
        // The schema knows no type for it.
        fields.insert("account".to_owned(), json!({"uid": id, "type_id": 99, "type": "Alibaba Cloud Account"}));
    }
    cloud
}

fn remediation(account: &AccountReport, is_ended: bool) -> String {
    match (&account.next, is_ended) {
        (Some(next), _) => harmless_lines(next),
        (None, true) => "It was repaired, and a second look confirmed it.".to_owned(),
        (None, false) => format!("Run `dts-role-guard remediate`. By hand: {QUICK_AUTHORIZATION}"),
    }
}

/// What the schema has no place for.
fn unmapped(report: &Report, account: &AccountReport) -> Map<String, Value> {
    let mut fields = Map::new();
    fields.insert("guardStatus".to_owned(), json!(account.status));
    if let Some(missing) = report.missing() {
        fields.insert("missing".to_owned(), json!(missing));
    }
    fields
}

/// Milliseconds since 1970.
fn ended_at(report: &Report) -> i64 {
    let begin = report.started_at.parse::<Timestamp>().map_or(0, Timestamp::as_millisecond);
    begin.saturating_add(i64::try_from(report.duration_ms).unwrap_or(i64::MAX))
}
