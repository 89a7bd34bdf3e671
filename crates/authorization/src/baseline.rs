//! What a role must look like.

use crate::role::{NewRole, Role};
use crate::target::{AccountId, PolicyRef, RoleName, Target};

/// The role that DTS uses in an account. No setting and no event can name another one.
pub const DTS_ROLE: &str = "AliyunDTSDefaultRole";

/// What a role must look like, and how it is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Baseline {
    /// The role's name.
    pub role: RoleName,
    /// The service that must be able to assume it.
    pub service: &'static str,
    /// The system policy that must be attached. Its content changes often and is never compared.
    pub policy: &'static str,
    /// The trust policy that the vendor's quick authorization gives to the role.
    pub trust: &'static str,
    /// The description that it gives to the role.
    pub description: &'static str,
    /// The session duration that it gives to the role, in seconds.
    pub max_session_duration: u32,
}

/// The authorization that DTS needs (source: the DTS user guide, and roles that the quick authorization has made).
pub static DTS: Baseline = Baseline {
    role: RoleName::constant(DTS_ROLE),
    service: "dts.aliyuncs.com",
    policy: "AliyunDTSRolePolicy",
    trust: r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["dts.aliyuncs.com"]}}],"Version":"1"}"#,
    description: "DTS will use this role to access your resources in other services.",
    max_session_duration: 3600,
};

impl Baseline {
    /// The role of an account that must look like this.
    pub fn target(&self, account: AccountId) -> Target {
        Target { account, role: self.role.clone() }
    }

    /// The policy that must be attached.
    pub fn policy(&self) -> PolicyRef {
        PolicyRef::system(self.policy)
    }

    /// The role that a repair makes: with everything that it had, but for the trust policy, which becomes the default.
    pub fn new_role(&self, before: Option<&Role>) -> NewRole {
        NewRole {
            trust: self.trust.to_owned(),
            description: before.map_or_else(|| self.description.to_owned(), |role| role.description.clone()),
            max_session_duration: before.map_or(Some(self.max_session_duration), |role| role.max_session_duration),
            allow_console_login: before.and_then(|role| role.console_login),
        }
    }
}
