//! The resource directory: seeding it, and what a person may do to it meanwhile.

use super::account::AccountSeed;
use super::member::Member;
use super::organization::{
    Directory, FOLDER, FolderRecord, JoinMethod, ListBends, MemberStatus, MemberType, ROOT_FOLDER,
};
use super::role::Role;
use super::state::WorldState;

/// What a test puts into the directory; see [`World::directory`](crate::World::directory).
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct DirectorySeed {
    members: Vec<Member>,
    delegated: Vec<String>,
    lists_management: bool,
    folders: Vec<(String, String)>,
    bends: ListBends,
}

impl DirectorySeed {
    /// Adds a member.
    pub fn member(mut self, member: Member) -> Self {
        self.members.push(member);
        self
    }

    /// Adds many members, each made from its place in the list, from 0.
    ///
    /// ```
    /// use emulator::{DirectorySeed, Seed, World, member_ids};
    ///
    /// let one_in_ten_is_broken = |index: usize| if index % 10 == 0 { Seed::Trust } else { Seed::Healthy };
    /// let world = World::new().directory("1234567890123456", |directory| {
    ///     directory.members(member_ids(1000), |index, member| member.seed(one_in_ten_is_broken(index)))
    /// });
    /// ```
    pub fn members(
        mut self,
        ids: impl IntoIterator<Item = String>,
        mut make: impl FnMut(usize, Member) -> Member,
    ) -> Self {
        self.members.extend(ids.into_iter().enumerate().map(|(index, id)| make(index, Member::new(&id))));
        self
    }

    /// Lets a member list the others.
    pub fn delegated_administrator(mut self, id: &str) -> Self {
        self.delegated.push(id.to_owned());
        self
    }

    /// Lets `ListAccounts` and `GetAccount` tell the management account like a member; by default they do not.
    ///
    /// The vendor does not say which is true.
    pub fn list_management_account(mut self) -> Self {
        self.lists_management = true;
        self
    }

    /// Adds a folder below another one, or below the root `r-000001`. One is there: `fd-000000001`, below the root.
    pub fn folder(mut self, id: &str, parent: &str) -> Self {
        self.folders.push((id.to_owned(), parent.to_owned()));
        self
    }

    /// Lets no reply have a `ResourceDirectoryPath`.
    pub fn without_paths(mut self) -> Self {
        self.bends.without_paths = true;
        self
    }

    /// Lets `ListAccounts` give no more than so many members a page, whatever was asked for.
    pub fn page_cap(mut self, members: usize) -> Self {
        self.bends.page_cap = Some(members.max(1));
        self
    }

    /// Lets `ListAccounts` say that there are so many members, whatever there are.
    pub fn claims_total(mut self, members: usize) -> Self {
        self.bends.total = Some(members);
        self
    }

    /// Lets `ListAccounts` give the first page again after the last one.
    pub fn pages_start_again(mut self) -> Self {
        self.bends.starts_again = true;
        self
    }
}

impl WorldState {
    /// Adds a member and what it has to its account, or does so to one that is there. `false` if there is no directory.
    pub fn put_member(&mut self, member: Member) -> bool {
        let Some(directory) = &mut self.directory else {
            return false;
        };
        let access = member.has_access_role().then(|| Role::member_access(&directory.management));
        let account = access.into_iter().fold(member.account, AccountSeed::role);
        directory.members.insert(member.id.clone(), member.record);
        if !account.is_empty() {
            self.seed_account(&member.id, account);
        }
        true
    }

    /// Takes a member out of the directory; its account stays as it is.
    pub fn remove_member(&mut self, id: &str) -> bool {
        self.directory.as_mut().is_some_and(|directory| directory.members.remove(id).is_some())
    }

    /// Sets the status of a member; its account stays as it is.
    pub fn set_member_status(&mut self, id: &str, status: MemberStatus) -> bool {
        let member = self.directory.as_mut().and_then(|directory| directory.members.get_mut(id));
        member.map(|member| member.status = status).is_some()
    }

    /// Creates the role that lets the management account into an account. `false` if there is no directory.
    pub fn give_access_role(&mut self, account: &str) -> bool {
        let role = self.directory.as_ref().map(|directory| Role::member_access(&directory.management));
        role.map(|role| self.put_role(account, role)).is_some()
    }

    pub(crate) fn directory(&self) -> Option<&Directory> {
        self.directory.as_ref()
    }

    pub(super) fn seed_directory(&mut self, management: &str, seed: DirectorySeed) {
        let directory = self.directory.get_or_insert_default();
        management.clone_into(&mut directory.management);
        directory.delegated.extend(seed.delegated);
        directory.bends = seed.bends;
        let first = (FOLDER.to_owned(), ROOT_FOLDER.to_owned());
        for (id, parent) in std::iter::once(first).chain(seed.folders) {
            directory.folders.insert(id.clone(), FolderRecord { name: id, parent });
        }
        for member in seed.members {
            self.put_member(member);
        }
        if seed.lists_management {
            self.put_member(management_as_member(management));
        }
    }
}

fn management_as_member(id: &str) -> Member {
    let member = Member::new(id).name("management").without_access_role();
    member.status(MemberStatus::InviteSuccess).member_type(MemberType::CloudAccount).join_method(JoinMethod::Invited)
}
