//! What was sent, for a day: a small file in the journal folder. Without one, every run sends.

use std::collections::BTreeMap;
use std::io::ErrorKind;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::hook::Hook;
use super::notice::{Item, Notice};
use crate::journal::RunStore;

const NAME: &str = "notified.json";
const SCHEMA: &str = "dts-role-guard/notified/v1";

/// Some fifty thousand accounts.
const SIZE_LIMIT: usize = 4 * 1024 * 1024;

const DAY: i64 = 24 * 60 * 60;

/// By hook and account: the state, and the second in which it was sent.
type States = BTreeMap<String, BTreeMap<String, (String, i64)>>;

/// What was sent, as it stands in the file.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SentNotices {
    schema: String,
    told: States,
    #[serde(skip)]
    is_changed: bool,
}

impl SentNotices {
    fn none() -> Self {
        Self { schema: SCHEMA.to_owned(), told: States::new(), is_changed: false }
    }

    /// A file that cannot be read costs a message too many, no more.
    pub(super) async fn read(store: Option<&RunStore>) -> Self {
        let Some(store) = store else { return Self::none() };
        match store.read_file(NAME, SIZE_LIMIT).await {
            Ok(bytes) => Self::parse(&bytes).unwrap_or_else(|| Self::unknown("its file cannot be read")),
            Err(error) if error.kind() == ErrorKind::NotFound => Self::none(),
            Err(error) => Self::unknown(&error.to_string()),
        }
    }

    pub(super) fn unknown(why: &str) -> Self {
        tracing::warn!(why, "what was told before is not known: it may be told again");
        Self::none()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let sent: Self = serde_json::from_slice(bytes).ok()?;
        (sent.schema == SCHEMA).then_some(sent)
    }

    /// What this hook does not know yet, or always gets.
    pub(super) fn unknown_to<'a>(&self, hook: &Hook, notice: &'a Notice, now: Timestamp) -> Vec<&'a Item> {
        let known = self.told.get(&hook.id());
        let is_known = |item: &Item| {
            let told = known.and_then(|states| states.get(&item.key));
            told.is_some_and(|(state, at)| *state == item.state && is_recent(*at, now))
        };
        notice.items.iter().filter(|item| item.always || !is_known(item)).collect()
    }

    pub(super) fn remember(&mut self, hook: &Hook, items: &[&Item], now: Timestamp) {
        let states = self.told.entry(hook.id()).or_default();
        states.extend(items.iter().map(|item| (item.key.clone(), (item.state.clone(), now.as_second()))));
        self.is_changed = true;
    }

    /// Keeps it, but for what is too old to matter. Whether that succeeded.
    pub(super) async fn keep(mut self, store: Option<&RunStore>, now: Timestamp) -> bool {
        let Some(store) = store.filter(|_| self.is_changed) else { return true };
        self.told.values_mut().for_each(|states| states.retain(|_, (_, at)| is_recent(*at, now)));
        self.told.retain(|_, states| !states.is_empty());
        let Ok(bytes) = serde_json::to_vec(&self) else { return false };
        store.keep_file(NAME, Some(bytes)).await.is_ok()
    }
}

/// A time that lies ahead is none: a clock that was wrong must not silence anybody.
fn is_recent(at: i64, now: Timestamp) -> bool {
    (0..DAY).contains(&now.as_second().saturating_sub(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notify::hook::hooks;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_764_126_942 + second).unwrap()
    }

    #[test]
    fn the_same_state_is_told_again_after_a_day_and_to_whoever_did_not_get_it() {
        let hooks = hooks("https://a.example/x,https://b.example/x").0;
        let [one, other] = [&hooks[0], &hooks[1]];
        let (notice, changed) = (Notice::of_abort("1", "Denied", "a"), Notice::of_abort("2", "Denied", "b"));
        let mut told = SentNotices::none();
        assert_eq!(told.unknown_to(one, &notice, at(0)).len(), 1);
        told.remember(one, &told.unknown_to(one, &notice, at(0)), at(0));
        assert_eq!(told.unknown_to(one, &notice, at(DAY - 1)).len(), 0);
        assert_eq!(told.unknown_to(other, &notice, at(1)).len(), 1, "another hook");
        assert_eq!(told.unknown_to(one, &changed, at(1)).len(), 1, "another state");
        assert_eq!(told.unknown_to(one, &notice, at(DAY)).len(), 1, "a day later");
        assert_eq!(told.unknown_to(one, &notice, at(-1)).len(), 1, "a clock that was wrong");
    }

    #[test]
    fn a_file_of_others_is_none() {
        for text in
            ["", "{", "[]", r#"{"schema":"x","told":{}}"#, r#"{"schema":"dts-role-guard/notified/v1","told":{"a":1}}"#]
        {
            assert!(SentNotices::parse(text.as_bytes()).is_none(), "{text}");
        }
    }
}
