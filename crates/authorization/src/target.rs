//! Accounts, roles and policies as types that cannot hold nonsense.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};

/// What an event asks us to look at: one role of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The account of the role.
    pub account: AccountId,
    /// The role.
    pub role: RoleName,
}

/// An Alibaba Cloud account id: digits only.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct AccountId(String);

/// The text is not an account id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an account id: expected 5 to 20 digits, as in `1234567890123456`")]
pub struct BadAccountId(String);

impl AccountId {
    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for AccountId {
    type Err = BadAccountId;

    fn from_str(text: &str) -> Result<Self, BadAccountId> {
        let digits = (5..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if digits { Ok(Self(text.to_owned())) } else { Err(BadAccountId(crate::text::sanitized(text))) }
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A role's name as RAM takes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct RoleName(Cow<'static, str>);

/// The text is not a role name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a role's name: 1 to 64 letters, digits, `.` and `-`")]
pub struct BadRoleName;

impl RoleName {
    /// A name that the program knows.
    pub(crate) const fn constant(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }

    /// Whether a text names this role. Names differ in case between the vendor's own replies, and mean the same role.
    pub fn is(&self, name: &str) -> bool {
        self.0.eq_ignore_ascii_case(name)
    }

    /// The role that the resource directory creates in each member; it trusts the management account.
    pub fn directory_access() -> Self {
        Self::constant("ResourceDirectoryAccountAccessRole")
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its ARN in an account.
    pub fn arn_in(&self, account: &AccountId) -> String {
        format!("acs:ram::{account}:role/{self}")
    }
}

impl FromStr for RoleName {
    type Err = BadRoleName;

    fn from_str(text: &str) -> Result<Self, BadRoleName> {
        let is_letter = |letter: char| letter.is_ascii_alphanumeric() || letter == '.' || letter == '-';
        let fits = (1..=64).contains(&text.len()) && text.chars().all(is_letter);
        fits.then(|| Self(Cow::Owned(text.to_owned()))).ok_or(BadRoleName)
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a policy belongs to the vendor or to the account. A custom policy may carry a system policy's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PolicyType {
    /// Kept by the vendor.
    System,
    /// Kept by the account.
    Custom,
}

impl PolicyType {
    /// The API's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::System => "System",
            Self::Custom => "Custom",
        }
    }
}

/// A policy as the attach and detach calls name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyRef {
    /// System or custom.
    #[serde(rename = "type")]
    pub kind: PolicyType,
    /// The policy's name.
    pub name: String,
}

impl PolicyRef {
    /// A system policy.
    pub fn system(name: &str) -> Self {
        Self { kind: PolicyType::System, name: name.to_owned() }
    }
}

impl fmt::Display for PolicyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_id_is_digits() {
        assert!("1234567890123456".parse::<AccountId>().is_ok());
        for bad in ["", "1234", "12345678901234567890123", "12345678x", "１２３４５６", " 12345"] {
            assert!(bad.parse::<AccountId>().is_err(), "{bad}");
        }
    }
}
