//! Work in a member account: whether it may be entered, and how.
//!
//! An event can name any account. Only the resource directory decides whether the guard works there: `GetAccount` comes
//! first, then `AssumeRole` with the function's own keys, narrowed to what the mode needs.

mod assume;
mod folders;

pub use assume::{AccessDenied, Denied, Entry, SESSION_PREFIX, assume_member_role};
pub use folders::{BadFolderId, FolderId, FolderRules, Folders, Standing};

use aliyun::{DirectoryLocation, Error, Kind, MemberStatus, Session};
use authorization::target::AccountId;

/// What an account is to the directory.
#[derive(Debug)]
pub enum Membership {
    /// An active member, and where it stands in the directory.
    Active(DirectoryLocation),
    /// A member that does not exist yet or any more; the directory's word for it.
    Absent(String),
    /// No member of our directory.
    Stranger,
    /// It could not be found out.
    Unknown(Error),
}

/// What a person can do about a directory that does not answer.
pub fn advice(error: &Error) -> Option<String> {
    let no_directory = error.is("EntityNotExists.ResourceDirectory") || error.is("ResourceDirectoryNotInUse");
    if no_directory {
        let mend = "deploy the guard in the directory's management account, or in a delegated administrator's";
        return Some(format!("the own account has no resource directory: {mend}"));
    }
    let lacks = || {
        let operation = error.operation;
        format!(
            "the guard's own role lacks `resourcemanager:{operation}`, or its account is neither the directory's management \
             account nor a delegated administrator's"
        )
    };
    (error.kind == Kind::Denied).then(lacks)
}

/// Asks the resource directory about an account.
pub async fn membership(session: &Session, account: &AccountId) -> Membership {
    match session.get_account(account).await {
        Ok((MemberStatus::Active, location)) => Membership::Active(location),
        Ok((MemberStatus::Absent(status), _)) => Membership::Absent(status),
        Err(error) if error.is("EntityNotExists.Account") => Membership::Stranger,
        Err(error) => Membership::Unknown(error),
    }
}
