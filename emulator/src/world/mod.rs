//! The accounts, roles, policies and keys that there are: seeding with [`World`], and the state behind it.

mod account;
mod catalogue;
mod directory;
mod key;
mod member;
mod organization;
mod policies;
mod rate;
mod record;
mod role;
mod seed;
mod state;

pub use account::AccountSeed;
pub use directory::DirectorySeed;
pub use key::AccessKey;
pub use member::{Member, member_ids};
pub use organization::{JoinMethod, MemberStatus, MemberType};
pub use record::{Attachment, PolicyType, RoleRecord};
pub use role::{DTS_DESCRIPTION, DTS_POLICY, DTS_ROLE, DTS_TRUST, Role};
pub use seed::Seed;
pub use state::WorldState;

pub(crate) use account::Account;
pub(crate) use catalogue::is_system_policy;
pub(crate) use key::{Identity, Key, Limit};
pub(crate) use organization::{Directory, ListBends, MemberRecord, ROOT_FOLDER, Standing};
pub(crate) use policies::Policy;
pub(crate) use record::CustomPolicy;

use rate::RateLimit;

/// The accounts and keys an emulator starts with.
///
/// ```
/// use emulator::{AccessKey, Role, World};
///
/// let world = World::new()
///     .account("1234567890123456", |account| account.role(Role::dts()).custom_policy("TeamExtra"))
///     .key(AccessKey::session("STS.ID", "secret", "token").of_role("1234567890123456", "dts-role-guard-role", "session"));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct World {
    pub(crate) state: WorldState,
}

impl World {
    /// No accounts, no keys.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds an account, or more to an account that is there.
    pub fn account(mut self, id: &str, seed: impl FnOnce(AccountSeed) -> AccountSeed) -> Self {
        self.state.seed_account(id, seed(AccountSeed::default()));
        self
    }

    /// Adds an access key; its account is created if there is none.
    pub fn key(mut self, key: AccessKey) -> Self {
        self.state.seed_key(key);
        self
    }

    /// Adds a resource directory, or more to the one that is there; a world has only one.
    ///
    /// ```
    /// use emulator::{Member, MemberStatus, Role, World};
    ///
    /// let world = World::new().directory("1234567890123456", |directory| {
    ///     directory
    ///         .member(Member::new("2234567890123456").role(Role::dts()))
    ///         .member(Member::new("3234567890123456").status(MemberStatus::PromoteVerifying))
    /// });
    /// ```
    pub fn directory(mut self, management: &str, seed: impl FnOnce(DirectorySeed) -> DirectorySeed) -> Self {
        self.state.seed_directory(management, seed(DirectorySeed::default()));
        self
    }

    /// Refuses more `AssumeRole` calls than this in any one second, by the server's clock, of all users and roles of an
    /// account together; there is no limit by default. The cloud's is 100.
    pub fn assume_role_limit(mut self, calls_per_second: usize) -> Self {
        self.state.assume_role_rate = RateLimit::per_second(calls_per_second);
        self
    }

    /// Adds an account with one of the known shapes of a DTS authorization.
    pub fn seed(self, seed: Seed, account: &str) -> Self {
        self.account(account, |account| seed.plant(account))
    }
}
