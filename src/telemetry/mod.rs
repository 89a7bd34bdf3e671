//! What the program says about itself: the log, where it goes, and its lines.

mod cut;
mod lines;
mod queue;

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use aliyun::clock::SharedClock;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Registry};

use cut::{LINE_LIMIT, RECORD_LIMIT, fitted, text};
use lines::{LineLayer, about};
use queue::{LineQueue, Priority};

/// Where the log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Log {
    /// Serving: the platform collects standard output.
    Stdout,
    /// Terminal commands: standard output holds the report alone.
    Stderr,
    /// Nowhere: the caller has its own.
    Off,
}

/// One process has one log.
static QUEUE: OnceLock<Arc<LineQueue>> = OnceLock::new();

/// The journal's records, where the log is a screen: their disk may hang, as the terminal may be paused.
static RECORDS: OnceLock<Arc<LineQueue>> = OnceLock::new();

/// Whether a progress bar may stand in the line of the terminal that is written to.
static BAR_STANDS: AtomicBool = AtomicBool::new(false);

const ERASE_LINE: &str = "\r\x1b[2K";

/// An answer waits this long for the lines before it, since the instance may be frozen right after it; and so does what
/// is written past the log.
const BEFORE_ANSWER: Duration = Duration::from_millis(200);

/// The end of the process waits this long.
const BEFORE_END: Duration = Duration::from_secs(1);

/// Above this many bytes that are not written yet, a long report waits for its reader between its lines.
const BACKLOG: usize = 512 * 1024;

