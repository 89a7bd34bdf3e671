//! The known shapes of a DTS authorization, whole and broken.

use super::{AccountSeed, DTS_POLICY, Role};

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
}

impl Seed {
    pub(crate) fn plant(self, account: AccountSeed) -> AccountSeed {
        match self {
            Self::Healthy => account.role(Role::dts()),
            Self::Missing => account,
            Self::Trust => account.role(Role::dts().trusting_service("ecs.aliyuncs.com")),
            Self::Policy => account.role(Role::dts().detach(DTS_POLICY)),
            Self::Extras => account.custom_policy("TeamExtra").role(extras()),
        }
    }
}

fn extras() -> Role {
    let role = Role::dts().trusting_service("ecs.aliyuncs.com").max_session_duration(7200);
    role.attach_system("AliyunOSSReadOnlyAccess").attach_custom("TeamExtra").tag("team", "data").tag("empty", "")
}
