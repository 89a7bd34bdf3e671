//! How a test describes a role.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::record::{Attachment, PolicyType, RoleRecord};

/// The name of the role that DTS uses.
pub const DTS_ROLE: &str = "AliyunDTSDefaultRole";
/// The system policy that belongs to it.
pub const DTS_POLICY: &str = "AliyunDTSRolePolicy";
/// Its trust policy.
pub const DTS_TRUST: &str = r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"Service":["dts.aliyuncs.com"]}}],"Version":"1"}"#;
/// Its description.
pub const DTS_DESCRIPTION: &str = "DTS will use this role to access your resources in other services.";

/// A role to put into an account. No check is made: a test may plant what the API would refuse.
///
/// ```
/// use emulator::Role;
///
/// let broken = Role::dts().trust(r#"{"Version":"1","Statement":[]}"#).detach("AliyunDTSRolePolicy").tag("team", "data");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Role {
    name: String,
    trust: String,
    description: String,
    max_session_duration: u32,
    pub(super) policies: Vec<(PolicyType, String)>,
    tags: BTreeMap<String, String>,
    console_login: Option<bool>,
    service_linked: bool,
}

impl Role {
    /// A role that trusts DTS and has no policies.
    pub fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            trust: DTS_TRUST.to_owned(),
            description: String::new(),
            max_session_duration: 3600,
            policies: Vec::new(),
            tags: BTreeMap::new(),
            console_login: None,
            service_linked: false,
        }
    }

    /// The healthy `AliyunDTSDefaultRole`.
    pub fn dts() -> Self {
        Self::named(DTS_ROLE).description(DTS_DESCRIPTION).attach_system(DTS_POLICY)
    }

    /// `ResourceDirectoryAccountAccessRole`: trusts the management account, may do everything.
    pub fn member_access(management_account: &str) -> Self {
        Self::named("ResourceDirectoryAccountAccessRole")
            .trusting_account(management_account)
            .attach_system("AdministratorAccess")
    }

    /// The trust policy document, any text.
    pub fn trust(mut self, document: &str) -> Self {
        document.clone_into(&mut self.trust);
        self
    }

    /// Trusts one service, such as `ecs.aliyuncs.com`.
    pub fn trusting_service(self, service: &str) -> Self {
        self.trust(&DTS_TRUST.replace("dts.aliyuncs.com", service))
    }

    /// Trusts the users and roles of an account.
    pub fn trusting_account(self, account: &str) -> Self {
        let trust = r#"{"Statement":[{"Action":"sts:AssumeRole","Effect":"Allow","Principal":{"RAM":["acs:ram::ACCOUNT:root"]}}],"Version":"1"}"#;
        self.trust(&trust.replace("ACCOUNT", account))
    }

    /// The description.
    pub fn description(mut self, text: &str) -> Self {
        text.clone_into(&mut self.description);
        self
    }

    /// `MaxSessionDuration` in seconds; 3600 by default.
    pub fn max_session_duration(mut self, seconds: u32) -> Self {
        self.max_session_duration = seconds;
        self
    }

    /// Attaches a system policy, known to the catalogue or not.
    pub fn attach_system(mut self, policy: &str) -> Self {
        self.policies.push((PolicyType::System, policy.to_owned()));
        self
    }

    /// Attaches a custom policy, which the account gets if it has none of that name.
    pub fn attach_custom(mut self, policy: &str) -> Self {
        self.policies.push((PolicyType::Custom, policy.to_owned()));
        self
    }

    /// Takes back an attachment, of either type.
    pub fn detach(mut self, policy: &str) -> Self {
        self.policies.retain(|(_, name)| name != policy);
        self
    }

    /// Sets a tag, reserved keys included.
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// `AllowConsoleLogin`; by default replies do not say.
    pub fn console_login(mut self, allowed: bool) -> Self {
        self.console_login = Some(allowed);
        self
    }

    /// A service-linked role, which `DeleteRole` refuses.
    pub fn service_linked(mut self) -> Self {
        self.service_linked = true;
        self
    }

    /// The role as the server keeps it.
    pub(super) fn into_record(self, role_id: String, now: Timestamp) -> RoleRecord {
        RoleRecord {
            role_id,
            name: self.name,
            trust: self.trust,
            description: self.description,
            max_session_duration: self.max_session_duration,
            create_date: now,
            update_date: now,
            console_login: self.console_login,
            service_linked: self.service_linked,
            tags: self.tags,
            policies: self.policies.iter().map(|(kind, name)| Attachment::new(*kind, name, now)).collect(),
        }
    }
}
