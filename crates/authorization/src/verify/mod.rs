//! Judges an observed role: does it exist, who may assume it, what is attached? Each answer that is not right is a finding.
//! Pure.

mod finding;

use finding::first_of;
pub use finding::{Finding, FindingId, Severity};
use serde_json::json;

use crate::baseline::Baseline;
use crate::policy::{
    ASSUME_ROLE, Access, Evaluation, PolicyDocument, Principal, evaluate, for_report, other_principals,
};
use crate::role::{ObservedRole, Role};

/// Every finding, the failed ones first.
///
/// ```
/// use authorization::baseline;
/// use authorization::role::ObservedRole;
/// use authorization::verify::{self, FindingId};
///
/// let findings = verify::role(&ObservedRole::Missing, &baseline::DTS);
/// assert_eq!(findings[0].id, FindingId::RoleMissing);
/// ```
pub fn role(observed: &ObservedRole, baseline: &Baseline) -> Vec<Finding> {
    let mut findings = match observed {
        ObservedRole::Missing => {
            let message = format!("the role `{}` does not exist", baseline.role);
            vec![Finding::new(FindingId::RoleMissing, message, json!({"roleName": baseline.role}))]
        }
        ObservedRole::Present(role) => [trust(role, baseline), policies(role, baseline)].concat(),
    };
    findings.sort_by_key(|finding| finding.severity);
    findings
}

/// Does the trust policy let the service assume the role, and whom else?
fn trust(role: &Role, baseline: &Baseline) -> Vec<Finding> {
    let document = PolicyDocument::parse(&role.trust, baseline.service);
    let (name, service) = (baseline.service, Principal::service(baseline.service));
    let Evaluation { access, because, conditional_denies } = evaluate(&document, ASSUME_ROLE, &service);
    let mut findings = Vec::new();
    let failure = match access {
        Access::Allowed => None,
        Access::AllowedConditionally => {
            Some((FindingId::TrustConditional, format!("whether `{name}` may assume the role depends on a condition")))
        }
        Access::Denied => {
            Some((FindingId::TrustServiceMissing, format!("the trust policy forbids `{name}` to assume the role")))
        }
        Access::NotAllowed => Some((
            FindingId::TrustServiceMissing,
            format!("no statement of the trust policy lets `{name}` assume the role"),
        )),
    };
    if let Some((id, message)) = failure {
        let evidence = json!({"decision": access, "statements": because, "trustPolicy": for_report(&role.trust)});
        findings.push(Finding::new(id, message, evidence));
    }
    // A conditional `Deny` is worth a finding even where nothing grants the service yet.
    if access != Access::AllowedConditionally && !conditional_denies.is_empty() {
        let message = format!("a statement with `Deny` and a condition might hit `{name}`");
        findings.push(Finding::new(FindingId::TrustConditional, message, json!({"statements": conditional_denies})));
    }
    let others: Vec<_> = other_principals(&document, &service).iter().map(ToString::to_string).collect();
    if !others.is_empty() {
        let message = format!("others may assume the role too: {}", first_of(others.iter().map(String::as_str)));
        findings.push(Finding::new(FindingId::TrustExtraPrincipal, message, json!({"principals": others})));
    }
    if let Some(first) = document.unreadable.first() {
        let message =
            format!("the trust policy holds what the guard does not understand: {}: {}", first.path, first.why);
        findings.push(Finding::new(FindingId::TrustUnreadable, message, json!({"fragments": document.unreadable})));
    }
    findings
}

/// Is the system policy attached, and which others are?
fn policies(role: &Role, baseline: &Baseline) -> Vec<Finding> {
    let needed = baseline.policy();
    let mut findings = Vec::new();
    if !role.policies.contains(&needed) {
        let message = format!("the system policy `{}` is not attached", baseline.policy);
        let attached: Vec<_> = role.policies.iter().map(ToString::to_string).collect();
        findings.push(Finding::new(FindingId::PolicyMissing, message, json!({"attached": attached})));
    }
    let extra: Vec<_> = role.policies.iter().filter(|policy| **policy != needed).map(ToString::to_string).collect();
    if !extra.is_empty() {
        let message = format!("more policies are attached: {}", extra.join(", "));
        findings.push(Finding::new(FindingId::PolicyExtra, message, json!({"policies": extra})));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline;

    fn ids(statements: &str) -> Vec<&'static str> {
        let trust = format!(r#"{{"Version":"1","Statement":[{statements}]}}"#);
        found(&trust)
    }

    fn found(trust: &str) -> Vec<&'static str> {
        let role = Role {
            id: "1".into(),
            trust: trust.into(),
            description: String::new(),
            max_session_duration: None,
            console_login: None,
            service_linked: false,
            policies: std::collections::BTreeSet::new(),
        };
        super::trust(&role, &baseline::DTS).iter().map(|finding| finding.id.as_str()).collect()
    }

    const CONDITION: &str = r#""Condition":{"StringEquals":{"sts:ExternalId":"x"}}"#;

    fn statement(effect: &str, principal: &str, rest: &str) -> String {
        format!(r#"{{"Effect":"{effect}","Action":"sts:AssumeRole","Principal":{principal}{rest}}}"#)
    }

    #[test]
    fn each_finding_and_its_absence() {
        let dts = r#"{"Service":"dts.aliyuncs.com"}"#;
        let allow = statement("Allow", dts, "");
        let maybe_not = statement("Deny", dts, &format!(",{CONDITION}"));
        assert_eq!(found(baseline::DTS.trust), [""; 0]);
        assert_eq!(ids(""), ["trust-service-missing"]);
        assert_eq!(ids(&statement("Deny", dts, "")), ["trust-service-missing"]);
        assert_eq!(ids(&format!("{allow},{}", statement("Deny", dts, ""))), ["trust-service-missing"]);
        assert_eq!(ids(&statement("Allow", dts, &format!(",{CONDITION}"))), ["trust-conditional"]);
        assert_eq!(ids(&format!("{allow},{maybe_not}")), ["trust-conditional"]);
        assert_eq!(ids(&maybe_not), ["trust-service-missing", "trust-conditional"]);
        assert_eq!(
            ids(&statement("Allow", r#"{"Service":"1234567890123456@dts.aliyuncs.com"}"#, "")),
            ["trust-service-missing", "trust-extra-principal"]
        );
        assert_eq!(ids(&statement("Allow", "\"*\"", "")), ["trust-service-missing", "trust-unreadable"]);
        assert_eq!(ids(&format!("{allow},{}", statement("Deny", "\"*\"", ""))), ["trust-unreadable"]);
        assert_eq!(found("dts.aliyuncs.com"), ["trust-service-missing", "trust-unreadable"]);
    }
}
