//! Tells people in their chat what a run found or did (`DTS_GUARD_NOTIFY`).
//!
//! A notice never changes what a run reports: one that cannot be delivered is a line in the log. What the platform does
//! without us (destinations, alerts on the log) is the first choice, since it also works when this program does not.
//!
//! A service is one small file with a `Service`; `news` says what there is to tell, `told` what was
//! told before, `deliver` sends.

mod deliver;
mod dingtalk;
mod feishu;
mod harmless;
mod hook;
mod news;
mod service;
mod slack;
mod told;
mod webhook;
mod wecom;

use std::time::Duration;

use futures_util::future::join_all;

use aliyun::clock::{Deadline, SharedClock};
use deliver::Client;
pub use hook::{BadHook, Hook, hooks};
pub use news::News;
use told::Told;

use crate::journal::RunStore;

/// The most that notices may cost a run.
const LIMIT: Duration = Duration::from_secs(5);

/// Of that, to remember what was told.
const FOR_MEMORY: Duration = Duration::from_millis(500);

/// What sending needs of its run.
#[derive(Debug)]
pub struct Means {
    /// The time.
    pub clock: SharedClock,
    /// When the answer must be ready.
    pub deadline: Deadline,
    /// Where it is remembered what was told, if anywhere.
    pub store: Option<RunStore>,
}

/// Tells it to all at once. Whatever goes wrong is said in the log, and nowhere else.
pub async fn tell(hooks: &[Hook], news: News, means: Means) {
    let limit = LIMIT.min(means.deadline.remaining(&*means.clock));
    let begin = means.clock.uptime();
    let mut told = match tokio::time::timeout(limit / 2, Told::read(means.store.as_ref())).await {
        Ok(told) => told,
        Err(_) => Told::unknown("the journal folder did not answer in time"),
    };
    let now = means.clock.now();
    let due: Vec<_> = hooks.iter().map(|hook| (hook, told.unknown_to(hook, &news, now))).collect();
    let due: Vec<_> = due.into_iter().filter(|(_, items)| !items.is_empty()).collect();
    if due.is_empty() {
        return;
    }
    let client = match Client::new(means.clock.clone()) {
        Ok(client) => client,
        Err(error) => return tracing::warn!(error = &*error, "no notice can be sent"),
    };
    let left = |limit: Duration| limit.saturating_sub(means.clock.uptime().saturating_sub(begin));
    let until = left(limit.saturating_sub(FOR_MEMORY.min(limit / 10)));
    let client = &client;
    let sent = due.iter().map(|(hook, items)| {
        let message = news.message(items, news.items().len() - items.len());
        async move { client.deliver(hook, &message, until).await }
    });
    let sent = join_all(sent).await;
    for ((hook, items), sent) in due.iter().zip(sent) {
        match sent {
            Ok(()) => told.remember(hook, items, now),
            Err(why) => tracing::warn!(service = hook.name(), url = hook.place(), why, "a notice was not delivered"),
        }
    }
    let kept = tokio::time::timeout(left(limit), told.keep(means.store.as_ref(), now)).await;
    if !matches!(kept, Ok(true)) {
        tracing::warn!("what was told cannot be kept: it may be told again");
    }
}
