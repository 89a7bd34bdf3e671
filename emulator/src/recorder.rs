//! What arrived, in order, and what became of it: proof of silence as well as of speech.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::auth::Scheme;

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The place in the order of arrival, from 0.
    pub index: usize,
    /// `Action`, as it was asked; empty if there was none.
    pub operation: String,
    /// The account that the key belongs to; `None` if the signature was refused.
    pub account: Option<String>,
    /// `AccessKeyId`, as it was claimed.
    pub access_key_id: Option<String>,
    /// How it was signed.
    pub scheme: Option<Scheme>,
    /// The operation's own parameters: no signature, no token, nothing of the protocol.
    pub params: BTreeMap<String, String>,
    /// `User-Agent`.
    pub user_agent: Option<String>,
    /// Whether the operation is a write.
    pub write: bool,
    /// The `RequestId` of the reply.
    pub request_id: String,
    /// The HTTP status of the reply; `None` while there is none, or if it was lost.
    pub status: Option<u16>,
    /// `Code` of an error envelope.
    pub code: Option<String>,
    /// Whether the account was changed.
    pub effect: bool,
    /// When it arrived, since the start of the emulator.
    pub started: Duration,
    /// When it was answered or lost; `None` while it hangs.
    pub finished: Option<Duration>,
}

impl Call {
    /// How long the answer took, the server's own pauses included; `None` while it hangs.
    #[must_use]
    pub fn took(&self) -> Option<Duration> {
        self.finished?.checked_sub(self.started)
    }

    /// The account that it is about: the one that is entered by `AssumeRole`, or that the directory is asked about, else
    /// the key's own.
    #[must_use]
    pub fn about(&self) -> &str {
        let param = |name| self.params.get(name).map(String::as_str);
        let entered = param("RoleArn").and_then(|arn| arn.split(':').nth(3));
        entered.or_else(|| param("AccountId")).or(self.account.as_deref()).unwrap_or_default()
    }
}

pub(crate) struct Recorder {
    calls: Mutex<Vec<Call>>,
    arrivals: watch::Sender<usize>,
    print: bool,
}

impl Recorder {
    pub(crate) fn new(print: bool) -> Self {
        Self { calls: Mutex::default(), arrivals: watch::Sender::new(0), print }
    }

    /// Notes an arrival; returns its index.
    pub(crate) fn arrived(&self, call: impl FnOnce(usize) -> Call) -> usize {
        let mut calls = self.list();
        let index = calls.len();
        calls.push(call(index));
        drop(calls);
        self.arrivals.send_replace(index + 1);
        index
    }

    pub(crate) fn update(&self, index: usize, change: impl FnOnce(&mut Call)) {
        if let Some(call) = self.list().get_mut(index) {
            change(call);
        }
    }

    pub(crate) fn finished(&self, index: usize, change: impl FnOnce(&mut Call)) {
        self.update(index, change);
        if self.print {
            self.list().get(index).into_iter().for_each(print);
        }
    }

    pub(crate) fn calls(&self) -> Vec<Call> {
        self.list().clone()
    }

    /// Resolves when the n-th call of an operation has arrived.
    pub(crate) async fn wait(&self, operation: &str, n: usize) {
        let mut arrivals = self.arrivals.subscribe();
        while self.list().iter().filter(|call| call.operation == operation).count() < n {
            // The sender lives as long as `self`.
            let _ = arrivals.changed().await;
        }
    }

    fn list(&self) -> MutexGuard<'_, Vec<Call>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[expect(clippy::print_stderr, reason = "this is what `--print-calls` asks for")]
fn print(call: &Call) {
    let Call { index, operation, params, .. } = call;
    let account = call.account.as_deref().unwrap_or("-");
    let answer = call.status.map_or_else(|| "no reply".to_owned(), |status| status.to_string());
    let code = call.code.as_deref().unwrap_or_default();
    eprintln!(
        "{index} {operation} {account} {params:?} -> {answer} {code}{}",
        if call.effect { " (changed)" } else { "" }
    );
}
