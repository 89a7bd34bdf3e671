//! What replies leave open, and lists that come in pages. A list that does not end as it should is an error, never a shorter
//! list: what it leaves out would be taken for absent, and lost.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// `null` and absent mean the same. Goes with `#[serde(default)]`.
pub(super) fn or_default<'de, D: Deserializer<'de>, T: Deserialize<'de> + Default>(reader: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(reader)?.unwrap_or_default())
}

/// A text of an error. One of another shape must not hide the code beside it.
pub(super) fn text<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(reader)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    })
}

/// More pages than this are a cloud that repeats itself.
pub(super) const MOST_PAGES: usize = 1000;
/// No role has more of anything than this: a reply may be large, and a thousand of them must not fill the memory.
const MOST_ITEMS: usize = 20_000;

/// How far a list has been read.
#[derive(Default)]
pub(super) struct Pages {
    seen: HashSet<String>,
    /// The marker of the page to ask for; none for the first.
    pub(super) next: Option<String>,
    items: usize,
}

impl Pages {
    /// Whether there is a page after one that was read.
    pub(super) fn go_on(
        &mut self,
        items: usize,
        truncated: Option<bool>,
        marker: Option<String>,
    ) -> Result<bool, String> {
        self.items += items;
        let next = match (truncated, marker.filter(|marker| !marker.is_empty())) {
            (Some(false), _) | (None, None) => return Ok(false),
            (Some(true), None) => return Err("a part of a list that does not say where the rest is".to_owned()),
            (_, Some(marker)) => marker,
        };
        if self.items > MOST_ITEMS || self.seen.len() + 1 >= MOST_PAGES {
            return Err(format!("the list does not end: {} pages, {} items", self.seen.len() + 1, self.items));
        }
        if !self.seen.insert(next.clone()) {
            return Err(format!("the list repeats itself after {} pages", self.seen.len()));
        }
        self.next = Some(next);
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_ends_where_it_says_so() {
        for (truncated, marker, more) in [
            (None, None, false),
            (None, Some(String::new()), false),
            (Some(false), None, false),
            (Some(false), Some("a".to_owned()), false),
            (None, Some("a".to_owned()), true),
            (Some(true), Some("a".to_owned()), true),
        ] {
            assert_eq!(Pages::default().go_on(1, truncated, marker.clone()), Ok(more), "{truncated:?} {marker:?}");
        }
    }

    #[test]
    fn a_list_that_does_not_end_is_an_error() {
        assert!(Pages::default().go_on(1, Some(true), None).is_err());
        let mut repeats = Pages::default();
        assert_eq!(repeats.go_on(1, None, Some("a".to_owned())), Ok(true));
        assert!(repeats.go_on(1, None, Some("a".to_owned())).is_err());
        let mut endless = Pages::default();
        let ends = (1..=2 * MOST_PAGES).find(|page| endless.go_on(1, None, Some(page.to_string())).is_err());
        assert_eq!(ends, Some(MOST_PAGES));
        assert!(Pages::default().go_on(MOST_ITEMS + 1, None, Some("a".to_owned())).is_err());
    }
}
