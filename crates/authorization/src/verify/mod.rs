//! Judges an observed role: which conditions of the authorization fail, and what else is worth saying. Pure.

mod checks;
mod finding;

pub use finding::{Finding, FindingId, Severity};

use crate::baseline::Baseline;
use crate::role::ObservedRole;

/// Every negative answer, the failed conditions first.
///
/// ```
/// use authorization::baseline;
/// use authorization::role::ObservedRole;
/// use authorization::verify::{self, FindingId};
///
/// let findings = verify::role(&ObservedRole::Missing, &baseline::DTS);
/// assert_eq!(findings[0].id, FindingId::RoleMissing);
/// ```
#[must_use]
pub fn role(observed: &ObservedRole, baseline: &Baseline) -> Vec<Finding> {
    let mut findings = match observed {
        ObservedRole::Missing => vec![checks::role_missing(baseline)],
        ObservedRole::Present(role) => {
            let trust = checks::trust(role, baseline);
            trust.into_iter().chain(checks::policies(role, baseline)).collect()
        }
    };
    findings.sort_by_key(|finding| finding.severity);
    findings
}
