//! What a person, a program or a timer asks for, held against what the settings allow.

use authorization::settings::{Mode, NamedVariants as _, Scope};
use authorization::target::AccountId;
use authorization::text::sanitized;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Allowed, Approved, Decision, Forget, Request, Selector};

/// More accounts than this in one event are rejected.
pub const ACCOUNTS_LIMIT: usize = 100;

/// What an event asks for. An unknown key is a mistake: its writer expects something from it.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RawRequest {
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
    value.map(Some).ok_or_else(|| D::Error::custom("`null` is not a value: give one, or leave the key out"))
}

impl RawRequest {
    /// A JSON object or a word. An empty text asks for what the settings say.
    pub(super) fn read(text: &str) -> Result<Self, String> {
        if text.starts_with('{') {
            let mut reader = serde_json::Deserializer::from_str(text);
            return serde_path_to_error::deserialize(&mut reader).map_err(|error| {
                let path = error.path().to_string();
                let place = if path == "." { "the event".to_owned() } else { format!("`{}`", sanitized(&path)) };
                format!("{place}: {}", sanitized(&error.inner().to_string()))
            });
        }
        if text.is_empty() {
            return Ok(Self::default());
        }
        let unknown = "is not `verify`, `plan`, `remediate`, `doctor` or a JSON object";
        let mode = Mode::named(text).ok_or_else(|| format!("`{}` {unknown}", sanitized(text)))?;
        Ok(Self { mode: Some(mode), ..Self::default() })
    }

    /// The payload of a timer: a text that may be empty or hold JSON.
    pub(super) fn of_timer(payload: Option<&Value>) -> Result<Self, String> {
        let text = match payload {
            None => "",
            Some(Value::String(text)) => text.trim(),
            Some(_) => {
                return Err("`payload` is not a string: a timer's payload is text, also where it holds JSON".to_owned());
            }
        };
        let raw = Self::read(text).map_err(|reason| format!("`payload`: {reason}"))?;
        if raw.plan_id.is_some() {
            return Err("`payload`: a `planId` approves one plan once and cannot stand in a timer".to_owned());
        }
        if raw.clear.is_some() {
            return Err("`payload`: `clear` is for a person who has looked, and cannot stand in a timer".to_owned());
        }
        Ok(raw)
    }

    fn clear(self, what: Forget) -> Result<Decision, String> {
        let Self { mode: None, scope: None, plan_id: None, accounts, .. } = self else {
            return Err("beside `clear` there is `accounts`, and nothing else".to_owned());
        };
        let mut accounts = accounts.unwrap_or_default();
        accounts.dedup();
        match <[AccountId; 1]>::try_from(accounts) {
            Ok([account]) => Ok(Decision::Clear { account, what }),
            Err(_) => Err("`clear` is about exactly one account: name that one in `accounts`".to_owned()),
        }
    }

    fn allow(self, allowed: Allowed) -> Result<Request, String> {
        let approved = match self.plan_id {
            None => Approved::Nothing,
            Some(id) => Approved::Plan(id.parse().map_err(|error| format!("`planId`: {error}"))?),
        };
        let mode = within(self.mode, allowed.mode, "mode")?;
        let mut scope = within(self.scope, allowed.scope, "scope")?;
        let accounts = self.accounts.map(distinct).transpose()?;
        if approved != Approved::Nothing {
            let one = accounts.as_ref().map_or(self.scope != Some(Scope::Organization), |named| named.len() == 1);
            if !one {
                return Err(
                    "a `planId` belongs to exactly one account: name that one in `accounts`, or none".to_owned()
                );
            }
            if !mode.writes() {
                return Err(format!(
                    "a `planId` is carried out in mode `remediate`, and this event is for mode `{mode}`"
                ));
            }
            // Where no account is named, the plan is the own account's.
            if accounts.is_none() {
                scope = Scope::Account;
            }
        }
        Ok(Request { mode, scope, selector: accounts.map_or(Selector::All, Selector::Accounts), approved })
    }
}

pub(super) fn decide(raw: Result<RawRequest, String>, allowed: Allowed) -> Decision {
    let decided = raw.and_then(|raw| match raw.clear {
        Some(what) => raw.clear(what),
        None => raw.allow(allowed).map(Decision::Run),
    });
    decided.unwrap_or_else(Decision::Rejected)
}

fn within<T: Ord + Copy + std::fmt::Display>(asked: Option<T>, allowed: T, what: &str) -> Result<T, String> {
    match asked {
        Some(asked) if asked > allowed => Err(format!(
            "`{what}` `{asked}` is wider than the settings allow (`{allowed}`): an event may only narrow it"
        )),
        asked => Ok(asked.unwrap_or(allowed)),
    }
}

fn distinct(mut accounts: Vec<AccountId>) -> Result<Vec<AccountId>, String> {
    accounts.sort_unstable();
    accounts.dedup();
    if accounts.is_empty() {
        return Err("`accounts` is empty: leave it out for the settings' scope, or name at least one".to_owned());
    }
    too_many(accounts.len()).map_or(Ok(accounts), Err)
}

pub(super) fn too_many(accounts: usize) -> Option<String> {
    let reason = || format!("the event names {accounts} accounts: one event takes at most {ACCOUNTS_LIMIT}");
    (accounts > ACCOUNTS_LIMIT).then(reason)
}

#[cfg(test)]
mod tests {
    use authorization::settings::Mode;

    use super::super::*;

    fn timer(payload: &Value) -> Event {
        let event = json!({"triggerTime": "2025-11-24T02:00:00Z", "triggerName": "nightly", "payload": payload});
        decode(event.to_string().as_bytes(), Allowed { mode: Mode::Remediate, scope: Scope::Account })
    }

    #[test]
    fn three_kinds_of_payload() {
        for (payload, mode) in [("", Mode::Remediate), ("verify", Mode::Verify), (r#"{"mode":"plan"}"#, Mode::Plan)] {
            let event = timer(&json!(payload));
            assert_eq!(event.trigger, Trigger { kind: TriggerKind::Timer, name: Some("nightly".to_owned()) });
            assert_eq!(event.decision, Decision::Run(Request { mode, ..Request::default() }), "{payload}");
        }
    }

    #[test]
    fn a_payload_that_is_no_text_is_rejected() {
        for payload in [json!({"mode": "verify"}), json!(null), json!(1), json!([])] {
            let Decision::Rejected(reason) = timer(&payload).decision else { panic!("{payload}") };
            assert!(reason.contains("`payload`"), "{reason}");
        }
    }
}
