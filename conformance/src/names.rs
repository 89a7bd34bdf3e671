//! The names of one run, and the fence around them: no write leaves that names anything else.

use authorization::baseline::DTS_ROLE;
use authorization::plan::PRIVILEGED_POLICIES;
use serde_json::{Value, json};

use crate::Stop;
use crate::cloud::Ask;

/// What every name of every run begins with, so that a person finds what a killed run has left.
pub const PREFIX: &str = "dts-role-guard-conformance-";

/// The names of what a run makes. Nobody else's can be the same: 64 random bits stand in each.
#[derive(Debug, Clone)]
pub struct Names {
    run: String,
}

impl Names {
    /// Names that were never used before.
    #[must_use]
    pub fn random() -> Self {
        let random = aliyun::clock::unique().replace('-', "");
        Self::of_run(random.get(..16).unwrap_or(&random))
    }

    /// Names that a test knows beforehand.
    #[must_use]
    pub fn of_run(run: &str) -> Self {
        Self { run: run.to_owned() }
    }

    /// The role that all is tried on. It trusts `dts.aliyuncs.com` alone.
    #[must_use]
    pub fn role(&self) -> String {
        format!("{PREFIX}{}-1", self.run)
    }

    /// The role whose session may little. Only the caller may assume it.
    #[must_use]
    pub fn session_role(&self) -> String {
        format!("{PREFIX}{}-2", self.run)
    }

    /// A role that is never made.
    #[must_use]
    pub fn missing_role(&self) -> String {
        format!("{PREFIX}{}-0", self.run)
    }

    /// The custom policy of [`Self::session_role`].
    #[must_use]
    pub fn policy(&self) -> String {
        format!("{PREFIX}{}-p", self.run)
    }

    /// A custom policy that is never made.
    #[must_use]
    pub fn missing_policy(&self) -> String {
        format!("{PREFIX}{}-0", self.run)
    }

    fn is_role(&self, name: &str) -> bool {
        let own = [self.role(), self.session_role(), self.missing_role()];
        // A name in other letters may be the same to the cloud. It is ours all the same.
        own.iter().any(|own| own.eq_ignore_ascii_case(name)) && !name.eq_ignore_ascii_case(DTS_ROLE)
    }

    /// Whether a call may leave: reads may, and writes to what has a name of this run.
    ///
    /// INVARIANT: every write goes through here. One that is not known below does not leave.
    pub(crate) fn fence(&self, ask: &Ask) -> Result<(), Stop> {
        let param = |name: &str| ask.param(name).unwrap_or_default();
        let is_ours = match ask.operation {
            "AssumeRole" => param("RoleArn").rsplit_once(":role/").is_some_and(|(_, name)| self.is_role(name)),
            _ if !ask.writes() => true,
            "CreateRole" | "UpdateRole" | "DeleteRole" | "DetachPolicyFromRole" => self.is_role(param("RoleName")),
            "AttachPolicyToRole" => {
                self.is_role(param("RoleName")) && !PRIVILEGED_POLICIES.contains(&param("PolicyName"))
            }
            "TagResources" => param("ResourceType") == "role" && self.is_one_role(param("ResourceNames")),
            "CreatePolicy" | "DeletePolicy" => param("PolicyName") == self.policy(),
            _ => false,
        };
        let what = [param("RoleName"), param("ResourceNames"), param("PolicyName"), param("RoleArn")].join(" ");
        if is_ours { Ok(()) } else { Err(Stop::Fence(format!("`{}` on `{}`", ask.operation, what.trim()))) }
    }

    fn is_one_role(&self, names: &str) -> bool {
        match serde_json::from_str::<Vec<String>>(names).as_deref() {
            Ok([name]) => self.is_role(name),
            _ => false,
        }
    }
}

/// The names of a tag call: JSON text, as the vendor's clients send it.
pub(crate) fn one_name(name: &str) -> Value {
    json!([name])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_have_no_name_in_common() {
        let (one, other) = (Names::random(), Names::random());
        assert_ne!(one.role(), other.role());
        assert!(one.role().len() <= 64 && one.role().starts_with(PREFIX), "{}", one.role());
    }

    #[test]
    fn nothing_is_written_to_what_has_another_name() {
        let names = Names::of_run("0123456789abcdef");
        let own = names.role();
        let policy = |role: &str, policy: &str| Ask::policy("AttachPolicyToRole", role, "System", policy);
        for ask in [
            Ask::role("CreateRole", &own),
            Ask::role("DeleteRole", &own.to_uppercase()),
            Ask::tag(&names.session_role(), &json!([])),
            policy(&own, "AliyunDTSRolePolicy"),
            Ask::ram("DeletePolicy").with("PolicyName", names.policy()),
            Ask::role("GetRole", DTS_ROLE),
        ] {
            assert!(names.fence(&ask).is_ok(), "{ask:?}");
        }
        for ask in [
            Ask::role("CreateRole", DTS_ROLE),
            Ask::role("DeleteRole", DTS_ROLE),
            Ask::role("DeleteRole", &DTS_ROLE.to_lowercase()),
            Ask::role("UpdateRole", "dts-role-guard-conformance-fedcba9876543210-1"),
            Ask::role("DeleteRole", &format!("{own}x")),
            Ask::ram("DeleteRole"),
            Ask::tag(DTS_ROLE, &json!([])),
            Ask::ram("TagResources").with("ResourceType", "role").with("ResourceNames", json!([own, DTS_ROLE])),
            Ask::ram("TagResources").with("ResourceType", "policy").with("ResourceNames", json!([own])),
            policy(DTS_ROLE, "AliyunDTSRolePolicy"),
            policy(&own, "AdministratorAccess"),
            Ask::ram("DeletePolicy").with("PolicyName", "TeamExtra"),
            Ask::sts("AssumeRole").with("RoleArn", format!("acs:ram::1:role/{DTS_ROLE}")),
            Ask::ram("DeleteUser").with("RoleName", &own),
        ] {
            assert!(names.fence(&ask).is_err(), "{ask:?}");
        }
    }
}
