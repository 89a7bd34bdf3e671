//! What the renderings have in common: what they say of an account and of a run, and numbers in words.

use std::collections::HashSet;

use authorization::plan::{StepRecord, StepResult};
use authorization::target::AccountId;
use authorization::text::escaped;

use super::{AccountReport, Report, Status};

/// How a reader should take something. Each format has its colour for it, always beside a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tone {
    Good,
    Warning,
    Bad,
    Calm,
}

impl Status {
    pub(crate) fn tone(self) -> Tone {
        match self {
            Self::Stuck | Self::Failed | Self::Rejected => Tone::Bad,
            Self::RolledBack | Self::Refused | Self::Drifted | Self::Pending => Tone::Warning,
            Self::Remediated | Self::Authorized => Tone::Good,
            Self::Skipped | Self::Ignored => Tone::Calm,
        }
    }
}

pub(super) fn tone_of_step(step: &StepRecord) -> Tone {
    match step.result {
        StepResult::Done | StepResult::Already => Tone::Good,
        StepResult::Failed | StepResult::Unknown => Tone::Bad,
        StepResult::Undone | StepResult::Skipped => Tone::Warning,
        StepResult::Planned => Tone::Calm,
    }
}

impl AccountReport {
    /// The account's id, or what stands for one that is not known.
    pub(crate) fn id_or<'a>(&'a self, unknown: &'a str) -> &'a str {
        self.account_id.as_ref().map_or(unknown, AccountId::as_str)
    }

    /// The first line of what to do: the cause.
    pub(crate) fn cause(&self) -> Option<&str> {
        self.next.as_deref()?.lines().next()
    }

    /// The ids of the findings, each once.
    pub(crate) fn finding_ids(&self) -> Vec<&'static str> {
        let mut known = HashSet::new();
        let ids = self.findings.iter().map(|finding| finding.id.as_str());
        ids.filter(|id| known.insert(*id)).collect()
    }
}

impl Report {
    /// `21 of 1,001 drifted`, `980 authorized`: the parts of the verdict, each with the status that it is about.
    pub(super) fn verdict(&self) -> Vec<(Status, String)> {
        let counts: Vec<_> = self.summary.counts().into_iter().filter(|(_, count)| *count > 0).collect();
        // What belongs to no account can be worse than all of them.
        let is_worse = counts.first().is_none_or(|(worst, _)| *worst < self.status);
        let whole = is_worse.then(|| (self.status, self.status.as_str().to_owned()));
        let counted = counts.into_iter().enumerate().map(|(index, (status, count))| {
            let of = if index == 0 { format!(" of {}", thousands(self.summary.accounts)) } else { String::new() };
            (status, format!("{}{of} {}", thousands(count), status.as_str()))
        });
        whole.into_iter().chain(counted).collect()
    }

    /// What is counted and not listed, in words; nothing where all is listed.
    pub(super) fn missing(&self) -> Option<String> {
        let unlisted = self.summary.accounts.saturating_sub(self.accounts.len());
        let in_order = unlisted.saturating_sub(self.truncated);
        let truncated = (self.truncated > 0).then(|| {
            format!("{} more accounts are missing here: they did not fit this report", thousands(self.truncated))
        });
        let in_order =
            (in_order > 0).then(|| format!("{} accounts in order are counted and not listed", thousands(in_order)));
        let parts: Vec<_> = truncated.into_iter().chain(in_order).collect();
        (!parts.is_empty()).then(|| parts.join("; "))
    }
}

/// Lines of foreign text, each made harmless; the line ends stay.
pub(super) fn harmless_lines(text: &str) -> String {
    text.lines().map(escaped).collect::<Vec<_>>().join("\n")
}

/// `1,001`
pub(super) fn thousands(count: usize) -> String {
    let mut text = count.to_string();
    for place in (1..text.len()).rev().skip(2).step_by(3) {
        text.insert(place, ',');
    }
    text
}

/// `431 ms`, `13.9 s`, `2 min 19 s`
pub(super) fn duration(ms: u64) -> String {
    match ms {
        0..1000 => format!("{ms} ms"),
        1000..120_000 => format!("{}.{} s", ms / 1000, ms % 1000 / 100),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!([0, 999, 1001, 1_234_567].map(thousands), ["0", "999", "1,001", "1,234,567"]);
        assert_eq!([431, 13_940, 139_012].map(duration), ["431 ms", "13.9 s", "2 min 19 s"]);
    }
}
