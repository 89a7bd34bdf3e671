//! How and where the report is printed.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;

use super::exit::CommandError;
use crate::report::{Csv, Html, Human, Json, Ocsf, Render as _, Report, read};
use crate::telemetry::Log;

/// What every command that prints a report takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct OutputOptions {
    /// How to print the report [default: human on a terminal, else json]
    #[arg(long)]
    format: Option<ReportFormat>,
    /// Show all details of all accounts, however many there are
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    pub(super) place: PlaceOptions,
}

/// Where a report goes.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct PlaceOptions {
    /// Write the report into this file [its default format: json]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print nothing but errors; the exit code tells the result
    #[arg(long)]
    pub(super) quiet: bool,
    /// When to print colours [default: auto]
    #[arg(long, value_name = "WHEN")]
    color: Option<Color>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// Text for people
    Human,
    /// The report as JSON
    Json,
    /// One OCSF event per line (Compliance Finding 2003, schema 1.8.0)
    Ocsf,
    /// A page for the browser, in one file
    Html,
    /// One line per account, for a spreadsheet
    Csv,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Color {
    /// On a terminal that shows colours, unless `NO_COLOR` is set
    Auto,
    /// Always, except on a terminal that shows none (`TERM=dumb`)
    Always,
    /// Never
    Never,
}

#[derive(Debug)]
pub(super) struct Output {
    is_quiet: bool,
    file: Option<NewFile>,
}

/// A file that keeps what it holds until there is a report, and goes away again if there is none.
#[derive(Debug)]
struct NewFile {
    file: File,
    path: PathBuf,
    is_new: bool,
    is_written: bool,
}

impl OutputOptions {
    pub(super) fn write(&self, output: Output, report: &Report) -> Result<(), CommandError> {
        let text = match self.format.unwrap_or_else(|| output.choose(ReportFormat::Human, ReportFormat::Json)) {
            ReportFormat::Human => self.human().render(report),
            ReportFormat::Json => Json.render(report),
            ReportFormat::Ocsf => Ocsf.render(report),
            ReportFormat::Html => Html.render(report),
            ReportFormat::Csv => Csv.render(report),
        };
        output.write(&text)
    }

    pub(super) fn shows_progress(&self) -> bool {
        !self.place.quiet && io::stderr().is_terminal() && !is_dumb()
    }

    /// For what is said beside the report.
    pub(super) fn human(&self) -> Human {
        let width = console::Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
        Human { verbose: self.verbose, width: width.map_or(Human::default().width, |width| width.max(40)) }
    }
}

impl PlaceOptions {
    /// Takes hold of the place before anything is done that would have to be reported.
    pub(super) fn open(&self) -> Result<Output, CommandError> {
        let color = match self.color.unwrap_or(Color::Auto) {
            Color::Auto => ColorChoice::Auto,
            // Such a terminal shows the sequences instead of obeying them.
            Color::Always if is_dumb() => ColorChoice::Never,
            Color::Always => ColorChoice::AlwaysAnsi,
            Color::Never => ColorChoice::Never,
        };
        color.write_global();
        let file = self.output.as_deref().map(NewFile::open).transpose()?;
        Ok(Output { is_quiet: self.quiet, file })
    }
}

/// Whether the terminal takes no escape sequence at all.
#[expect(clippy::disallowed_methods, reason = "what the terminal says of itself; no setting")]
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

impl Output {
    /// The one format for a person who reads it there, the other for a program or a file.
    pub(super) fn choose<T>(&self, human: T, machine: T) -> T {
        if self.file.is_none() && io::stdout().is_terminal() { human } else { machine }
    }

    pub(super) fn write(self, text: &str) -> Result<(), CommandError> {
        match self.file {
            Some(file) => file.write(text),
            None if self.is_quiet => Ok(()),
            None => print("the report", text),
        }
    }
}

/// A closed pipe is not an error: its reader has read enough.
pub(super) fn print(what: &'static str, text: &str) -> Result<(), CommandError> {
    let mut stdout = anstream::stdout();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(CommandError::Unwritable { what, place: "standard output".to_owned(), source })
        }
        _ => Ok(()),
    }
}

pub(super) fn say(text: &str) {
    Log::Stderr.settle();
    let _ = anstream::stderr().write_all(text.as_bytes());
}

/// Takes the place of a bar that may stand there.
pub(super) fn say_on_a_line(text: &str) {
    let erase = if io::stderr().is_terminal() { "\r\x1b[2K" } else { "" };
    say(&format!("{erase}{text}"));
}

/// Renders a saved report anew, with no cloud and no settings. The exit code says whether it could be rendered, not what the
/// report says.
pub(super) fn render(options: &OutputOptions) -> Result<(), CommandError> {
    let mut bytes = Vec::new();
    io::stdin().lock().read_to_end(&mut bytes).map_err(CommandError::Unreadable)?;
    let report = read(&String::from_utf8_lossy(&bytes))?;
    options.write(options.place.open()?, &report)
}

impl NewFile {
    fn open(path: &Path) -> Result<Self, CommandError> {
        let is_new = !path.exists();
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(|source| unwritable(path, source))?;
        Ok(Self { file, path: path.to_owned(), is_new, is_written: false })
    }

    fn write(mut self, text: &str) -> Result<(), CommandError> {
        self.is_written = true;
        self.replace(text).map_err(|source| unwritable(&self.path, source))
    }

    /// A pipe or a device has nothing to cut off.
    fn replace(&mut self, text: &str) -> io::Result<()> {
        let is_file = self.file.metadata()?.is_file();
        if is_file {
            self.file.set_len(0)?;
        }
        AutoStream::new(&mut self.file, ColorChoice::global()).write_all(text.as_bytes())?;
        if is_file { self.file.sync_all() } else { Ok(()) }
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if self.is_new && !self.is_written {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn unwritable(path: &Path, source: io::Error) -> CommandError {
    let place = format!("`{}`", authorization::text::sanitized(&path.to_string_lossy()));
    CommandError::Unwritable { what: "the report", place, source }
}
