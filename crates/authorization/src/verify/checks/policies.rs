//! Is the system policy attached, and which others are?

use serde_json::json;

use crate::role::Role;
use crate::target::PolicyRef;
use crate::verify::{Baseline, Finding, FindingId};

pub(in crate::verify) fn policies(role: &Role, baseline: &Baseline) -> Vec<Finding> {
    let wanted = PolicyRef::system(baseline.policy);
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
