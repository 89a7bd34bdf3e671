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

/// What sending needs of its run.
#[derive(Debug)]
pub(crate) struct Means {
    pub(crate) clock: SharedClock,
    /// When the answer must be ready.
    pub(crate) deadline: Deadline,
    /// Where it is kept what was sent, if anywhere.
    pub(crate) store: Option<RunStore>,
}

/// Tells it to all at once. Whatever goes wrong is said in the log, and nowhere else.
pub(crate) async fn tell(hooks: &[Hook], notice: Notice, means: Means) {
    let limit = LIMIT.min(means.deadline.remaining(&*means.clock));
    let begin = means.clock.uptime();
    let mut told = match tokio::time::timeout(limit / 2, SentNotices::read(means.store.as_ref())).await {
        Ok(told) => told,
        Err(_) => SentNotices::unknown("the journal folder did not answer in time"),
    };
    let now = means.clock.now();
    let due = hooks.iter().map(|hook| (hook, told.unknown_to(hook, &notice, now)));
    let due: Vec<_> = due.filter(|(_, items)| !items.is_empty()).collect();
    if due.is_empty() {
        return;
    }
    let client = match Client::new(means.clock.clone()) {
        Ok(client) => client,
        Err(error) => return tracing::warn!(error = &*error, "no notice can be sent"),
    };
    let left = |limit: Duration| limit.saturating_sub(means.clock.uptime().saturating_sub(begin));
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
    let kept = tokio::time::timeout(left(limit), told.keep(means.store.as_ref(), now)).await;
    if !matches!(kept, Ok(true)) {
        tracing::warn!("what was told cannot be kept: it may be told again");
    }
}

/// Names something in a file without giving it away.
fn digest(text: &str) -> String {
    hex::encode(Sha256::digest(text).get(..8).unwrap_or_default())
}
