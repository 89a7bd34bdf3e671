//! Accounts that are left alone for a time: a TOML file, so that each has a reason and an end.
//!
//! ```toml
//! [[exception]]
//! account = "1234567890123456"
//! reason = "DTS moves to another role here"
//! expires = 2026-12-31
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use authorization::target::AccountId;
use authorization::text::sanitized;
use authorization::verify::{Finding, FindingId};
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Deserializer};
use serde_json::json;

use crate::journal::disk;

/// The accounts that are left alone, and until when.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exceptions(BTreeMap<AccountId, Exception>);

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exception {
    account: AccountId,
    #[serde(deserialize_with = "not_blank")]
    reason: String,
    expires: Expiry,
}

/// The first moment at which an exception no longer holds, and how the file says it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Expiry {
    at: Timestamp,
    written: String,
}

/// Some five thousand exceptions.
const SIZE_LIMIT: usize = 1024 * 1024;

impl Exceptions {
    /// Reads a file.
    ///
    /// # Errors
    /// What is wrong, and where. An exception that cannot be read must not leave an account unprotected.
    pub fn read(path: &Path) -> Result<Self, String> {
        let bytes = disk::read_through(path, SIZE_LIMIT).map_err(|error| error.to_string())?;
        let text = String::from_utf8(bytes).map_err(|_| "it is not UTF-8 text".to_owned())?;
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, String> {
        // Whatever the tables are called: a slip of the pen there must not leave an account unprotected.
        let tables: BTreeMap<String, Vec<Exception>> = toml::from_str(text).map_err(|error| explain(&error, text))?;
        let mut exceptions = BTreeMap::new();
        for exception in tables.into_values().flatten() {
            let account = exception.account.clone();
            if exceptions.insert(account.clone(), exception).is_some() {
                return Err(format!("account `{account}` is listed twice"));
            }
        }
        Ok(Self(exceptions))
    }

    pub(crate) fn accounts(&self) -> impl Iterator<Item = &AccountId> {
        self.0.keys()
    }

    pub(crate) fn of(&self, account: &AccountId) -> Option<&Exception> {
        self.0.get(account)
    }
}

impl Exception {
    pub(crate) fn holds(&self, now: Timestamp) -> bool {
        now < self.expires.at
    }

    pub(crate) fn text(&self) -> String {
        let (until, reason) = (&self.expires.written, sanitized(&self.reason));
        format!("left alone until {until} by the file of `DTS_GUARD_EXCEPTIONS`: {reason}")
    }

    pub(crate) fn expired(&self) -> Finding {
        let (expires, reason) = (&self.expires.written, sanitized(&self.reason));
        let message = format!("its exception expired on {expires} and no longer protects it ({reason}): take it out");
        Finding::new(FindingId::ExceptionExpired, message, json!({"expires": expires, "reason": reason}))
    }
}

fn explain(error: &toml::de::Error, text: &str) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map_or(1, |before| before.matches('\n').count() + 1);
    let what = sanitized(error.message().trim());
    format!("line {line}: {what}; each `[[exception]]` takes `account`, `reason` and `expires`")
}

fn not_blank<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.trim().is_empty() { Err(serde::de::Error::custom("the reason is empty")) } else { Ok(text) }
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = match toml::Value::deserialize(deserializer)? {
            toml::Value::Datetime(time) => time.to_string(),
            toml::Value::String(text) => text,
            other => other.type_str().to_owned(),
        };
        let at = moment(&written).ok_or_else(|| {
            let shown = sanitized(&written);
            serde::de::Error::custom(format!("`{shown}` is not a date such as 2026-12-31, or a time with a zone"))
        })?;
        Ok(Self { at, written })
    }
}

/// A day counts to its end, in UTC.
fn moment(text: &str) -> Option<Timestamp> {
    if let Ok(time) = text.parse() {
        return Some(time);
    }
    let is_a_day_alone = text.len() == "2026-12-31".len();
    let day: Date = text.parse().ok().filter(|_| is_a_day_alone)?;
    TimeZone::UTC.to_timestamp(day.checked_add(1.day()).ok()?.into()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "[[exception]]\naccount = \"1234567890123456\"\nreason = \"moving\"\nexpires = ";

    fn with_expiry(expires: &str) -> Result<Exceptions, String> {
        Exceptions::parse(&format!("{ONE}{expires}\n"))
    }

    fn holds(expires: &str, now: &str) -> bool {
        let exceptions = with_expiry(expires).unwrap();
        exceptions.of(&"1234567890123456".parse().unwrap()).unwrap().holds(now.parse().unwrap())
    }

    #[test]
    fn a_day_protects_to_its_end_and_a_time_to_the_second() {
        for day in ["2026-12-31", "\"2026-12-31\""] {
            assert!(holds(day, "2026-12-31T23:59:59Z"), "{day}");
            assert!(!holds(day, "2027-01-01T00:00:00Z"), "{day}");
        }
        assert!(holds("2026-12-31T12:00:00+08:00", "2026-12-31T03:59:59Z"));
        assert!(!holds("2026-12-31T12:00:00+08:00", "2026-12-31T04:00:00Z"));
    }

    #[test]
    fn a_slip_in_the_name_of_the_tables_leaves_no_account_unprotected() {
        let slip = Exceptions::parse(&format!("{ONE}2026-12-31\n").replace("[[exception]]", "[[exeption]]"));
        assert_eq!(slip, with_expiry("2026-12-31"));
    }

    #[test]
    fn a_file_without_exceptions_is_one() {
        assert_eq!(Exceptions::parse("# none\n").unwrap(), Exceptions::default());
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        let account = "[[exception]]\naccount = \"1234567890123456\"\n";
        for (text, line, word) in [
            ("[[exception]]\naccount = 12\n".to_owned(), 2, "string"),
            (format!("{account}reason = \" \"\nexpires = 2026-12-31\n"), 3, "reason is empty"),
            (format!("{account}reason = \"x\"\n"), 1, "expires"),
            (format!("{ONE}2026-12-31\nuntil = 1\n"), 5, "until"),
            (format!("{ONE}2026-12-31T12:00:00\n"), 4, "not a date"),
            (format!("{ONE}soon\n"), 4, ""),
            (format!("{ONE}\"2026-02-30\"\n"), 4, "not a date"),
            (format!("{ONE}7\n"), 4, "not a date"),
            ("[[exempt]]\n".to_owned(), 1, "account"),
            ("exception = 1\n".to_owned(), 1, "sequence"),
        ] {
            let why = Exceptions::parse(&text).unwrap_err();
            assert!(why.starts_with(&format!("line {line}: ")) && why.contains(word), "{text}: {why}");
        }
        assert!(Exceptions::parse(&format!("{ONE}2026-12-31\n{ONE}2027-01-01\n")).unwrap_err().contains("twice"));
    }
}
