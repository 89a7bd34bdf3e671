//! A bar that shows how far a run over several accounts is.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::sweep::{Counts, Progress};
use crate::telemetry::Log;

/// Standard error, written by the log's thread: a terminal that is paused holds up no repair.
#[derive(Debug, Default)]
struct StderrTerm(Mutex<String>);

impl StderrTerm {
    fn drawn(&self) -> MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, count: usize, direction: char) -> io::Result<()> {
        if count == 0 { Ok(()) } else { self.write_str(&format!("\x1b[{count}{direction}")) }
    }
}

impl TermLike for StderrTerm {
    fn width(&self) -> u16 {
        console::Term::stderr().size().1
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.step(n, 'A')
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.step(n, 'B')
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.step(n, 'C')
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.step(n, 'D')
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.write_str(text)?;
        self.write_str("\n")
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.drawn().push_str(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        self.write_str("\r\x1b[2K")
    }

    fn flush(&self) -> io::Result<()> {
        Log::Stderr.draw(&std::mem::take(&mut *self.drawn()));
        Ok(())
    }
}

/// A bar on standard error; invisible where that is no terminal. A log line takes its place, and it is drawn anew below.
#[derive(Debug)]
pub(super) struct TerminalProgress(ProgressBar);

impl TerminalProgress {
    pub(super) fn new() -> Self {
        // The counts are one text, so that a line never mixes two states.
        let style = ProgressStyle::with_template("{bar:24} {msg}").unwrap_or_else(|_| ProgressStyle::default_bar());
        let target = ProgressDrawTarget::term_like_with_hz(Box::<StderrTerm>::default(), 20);
        Self(ProgressBar::with_draw_target(Some(0), target).with_style(style))
    }
}

impl Progress for TerminalProgress {
    fn show(&self, counts: Counts, _: Duration) {
        let Self(bar) = self;
        let Counts { stage, done, of, broken, failed, left } = counts;
        let left = left.map(|left| format!(", about {} s left", left.as_secs())).unwrap_or_default();
        // The run that carries a plan out has the bar of the one that made it.
        if bar.is_finished() {
            bar.reset();
        }
        bar.set_length(of as u64);
        bar.set_position(done as u64);
        bar.set_message(format!("{done} of {of} {}: {broken} broken, {failed} failed{left}", stage.as_str()));
    }

    fn end(&self) {
        self.0.finish_and_clear();
    }
}
