//! What the program says about itself: the log, the chain of an error, foreign text made harmless.

use std::error::Error;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// Foreign text is cut here, in characters.
const FOREIGN_LIMIT: usize = 256;

/// A log line of a report is cut here, in bytes; the platform cuts at 32 KiB.
const LINE_LIMIT: usize = 24 * 1024;

/// Makes text from an event or from the cloud harmless: cut at 256 characters; control, escape and bidirectional
/// characters escaped.
#[must_use]
pub fn foreign(text: &str) -> String {
    match text.char_indices().nth(FOREIGN_LIMIT) {
        Some((end, _)) => escaped(text.get(..end).unwrap_or_default()) + "…",
        None => escaped(text),
    }
}

/// The same for text of any length, such as a command that quotes a description.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    text.chars().for_each(|character| push_harmless(&mut shown, character));
    shown
}

fn push_harmless(shown: &mut String, character: char) {
    if character.is_control() || is_invisible(character) {
        shown.extend(character.escape_unicode());
    } else {
        shown.push(character);
    }
}

/// Marks that turn the direction of text, separate lines, or show nothing (source: Unicode, `Default_Ignorable_Code_Point`,
/// and beside it separators and annotation marks). Two texts that look the same need not be the same.
#[rustfmt::skip]
pub(crate) fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// An error and everything below it, in one line.
#[must_use]
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(below) = source {
        let _ = write!(text, ": {below}");
        source = below.source();
    }
    text
}

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

impl<'a> MakeWriter<'a> for Log {
    type Writer = Box<dyn Write + 'a>;

    fn make_writer(&'a self) -> Self::Writer {
        match self {
            Self::Stdout => Box::new(std::io::stdout()),
            Self::Stderr if self.is_terminal() => Box::new(FreshLine(std::io::stderr())),
            Self::Stderr => Box::new(std::io::stderr()),
            Self::Off => Box::new(std::io::sink()),
        }
    }
}

/// A terminal on which a progress bar may stand in the line that is written to.
struct FreshLine(std::io::Stderr);

const ERASE_LINE: &str = "\r\x1b[2K";

impl Write for FreshLine {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.write_all(bytes).map(|()| bytes.len())
    }

    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        let mut terminal = self.0.lock();
        terminal.write_all(ERASE_LINE.as_bytes())?;
        terminal.write_all(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.0.flush()
    }
}

impl Log {
    /// Whether a person watches.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Stdout => std::io::stdout().is_terminal(),
            Self::Stderr => std::io::stderr().is_terminal(),
            Self::Off => false,
        }
    }

    /// Starts the log. JSON lines where it is no terminal; a filter that cannot be read counts as `info` here and is
    /// reported as a mistake in the settings.
    pub fn start(self, filter: Option<&str>) {
        let filter = filter.filter(|text| !text.is_empty()).and_then(|text| text.parse().ok());
        let filter = filter.unwrap_or_else(|| EnvFilter::new("info"));
        let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(self);
        let started = if self.is_terminal() {
            builder.with_target(false).try_init()
        } else {
            builder.json().flatten_event(true).with_span_list(false).with_ansi(false).try_init()
        };
        drop(started);
        std::panic::set_hook(Box::new(|panic| {
            let place = panic.location().map(ToString::to_string);
            tracing::error!(place, "panic");
        }));
    }

    /// Writes one line of JSON, whatever the filter: a timer's caller sees nothing else of the report.
    pub fn line(self, now: Timestamp, fields: Map<String, Value>) {
        if self == Self::Off {
            return;
        }
        let stamp = ("timestamp".to_owned(), json!(now.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()));
        let line: Map<_, _> = std::iter::once(stamp).chain(fields).collect();
        let mut text = cut_line(escape_invisible(&Value::Object(line).to_string()));
        text.push('\n');
        // Nobody can be told when the log is gone.
        let _ = self.make_writer().write_all(text.as_bytes());
    }
}

/// Escapes, as JSON does, what JSON lets pass but a terminal obeys. Such characters stand only inside strings.
fn escape_invisible(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for character in json.chars() {
        if character.is_control() || is_invisible(character) {
            // JSON escapes what lies beyond 16 bits as two halves.
            for half in character.encode_utf16(&mut [0; 2]) {
                let _ = write!(text, "\\u{half:04x}");
            }
        } else {
            text.push(character);
        }
    }
    text
}

/// Keeps a line below the platform's limit: the start is kept, in a JSON string, and the cut is marked.
fn cut_line(line: String) -> String {
    if line.len() <= LINE_LIMIT {
        return line;
    }
    let mut end = LINE_LIMIT / 2;
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let start = line.get(..end).unwrap_or_default();
    json!({"cut": true, "bytes": line.len(), "start": start}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn foreign_text_cannot_draw_on_a_terminal() {
        assert_eq!(foreign("a\u{1b}[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\u{a}c\\u{202e}d");
    }

    #[test]
    fn what_shows_nothing_is_escaped() {
        for hidden in ['\u{ad}', '\u{34f}', '\u{180e}', '\u{200b}', '\u{2063}', '\u{3164}', '\u{fe0f}', '\u{feff}'] {
            assert_eq!(foreign(&format!("a{hidden}b")), format!("a{}b", hidden.escape_unicode()));
        }
        assert_eq!(foreign("a\u{e0041}\u{e0100}é漢"), "a\\u{e0041}\\u{e0100}é漢");
    }

    #[test]
    fn foreign_text_is_cut_by_characters() {
        let shown = foreign(&"é".repeat(300));
        assert_eq!(shown.chars().count(), FOREIGN_LIMIT + 1);
        assert!(shown.ends_with('…'));
    }

    #[test]
    fn a_line_of_the_log_stays_json_and_cannot_draw_on_a_terminal() {
        let value = json!({"a\u{202e}": "\u{9b}31m\n\u{e0041}"});
        let line = escape_invisible(&value.to_string());
        assert_eq!(line, r#"{"a\u202e":"\u009b31m\n\udb40\udc41"}"#);
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    }

    #[test]
    fn a_long_line_is_cut_and_stays_json() {
        let line = cut_line(json!({"text": "\"é".repeat(20_000)}).to_string());
        assert!(line.len() <= LINE_LIMIT, "{}", line.len());
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap()["cut"], true);
    }
}
