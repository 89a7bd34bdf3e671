//! The settings: every `DTS_GUARD_*` variable, read once, all mistakes reported together.

mod brake;
mod exceptions;
mod journal;
mod reader;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;

use aliyun::signing;
use aliyun::{Api, Endpoints};
use authorization::settings::{Approval, Mode, Scope, Strategy};
use authorization::target::{AccountId, RoleName};
pub(crate) use brake::{BRAKE_FROM, Brake, BrakeTripped, Ratio};
pub use exceptions::Exceptions;
pub(crate) use journal::JournalPlace;
pub use journal::{lines_file, on_platform};
use reader::Reader;

use crate::event::Allowed;
use crate::journal::{JournalKey, Store};
use crate::members::{BadFolderId, FolderRules};

pub(crate) const MODE: &str = "DTS_GUARD_MODE";
pub(crate) const APPROVAL: &str = "DTS_GUARD_APPROVAL";
pub(crate) const STRATEGY: &str = "DTS_GUARD_STRATEGY";
pub(crate) const SCOPE: &str = "DTS_GUARD_SCOPE";
pub(crate) const MEMBER_ROLE: &str = "DTS_GUARD_MEMBER_ROLE";
pub(crate) const EXCLUDE_ACCOUNTS: &str = "DTS_GUARD_EXCLUDE_ACCOUNTS";
pub(crate) const FOLDERS: &str = "DTS_GUARD_FOLDERS";
pub(crate) const EXCLUDE_FOLDERS: &str = "DTS_GUARD_EXCLUDE_FOLDERS";
pub(crate) const EXCEPTIONS: &str = "DTS_GUARD_EXCEPTIONS";
pub(crate) const BRAKE: &str = "DTS_GUARD_BRAKE";
pub(crate) const CONCURRENCY: &str = "DTS_GUARD_CONCURRENCY";
pub(crate) const RATE: &str = "DTS_GUARD_RATE";
pub(crate) const RAM_ENDPOINT: &str = "DTS_GUARD_RAM_ENDPOINT";
pub(crate) const STS_ENDPOINT: &str = "DTS_GUARD_STS_ENDPOINT";
pub(crate) const RESOURCE_MANAGER_ENDPOINT: &str = "DTS_GUARD_RESOURCE_MANAGER_ENDPOINT";
pub(crate) const SIGNATURE: &str = "DTS_GUARD_SIGNATURE";
pub(crate) const JOURNAL_DIR: &str = "DTS_GUARD_JOURNAL_DIR";
pub(crate) const JOURNAL_KEY: &str = "DTS_GUARD_JOURNAL_KEY";
pub(crate) const NOTIFY: &str = "DTS_GUARD_NOTIFY";
/// What is logged.
pub const LOG: &str = "DTS_GUARD_LOG";

/// The settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The most that the function may do.
    pub(crate) mode: Mode,
    /// Whether a repair needs the `planId` of a plan that was shown.
    pub(crate) approval: Approval,
    pub(crate) strategy: Strategy,
    /// Which accounts a run is about.
    pub scope: Scope,
    pub(crate) member_role: RoleName,
    /// Accounts that are never looked at.
    pub(crate) excluded: BTreeSet<AccountId>,
    pub(crate) folders: FolderRules,
    pub(crate) exceptions: Exceptions,
    pub(crate) brake: Brake,
    /// Accounts in work at once.
    pub(crate) concurrency: usize,
    /// Requests a second to one operation in one account.
    pub(crate) rate: NonZeroU32,
    pub(crate) endpoints: Endpoints,
    pub(crate) signature: signing::Method,
    pub(crate) journal: JournalPlace,
    pub(crate) journal_key: Option<JournalKey>,
    pub(crate) mode_is_set: bool,
    pub(crate) scope_is_set: bool,
}

/// Every mistake in the settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the settings are wrong: {}", .0.join("; "))]
pub struct InvalidSettings(pub Vec<String>);

/// The environment as name and value.
pub type Variables = BTreeMap<String, String>;

/// A variable. An empty one counts as unset.
pub fn value<'a>(variables: &'a Variables, name: &str) -> Option<&'a str> {
    variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
}

impl Config {
    /// Reads the settings.
    ///
    /// # Errors
    /// Every mistake at once: a value out of range, an unknown `DTS_GUARD_*` name.
    pub fn from_variables(variables: &Variables) -> Result<Self, InvalidSettings> {
        let mut read = Reader::new(variables);
        let config = Self {
            mode: read.named(MODE),
            approval: read.named(APPROVAL),
            strategy: read.named(STRATEGY),
            scope: read.named(SCOPE),
            member_role: read.parsed(MEMBER_ROLE, RoleName::directory_access(), str::parse),
            excluded: read.list(EXCLUDE_ACCOUNTS, "account ids with commas between them, each of 5 to 20 digits"),
            folders: FolderRules {
                only: read.list(FOLDERS, BadFolderId),
                excluded: read.list(EXCLUDE_FOLDERS, BadFolderId),
            },
            exceptions: read.parsed(EXCEPTIONS, Exceptions::default(), |path| {
                Exceptions::read(Path::new(path)).map_err(|why| format!("a TOML file that can be read ({why})"))
            }),
            brake: read.parsed(BRAKE, Brake::default(), str::parse),
            concurrency: read.parsed(CONCURRENCY, 8, |text| {
                let count = text.parse().ok().filter(|count| (1..=64).contains(count));
                count.ok_or("a whole number from 1 to 64")
            }),
            rate: read.parsed(RATE, const { NonZeroU32::new(10).unwrap() }, |text| {
                text.parse().map_err(|_| "a whole number of requests a second, from 1")
            }),
            endpoints: Endpoints {
                ram: read.endpoint(Api::Ram, RAM_ENDPOINT, "https://ram.aliyuncs.com"),
                sts: read.endpoint(Api::Sts, STS_ENDPOINT, "https://sts.aliyuncs.com"),
                resource_manager: read.endpoint(
                    Api::ResourceManager,
                    RESOURCE_MANAGER_ENDPOINT,
                    "https://resourcemanager.aliyuncs.com",
                ),
            },
            signature: read.named(SIGNATURE),
            journal: JournalPlace::of(read.value(JOURNAL_DIR), variables),
            journal_key: read.journal_key(),
            mode_is_set: value(variables, MODE).is_some(),
            scope_is_set: value(variables, SCOPE).is_some(),
        };
        read.notify();
        read.log_filter();
        read.finish(config)
    }

    /// The most that an event may ask for.
    pub fn allowed(&self) -> Allowed {
        Allowed { mode: self.mode, scope: self.scope }
    }

    /// Where the journal's files live, if they live anywhere.
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
        read(pairs).unwrap_err().0
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
        assert!(
            found
                .iter()
                .any(|text| text.contains("unknown setting `DTS_GUARD_MODUS`; the settings are DTS_GUARD_MODE, ")),
            "{found:?}"
        );
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
