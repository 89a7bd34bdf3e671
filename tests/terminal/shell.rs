//! `completions` and `man`: what is printed knows every command and every option, and needs neither settings nor keys.

use std::io::Write as _;
use std::process::{Command, Stdio};

use clap::CommandFactory as _;
use dts_role_guard::terminal::Arguments;

fn printed(arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dts-role-guard"));
    command.args(arguments).env_clear().env("DTS_GUARD_MODE", "wrong").stdin(Stdio::null());
    let output = command.output().unwrap();
    assert_eq!((output.status.code(), output.stderr.is_empty()), (Some(0), true), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// Every command with its options' names.
fn commands() -> Vec<(String, Vec<String>)> {
    let mut whole = Arguments::command().disable_help_subcommand(true);
    whole.build();
    let options = |command: &clap::Command| {
        command.get_arguments().filter_map(clap::Arg::get_long).map(str::to_owned).collect::<Vec<_>>()
    };
    whole.get_subcommands().map(|command| (command.get_name().to_owned(), options(command))).collect()
}

#[test]
fn every_command_and_option_has_a_help_text() {
    let mut whole = Arguments::command();
    whole.build();
    for command in whole.get_subcommands() {
        assert!(command.get_about().is_some(), "{}", command.get_name());
        for argument in command.get_arguments() {
            let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.len() > 5, "{} {}", command.get_name(), argument.get_id());
            for value in argument.get_possible_values() {
                assert!(
                    argument.is_positional() || !argument.get_action().takes_values() || value.get_help().is_some(),
                    "{} {} {}",
                    command.get_name(),
                    argument.get_id(),
                    value.get_name()
                );
            }
        }
    }
}

#[test]
fn the_completions_of_each_shell_know_every_command_and_option() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let script = printed(&["completions", shell]);
        for (command, options) in commands() {
            assert!(script.contains(&command), "{shell}: {command}");
            for option in options {
                assert!(script.contains(&option), "{shell}: {command} --{option}");
            }
        }
    }
}

#[test]
fn bash_completes_what_was_begun() {
    let script = printed(&["completions", "bash"]);
    let ask = "COMP_WORDS=(dts-role-guard remediate --prof); COMP_CWORD=2
_dts__role__guard dts-role-guard --prof remediate; echo \"${COMPREPLY[@]}\"";
    let mut bash = Command::new("bash").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    bash.stdin.take().unwrap().write_all(format!("{script}\n{ask}\n").as_bytes()).unwrap();
    let output = bash.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), "--profile", "{output:?}");
}

#[test]
fn a_shell_that_is_unknown_is_a_usage_mistake() {
    let output = Command::new(env!("CARGO_BIN_EXE_dts-role-guard")).args(["completions", "cmd"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("bash") && said.contains("zsh"), "{said}");
}

#[test]
fn the_manual_is_one_page_with_every_command_and_option() {
    let page = printed(&["man"]);
    assert!(page.contains(".TH dts-role-guard 1") && page.contains("Exit codes"), "{page}");
    for (command, options) in commands() {
        let from =
            page.find(&format!(".SH {}\n", command.to_uppercase())).unwrap_or_else(|| panic!("{command}: {page}"));
        let section = &page[from + 1..];
        let section = &section[..section.find("\n.SH ").unwrap_or(section.len())];
        for option in options {
            let option = format!(r"\-\-{}", option.replace('-', r"\-"));
            assert!(section.contains(&option), "{command} {option}: {section}");
        }
    }
}
