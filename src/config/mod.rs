//! The settings: every `DTS_GUARD_*` variable, read once, all mistakes reported together.

mod brake;
mod exceptions;
mod journal;
mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use aliyun::signing;
use aliyun::{Api, Endpoints};
use authorization::target::{AccountId, RoleName};
pub(crate) use brake::{BRAKE_FROM, BrakeTripped, Ratio};
pub use brake::{BadBrake, Brake};
pub use exceptions::{Exception, Exceptions};
pub use journal::{JournalPlace, lines_file, on_platform};

use reader::{Reader, unknown_names};

use crate::event::Allowed;
use crate::journal::{Bounded, Key, Store};
use crate::members::FolderRules;
use authorization::settings::{Approval, Mode, Scope, Strategy};

/// The most that the function may do.
pub const MODE: &str = "DTS_GUARD_MODE";
/// Whether a repair needs the `planId` of a plan that was shown.
pub const APPROVAL: &str = "DTS_GUARD_APPROVAL";
/// How a role that exists is repaired.
pub const STRATEGY: &str = "DTS_GUARD_STRATEGY";
/// Which accounts a run is about.
pub const SCOPE: &str = "DTS_GUARD_SCOPE";
/// The role that is assumed in a member account.
pub const MEMBER_ROLE: &str = "DTS_GUARD_MEMBER_ROLE";
/// Accounts that are never looked at.
pub const EXCLUDE_ACCOUNTS: &str = "DTS_GUARD_EXCLUDE_ACCOUNTS";
/// Only members in or below these folders of the resource directory.
pub const FOLDERS: &str = "DTS_GUARD_FOLDERS";
/// No members in or below these folders.
pub const EXCLUDE_FOLDERS: &str = "DTS_GUARD_EXCLUDE_FOLDERS";
/// The file of the accounts that are left alone for a time.
pub const EXCEPTIONS: &str = "DTS_GUARD_EXCEPTIONS";
/// The share of broken accounts above which nothing is written.
pub const BRAKE: &str = "DTS_GUARD_BRAKE";
/// Accounts in work at once.
pub const CONCURRENCY: &str = "DTS_GUARD_CONCURRENCY";
/// Requests a second to one operation in one account.
pub const RATE: &str = "DTS_GUARD_RATE";
/// Where RAM is.
pub const RAM_ENDPOINT: &str = "DTS_GUARD_RAM_ENDPOINT";
/// Where STS is.
pub const STS_ENDPOINT: &str = "DTS_GUARD_STS_ENDPOINT";
/// Where Resource Manager is.
pub const RESOURCE_MANAGER_ENDPOINT: &str = "DTS_GUARD_RESOURCE_MANAGER_ENDPOINT";
/// How requests are signed.
pub const SIGNATURE: &str = "DTS_GUARD_SIGNATURE";
/// The folder of the write-ahead journal.
pub const JOURNAL_DIR: &str = "DTS_GUARD_JOURNAL_DIR";
/// The secret that authenticates the journal's records.
pub const JOURNAL_KEY: &str = "DTS_GUARD_JOURNAL_KEY";
/// Who is told of a run, and where.
pub const NOTIFY: &str = "DTS_GUARD_NOTIFY";
/// What is logged.
pub const LOG: &str = "DTS_GUARD_LOG";

const KNOWN: [&str; 20] = [
    MODE,
    APPROVAL,
    STRATEGY,
    SCOPE,
    MEMBER_ROLE,
    EXCLUDE_ACCOUNTS,
    FOLDERS,
    EXCLUDE_FOLDERS,
    EXCEPTIONS,
    BRAKE,
    CONCURRENCY,
    RATE,
    RAM_ENDPOINT,
    STS_ENDPOINT,
    RESOURCE_MANAGER_ENDPOINT,
    SIGNATURE,
    JOURNAL_DIR,
    JOURNAL_KEY,
    NOTIFY,
    LOG,
];

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The most that the function may do.
    pub mode: Mode,
    /// Whether a repair needs a person's word.
    pub approval: Approval,
    /// How a role that exists is repaired.
    pub strategy: Strategy,
    /// Which accounts a run is about.
    pub scope: Scope,
    /// The role that is assumed in a member account.
    pub member_role: RoleName,
    /// Accounts that are never looked at.
    pub excluded: BTreeSet<AccountId>,
    /// The folders that a run over an organization is about.
    pub folders: FolderRules,
    /// Accounts that are left alone for a time.
    pub exceptions: Exceptions,
    /// When so much is broken that nothing is written.
    pub brake: Brake,
    /// Accounts in work at once.
    pub concurrency: usize,
    /// Requests a second to one operation in one account.
    pub rate: NonZeroU32,
    /// Where the APIs are.
    pub endpoints: Endpoints,
    /// How requests are signed.
    pub signature: signing::Method,
    /// Where the write-ahead journal lives.
    pub journal: JournalPlace,
    /// What the journal's records are signed with.
    pub journal_key: Option<Key>,
    /// Whether [`MODE`] was set at all.
    pub mode_is_set: bool,
    /// Whether [`SCOPE`] was set at all.
    pub scope_is_set: bool,
}

