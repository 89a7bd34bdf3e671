//! How a test describes a member of the resource directory.

use std::collections::BTreeMap;

use super::account::AccountSeed;
use super::organization::{FOLDER, JoinMethod, MemberRecord, MemberStatus, MemberType};
use super::role::Role;
use super::seed::Seed;

/// A member to put into the directory, with its account. No check is made.
///
/// Unless told otherwise it was created, and has the role `ResourceDirectoryAccountAccessRole` that lets the management
/// account in; a member whose status says that there is no account (such as `CreateVerifying`) has not.
///
/// ```
/// use emulator::{Member, MemberStatus, Role};
///
/// let legacy = Member::new("3234567890123456").name("legacy").status(MemberStatus::InviteSuccess).role(Role::dts());
/// let locked = Member::new("4234567890123456").without_access_role();
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Member {
    pub(super) id: String,
    pub(super) record: MemberRecord,
    pub(super) account: AccountSeed,
    has_access_role: bool,
}

impl Member {
    /// A resource account that was created in the directory, and has no role but that of the management account.
    pub fn new(id: &str) -> Self {
        let record = MemberRecord {
            name: format!("member-{id}"),
            status: MemberStatus::CreateSuccess,
            member_type: MemberType::ResourceAccount,
            join_method: JoinMethod::Created,
            joined: "2025-03-01T02:15:40Z".to_owned(),
            tags: BTreeMap::new(),
            folder: FOLDER.to_owned(),
        };
        Self { id: id.to_owned(), record, account: AccountSeed::default(), has_access_role: true }
    }

    /// The display name.
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.record.name);
        self
    }

    /// The status; an invited or upgraded member also becomes a cloud account.
    pub fn status(mut self, status: MemberStatus) -> Self {
        self.record.status = status;
        match status {
            MemberStatus::InviteSuccess => self.member_type(MemberType::CloudAccount).join_method(JoinMethod::Invited),
            MemberStatus::PromoteSuccess => self.member_type(MemberType::CloudAccount),
            _ => self,
        }
    }

    /// The type.
    pub fn member_type(mut self, member_type: MemberType) -> Self {
        self.record.member_type = member_type;
        self
    }

    /// How it joined.
    pub fn join_method(mut self, join_method: JoinMethod) -> Self {
        self.record.join_method = join_method;
        self
    }

    /// When it joined, as the directory writes it; a day in 2025 unless told.
    pub fn joined(mut self, time: &str) -> Self {
        time.clone_into(&mut self.record.joined);
        self
    }

    /// The folder that it is in; `fd-000000001` unless told. `r-000001` is the root.
    pub fn in_folder(mut self, id: &str) -> Self {
        id.clone_into(&mut self.record.folder);
        self
    }

    /// Sets a tag of the member itself.
    pub fn tag(mut self, key: &str, value: &str) -> Self {
        self.record.tags.insert(key.to_owned(), value.to_owned());
        self
    }

    /// Adds a role to its account.
    pub fn role(self, role: Role) -> Self {
        self.account(|account| account.role(role))
    }

    /// Gives its account one of the known shapes of a DTS authorization.
    pub fn seed(self, seed: Seed) -> Self {
        self.account(|account| seed.plant(account))
    }

    /// Adds to its account.
    pub fn account(mut self, seed: impl FnOnce(AccountSeed) -> AccountSeed) -> Self {
        self.account = seed(self.account);
        self
    }

    /// A member that the management account cannot enter, for now: see
    /// [`WorldState::give_access_role`](crate::WorldState::give_access_role).
    pub fn without_access_role(mut self) -> Self {
        self.has_access_role = false;
        self
    }

    /// See [`AccountSeed::suspended`].
    pub fn suspended(self) -> Self {
        self.account(AccountSeed::suspended)
    }

    pub(super) fn has_access_role(&self) -> bool {
        self.has_access_role && self.record.status.is_member()
    }
}

/// Ids for so many members, in order: `2000000000000001` and so on.
pub fn member_ids(count: usize) -> impl Iterator<Item = String> {
    (1..=count).map(|number| format!("2{number:015}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_brings_its_type_and_join_method() {
        let of = |status| Member::new("1").status(status).record;
        let seen = |status| (of(status).member_type, of(status).join_method);
        assert_eq!(seen(MemberStatus::CreateSuccess), (MemberType::ResourceAccount, JoinMethod::Created));
        assert_eq!(seen(MemberStatus::PromoteVerifying), (MemberType::ResourceAccount, JoinMethod::Created));
        assert_eq!(seen(MemberStatus::PromoteSuccess), (MemberType::CloudAccount, JoinMethod::Created));
        assert_eq!(seen(MemberStatus::InviteSuccess), (MemberType::CloudAccount, JoinMethod::Invited));
    }

    #[test]
    fn ids_have_16_digits() {
        let ids: Vec<String> = member_ids(10_000).collect();
        assert_eq!((ids[0].as_str(), ids[9_999].as_str()), ("2000000000000001", "2000000000010000"));
    }
}
