//! What a person or a program types: a word or a JSON object.

use authorization::settings::{Mode, Scope};
use authorization::target::AccountId;
use authorization::text::sanitized;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::{Forget, Wish};

/// The keys of a manual event. An unknown one is a mistake: who wrote it expects something from it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Manual {
    #[serde(default, deserialize_with = "given")]
    mode: Option<Mode>,
    #[serde(default, deserialize_with = "given")]
    scope: Option<Scope>,
    #[serde(default, deserialize_with = "given")]
    accounts: Option<Vec<AccountId>>,
    #[serde(default, deserialize_with = "given")]
    plan_id: Option<String>,
    #[serde(default, deserialize_with = "given")]
    clear: Option<Forget>,
}

/// A script whose query found nothing sends `null`. It means less than everything, so it must not mean everything.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(value: D) -> Result<Option<T>, D::Error> {
    let value = Option::deserialize(value)?;
    value.map(Some).ok_or_else(|| D::Error::custom("`null` is no value: give one, or leave the key out"))
}

/// Reads a word; none means the settings.
pub(super) fn word(text: &str) -> Result<Wish, String> {
    if text.is_empty() {
        return Ok(Wish::default());
    }
    let mode = text.parse().map_err(|()| {
        format!("`{}` is none of `verify`, `plan`, `remediate`, `doctor`, and no JSON object either", sanitized(text))
    })?;
    Ok(Wish { mode: Some(mode), ..Wish::default() })
}

/// Reads a JSON object.
pub(super) fn json(text: &str) -> Result<Wish, String> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let manual: Manual = serde_path_to_error::deserialize(&mut reader).map_err(|error| explain(&error))?;
    let plan_id = manual.plan_id.map(|id| id.parse().map_err(|error| format!("`planId`: {error}"))).transpose()?;
    Ok(Wish { mode: manual.mode, scope: manual.scope, accounts: manual.accounts, plan_id, clear: manual.clear })
}

fn explain(error: &serde_path_to_error::Error<serde_json::Error>) -> String {
    let path = error.path().to_string();
    let place = if path == "." { "the event".to_owned() } else { format!("`{}`", sanitized(&path)) };
    format!("{place}: {}", sanitized(&error.inner().to_string()))
}
