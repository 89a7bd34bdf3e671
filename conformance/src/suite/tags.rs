//! The role is tagged.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Suite;
use crate::Stop;
use crate::cloud::{Answer, Ask, tags};

/// So many fit into one call.
const MOST: usize = 20;
/// Pages of this size: the last one is not full.
const PAGE_SIZE: usize = 7;
/// More pages than this are a list without an end.
const MOST_PAGES: usize = 10;

pub(super) async fn run(suite: &Suite) -> Result<(), Stop> {
    let (book, name) = (&suite.book, suite.cloud.names.role());
    let keys: Vec<_> = (1..=MOST + 1).map(|number| format!("conformance-{number:02}")).collect();
    // The last one is empty.
    let pair = |number: usize| {
        let key = keys.get(number).map_or("", String::as_str);
        (key, if number + 1 == MOST { "" } else { "数据 a+b=c" })
    };
    let all = Ask::tag(&name, &tags((0..MOST).map(pair)));
    let list = Ask::list_tags(&name);

    let answer = suite.send(&all).await?;
    book.judge("tag-20", answer.is_done(), &answer);
    if !answer.is_done() {
        return Err(Stop::answered("TagResources", &answer));
    }
    let answer = suite.soon("tag-seen", &list, |it| told(it).len() == MOST).await?;
    let before = told(&answer);
    let (empty, _) = pair(MOST - 1);
    let is_empty = before.get(empty).is_some_and(String::is_empty);
    book.write("tag-empty", is_empty, if is_empty { "empty" } else { "another value" }, answer.request_id);
    pages(suite, &list, &before).await?;

    let same = suite.send(&Ask::tag(&name, &tags([pair(0)]))).await?;
    let after = suite.need(&list).await?;
    let is_same = told(&after) == before;
    let seen =
        format!("{}; {}", same.seen(), if is_same { "the tags are as they were" } else { "the tags have changed" });
    book.write("tag-same", same.is_done() && is_same, seen, same.request_id);

    let answer = suite.send(&Ask::tag(&name, &tags((0..=MOST).map(pair)))).await?;
    book.judge("tag-21", answer.code.is_some(), &answer);
    let answer = suite.send(&Ask::tag(&name, &tags([("acs:conformance", "x")]))).await?;
    book.judge("tag-reserved", answer.code.is_some(), &answer);
    let missing = Ask::tag(&suite.cloud.names.missing_role(), &tags([pair(0)]));
    suite.answers("tag-missing", &missing, &["EntityNotExist.Role"]).await?;
    Ok(())
}

/// Reads page by page, to the end or to where it goes wrong.
async fn pages(suite: &Suite, list: &Ask, all: &BTreeMap<String, String>) -> Result<(), Stop> {
    let mut ask = list.clone().with("PageSize", PAGE_SIZE);
    let (mut seen, mut count, mut number) = (BTreeMap::new(), 0, 0);
    loop {
        let page = suite.need(&ask).await?;
        number += 1;
        count += page.items("/TagResources").len();
        seen.extend(told(&page));
        match page.text("/NextToken").filter(|token| !token.is_empty()) {
            Some(token) if number < MOST_PAGES => ask = ask.with("NextToken", token),
            next => {
                let ends_well = next.is_none() && seen == *all && count == all.len() && number > 1;
                let words = format!("{count} tags on {number} pages, {} different", seen.len());
                suite.book.write("tag-pages", ends_well, words, page.request_id);
                return Ok(());
            }
        }
    }
}

/// The tags of a reply; an absent value is an empty one.
pub(super) fn told(list: &Answer) -> BTreeMap<String, String> {
    let text = |tag: &Value, name: &str| tag.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    list.items("/TagResources").iter().map(|tag| (text(tag, "TagKey"), text(tag, "TagValue"))).collect()
}
