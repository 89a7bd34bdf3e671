//! The known shapes of a DTS authorization, whole and broken.

use super::account::AccountSeed;
use super::role::{DTS_POLICY, Role};

/// One shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Seed {
    /// Trusts DTS, has its policy.
    Healthy,
    /// There is no role.
    Missing,
    /// Trusts another service.
    Trust,
    /// The policy is detached.
    Policy,
    /// Trusts another service, and has extra policies, tags and settings to lose.
    Extras,
    /// Trusts a wildcard of services, which the vendor does not explain.
    Unreadable,
    /// Trusts another service, and has an administrator's policy.
    Privileged,
}

impl Seed {
    pub(crate) fn plant(self, account: AccountSeed) -> AccountSeed {
        match self {
            Self::Healthy => account.role(Role::dts()),
            Self::Missing => account,
            Self::Trust => account.role(Role::dts().trusting_service("ecs.aliyuncs.com")),
            Self::Policy => account.role(Role::dts().detach(DTS_POLICY)),
            Self::Extras => account.custom_policy("TeamExtra").role(extras()),
            Self::Unreadable => account.role(Role::dts().trusting_service("*.aliyuncs.com")),
            Self::Privileged => {
                account.role(Role::dts().trusting_service("ecs.aliyuncs.com").attach_system("AdministratorAccess"))
            }
        }
    }
}

fn extras() -> Role {
    let role = Role::dts().trusting_service("ecs.aliyuncs.com").max_session_duration(7200);
    role.attach_system("AliyunOSSReadOnlyAccess").attach_custom("TeamExtra").tag("team", "data").tag("empty", "")
}
