//! Reads each setting, and collects what is wrong.

use super::{
    BRAKE, BadBrake, Brake, CONCURRENCY, EXCEPTIONS, EXCLUDE_ACCOUNTS, Exceptions, JOURNAL_KEY, KNOWN, LOG,
    MEMBER_ROLE, Mistake, NOTIFY, RATE, Variables,
};
use crate::journal::Key;
use crate::members::{BadFolderId, FolderId};
use crate::notify::hooks;
use aliyun::{Api, Endpoint};
use authorization::settings::NamedVariants;
use authorization::target::{AccountId, BadRoleName, RoleName};
use authorization::text::sanitized;
use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::path::Path;

pub(super) fn unknown_names(variables: &Variables) -> Vec<Mistake> {
    let set = variables.iter().filter(|(name, value)| name.starts_with("DTS_GUARD_") && !value.is_empty());
    set.filter(|(name, _)| !KNOWN.contains(&name.as_str())).map(|(name, _)| unknown(name)).collect()
}

fn unknown(name: &str) -> Mistake {
    Mistake(format!("`{}` is no setting; there are {}", sanitized(name), KNOWN.join(", ")))
}

pub(super) struct Reader<'a> {
    pub(super) variables: &'a Variables,
    pub(super) mistakes: Vec<Mistake>,
}

impl Reader<'_> {
    /// An empty value counts as unset.
    pub(super) fn value(&self, name: &str) -> Option<String> {
        self.variables.get(name).filter(|value| !value.is_empty()).cloned()
    }

    pub(super) fn mistake(&mut self, name: &str, value: &str, right: &str) {
        self.mistakes.push(Mistake(format!("`{name}` is `{}`: it takes {right}", sanitized(value))));
    }

    pub(super) fn word<T: NamedVariants + Default>(&mut self, name: &str) -> T {
        let Some(value) = self.value(name) else { return T::default() };
        let found = T::ALL.iter().find(|(word, _)| *word == value);
        if let Some((_, word)) = found {
            return *word;
        }
        let words: Vec<_> = T::ALL.iter().map(|(word, _)| format!("`{word}`")).collect();
        self.mistake(name, &value, &words.join(" or "));
        T::default()
    }

    pub(super) fn member_role(&mut self) -> RoleName {
        let Some(value) = self.value(MEMBER_ROLE) else { return RoleName::directory_access() };
        value.parse().unwrap_or_else(|BadRoleName| {
            self.mistake(MEMBER_ROLE, &value, &BadRoleName.to_string());
            RoleName::directory_access()
        })
    }

    pub(super) fn excluded(&mut self) -> BTreeSet<AccountId> {
        let Some(value) = self.value(EXCLUDE_ACCOUNTS) else { return BTreeSet::new() };
        value.split(',').map(str::trim).filter_map(|id| self.excluded_account(id)).collect()
    }

    /// One that cannot be read must not be left unprotected.
    pub(super) fn excluded_account(&mut self, id: &str) -> Option<AccountId> {
        let account = id.parse().ok();
        if account.is_none() {
            self.mistake(EXCLUDE_ACCOUNTS, id, "account ids with commas between them, each of 5 to 20 digits");
        }
        account
    }

    /// A member of one that cannot be read must not be left unprotected, nor all that are outside of it be repaired.
    pub(super) fn folders(&mut self, name: &str) -> BTreeSet<FolderId> {
        let Some(value) = self.value(name) else { return BTreeSet::new() };
        let mut folder = |id: &str| {
            let folder = id.parse().ok();
            if folder.is_none() {
                self.mistake(name, id, &BadFolderId.to_string());
            }
            folder
        };
        value.split(',').map(str::trim).filter_map(&mut folder).collect()
    }

    pub(super) fn exceptions(&mut self) -> Exceptions {
        let Some(value) = self.value(EXCEPTIONS) else { return Exceptions::default() };
        Exceptions::read(Path::new(&value)).unwrap_or_else(|why| {
            self.mistake(EXCEPTIONS, &value, &format!("a TOML file that can be read ({why})"));
            Exceptions::default()
        })
    }

    pub(super) fn brake(&mut self) -> Brake {
        let Some(value) = self.value(BRAKE) else { return Brake::default() };
        value.parse().unwrap_or_else(|BadBrake| {
            self.mistake(BRAKE, &value, &BadBrake.to_string());
            Brake::default()
        })
    }

    pub(super) fn concurrency(&mut self) -> usize {
        const DEFAULT: usize = 8;
        let Some(value) = self.value(CONCURRENCY) else { return DEFAULT };
        value.parse().ok().filter(|count| (1..=64).contains(count)).unwrap_or_else(|| {
            self.mistake(CONCURRENCY, &value, "a whole number from 1 to 64");
            DEFAULT
        })
    }

    pub(super) fn rate(&mut self) -> NonZeroU32 {
        const DEFAULT: NonZeroU32 = NonZeroU32::new(10).unwrap();
        let Some(value) = self.value(RATE) else { return DEFAULT };
        value.parse().unwrap_or_else(|_| {
            self.mistake(RATE, &value, "a whole number of requests a second, from 1");
            DEFAULT
        })
    }

    /// The value is not shown: a short secret is one, too.
    pub(super) fn journal_key(&mut self) -> Option<Key> {
        let value = self.value(JOURNAL_KEY)?;
        let key = Key::new(value);
        if let Err(short) = &key {
            self.mistakes.push(Mistake(format!("`{JOURNAL_KEY}` is too short: it takes {short}")));
        }
        key.ok()
    }

    /// Who is told is known apart from the other settings, since a mistake in them is told too. A URL is a secret.
    pub(super) fn notify(&mut self) {
        let Some(value) = self.value(NOTIFY) else { return };
        for (place, mistake) in hooks(&value).1 {
            let ending = ["st", "nd", "rd"].get(place.wrapping_sub(1)).unwrap_or(&"th");
            self.mistakes.push(Mistake(format!("the {place}{ending} URL of `{NOTIFY}` is {mistake}")));
        }
    }

    pub(super) fn log_filter(&mut self) {
        let Some(value) = self.value(LOG) else { return };
        if let Err(error) = value.parse::<tracing_subscriber::EnvFilter>() {
            let right = format!(
                "a tracing filter such as `info` or `aliyun=debug`; the crates are `dts_role_guard`, `aliyun` and \
                 `fc_runtime` ({error})"
            );
            self.mistake(LOG, &value, &right);
        }
    }

    pub(super) fn endpoint(&mut self, api: Api, name: &str, default: &str) -> Endpoint {
        let value = self.value(name).unwrap_or_else(|| default.to_owned());
        Endpoint::parse(api, &value).unwrap_or_else(|bad| {
            self.mistake(name, &bad.shown, &bad.to_string());
            Endpoint::nowhere()
        })
    }
}