/// One mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake(String);

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Everything that is wrong with the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidSettings(pub Vec<Mistake>);

impl fmt::Display for InvalidSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        write!(f, "the settings are wrong: {}", list.join("; "))
    }
}

impl std::error::Error for InvalidSettings {}

/// The environment as name and value.
pub type Variables = BTreeMap<String, String>;

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// Every mistake at once: a value out of range, an unknown `DTS_GUARD_*` name.
    pub fn from_variables(variables: &Variables) -> Result<Self, InvalidSettings> {
        let mut read = Reader { variables, mistakes: unknown_names(variables) };
        let config = Self {
            mode: read.word(MODE),
            approval: read.word(APPROVAL),
            strategy: read.word(STRATEGY),
            scope: read.word(SCOPE),
            member_role: read.member_role(),
            excluded: read.excluded(),
            folders: FolderRules { only: read.folders(FOLDERS), excluded: read.folders(EXCLUDE_FOLDERS) },
            exceptions: read.exceptions(),
            brake: read.brake(),
            concurrency: read.concurrency(),
            rate: read.rate(),
            endpoints: Endpoints {
                ram: read.endpoint(Api::Ram, RAM_ENDPOINT, "https://ram.aliyuncs.com"),
                sts: read.endpoint(Api::Sts, STS_ENDPOINT, "https://sts.aliyuncs.com"),
                resource_manager: read.endpoint(
                    Api::ResourceManager,
                    RESOURCE_MANAGER_ENDPOINT,
                    "https://resourcemanager.aliyuncs.com",
                ),
            },
            signature: read.word(SIGNATURE),
            journal: JournalPlace::of(variables),
            journal_key: read.journal_key(),
            mode_is_set: read.value(MODE).is_some(),
            scope_is_set: read.value(SCOPE).is_some(),
        };
        read.notify();
        read.log_filter();
        if read.mistakes.is_empty() { Ok(config) } else { Err(InvalidSettings(read.mistakes)) }
    }

    /// The most that an event may ask for.
    #[must_use]
    pub fn allowed(&self) -> Allowed {
        Allowed { mode: self.mode, scope: self.scope }
    }

    /// One run's way to the journal's files, if it has any.
    #[must_use]
    pub fn journal_store(&self) -> Option<Arc<dyn Store>> {
        Some(Arc::new(Bounded::new(self.journal_folder()?)))
    }

    /// The same for who sets the bounds himself.
    #[must_use]
    pub(crate) fn journal_folder(&self) -> Option<Arc<dyn Store>> {
        Some(Arc::new(self.journal.folder()?.signing(self.journal_key.clone())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Config, InvalidSettings> {
        let owned = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Config::from_variables(&owned.collect())
    }

    fn mistakes(pairs: &[(&str, &str)]) -> Vec<String> {
        read(pairs).unwrap_err().0.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn without_settings_the_guard_only_looks() {
        let config = read(&[]).unwrap();
        assert_eq!((config.mode, config.strategy, config.rate.get()), (Mode::Verify, Strategy::Recreate, 10));
        assert_eq!(config.endpoints.of(Api::Ram).url().as_str(), "https://ram.aliyuncs.com/");
        assert_eq!(config.endpoints.of(Api::Sts).host(), "sts.aliyuncs.com");
    }

    #[test]
    fn an_empty_value_counts_as_unset() {
        assert_eq!(read(&[(MODE, ""), (RATE, ""), (BRAKE, "")]), read(&[]));
    }

    #[test]
    fn all_mistakes_are_reported_together() {
        let found = mistakes(&[(MODE, "repair"), (RATE, "0"), ("DTS_GUARD_MODUS", "x"), (LOG, "=[")]);
        assert_eq!(found.len(), 4, "{found:?}");
        assert!(found.iter().any(|text| text.contains("`DTS_GUARD_MODUS` is no setting")), "{found:?}");
        assert!(found.iter().any(|text| text.contains("`verify` or `plan` or `remediate`")), "{found:?}");
    }

    #[test]
    fn a_wrong_url_for_notices_is_a_mistake_and_not_shown() {
        let found = mistakes(&[(NOTIFY, "https://a.example/x, http://a.example/hunter2 hunter2")]);
        assert!(found[0].contains("the 2nd URL of `DTS_GUARD_NOTIFY`") && !found[0].contains("hunter2"), "{found:?}");
        assert!(read(&[(NOTIFY, "https://a.example/x")]).is_ok());
    }

    #[test]
    fn accounts_of_an_organization_are_entered_by_the_directorys_role_and_some_never() {
        let config =
            read(&[(SCOPE, "organization"), (EXCLUDE_ACCOUNTS, "2234567890123456, 3234567890123456")]).unwrap();
        assert_eq!(config.allowed(), Allowed { mode: Mode::Verify, scope: Scope::Organization });
        assert_eq!(config.member_role.as_str(), "ResourceDirectoryAccountAccessRole");
        assert_eq!(config.excluded.len(), 2);
        assert_eq!(config.endpoints.of(Api::ResourceManager).host(), "resourcemanager.aliyuncs.com");
    }

    #[test]
    fn an_organization_has_a_brake_and_a_bound_on_what_runs_at_once() {
        let config = read(&[]).unwrap();
        assert_eq!((config.brake, config.concurrency), (Brake::Above(20), 8));
        let config = read(&[(BRAKE, "off"), (CONCURRENCY, "64")]).unwrap();
        assert_eq!((config.brake, config.concurrency), (Brake::Off, 64));
        for (name, value) in
            [(BRAKE, "all"), (CONCURRENCY, "0"), (CONCURRENCY, "65"), (EXCEPTIONS, "/no/such/file.toml")]
        {
            assert!(mistakes(&[(name, value)])[0].contains(name), "{name} {value}");
        }
    }

    #[test]
    fn a_key_that_is_too_short_is_a_mistake_and_not_shown() {
        let found = mistakes(&[(JOURNAL_KEY, "hunter2hunter2!")]);
        assert!(found[0].contains("at least 16 characters") && !found[0].contains("hunter2"), "{found:?}");
        let config = read(&[(JOURNAL_KEY, "hunter2hunter2!!")]).unwrap();
        assert!(config.journal_key.is_some() && !format!("{config:?}").contains("hunter2"));
    }

    #[test]
    fn an_account_that_cannot_be_read_is_not_left_unprotected() {
        let found = mistakes(&[(EXCLUDE_ACCOUNTS, "2234567890123456,,me"), (MEMBER_ROLE, "acs:ram::1:role/x")]);
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn folders_that_cannot_be_read_are_mistakes() {
        let config = read(&[(FOLDERS, "fd-000000001, r-000001"), (EXCLUDE_FOLDERS, "fd-2")]).unwrap();
        assert_eq!((config.folders.only.len(), config.folders.excluded.len()), (2, 1));
        let found = mistakes(&[(FOLDERS, "fd-1,,Production"), (EXCLUDE_FOLDERS, "2234567890123456")]);
        assert_eq!(found.len(), 3, "{found:?}");
    }

    #[test]
    fn an_endpoint_must_not_leak_the_token() {
        for good in [
            "https://ram.aliyuncs.com",
            "https://ram-vpc.cn-hangzhou.aliyuncs.com",
            "http://127.0.0.1:8080",
            "http://[::1]:1",
            "http://localhost:9",
        ] {
            assert!(read(&[(RAM_ENDPOINT, good)]).is_ok(), "{good}");
        }
        for bad in [
            "http://ram.aliyuncs.com",
            "https://evil.example",
            "https://evilaliyuncs.com",
            "https://aliyuncs.com.evil.example",
            "https://user:pw@ram.aliyuncs.com",
            "https://ram.aliyuncs.com/path",
            "https://ram.aliyuncs.com?x=1",
            "file:///etc",
            "ram.aliyuncs.com",
            "http://10.0.0.1",
        ] {
            assert!(mistakes(&[(STS_ENDPOINT, bad)])[0].contains("aliyuncs.com"), "{bad}");
        }
    }

    #[test]
    fn the_host_carries_a_port_that_is_not_the_default() {
        let config = read(&[(RAM_ENDPOINT, "http://127.0.0.1:18080")]).unwrap();
        assert_eq!(config.endpoints.of(Api::Ram).host(), "127.0.0.1:18080");
    }
}
