//! A saved report in another format, with no cloud and no settings.

use std::io::{self, Read as _};

use super::output::{OutputOptions, UNWRITABLE};
use super::{USAGE, say};
use crate::report::read;

/// Standard input in, a rendering out. The exit code says whether it could be rendered, not what the report says.
pub(super) fn render(options: &OutputOptions) -> u8 {
    let mut bytes = Vec::new();
    if let Err(error) = io::stdin().lock().read_to_end(&mut bytes) {
        say(&format!("standard input cannot be read: {error}\n"));
        return USAGE;
    }
    let report = match read(&String::from_utf8_lossy(&bytes)) {
        Ok(report) => report,
        Err(why) => {
            say(&format!("{why}\n"));
            return USAGE;
        }
    };
    match options.open().and_then(|output| options.write(output, &report)) {
        Ok(()) => 0,
        Err(why) => {
            say(&format!("{why}\n"));
            UNWRITABLE
        }
    }
}
