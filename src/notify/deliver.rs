//! Sends a message, twice at most.

use std::error::Error as StdError;
use std::time::Duration;

use aliyun::clock::SharedClock;
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use url::Url;

use super::hook::Hook;
use super::notice::{Message, harmless};
use super::service::{Delivery, HookRequest, PAUSE};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A service that asks for a longer pause does not get a second try.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// More of an answer is not read.
const ANSWER_LIMIT: usize = 16 * 1024;
/// More of it is not shown, in characters.
const SHOWN: usize = 100;

pub(super) struct Client {
    http: reqwest::Client,
    clock: SharedClock,
}

impl Client {
    /// Certificates are checked against the roots that are compiled in; no redirect is followed.
    pub(super) fn new(clock: SharedClock) -> Result<Self, Box<dyn StdError + Send + Sync>> {
        let http = reqwest::Client::builder()
            .user_agent(crate::USER_AGENT)
            .tls_backend_preconfigured(aliyun::tls()?)
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .build()?;
        Ok(Self { http, clock })
    }

    /// Both tries together take no longer than `limit`. An error shows neither the URL nor the secret.
    pub(super) async fn deliver(&self, hook: &Hook, message: &Message<'_>, limit: Duration) -> Result<(), String> {
        let sent = tokio::time::timeout(limit, self.twice(hook, message)).await;
        let why = match sent {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(why)) => why,
            Err(_) => format!("no answer within {} ms; it may have been delivered", limit.as_millis()),
        };
        Err(if hook.is_quoted_in(&why) { "an answer that quotes the URL or the secret".to_owned() } else { why })
    }

    async fn twice(&self, hook: &Hook, message: &Message<'_>) -> Result<(), String> {
        match self.once(hook, message).await {
            Delivery::Delivered => return Ok(()),
            Delivery::Refused(why) => return Err(why),
            Delivery::Retry(pause, _) => self.clock.sleep(pause).await,
        }
        match self.once(hook, message).await {
            Delivery::Delivered => Ok(()),
            Delivery::Refused(why) | Delivery::Retry(_, why) => Err(format!("{why} (second try)")),
        }
    }

    async fn once(&self, hook: &Hook, message: &Message<'_>) -> Delivery {
        let HookRequest { query, headers, body } = hook.service.request(message, hook.secret(), self.clock.now());
        let Ok(mut url) = Url::parse(hook.url()) else { return Delivery::Refused("no URL".to_owned()) };
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let post = self.http.post(url).header(CONTENT_TYPE, "application/json; charset=utf-8").body(body);
        let post = headers.into_iter().fold(post, |post, (name, value)| post.header(name, value));
        match post.send().await {
            Ok(answer) => judge(hook, answer).await,
            // What was sent may have been delivered.
            Err(error) if error.is_connect() => Delivery::Retry(PAUSE, "no connection".to_owned()),
            Err(_) => Delivery::Refused("no answer; it may have been delivered".to_owned()),
        }
    }
}

async fn judge(hook: &Hook, mut answer: reqwest::Response) -> Delivery {
    let status = answer.status().as_u16();
    let pause = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    let pause = pause.map(Duration::from_secs).filter(|pause| *pause <= LONGEST_PAUSE);
    // What was read before it ended or broke off: a verdict needs the whole, and says so.
    let mut body = Vec::new();
    while body.len() <= ANSWER_LIMIT
        && let Ok(Some(chunk)) = answer.chunk().await
    {
        body.extend_from_slice(&chunk);
    }
    body.truncate(ANSWER_LIMIT);
    let shown = harmless(&String::from_utf8_lossy(&body), SHOWN);
    let why = format!("HTTP {status}: {shown}");
    match (status, pause) {
        (200..=299, _) => match hook.service.verdict(&body) {
            Delivery::Refused(why) => Delivery::Refused(harmless(&why, SHOWN)),
            other => other,
        },
        (500..=599, _) => Delivery::Retry(PAUSE, why),
        (429, Some(pause)) => Delivery::Retry(pause, why),
        _ => Delivery::Refused(why),
    }
}
