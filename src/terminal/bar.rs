//! A bar that shows how far a run over the organization is.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::sweep::{Counts, Progress};

const TEMPLATE: &str = "{bar:24} {pos} of {len} {msg}";

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
        self.0.set_length(of as u64);
        self.0.set_position(done as u64);
        self.0.set_message(format!("{}: {broken} broken, {failed} failed", stage.word()));
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
