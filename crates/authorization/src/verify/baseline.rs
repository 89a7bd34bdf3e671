//! What a role should look like.

pub use crate::policy::DTS_SERVICE;

/// The system policy that must be attached. Its content changes often and is never compared.
pub const DTS_POLICY: &str = "AliyunDTSRolePolicy";

/// What a role should look like.
#[derive(Debug, Clone, Copy)]
pub struct Baseline {
    /// The service that must be able to assume it.
    pub service: &'static str,
    /// The system policy that must be attached.
    pub policy: &'static str,
}

impl Baseline {
    /// The authorization that DTS needs (source: the DTS user guide).
    pub const DTS: Self = Self { service: DTS_SERVICE, policy: DTS_POLICY };
}
