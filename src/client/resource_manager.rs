//! Resource Manager 2020-03-31, as far as the guard needs it (source: the vendor's Resource Management API reference).

use serde::Deserialize;

use super::{Api, Error, Request, Session};
use crate::target::AccountId;

/// Whether a member account can be worked in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MemberStatus {
    /// It exists and works. A status that we do not know counts as this: look, do not skip.
    Active,
    /// It does not exist yet or any more; the directory's word for it.
    Absent(String),
}

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
    account: Account,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Account {
    account_id: String,
    status: Option<String>,
}

impl Session {
    /// `GetAccount`: whether an account is a member of the resource directory of the keys' account.
    ///
    /// # Errors
    /// Any [`Error`]; `EntityNotExists.Account` for one that is no member.
    pub async fn get_account(&self, id: &AccountId) -> Result<MemberStatus, Error> {
        let request = Request::read(Api::ResourceManager, "GetAccount").param("AccountId", id);
        let account = self.read::<GetAccountReply>(request).await?.account;
        if account.account_id == id.as_str() {
            return Ok(MemberStatus::of(account.status));
        }
        Err(Error::unreadable("GetAccount", "the reply is about another account"))
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
