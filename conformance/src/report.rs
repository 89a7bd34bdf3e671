//! What a run has shown, for people and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::book::{Finding, Verdict};
use crate::facts::LEFT;
use crate::scratch::Left;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// Every scenario has had its turn.
    Whole,
    /// By a signal.
    Interrupted,
    /// By a mistake in the program.
    Panicked,
}

impl Ended {
    pub(crate) fn why(self) -> &'static str {
        match self {
            Self::Whole => "the run did not come to it",
            Self::Interrupted => "interrupted",
            Self::Panicked => "the run ended in a panic",
        }
    }
}

/// What a run has shown.
#[derive(Debug, Clone)]
pub struct Report {
    /// The account.
    pub account_id: String,
    /// How the run ended.
    pub ended: Ended,
    /// All facts, in the order of the list.
    pub findings: Vec<Finding>,
    /// What could not be removed.
    pub left: Vec<Left>,
}

impl Report {
    /// The facts with one verdict.
    pub fn with(&self, verdict: Verdict) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(move |finding| finding.verdict == verdict)
    }

    /// In one word, the most urgent first: `left`, `incomplete`, `contradicted`, `agrees`.
    #[must_use]
    pub fn status(&self) -> &'static str {
        let was_tried = |verdict| self.with(verdict).next().is_some();
        match self.ended {
            _ if !self.left.is_empty() => "left",
            Ended::Whole if was_tried(Verdict::Contradicted) => "contradicted",
            Ended::Whole if was_tried(Verdict::Confirmed) => "agrees",
            Ended::Interrupted | Ended::Panicked | Ended::Whole => "incomplete",
        }
    }

    /// What a shell is told.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self.status() {
            "agrees" => 0,
            "contradicted" => 1,
            "incomplete" => 3,
            _ => 4,
        }
    }

    /// For programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let facts = self.findings.iter().map(|finding| {
            json!({
                "id": finding.fact.id,
                "verdict": finding.verdict,
                "ground": finding.fact.ground,
                "expected": finding.fact.expected,
                "seen": finding.seen,
                "requestId": finding.request_id,
                "matters": finding.fact.matters,
            })
        });
        let left_out = LEFT.iter().map(|(what, why)| json!({ "what": what, "why": why }));
        json!({
            "schema": "dts-role-guard/conformance/v1",
            "status": self.status(),
            "accountId": self.account_id,
            "summary": {
                "confirmed": self.with(Verdict::Confirmed).count(),
                "contradicted": self.with(Verdict::Contradicted).count(),
                "notTried": self.with(Verdict::NotTried).count(),
            },
            "facts": facts.collect::<Vec<_>>(),
            "leftOut": left_out.collect::<Vec<_>>(),
            "left": self.left,
        })
    }

    /// For people: every fact in a line, what needs a person below, the verdict last.
    #[must_use]
    pub fn human(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let (verdict, fact) = (finding.verdict, finding.fact);
            let _ = writeln!(text, "{verdict:<13} {:<25} {} ({})", fact.id, fact.expected, finding.seen);
        }
        let _ = writeln!(text, "\nNot tried by any run, since it takes damage, money or days:");
        for (what, why) in LEFT {
            let _ = writeln!(text, "  {what}: {why}");
        }
        for finding in self.with(Verdict::Contradicted) {
            let (fact, id) = (finding.fact, finding.request_id.as_deref().unwrap_or("none"));
            let _ = writeln!(text, "\ncontradicted: {}", fact.id);
            let _ = writeln!(text, "  expected    {}", fact.expected);
            let _ = writeln!(text, "  seen        {}", finding.seen);
            let _ = writeln!(text, "  request id  {id}");
            let _ = writeln!(text, "  depends     {}", fact.matters);
        }
        for left in &self.left {
            let _ = writeln!(text, "\nleft behind: {}: {}\n  {}", left.name, left.why, left.command);
        }
        let count = |verdict| self.with(verdict).count();
        let (yes, no) = (count(Verdict::Confirmed), count(Verdict::Contradicted));
        let _ = writeln!(
            text,
            "\n{}: {yes} confirmed, {no} contradicted, {} not tried; {}",
            self.status(),
            count(Verdict::NotTried),
            if self.left.is_empty() { "nothing is left behind" } else { "something is left behind" }
        );
        text
    }
}
