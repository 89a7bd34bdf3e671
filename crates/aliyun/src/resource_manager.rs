//! Resource Manager 2020-03-31, as far as the guard needs it (source: the vendor's Resource Management API reference).
#![expect(clippy::missing_errors_doc, reason = "each call may fail with any `Error`; its `Kind` says why")]

use authorization::target::{AccountId, BadAccountId};
use jiff::Timestamp;
use serde::Deserialize;

use super::reply::{self, MOST_PAGES};
use super::{Api, Error, Kind, Request, Session};

/// Whether a member account can be worked in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberStatus {
    /// It exists and works. A status that we do not know counts as this: look, do not skip.
    Active,
    /// It does not exist yet or any more; the directory's word for it.
    Absent(String),
}

/// A member as the directory lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// Its account, or what stands in the place of an id.
    pub account: Result<AccountId, BadAccountId>,
    /// Whether it can be worked in.
    pub status: MemberStatus,
    /// When it became one.
    pub joined: Option<Timestamp>,
    /// Where it stands in the directory.
    pub location: DirectoryLocation,
}

/// Where a member stands in the directory.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DirectoryLocation {
    /// The folder that it is in.
    pub folder: Option<String>,
    /// The ids of the directory, its root and all folders down to that one, with slashes between them.
    pub path: Option<String>,
}

/// One page of the members.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// How many members there are on all pages.
    pub total: usize,
    /// The members of this one.
    pub members: Vec<Member>,
}

/// The most that the directory gives at once.
pub const PAGE_SIZE: usize = 100;

impl MemberStatus {
    fn of(word: Option<String>) -> Self {
        match word {
            Some(word) if word == "Removed" => Self::Absent(word),
            Some(word) if word.starts_with("Create") && word != "CreateSuccess" => Self::Absent(word),
            _ => Self::Active,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetAccountReply {
    account: Listed,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetFolderReply {
    folder: FolderFields,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct FolderFields {
    folder_id: String,
    parent_folder_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ListAccountsReply {
    total_count: usize,
    page_number: Option<usize>,
    #[serde(default, deserialize_with = "reply::or_default")]
    accounts: Accounts,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Accounts {
    #[serde(default, deserialize_with = "reply::or_default")]
    account: Vec<Listed>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    account_id: String,
    status: Option<String>,
    join_time: Option<String>,
    folder_id: Option<String>,
    resource_directory_path: Option<String>,
}

impl From<Listed> for Member {
    fn from(listed: Listed) -> Self {
        Self {
            account: listed.account_id.parse(),
            status: MemberStatus::of(listed.status),
            joined: listed.join_time.and_then(|time| time.parse().ok()),
            location: DirectoryLocation { folder: listed.folder_id, path: listed.resource_directory_path },
        }
    }
}

impl Session {
    /// `ListAccounts`: one page of the members, counted from 1.
    pub async fn list_accounts(&self, page: usize) -> Result<Page, Error> {
        let request = Request::read(Api::ResourceManager, "ListAccounts")
            .param("PageNumber", &page)
            .param("PageSize", &PAGE_SIZE);
        if page > MOST_PAGES {
            let why = format!("the list does not end: {MOST_PAGES} pages were read");
            return Err(self.failed(&request, Kind::NoReply, why));
        }
        let reply: ListAccountsReply = self.read(&request).await?;
        if let Some(other) = reply.page_number.filter(|number| *number != page) {
            return Err(self.failed(&request, Kind::Unrelated, format!("it is page {other}, not page {page}")));
        }
        // What stands in the place of an id is quoted to the reader of the report.
        let quoted = |listed: Listed| Listed { account_id: self.quoted(&listed.account_id), ..listed };
        let members = reply.accounts.account.into_iter().map(quoted).map(Member::from).collect();
        Ok(Page { total: reply.total_count, members })
    }

    /// `GetFolder`: the folder that a folder of the resource directory is in; the root is in none.
    pub async fn get_folder(&self, id: &str) -> Result<Option<String>, Error> {
        let request = Request::read(Api::ResourceManager, "GetFolder").param("FolderId", &id);
        let folder = self.read::<GetFolderReply>(&request).await?.folder;
        if folder.folder_id == id {
            return Ok(folder.parent_folder_id.filter(|parent| !parent.is_empty()));
        }
        let why = format!("it is about folder `{}`", self.quoted(&folder.folder_id));
        Err(self.failed(&request, Kind::Unrelated, why))
    }

    /// `GetAccount`: whether an account is a member of the resource directory of the keys' account, and where in it.
    pub async fn get_account(&self, id: &AccountId) -> Result<(MemberStatus, DirectoryLocation), Error> {
        let request = Request::read(Api::ResourceManager, "GetAccount").param("AccountId", id);
        let account = self.read::<GetAccountReply>(&request).await?.account;
        if account.account_id == id.as_str() {
            let member = Member::from(account);
            return Ok((member.status, member.location));
        }
        let why = format!("it is about account `{}`", self.quoted(&account.account_id));
        Err(self.failed(&request, Kind::Unrelated, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_account_that_exists_is_active() {
        let status = |word: &str| MemberStatus::of(Some(word.to_owned()));
        for active in ["CreateSuccess", "InviteSuccess", "PromoteFailed", "PromoteVerifying", "SomethingNew", ""] {
            assert_eq!(status(active), MemberStatus::Active, "{active}");
        }
        for absent in ["CreateVerifying", "CreateFailed", "CreateExpired", "CreateCancelled", "Removed"] {
            assert_eq!(status(absent), MemberStatus::Absent(absent.to_owned()));
        }
        assert_eq!(MemberStatus::of(None), MemberStatus::Active);
    }
}
