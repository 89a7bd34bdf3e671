//! A bar that shows how far a run over the organization is.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::sweep::{Counts, Progress};

/// The counts are one text, so that a line never mixes two states.
const TEMPLATE: &str = "{bar:24} {msg}";

/// A bar on standard error; invisible where that is no terminal. A log line takes its place, and it is drawn anew below.
#[derive(Debug)]
pub(super) struct Bar(ProgressBar);

impl Bar {
    pub(super) fn new() -> Self {
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        Self(ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr()).with_style(style))
    }
}

impl Progress for Bar {
    fn show(&self, counts: Counts, _uptime: Duration) {
        let Counts { stage, done, of, broken, failed } = counts;
        // The run that carries a plan out has the bar of the one that made it.
        if self.0.is_finished() {
            self.0.reset();
        }
        self.0.set_length(of as u64);
        self.0.set_position(done as u64);
        self.0.set_message(format!("{done} of {of} {}: {broken} broken, {failed} failed", stage.word()));
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
