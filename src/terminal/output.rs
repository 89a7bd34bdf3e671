//! How and where the report is printed.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;

use crate::report::{Csv, Html, Human, Json, Ocsf, Render, Report};

/// What every command that prints a report takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct OutputOptions {
    /// How to print the report [default: human on a terminal, else json]
    #[arg(long)]
    format: Option<Format>,
    /// Show all details of all accounts, however many there are
    #[arg(long)]
    verbose: bool,
    #[command(flatten)]
    place: PlaceOptions,
}

/// Where a report goes.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct PlaceOptions {
    /// Write the report into this file [its default format: json]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print nothing but errors; the exit code tells the result
    #[arg(long)]
    quiet: bool,
    /// When to print colours [default: auto]
    #[arg(long, value_name = "WHEN")]
    color: Option<Color>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
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

/// The place for the report cannot be written to.
#[derive(Debug, thiserror::Error)]
#[error("the report cannot be written to {place}: {source}")]
pub(super) struct Unwritable {
    place: String,
    source: io::Error,
}

/// The report could not be written.
pub(super) const UNWRITABLE: u8 = 3;

/// A place for the report that can be written to.
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
    /// Takes hold of the place before anything is done that would have to be reported.
    pub(super) fn open(&self) -> Result<Output, Unwritable> {
        self.place.open()
    }

    /// Writes the report, in the format that was asked for.
    pub(super) fn write(&self, output: Output, report: &Report) -> Result<(), Unwritable> {
        let by_default = if output.is_for_a_person() { Format::Human } else { Format::Json };
        let text = match self.format.unwrap_or(by_default) {
            Format::Human => self.human().render(report),
            Format::Json => Json.render(report),
            Format::Ocsf => Ocsf.render(report),
            Format::Html => Html.render(report),
            Format::Csv => Csv.render(report),
        };
        output.write(&text)
    }

    /// Whether the exit code and errors are enough.
    pub(super) fn is_quiet(&self) -> bool {
        self.place.quiet
    }

    /// Whether a person wants to see how far it is.
    pub(super) fn shows_progress(&self) -> bool {
        !self.is_quiet() && io::stderr().is_terminal() && !is_dumb()
    }

    /// For what is said beside the report.
    pub(super) fn human(&self) -> Human {
        let width = console::Term::stderr().size_checked().map(|(_, columns)| usize::from(columns));
        Human { verbose: self.verbose, width: width.map_or(Human::default().width, |width| width.max(40)) }
    }
}

impl PlaceOptions {
    /// Takes hold of the place before anything is done that would have to be reported.
    pub(super) fn open(&self) -> Result<Output, Unwritable> {
        self.color.unwrap_or(Color::Auto).apply();
        let file = self.output.as_deref().map(NewFile::open).transpose()?;
        Ok(Output { is_quiet: self.quiet, file })
    }

    /// Whether the exit code and errors are enough.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet
    }
}

impl Color {
    fn apply(self) {
        let choice = match self {
            Self::Auto => ColorChoice::Auto,
            // Such a terminal shows the sequences instead of obeying them.
            Self::Always if is_dumb() => ColorChoice::Never,
            Self::Always => ColorChoice::AlwaysAnsi,
            Self::Never => ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// Whether the terminal takes no escape sequence at all.
#[expect(clippy::disallowed_methods, reason = "what the terminal says of itself; no setting")]
fn is_dumb() -> bool {
    std::env::var_os("TERM").is_some_and(|term| term == "dumb")
}

impl Output {
    /// Whether a person reads it there.
    pub(super) fn is_for_a_person(&self) -> bool {
        self.file.is_none() && io::stdout().is_terminal()
    }

    /// Writes a report that is text already. Whoever closes the pipe has read enough.
    pub(super) fn write(self, text: &str) -> Result<(), Unwritable> {
        let Self { is_quiet, file } = self;
        if let Some(file) = file {
            return file.write(text);
        }
        if is_quiet {
            return Ok(());
        }
        let mut stdout = anstream::stdout();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
                Err(Unwritable { place: "standard output".to_owned(), source })
            }
            _ => Ok(()),
        }
    }
}

impl NewFile {
    fn open(path: &Path) -> Result<Self, Unwritable> {
        let is_new = !path.exists();
        let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
        let file = opened.map_err(|source| Unwritable { place: shown(path), source })?;
        Ok(Self { file, path: path.to_owned(), is_new, is_written: false })
    }

    fn write(mut self, text: &str) -> Result<(), Unwritable> {
        self.is_written = true;
        let written = self.replace(text);
        written.map_err(|source| Unwritable { place: shown(&self.path), source })
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

fn shown(path: &Path) -> String {
    format!("`{}`", authorization::text::sanitized(&path.to_string_lossy()))
}
