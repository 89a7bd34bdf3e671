//! Tells people in their chat what a run found or did (`DTS_GUARD_NOTIFY`).
//!
//! A notice never changes what a run reports: one that cannot be delivered is a line in the log. What the platform does
//! without us (destinations, alerts on the log) is the first choice, since it also works when this program does not.
//!
//! `notice` says what there is to say, `service` how each service wants it, `sent` what was sent before, `deliver` sends.

mod deliver;
mod hook;
mod notice;
mod sent;
mod service;

use std::time::Duration;

use aliyun::clock::{Deadline, SharedClock};
use futures_util::future::join_all;
use sha2::{Digest as _, Sha256};

use deliver::Client;
pub(crate) use hook::{Hook, hooks};
pub(crate) use notice::Notice;
use sent::SentNotices;

use crate::journal::RunStore;

/// The most that notices may cost a run.
const LIMIT: Duration = Duration::from_secs(5);

/// Of that, to keep what was sent.
const FOR_MEMORY: Duration = Duration::from_millis(500);

/// Tells it to all at once, before the deadline of the answer. What was sent is kept in the store, if there is one. Whatever
/// goes wrong is said in the log, and nowhere else.
pub(crate) async fn tell(
    hooks: &[Hook],
    notice: Notice,
    clock: &SharedClock,
    deadline: Deadline,
    store: Option<&RunStore>,
) {
    let limit = LIMIT.min(deadline.remaining(&**clock));
    let begin = clock.uptime();
    let mut told = match tokio::time::timeout(limit / 2, SentNotices::read(store)).await {
        Ok(told) => told,
        Err(_) => SentNotices::unknown("the journal folder did not answer in time"),
    };
    let now = clock.now();
    let due = hooks.iter().map(|hook| (hook, told.unknown_to(hook, &notice, now)));
    let due: Vec<_> = due.filter(|(_, items)| !items.is_empty()).collect();
    if due.is_empty() {
        return;
    }
    let client = match Client::new(clock.clone()) {
        Ok(client) => client,
        Err(error) => return tracing::warn!(error = &*error, "no notice can be sent"),
    };
    let left = |limit: Duration| limit.saturating_sub(clock.uptime().saturating_sub(begin));
    let until = left(limit.saturating_sub(FOR_MEMORY.min(limit / 10)));
    let sent = due.iter().map(async |(hook, items)| {
        let message = notice.message(items);
        client.deliver(hook, &message, until).await
    });
    for ((hook, items), sent) in due.iter().zip(join_all(sent).await) {
        match sent {
            Ok(()) => told.remember(hook, items, now),
            Err(why) => {
                tracing::warn!(service = hook.service.name(), url = hook.position, why, "a notice was not delivered");
            }
        }
    }
    let kept = tokio::time::timeout(left(limit), told.keep(store, now)).await;
    if !matches!(kept, Ok(true)) {
        tracing::warn!("what was told cannot be kept: it may be told again");
    }
}

/// Names something in a file without giving it away.
fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text).get(..8).unwrap_or_default())
}
