//! Compliance Findings of the Open Cybersecurity Schema Framework: one event a line for each account, role and condition
//! that failed, or that a repair of this run has ended.
//!
//! Advice is no condition, and an account that could not be looked at has no finding: nobody knows.

use authorization::text::sanitized;
use authorization::verify::Finding;
use jiff::Timestamp;
use serde_json::{Value, json};

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
    let role = account.role_name();
    let remediation = match (&account.next, is_ended) {
        (Some(next), _) => harmless_lines(next),
        (None, true) => "It was repaired, and a second look confirmed it.".to_owned(),
        (None, false) => format!("Run `dts-role-guard remediate`. By hand: {QUICK_AUTHORIZATION}"),
    };
    let begin = report.started_at.parse::<Timestamp>().map_or(0, Timestamp::as_millisecond);
    let end = begin.saturating_add(i64::try_from(report.duration_ms).unwrap_or(i64::MAX));
    let cloud = match &account.account_id {
        // The schema knows no type for the account.
        Some(id) => json!({
            "provider": "Alibaba Cloud",
            "account": {"uid": id, "type_id": 99, "type": "Alibaba Cloud Account"},
        }),
        None => json!({"provider": "Alibaba Cloud"}),
    };
    // What the schema has no place for.
    let unmapped = match report.missing() {
        Some(missing) => json!({"guardStatus": account.status, "missing": missing}),
        None => json!({"guardStatus": account.status}),
    };
    json!({
        "activity_id": id, "activity_name": name,
        "category_uid": 2, "category_name": "Findings",
        "class_uid": CLASS, "class_name": "Compliance Finding",
        "type_uid": CLASS * 100 + id, "type_name": format!("Compliance Finding: {name}"),
        "severity_id": severity_id, "severity": severity,
        "status_id": status_id, "status": status,
        "time": end,
        "message": format!("{control} in account {owner}: {told}"),
        "metadata": {
            "version": VERSION,
            "profiles": ["cloud"],
            "product": {"name": "dts-role-guard", "vendor_name": "dts-role-guard", "version": env!("CARGO_PKG_VERSION")},
            "correlation_uid": sanitized(&report.request_id),
        },
        // The same for the same condition in every run.
        "finding_info": {
            "uid": format!("dts-role-guard/{owner}/{role}/{control}"),
            "title": format!("{role} fails the condition {control}"),
            "desc": sanitized(&finding.message),
            "analytic": {"type_id": 1, "type": "Rule", "uid": control, "name": control},
        },
        "compliance": {"control": control, "status_id": verdict_id, "status": verdict},
        "cloud": cloud,
        "resources": [{"uid": format!("acs:ram::{owner}:role/{role}"), "name": role, "type": "RAM role"}],
        "remediation": {"desc": remediation, "references": [QUICK_AUTHORIZATION]},
        "unmapped": unmapped,
    })
}
