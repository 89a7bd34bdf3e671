//! Lines on their way out. A thread of its own writes them, so that a pipe that nobody reads, a full disk or a paused
//! terminal holds up the log and nothing else.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// How much a line matters, where the reader is too slow for all of them. The order is from least to most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Priority {
    /// What the program is at.
    Low,
    /// What a person may act on: warnings, and what became of an account.
    High,
    /// What is recorded nowhere else: the journal, the summary of a run, the platform's markers.
    Critical,
}

impl Priority {
    /// A line is taken while no more than this waits. So a line never takes the place of one with a higher priority.
    fn room(self) -> usize {
        const MIB: usize = 1024 * 1024;
        match self {
            Self::Low => MIB,
            Self::High => 4 * MIB,
            Self::Critical => 8 * MIB,
        }
    }
}

/// What waits for its writer, in the order in which it came.
#[derive(Debug, Default)]
pub(super) struct LineQueue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct QueueState {
    lines: VecDeque<Vec<u8>>,
    /// Of all lines, the one that is being written among them.
    bytes: usize,
    /// Lines that found no room or could not be written, since that was last reported.
    lost: u64,
    /// A caller has waited in vain. No other waits until the writer has caught up.
    stalled: bool,
}

impl LineQueue {
    /// A queue whose thread writes to `sink`.
    pub(super) fn start(sink: impl Write + Send + 'static) -> io::Result<Arc<Self>> {
        let queue = Arc::<Self>::default();
        let writer = Arc::clone(&queue);
        thread::Builder::new().name("log".to_owned()).spawn(move || writer.write_all(sink))?;
        Ok(queue)
    }

    /// Takes a line, if there is room for one of its priority. Never waits for the writer.
    pub(super) fn push(&self, priority: Priority, line: Vec<u8>) {
        let mut state = self.lock();
        if state.bytes.saturating_add(line.len()) > priority.room() {
            state.lost += 1;
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(line);
        self.changed.notify_all();
    }

    /// How many lines were lost since this was last asked, if there is room to say it.
    pub(super) fn take_lost(&self) -> u64 {
        let mut state = self.lock();
        if state.bytes > Priority::Low.room() { 0 } else { std::mem::take(&mut state.lost) }
    }

    /// Waits until no more than `left` bytes wait, or until `patience` is over, which is the last time that anybody waits
    /// before the writer has caught up.
    pub(super) fn settle(&self, left: usize, patience: Duration) {
        let state = self.lock();
        if state.stalled {
            return;
        }
        let waiting = |state: &mut QueueState| state.bytes > left;
        let waited = self.changed.wait_timeout_while(state, patience, waiting);
        let (mut state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        state.stalled = timeout.timed_out();
    }

    /// No code panics while it holds the lock, and a line is whole in itself.
    fn lock(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all(&self, mut sink: impl Write) {
        let mut is_torn = false;
        loop {
            let line = self.next();
            let written = write_line(&mut sink, &line, &mut is_torn);
            let mut state = self.lock();
            state.bytes -= line.len();
            state.lost += u64::from(written.is_err());
            state.stalled &= state.bytes > 0;
            self.changed.notify_all();
        }
    }

    fn next(&self) -> Vec<u8> {
        let mut state = self.lock();
        loop {
            if let Some(line) = state.lines.pop_front() {
                return line;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// A line that could be written in part only must not swallow the next one.
fn write_line(sink: &mut impl Write, line: &[u8], is_torn: &mut bool) -> io::Result<()> {
    if *is_torn {
        write_whole(sink, b"\n", is_torn)?;
        *is_torn = false;
    }
    write_whole(sink, line, is_torn)?;
    sink.flush()
}

fn write_whole(sink: &mut impl Write, bytes: &[u8], is_torn: &mut bool) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match sink.write(rest) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => {
                rest = rest.get(count..).unwrap_or_default();
                *is_torn = !rest.is_empty();
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Another process that shares the terminal or pipe has made it so; this thread has the time.
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(Duration::from_millis(10)),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    /// Writes each time only when it is told to, and then what it is told.
    struct Gate {
        turns: Receiver<io::Result<usize>>,
        written: Sender<Vec<u8>>,
    }

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let turn = self.turns.recv().unwrap_or_else(|_| Err(ErrorKind::BrokenPipe.into()));
            let count = turn?.min(bytes.len());
            self.written.send(bytes[..count].to_vec()).unwrap();
            Ok(count)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn gated() -> (Arc<LineQueue>, Sender<io::Result<usize>>, Receiver<Vec<u8>>) {
        let (turn, turns) = channel();
        let (written, lines) = channel();
        (LineQueue::start(Gate { turns, written }).unwrap(), turn, lines)
    }

    fn line(kind: u8, bytes: usize) -> Vec<u8> {
        vec![kind; bytes]
    }

    #[test]
    fn while_nobody_reads_the_chatter_is_lost_first_and_the_records_last() {
        const HALF: usize = 512 * 1024;
        let (queue, turn, lines) = gated();
        for _ in 0..30 {
            queue.push(Priority::Low, line(b'c', HALF));
            queue.push(Priority::High, line(b'n', HALF));
            queue.push(Priority::Critical, line(b'r', HALF));
        }
        for _ in 0..16 {
            turn.send(Ok(usize::MAX)).unwrap();
        }
        let kinds: Vec<u8> = (0..16).map(|_| lines.recv_timeout(PATIENCE).unwrap()[0]).collect();
        assert_eq!(kinds, *b"cnrnrnrnrrrrrrrr", "in their order");
        queue.settle(0, PATIENCE);
        assert_eq!((queue.take_lost(), queue.take_lost()), (90 - 16, 0));
    }

    #[test]
    fn whoever_waited_in_vain_once_does_not_wait_again_until_the_writer_has_caught_up() {
        let (queue, turn, lines) = gated();
        queue.push(Priority::Critical, line(b'r', 1));
        queue.settle(0, Duration::from_millis(1));
        queue.settle(0, PATIENCE * 1000);
        turn.send(Ok(1)).unwrap();
        lines.recv_timeout(PATIENCE).unwrap();
        // Until the count is taken down, this returns at once; then it does so because nothing is left.
        queue.settle(0, PATIENCE);
        turn.send(Ok(1)).unwrap();
        queue.push(Priority::Critical, line(b's', 1));
        assert_eq!(lines.recv_timeout(PATIENCE).unwrap(), b"s");
    }

    #[test]
    fn a_line_that_was_torn_does_not_swallow_the_next_one() {
        let (queue, turn, lines) = gated();
        queue.push(Priority::Critical, b"one\n".to_vec());
        queue.push(Priority::Critical, b"two\n".to_vec());
        turn.send(Ok(2)).unwrap();
        turn.send(Err(ErrorKind::StorageFull.into())).unwrap();
        for _ in 0..3 {
            turn.send(Ok(usize::MAX)).unwrap();
        }
        let written: Vec<_> = (0..3).map(|_| lines.recv_timeout(PATIENCE).unwrap()).collect();
        assert_eq!(written.concat(), b"on\ntwo\n");
        queue.settle(0, PATIENCE);
        assert_eq!(queue.take_lost(), 1);
    }
}
