//! A saved report, read again.

use authorization::baseline::DTS_ROLE;
use authorization::text::sanitized;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};
use serde_json::Value;

use super::{Report, SCHEMA, Status, Summary};

/// The text is not a report of this program, and where that shows.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoReport {
    /// It is not JSON.
    #[error("no report of `dts-role-guard`: no valid JSON: {0}")]
    Json(String),
    /// It is JSON of another kind.
    #[error("no report of `dts-role-guard`: at `{path}`: {why}")]
    At {
        /// Where it stopped making sense.
        path: String,
        /// Why.
        why: String,
    },
    /// An invocation that failed before there was a report.
    #[error("this invocation failed before there was a report: {0}")]
    Failed(String),
    /// Its parts contradict each other.
    #[error("no report of `dts-role-guard`: at `summary.{status}`: {count}, but `accounts` has {listed} of them")]
    Count {
        /// The status that is counted wrong.
        status: &'static str,
        /// What the summary says.
        count: usize,
        /// What is listed.
        listed: usize,
    },
}

/// Reads a report as it was saved: the answer of an invocation, also of one that failed.
///
/// # Errors
/// The text is not a report of this program.
pub fn read(text: &str) -> Result<Report, NoReport> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(text).map_err(|error| NoReport::Json(sanitized(&error.to_string())))?;
    let (prefix, value) = match value {
        Value::Object(mut fields) if fields.contains_key("errorMessage") => {
            let Some(report) = fields.shift_remove("report") else {
                let message = fields.get("errorMessage").and_then(Value::as_str).unwrap_or("no message");
                return Err(NoReport::Failed(sanitized(message)));
            };
            ("report.", report)
        }
        value @ Value::Object(_) => ("", value),
        _ => return Err(NoReport::At { path: ".".to_owned(), why: "an object is expected".to_owned() }),
    };
    let report: Report = serde_path_to_error::deserialize(&value).map_err(|error| {
        let why = sanitized(&error.inner().to_string());
        NoReport::At { path: sanitized(&format!("{prefix}{}", error.path())), why }
    })?;
    if let Err(why) = report.started_at.parse::<jiff::Timestamp>() {
        return Err(NoReport::At { path: "startedAt".to_owned(), why: sanitized(&why.to_string()) });
    }
    // A summary may count more than is listed (see `truncated`), never less.
    let listed = Summary::of(&report.accounts).counts();
    for ((status, count), (_, listed)) in report.summary.counts().into_iter().zip(listed) {
        if listed > count {
            return Err(NoReport::Count { status: status.as_str(), count, listed });
        }
    }
    Ok(report)
}

impl Summary {
    /// Each status with its count, most urgent first.
    pub(crate) fn counts(&self) -> [(Status, usize); 9] {
        [
            (Status::Stuck, self.stuck),
            (Status::Failed, self.failed),
            (Status::RolledBack, self.rolled_back),
            (Status::Refused, self.refused),
            (Status::Drifted, self.drifted),
            (Status::Pending, self.pending),
            (Status::Remediated, self.remediated),
            (Status::Authorized, self.authorized),
            (Status::Skipped, self.skipped),
        ]
    }
}

pub(super) fn schema<'de, D: Deserializer<'de>>(deserializer: D) -> Result<&'static str, D::Error> {
    expect(deserializer, SCHEMA)
}

pub(super) fn role_name<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'static str>, D::Error> {
    expect(deserializer, DTS_ROLE).map(Some)
}

fn expect<'de, D: Deserializer<'de>>(deserializer: D, word: &'static str) -> Result<&'static str, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text == word { Ok(word) } else { Err(D::Error::custom(format!("`{}` is none of `{word}`", sanitized(&text)))) }
}
