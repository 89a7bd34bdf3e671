//! A bar that shows how far a run over the organization is.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::sweep::{Counts, Progress, Stage};
use crate::telemetry::Log;

/// Redrawn so often in a second.
const HERTZ: u8 = 20;

/// Standard error by way of the log, whose thread writes: a terminal that is paused holds up no repair.
#[derive(Debug, Default)]
struct Screen(Mutex<String>);

impl Screen {
    fn drawn(&self) -> MutexGuard<'_, String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn step(&self, count: usize, direction: char) -> io::Result<()> {
        if count == 0 { Ok(()) } else { self.write_str(&format!("\x1b[{count}{direction}")) }
    }
}

impl TermLike for Screen {
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

/// The counts are one text, so that a line never mixes two states.
const TEMPLATE: &str = "{bar:24} {msg}";

/// A bar on standard error; invisible where that is no terminal. A log line takes its place, and it is drawn anew below.
#[derive(Debug)]
pub(super) struct Bar {
    bar: ProgressBar,
    begun: Mutex<Option<(Stage, Duration)>>,
}

impl Bar {
    pub(super) fn new() -> Self {
        let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
        let target = ProgressDrawTarget::term_like_with_hz(Box::<Screen>::default(), HERTZ);
        Self { bar: ProgressBar::with_draw_target(Some(0), target).with_style(style), begun: Mutex::default() }
    }
}

impl Bar {
    /// When the stage began: each has a pace of its own.
    fn begun(&self, stage: Stage, uptime: Duration) -> Duration {
        let mut begun = self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        match *begun {
            Some((same, at)) if same == stage => at,
            _ => begun.insert((stage, uptime)).1,
        }
    }
}

/// Guesses too early are worse than none.
const TELLING: usize = 5;

/// How long the rest takes at the pace so far.
fn left(counts: Counts, took: Duration) -> Option<Duration> {
    let Counts { done, of, .. } = counts;
    let rest = u32::try_from(of.saturating_sub(done)).ok()?;
    let done = u32::try_from(done).ok().filter(|_| done >= TELLING)?;
    Some(took.saturating_mul(rest) / done)
}

impl Progress for Bar {
    fn show(&self, counts: Counts, uptime: Duration) {
        let Counts { stage, done, of, broken, failed } = counts;
        let left = left(counts, uptime.saturating_sub(self.begun(stage, uptime)));
        let left = left.map(|left| format!(", about {} s left", left.as_secs())).unwrap_or_default();
        // The run that carries a plan out has the bar of the one that made it.
        if self.bar.is_finished() {
            self.bar.reset();
        }
        self.bar.set_length(of as u64);
        self.bar.set_position(done as u64);
        self.bar.set_message(format!("{done} of {of} {}: {broken} broken, {failed} failed{left}", stage.word()));
    }

    fn end(&self) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.bar.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_follows_the_pace() {
        let counts = |done| Counts { stage: Stage::Repairing, done, of: 100, broken: 100, failed: 0 };
        assert_eq!(left(counts(4), Duration::from_secs(4)), None);
        assert_eq!(left(counts(20), Duration::from_secs(10)), Some(Duration::from_secs(40)));
        assert_eq!(left(counts(100), Duration::from_secs(10)), Some(Duration::ZERO));
    }
}
