//! The resource directory is read. Nothing of it is changed.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Suite;
use crate::Stop;
use crate::cloud::{Answer, Ask};

const PAGE_SIZE: usize = 100;
/// Enough for every directory that there is.
const MOST_PAGES: usize = 200;
/// In the form of an account's id, and nobody's.
const NOBODY: &str = "1000000000000000";

/// What the vendor documents of a member's `Status`.
const STATUSES: [&str; 12] = [
    "CreateSuccess",
    "CreateVerifying",
    "CreateFailed",
    "CreateExpired",
    "CreateCancelled",
    "PromoteVerifying",
    "PromoteFailed",
    "PromoteExpired",
    "PromoteCancelled",
    "PromoteSuccess",
    "InviteSuccess",
    "Removed",
];
const MEMBERS: [&str; 5] = ["members-total", "members-end", "members-own", "members-status", "member-unknown"];

pub(super) async fn run(suite: &Suite) -> Result<(), Stop> {
    let book = &suite.book;
    let list = |page: usize| Ask::directory("ListAccounts").with("PageNumber", page).with("PageSize", PAGE_SIZE);
    let (mut members, mut count) = (Vec::new(), 0);
    let first = suite.send(&list(1)).await?;
    if !first.is_done() {
        without(suite, &first);
        return Ok(());
    }
    book.untried("directory-none", "the account has a directory");
    let total = first.body.get("TotalCount").and_then(Value::as_u64).unwrap_or_default();
    let (mut page, mut number) = (first, 1);
    while !page.items("/Accounts/Account").is_empty() && number < MOST_PAGES {
        count += page.items("/Accounts/Account").len();
        members.extend(page.items("/Accounts/Account").iter().map(member));
        if count as u64 >= total {
            break;
        }
        number += 1;
        page = suite.need(&list(number)).await?;
    }
    let ids: BTreeSet<_> = members.iter().map(|(id, _)| id).collect();
    let is_whole = ids.len() as u64 == total && ids.len() == count;
    let seen = format!("{} members on {number} pages, `TotalCount` {total}", ids.len());
    book.write("members-total", is_whole, seen, page.request_id.clone());
    let end = suite.send(&list(number + 1)).await?;
    let is_empty = end.is_done() && end.items("/Accounts/Account").is_empty();
    let seen = format!("{}, {} members", end.seen(), end.items("/Accounts/Account").len());
    book.write("members-end", is_empty, seen, end.request_id);

    let master = suite.send(&Ask::directory("GetResourceDirectory")).await?;
    match master.text("/ResourceDirectory/MasterAccountId") {
        Some(master) => {
            let is_apart = !members.iter().any(|(id, _)| id == master);
            book.write("members-own", is_apart, if is_apart { "it is not" } else { "it is" }, page.request_id.clone());
        }
        None => book.untried("members-own", format!("`GetResourceDirectory`: {}", master.seen())),
    }
    let strange = members.iter().find(|(_, status)| !STATUSES.contains(&status.as_str()));
    let seen = strange.map_or_else(|| "they are".to_owned(), |(_, status)| authorization::text::sanitized(status));
    book.write("members-status", strange.is_none(), seen, page.request_id);
    let nobody = Ask::directory("GetAccount").with("AccountId", NOBODY);
    suite.answers("member-unknown", &nobody, &["EntityNotExists.Account"]).await?;
    Ok(())
}

/// An account without a directory, or one that may not read it.
fn without(suite: &Suite, answer: &Answer) {
    let why = format!("`ListAccounts`: {}", answer.seen());
    for id in MEMBERS {
        suite.book.untried(id, &*why);
    }
    let denied = ["NoPermission", "Forbidden", "NotAuthorized"];
    if answer.code.as_deref().is_some_and(|code| denied.iter().any(|word| code.starts_with(word))) {
        return suite.book.untried("directory-none", why);
    }
    let codes = ["EntityNotExists.ResourceDirectory", "ResourceDirectoryNotInUse"];
    suite.book.judge("directory-none", codes.iter().any(|code| answer.is(code)), answer);
}

fn member(told: &Value) -> (String, String) {
    let text = |name: &str| told.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("AccountId"), text("Status"))
}
