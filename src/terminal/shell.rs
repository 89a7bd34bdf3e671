//! What a shell and `man` want to know, made from the arguments themselves.

use std::io::{self, Write as _};

use clap::CommandFactory as _;
use clap_complete::Shell;
use clap_mangen::Man;

use super::arguments::Arguments;
use super::exit::CommandError;
use super::output::print;

/// What `completions` takes.
#[derive(Debug, clap::Args)]
pub struct CompletionsOptions {
    /// The shell that reads the script
    shell: Shell,
}

pub(super) fn completions(options: &CompletionsOptions) -> Result<(), CommandError> {
    let mut script = Vec::new();
    let mut command = Arguments::command();
    let name = command.get_name().to_owned();
    clap_complete::generate(options.shell, &mut command, &name, &mut script);
    // In bash clap_complete sets its state to one spelling of a name with hyphens and asks for another, so that nothing is
    // completed after a command (clap-rs/clap#6421).
    let (asked_for, set) = (name.replace('-', "__subcmd__"), name.replace('-', "__"));
    print("the script", &String::from_utf8_lossy(&script).replace(&asked_for, &set))
}

/// Prints one page with all commands: `man -l -` finds no pages beside it.
pub(super) fn manual() -> Result<(), CommandError> {
    let mut page = Vec::new();
    // Nothing fails that is written into memory.
    let _ = write_manual(&mut page);
    print("the page", &String::from_utf8_lossy(&page))
}

fn write_manual(page: &mut Vec<u8>) -> io::Result<()> {
    let mut command = Arguments::command().disable_help_subcommand(true);
    command.build();
    let whole = Man::new(command.clone());
    whole.render_title(page)?;
    whole.render_name_section(page)?;
    whole.render_synopsis_section(page)?;
    whole.render_description_section(page)?;
    for subcommand in command.get_subcommands() {
        let name = subcommand.get_name().to_uppercase();
        let part = Man::new(subcommand.clone());
        let mut sections = Vec::new();
        part.render_description_section(&mut sections)?;
        part.render_synopsis_section(&mut sections)?;
        if subcommand.get_arguments().next().is_some() {
            part.render_options_section(&mut sections)?;
        }
        // Its sections are parts of one section here, and the first needs no heading of its own.
        let sections = String::from_utf8_lossy(&sections).replace(".SH DESCRIPTION\n", "").replace(".SH ", ".SS ");
        writeln!(page, ".SH {name}\n{sections}")?;
    }
    let mut extra = Vec::new();
    whole.render_extra_section(&mut extra)?;
    page.extend_from_slice(
        String::from_utf8_lossy(&extra).replace(".SH EXTRA", ".SH SETTINGS AND EXIT CODES").as_bytes(),
    );
    Ok(())
}