impl Log {
    /// Whether a person watches.
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Stdout => io::stdout().is_terminal(),
            Self::Stderr => io::stderr().is_terminal(),
            Self::Off => false,
        }
    }

    /// Starts the log. JSON lines where it is no terminal; a filter that cannot be read counts as `info` here and is
    /// reported as a mistake in the settings.
    pub fn start(self, filter: Option<&str>, clock: SharedClock) {
        if let Some(Ok(queue)) = self.sink().map(LineQueue::start) {
            let _ = QUEUE.set(queue);
        }
        let of_settings = filter.filter(|text| !text.is_empty()).and_then(|text| text.parse().ok());
        let of_settings = of_settings.unwrap_or_else(|| EnvFilter::new("info"));
        let lines = LineLayer::new(self, clock).with_filter(lines::filter(of_settings));
        // Fails where a caller has a log of its own.
        let _ = Registry::default().with(lines).try_init();
        // The only hook of the program: the code that catches a panic learns neither its place nor the request.
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            tracing::error!(place, message_of_panic = panic.payload_as_str(), "panic");
        }));
    }

    /// On a terminal the records go to `file` from now on, whose first writer is its own thread. No person reads them on a
    /// screen, and nobody finds them there again.
    pub fn keep_records_in(self, file: impl Write + Send + 'static) {
        if self.is_terminal()
            && let Ok(queue) = LineQueue::start(file)
        {
            let _ = RECORDS.set(queue);
        }
    }

    /// A descriptor of its own: the standard streams have locks, and a writer that waits for a full pipe would hold them.
    fn sink(self) -> Option<Box<dyn Write + Send>> {
        let descriptor = match self {
            Self::Stdout => io::stdout().as_fd().try_clone_to_owned(),
            Self::Stderr => io::stderr().as_fd().try_clone_to_owned(),
            Self::Off => return None,
        };
        Some(Box::new(File::from(descriptor.ok()?)))
    }

    /// Writes one line of JSON, whatever the filter: what became of an account.
    pub fn account(self, now: Timestamp, fields: Map<String, Value>) {
        self.write(Priority::High, LINE_LIMIT, now, about().into_iter().chain(fields).collect());
    }

    /// Writes one line of JSON, whatever the filter and however slow the reader: what became of a run.
    pub fn line(self, now: Timestamp, fields: Map<String, Value>) {
        self.write(Priority::Critical, LINE_LIMIT, now, about().into_iter().chain(fields).collect());
    }

    /// The same for what is needed to finish a repair. Of that only a trust policy is cut, as long as the platform takes
    /// the rest. On a terminal they are whole, and in a file.
    pub fn record(self, now: Timestamp, fields: Map<String, Value>) {
        let fields = about().into_iter().chain(fields).collect();
        match RECORDS.get().filter(|_| self.is_terminal()) {
            Some(file) => file.push(Priority::Critical, (text(&stamped(now, fields)) + "\n").into_bytes()),
            None => self.write(Priority::Critical, RECORD_LIMIT, now, fields),
        }
    }

    /// Waits a little for a reader that is slower than a long report.
    pub fn give_way(self) {
        self.settle_to(BACKLOG, BEFORE_ANSWER);
    }

    /// Waits a little until all lines are out, so that what is written next stands behind them.
    pub fn settle(self) {
        self.settle_to(0, BEFORE_ANSWER);
    }

    fn settle_to(self, left: usize, patience: Duration) {
        if let Some(queue) = self.queue() {
            queue.settle(left, patience);
        }
    }

    /// Waits until all lines are out, but not for long: a reader that does not read holds up nothing.
    pub fn finish(self, now: Timestamp) {
        // First, since it may have something to say.
        if let Some(file) = RECORDS.get() {
            file.settle(0, BEFORE_END);
        }
        self.settle_to(0, BEFORE_END);
        self.tell_lost(now, &Map::new());
        self.settle_to(0, BEFORE_END);
    }

    fn write(self, priority: Priority, limit: usize, now: Timestamp, fields: Map<String, Value>) {
        if self != Self::Off {
            self.tell_lost(now, &fields);
            self.say(priority, &(fitted(stamped(now, fields), limit) + "\n"));
        }
    }

    /// Draws on a terminal, among the lines of the log. What finds no room is not drawn.
    pub fn draw(self, text: &str) {
        BAR_STANDS.store(true, Ordering::Relaxed);
        self.put(Priority::Low, text.to_owned());
    }

    /// Writes a line as it is, over the bar if there is one.
    fn say(self, priority: Priority, text: &str) {
        let erase = if BAR_STANDS.load(Ordering::Relaxed) { ERASE_LINE } else { "" };
        self.put(priority, format!("{erase}{text}"));
    }

    fn put(self, priority: Priority, text: String) {
        match self.queue() {
            Some(queue) => queue.push(priority, text.into_bytes()),
            // Nobody can be told when the log is gone.
            None => drop(self.sink().map(|mut sink| sink.write_all(text.as_bytes()))),
        }
    }

    /// The next line that finds room says how many did not.
    fn tell_lost(self, now: Timestamp, about: &Map<String, Value>) {
        let lost = self.queue().map_or(0, |queue| queue.take_lost());
        if lost == 0 {
            return;
        }
        let mut note = Map::new();
        note.insert("level".to_owned(), json!("WARN"));
        note.extend(about.get("requestId").map(|id| ("requestId".to_owned(), id.clone())));
        note.insert("message".to_owned(), json!("lines of the log were lost: its reader is too slow, or was gone"));
        note.insert("lost".to_owned(), json!(lost));
        self.say(Priority::Critical, &(fitted(stamped(now, note), LINE_LIMIT) + "\n"));
    }

    fn queue(self) -> Option<&'static Arc<LineQueue>> {
        QUEUE.get().filter(|_| self != Self::Off)
    }
}

fn stamped(now: Timestamp, fields: Map<String, Value>) -> Map<String, Value> {
    let stamp = ("timestamp".to_owned(), json!(now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()));
    std::iter::once(stamp).chain(fields).collect()
}

/// The platform's marker lines, in their order among the lines of the log.
#[derive(Debug)]
pub struct Markers(pub Log);

impl Write for Markers {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.say(Priority::Critical, &String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    /// What comes before the answer should be out before it, since the instance may be frozen right after it.
    fn flush(&mut self) -> io::Result<()> {
        self.0.settle();
        Ok(())
    }
}
