//! What was found out, fact by fact.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::cloud::Answer;
use crate::facts::{FACTS, Fact, Part};

/// What the cloud says to a fact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Verdict {
    /// It is so.
    Confirmed,
    /// It is not so: what the guard relies on is to be looked at.
    Contradicted,
    /// Nobody knows.
    NotTried,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Confirmed => "confirmed",
            Self::Contradicted => "contradicted",
            Self::NotTried => "not tried",
        })
    }
}

/// A fact with what was seen of it.
#[derive(Debug, Clone)]
pub struct Finding {
    /// What is believed.
    pub fact: &'static Fact,
    /// Whether it is so.
    pub verdict: Verdict,
    /// What the cloud answered, or why it was not asked.
    pub seen: String,
    /// The call that showed it.
    pub request_id: Option<String>,
}

/// What is known so far. It outlives a run that ends in a panic.
#[derive(Debug, Default)]
pub(crate) struct Book(Mutex<Vec<Finding>>);

impl Book {
    fn lock(&self) -> MutexGuard<'_, Vec<Finding>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The answer shows whether the fact holds.
    pub(crate) fn judge(&self, id: &str, holds: bool, answer: &Answer) {
        self.write(id, holds, answer.seen(), answer.request_id.clone());
    }

    /// The same in other words than those of the answer.
    pub(crate) fn write(&self, id: &str, holds: bool, seen: impl Into<String>, request_id: Option<String>) {
        let verdict = if holds { Verdict::Confirmed } else { Verdict::Contradicted };
        self.push(id, verdict, seen.into(), request_id);
    }

    pub(crate) fn untried(&self, id: &str, why: impl Into<String>) {
        self.push(id, Verdict::NotTried, why.into(), None);
    }

    /// The first word counts, so that what ends a part does not take back what it has shown.
    fn push(&self, id: &str, verdict: Verdict, seen: String, request_id: Option<String>) {
        let mut findings = self.lock();
        let fact = FACTS.iter().find(|fact| fact.id == id);
        debug_assert!(fact.is_some(), "`{id}` is no fact");
        if let Some(fact) = fact.filter(|fact| findings.iter().all(|finding| finding.fact.id != fact.id)) {
            findings.push(Finding { fact, verdict, seen, request_id });
        }
    }

    /// What a part has not come to.
    pub(crate) fn close(&self, part: Part, why: &str) {
        FACTS.iter().filter(|fact| fact.part == part).for_each(|fact| self.untried(fact.id, why));
    }

    /// All facts, in the order of the list.
    pub(crate) fn findings(&self, why: &str) -> Vec<Finding> {
        for fact in FACTS {
            self.untried(fact.id, why);
        }
        let mut findings = self.lock().clone();
        findings.sort_by_key(|finding| FACTS.iter().position(|fact| fact.id == finding.fact.id));
        findings
    }
}
