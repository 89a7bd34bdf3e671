//! A resource directory and its members, as the server keeps them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The folder that holds all others.
pub(crate) const ROOT_FOLDER: &str = "r-000001";
/// Where a member is unless told otherwise.
pub(super) const FOLDER: &str = "fd-000000001";

/// `Status` of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberStatus {
    /// Created.
    CreateSuccess,
    /// Created, once somebody confirms it.
    CreateVerifying,
    /// Could not be created.
    CreateFailed,
    /// Nobody confirmed the creation.
    CreateExpired,
    /// Somebody took the creation back.
    CreateCancelled,
    /// To be upgraded to a cloud account, once somebody confirms it.
    PromoteVerifying,
    /// Could not be upgraded.
    PromoteFailed,
    /// Nobody confirmed the upgrade.
    PromoteExpired,
    /// Somebody took the upgrade back.
    PromoteCancelled,
    /// Upgraded.
    PromoteSuccess,
    /// Accepted an invitation.
    InviteSuccess,
    /// Taken out of the directory.
    Removed,
}

impl MemberStatus {
    /// Every status there is.
    pub const ALL: [Self; 12] = [
        Self::CreateSuccess,
        Self::CreateVerifying,
        Self::CreateFailed,
        Self::CreateExpired,
        Self::CreateCancelled,
        Self::PromoteVerifying,
        Self::PromoteFailed,
        Self::PromoteExpired,
        Self::PromoteCancelled,
        Self::PromoteSuccess,
        Self::InviteSuccess,
        Self::Removed,
    ];

    /// Whether there is an account, and it belongs to the directory.
    #[must_use]
    pub fn is_member(self) -> bool {
        match self {
            Self::CreateSuccess
            | Self::PromoteVerifying
            | Self::PromoteFailed
            | Self::PromoteExpired
            | Self::PromoteCancelled
            | Self::PromoteSuccess
            | Self::InviteSuccess => true,
            Self::CreateVerifying
            | Self::CreateFailed
            | Self::CreateExpired
            | Self::CreateCancelled
            | Self::Removed => false,
        }
    }
}

impl fmt::Display for MemberStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// `Type` of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemberType {
    /// Has no root user.
    ResourceAccount,
    /// Has one.
    CloudAccount,
}

impl fmt::Display for MemberType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// `JoinMethod` of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinMethod {
    /// Created in the directory.
    Created,
    /// Invited to it.
    Invited,
}

impl fmt::Display for JoinMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Invited => "invited",
        })
    }
}

/// A member; its roles are those of the account of the same id.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct MemberRecord {
    pub(crate) name: String,
    pub(crate) status: MemberStatus,
    pub(crate) member_type: MemberType,
    pub(crate) join_method: JoinMethod,
    pub(crate) joined: String,
    pub(crate) tags: BTreeMap<String, String>,
    pub(crate) folder: String,
}

/// A folder of the directory.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct FolderRecord {
    pub(crate) name: String,
    pub(crate) parent: String,
}

/// The directory; its members are kept under their account id.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Directory {
    pub(crate) management: String,
    pub(crate) delegated: BTreeSet<String>,
    pub(crate) members: BTreeMap<String, MemberRecord>,
    /// By id; the root is none of them.
    pub(crate) folders: BTreeMap<String, FolderRecord>,
    pub(crate) bends: ListBends,
}

/// How `ListAccounts` departs from what the vendor documents.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ListBends {
    /// A page has no more members than this, whatever was asked for.
    pub(crate) page_cap: Option<usize>,
    /// `TotalCount`, whatever there are.
    pub(crate) total: Option<usize>,
    /// After the last page comes the first one again.
    pub(crate) starts_again: bool,
    /// No reply has a `ResourceDirectoryPath`.
    pub(crate) without_paths: bool,
}

/// What an account is to a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Standing {
    Management,
    DelegatedAdministrator,
    Member,
    Outsider,
}

impl Directory {
    pub(crate) fn standing(&self, account: &str) -> Standing {
        if account == self.management {
            return Standing::Management;
        }
        let is_member = self.members.get(account).is_some_and(|member| member.status.is_member());
        match (is_member, self.delegated.contains(account)) {
            (true, true) => Standing::DelegatedAdministrator,
            (true, false) => Standing::Member,
            (false, _) => Standing::Outsider,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{JoinMethod, MemberStatus};

    #[test]
    fn every_status_once_under_its_own_name() {
        let names = MemberStatus::ALL.map(|status| status.to_string());
        let distinct: std::collections::BTreeSet<&String> = names.iter().collect();
        assert_eq!(distinct.len(), 12);
        assert_eq!((names[0].as_str(), names[11].as_str()), ("CreateSuccess", "Removed"));
    }

    #[test]
    fn only_the_join_method_is_in_lower_case() {
        assert_eq!([JoinMethod::Created, JoinMethod::Invited].map(|method| method.to_string()), ["created", "invited"]);
    }
}
