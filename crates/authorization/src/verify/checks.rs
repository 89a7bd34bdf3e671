//! The questions: does the role exist, who may assume it, what is attached? Each answers with findings, none if all is well.

use serde_json::json;

use super::finding::first_of;
use super::{Finding, FindingId};
use crate::baseline::Baseline;
use crate::policy::{
    ASSUME_ROLE, Decision, Effect, PolicyDocument, Principal, StatementEffect, decide, for_report, other_principals,
};
use crate::role::Role;

pub(super) fn role_missing(baseline: &Baseline) -> Finding {
    let message = format!("the role `{}` does not exist", baseline.role);
    Finding::new(FindingId::RoleMissing, message, json!({"roleName": baseline.role}))
}

/// Does the trust policy let the service assume the role, and whom else?
pub(super) fn trust(role: &Role, baseline: &Baseline) -> Vec<Finding> {
    let document = PolicyDocument::parse(&role.trust, baseline.service);
    let service = Principal::service(baseline.service);
    let decision = decide(&document, ASSUME_ROLE, &service);
    let findings = [
        answer(role, &decision, baseline),
        conditional_deny(&document, &service, &decision),
        others(&document, &service),
        unreadable(&document),
    ];
    findings.into_iter().flatten().collect()
}

fn answer(role: &Role, decision: &Decision, baseline: &Baseline) -> Option<Finding> {
    let service = baseline.service;
    let (id, message) = match decision.effect {
        Effect::Allowed => return None,
        Effect::AllowedConditionally => {
            (FindingId::TrustConditional, format!("whether `{service}` may assume the role depends on a condition"))
        }
        Effect::Denied => {
            (FindingId::TrustServiceMissing, format!("the trust policy forbids `{service}` to assume the role"))
        }
        Effect::NotAllowed => (
            FindingId::TrustServiceMissing,
            format!("no statement of the trust policy lets `{service}` assume the role"),
        ),
    };
    let evidence =
        json!({"decision": decision.effect, "statements": decision.because, "trustPolicy": for_report(&role.trust)});
    Some(Finding::new(id, message, evidence))
}

/// A conditional `Deny` is worth a word even where nothing grants the service yet.
fn conditional_deny(document: &PolicyDocument, service: &Principal, decision: &Decision) -> Option<Finding> {
    if decision.effect == Effect::AllowedConditionally {
        return None;
    }
    let hits = document
        .statements
        .iter()
        .filter(|(_, statement)| !statement.conditions.is_empty() && statement.matches(ASSUME_ROLE, service));
    let hits: Vec<_> = hits.filter(|(_, statement)| statement.effect == StatementEffect::Deny).collect();
    let places: Vec<_> = hits.iter().map(|(index, _)| index).collect();
    (!places.is_empty()).then(|| {
        let message = format!("a statement with `Deny` and a condition might hit `{}`", service.name);
        Finding::new(FindingId::TrustConditional, message, json!({"statements": places}))
    })
}

fn others(document: &PolicyDocument, service: &Principal) -> Option<Finding> {
    let others: Vec<_> = other_principals(document, service).iter().map(ToString::to_string).collect();
    (!others.is_empty()).then(|| {
        let message = format!("others may assume the role too: {}", first_of(others.iter().map(String::as_str)));
        Finding::new(FindingId::TrustExtraPrincipal, message, json!({"principals": others}))
    })
}

fn unreadable(document: &PolicyDocument) -> Option<Finding> {
    let fragments = &document.unreadable;
    let first = fragments.first()?;
    let message = format!("the trust policy holds what the guard does not understand: {}: {}", first.path, first.why);
    Some(Finding::new(FindingId::TrustUnreadable, message, json!({"fragments": fragments})))
}

/// Is the system policy attached, and which others are?
pub(super) fn policies(role: &Role, baseline: &Baseline) -> Vec<Finding> {
    let wanted = baseline.policy();
    let extra: Vec<_> = role.policies.iter().filter(|policy| **policy != wanted).map(ToString::to_string).collect();
    let missing = (!role.policies.contains(&wanted)).then(|| {
        let message = format!("the system policy `{}` is not attached", baseline.policy);
        let attached: Vec<_> = role.policies.iter().map(ToString::to_string).collect();
        Finding::new(FindingId::PolicyMissing, message, json!({"attached": attached}))
    });
    let more = (!extra.is_empty()).then(|| {
        let message = format!("more policies are attached: {}", extra.join(", "));
        Finding::new(FindingId::PolicyExtra, message, json!({"policies": extra}))
    });
    missing.into_iter().chain(more).collect()
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
