//! Reads each setting once, and collects what is wrong.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::str::FromStr;

use aliyun::{Api, Endpoint};
use authorization::settings::NamedVariants;
use authorization::text::sanitized;

use super::{InvalidSettings, JOURNAL_KEY, LOG, NOTIFY, Variables, value};
use crate::journal::JournalKey;
use crate::notify::hooks;

pub(super) struct Reader<'a> {
    variables: &'a Variables,
    /// All settings: each is read, whether or not it is set.
    names: Vec<&'static str>,
    mistakes: Vec<String>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(variables: &'a Variables) -> Self {
        Self { variables, names: Vec::new(), mistakes: Vec::new() }
    }

    pub(super) fn value(&mut self, name: &'static str) -> Option<&'a str> {
        self.names.push(name);
        value(self.variables, name)
    }

    fn mistake(&mut self, name: &str, value: &str, right: impl Display) {
        self.mistakes.push(format!("`{name}` is `{}`: it takes {right}", sanitized(value)));
    }

    /// `parse` fails with what would be right.
    pub(super) fn parsed<T, E: Display>(
        &mut self,
        name: &'static str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> T {
        let Some(value) = self.value(name) else { return default };
        parse(value).unwrap_or_else(|right| {
            self.mistake(name, value, right);
            default
        })
    }

    pub(super) fn named<T: NamedVariants + Default>(&mut self, name: &'static str) -> T {
        self.parsed(name, T::default(), |text| {
            let known = || T::ALL.iter().map(|(name, _)| format!("`{name}`")).collect::<Vec<_>>().join(" or ");
            T::named(text).ok_or_else(known)
        })
    }

    /// An item that cannot be read is a mistake: skipping it would leave an account unprotected, or repair those outside of
    /// a folder.
    pub(super) fn list<T: FromStr + Ord>(&mut self, name: &'static str, right: impl Display + Copy) -> BTreeSet<T> {
        let items = self.value(name).into_iter().flat_map(|value| value.split(',')).map(str::trim);
        items.filter_map(|item| item.parse().map_err(|_| self.mistake(name, item, right)).ok()).collect()
    }

    pub(super) fn endpoint(&mut self, api: Api, name: &'static str, default: &str) -> Endpoint {
        let value = self.value(name).unwrap_or(default);
        Endpoint::parse(api, value).unwrap_or_else(|bad| {
            self.mistake(name, &bad.shown, &bad);
            Endpoint::nowhere()
        })
    }

    /// The value is not shown: a secret that is too short is still a secret.
    pub(super) fn journal_key(&mut self) -> Option<JournalKey> {
        let key = JournalKey::new(self.value(JOURNAL_KEY)?.to_owned());
        key.map_err(|short| self.mistakes.push(format!("`{JOURNAL_KEY}` is too short: it takes {short}"))).ok()
    }

    /// The URLs are used apart from the other settings, since a mistake in those is sent to them too. A URL is a secret.
    pub(super) fn notify(&mut self) {
        let Some(value) = self.value(NOTIFY) else { return };
        for (place, mistake) in hooks(value).1 {
            let ending = ["st", "nd", "rd"].get(place.wrapping_sub(1)).unwrap_or(&"th");
            self.mistakes.push(format!("the {place}{ending} URL of `{NOTIFY}` is {mistake}"));
        }
    }

    pub(super) fn log_filter(&mut self) {
        let Some(value) = self.value(LOG) else { return };
        if let Err(error) = value.parse::<tracing_subscriber::EnvFilter>() {
            let right = "a tracing filter such as `info` or `aliyun=debug`; the crates are `dts_role_guard`, `aliyun` and \
                         `fc_runtime`";
            self.mistake(LOG, value, format_args!("{right} ({error})"));
        }
    }

    /// The result, if there is no mistake and every variable with our prefix was read.
    pub(super) fn finish<T>(self, config: T) -> Result<T, InvalidSettings> {
        let Self { variables, names, mistakes } = self;
        let set = variables.iter().filter(|(name, value)| name.starts_with("DTS_GUARD_") && !value.is_empty());
        let unknown = set.filter(|(name, _)| !names.contains(&name.as_str()));
        let unknown = unknown
            .map(|(name, _)| format!("unknown setting `{}`; the settings are {}", sanitized(name), names.join(", ")));
        let mistakes: Vec<_> = unknown.chain(mistakes).collect();
        if mistakes.is_empty() { Ok(config) } else { Err(InvalidSettings(mistakes)) }
    }
}
