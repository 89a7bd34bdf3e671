//! How far a run over many accounts is.

use std::sync::Mutex;
use std::time::Duration;

/// What a run is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Stage {
    /// It finds out which roles are broken.
    #[default]
    Judging,
    /// It repairs them; of a few accounts it finds out at the same time which are broken.
    Repairing,
}

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// What it is at.
    pub stage: Stage,
    /// Accounts that this is done with.
    pub done: usize,
    /// Accounts that there are, as far as is known.
    pub of: usize,
    /// Accounts whose role is broken.
    pub broken: usize,
    /// Accounts that could not be judged, or not be repaired.
    pub failed: usize,
    /// How long the rest of this stage takes at its pace so far, once that can be said.
    pub left: Option<Duration>,
}

/// Shows it.
pub trait Progress: Send + Sync {
    /// Told after each account; `uptime` is the clock's.
    fn show(&self, counts: Counts, uptime: Duration);
    /// The run is over.
    fn end(&self);
}

impl std::fmt::Debug for dyn Progress + '_ {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Progress")
    }
}

impl Stage {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Judging => "judging",
            Self::Repairing => "repairing",
        }
    }
}

/// A line in the log every few seconds.
#[derive(Debug, Default)]
pub struct LogLines(Mutex<Option<Duration>>);

const EVERY: Duration = Duration::from_secs(5);

impl Progress for LogLines {
    fn show(&self, counts: Counts, uptime: Duration) {
        if self.is_due(uptime) {
            let Counts { stage, done, of, broken, failed, left } = counts;
            let left_seconds = left.map(|left| left.as_secs());
            tracing::info!(stage = stage.as_str(), done, of, broken, failed, leftSeconds = left_seconds, "progress");
        }
    }

    fn end(&self) {
        *self.last() = None;
    }
}

impl LogLines {
    /// The first account of a run only starts the watch: a short run says nothing.
    fn is_due(&self, uptime: Duration) -> bool {
        let mut last = self.last();
        let begin = *last.get_or_insert(uptime);
        let is_due = uptime.saturating_sub(begin) >= EVERY;
        if is_due {
            *last = Some(uptime);
        }
        is_due
    }

    fn last(&self) -> std::sync::MutexGuard<'_, Option<Duration>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_due_every_five_seconds() {
        let lines = LogLines::default();
        let due = [3, 7, 8, 12, 13, 30, 31].map(|second| lines.is_due(Duration::from_secs(second)));
        assert_eq!(due, [false, false, true, false, true, true, false]);
        lines.end();
        assert!(!lines.is_due(Duration::from_mins(1)), "another run");
    }
}
