//! Asks RAM, STS and Resource Manager whether what the guard believes of them is true.
//!
//! The guard was written from documents. Each thing that a write of its depends on is a [`Fact`]; a run shows for each whether
//! the cloud agrees, on scratch roles that it makes and removes. The same run goes against the emulator, in the tests, and
//! against a real account, by hand.
//!
//! In the order in which a run passes through them:
//!
//! | module | what it does |
//! | --- | --- |
//! | `names` | the names of one run, and the fence: nothing else is ever written to |
//! | `cloud` | one signed call, and its answer as it came |
//! | `facts` | what is believed, why, and what depends on it |
//! | `suite` | the scenarios that show it |
//! | `book` | what was found out |
//! | `scratch` | what was made, and its removal, whatever has happened |
//! | `report` | for people, and as JSON |

mod book;
mod cloud;
mod facts;
mod names;
mod report;
mod scratch;
mod suite;

use std::sync::{Arc, Mutex};

use aliyun::credentials::Credentials;

pub use book::{Finding, Verdict};
pub use cloud::{Cloud, Interrupt};
pub use facts::{FACTS, Fact, Ground, LEFT, Part};
pub use names::{Names, PREFIX};
pub use report::{Ended, Report};
pub use scratch::Left;

use book::Book;
use cloud::{Answer, Ask};
use scratch::Scratch;
use suite::Suite;

/// Whose keys they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account.
    pub account_id: String,
    /// The user or the session.
    pub arn: String,
}

impl Caller {
    /// Asks `GetCallerIdentity`.
    ///
    /// # Errors
    /// When nobody answers, or not with an identity.
    pub async fn of(cloud: &Cloud, keys: &Credentials) -> Result<Self, Stop> {
        let answer = cloud.send(keys, &Ask::sts("GetCallerIdentity")).await?;
        let text = |name: &str| answer.text(name).map(str::to_owned).filter(|text| !text.is_empty());
        match (answer.is_done(), text("/AccountId"), text("/Arn")) {
            (true, Some(account_id), Some(arn)) => Ok(Self { account_id, arn }),
            _ => Err(Stop::answered("GetCallerIdentity", &answer)),
        }
    }

    /// As a trust policy names them; none for the account's root, which can assume no role.
    fn principal(&self) -> Option<String> {
        let (before, of) = self.arn.rsplit_once(':')?;
        match of.split_once('/')? {
            ("assumed-role", session) => Some(format!("{before}:role/{}", session.split('/').next()?)),
            ("user", _) => Some(self.arn.clone()),
            _ => None,
        }
    }

    fn is_session(&self) -> bool {
        self.arn.contains(":assumed-role/")
    }
}

/// Why a scenario ended early.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// A signal.
    #[error("interrupted")]
    Interrupted,
    /// A call that was never sent.
    #[error("`{operation}` could not be sent: {why}")]
    Unsent {
        /// The call.
        operation: &'static str,
        /// What is below.
        why: String,
    },
    /// A call whose reply was lost.
    #[error("`{operation}` got no readable reply: {why}")]
    NoReply {
        /// The call.
        operation: &'static str,
        /// What is below.
        why: String,
    },
    /// A call that the rest builds on was answered in another way.
    #[error("`{operation}` was answered with {seen}")]
    Answered {
        /// The call.
        operation: &'static str,
        /// The answer.
        seen: String,
    },
    /// A write to something that the run has not made: it was not sent.
    #[error("not sent, since it names something that this run has not made: {0}")]
    Fence(String),
    /// A role of this run's name that is somebody's.
    #[error("the role `{0}` is there and is not this run's: nothing more is written to it")]
    Strange(String),
    /// Something before this did not work out.
    #[error("{0}")]
    Needed(String),
}

impl Stop {
    fn answered(operation: &'static str, answer: &Answer) -> Self {
        let id = answer.request_id.as_deref().map_or_else(String::new, |id| format!(", request id `{id}`"));
        Self::Answered { operation, seen: format!("{}{id}", answer.seen()) }
    }
}

/// A removal that ends in a panic is begun again, so often in all.
const REMOVALS: usize = 3;

/// A run that is begun by [`Run::to_the_end`].
#[derive(Debug)]
pub struct Run {
    cloud: Cloud,
    keys: Credentials,
    caller: Caller,
    book: Arc<Book>,
    scratch: Arc<Scratch>,
}

impl Run {
    /// Nothing is sent yet.
    #[must_use]
    pub fn new(cloud: Cloud, keys: Credentials, caller: Caller) -> Self {
        Self { cloud, keys, caller, book: Arc::default(), scratch: Arc::default() }
    }

    /// What may be there right now, for whoever stops at once.
    #[must_use]
    pub fn in_hand(&self) -> Vec<Left> {
        self.scratch.all("the run was stopped")
    }

    /// Tries every fact, and removes what it made: after an error, an interruption and a panic too.
    pub async fn to_the_end(&self) -> Report {
        let suite = Suite {
            cloud: self.cloud.clone(),
            keys: self.keys.clone(),
            caller: self.caller.clone(),
            book: self.book.clone(),
            scratch: self.scratch.clone(),
            session: Mutex::default(),
        };
        // In a task of its own: a panic ends the task, not the removal.
        let ended = tokio::spawn(async move { suite.run().await }).await;
        let (left, is_sound) = self.removed().await;
        let ended = match ended {
            Ok(()) if is_sound && self.cloud.interrupt.is_raised() => Ended::Interrupted,
            Ok(()) if is_sound => Ended::Whole,
            Ok(()) | Err(_) => Ended::Panicked,
        };
        let findings = self.book.findings(ended.why());
        Report { account_id: self.caller.account_id.clone(), ended, findings, left }
    }

    /// What could not be removed, and whether the removal itself ended in no panic. After one it is tried again.
    async fn removed(&self) -> (Vec<Left>, bool) {
        for tries in 0..REMOVALS {
            let (scratch, cloud, keys) = (self.scratch.clone(), self.cloud.clone(), self.keys.clone());
            if let Ok(left) = tokio::spawn(async move { scratch.remove(&cloud, &keys).await }).await {
                return (left, tries == 0);
            }
        }
        (self.scratch.all("its removal ended in a panic"), false)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_assume_a_role_is_named_as_trust_policies_do() {
        let caller = |arn: &str| Caller { account_id: "1".into(), arn: arn.into() };
        let user = caller("acs:ram::1:user/alice");
        assert_eq!((user.principal().as_deref(), user.is_session()), (Some("acs:ram::1:user/alice"), false));
        let session = caller("acs:ram::1:assumed-role/Guard/session");
        assert_eq!((session.principal().as_deref(), session.is_session()), (Some("acs:ram::1:role/Guard"), true));
        assert_eq!(caller("acs:ram::1:root").principal(), None);
    }
}
