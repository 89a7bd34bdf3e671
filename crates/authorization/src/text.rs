//! Untrusted text made safe to show, and the chain of an error.

use std::error::Error;
use std::fmt::Write as _;

/// Untrusted text is cut after this many characters.
const LIMIT: usize = 256;

/// Text from an event, a file or the cloud, safe to show: cut, and control, bidirectional and invisible characters escaped.
pub fn sanitized(text: &str) -> String {
    escaped(&truncated(text, LIMIT))
}

/// The first characters of a text, with a mark where there are more.
pub fn truncated(text: &str, limit: usize) -> String {
    match text.char_indices().nth(limit) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text.to_owned(),
    }
}

/// The same for text of any length, such as a command that quotes a description.
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_invisible(character) {
            shown.extend(character.escape_unicode());
        } else {
            shown.push(character);
        }
    }
    shown
}

/// Marks that turn the direction of text, separate lines, or show nothing (source: Unicode, `Default_Ignorable_Code_Point`,
/// and beside it separators and annotation marks). Two texts that look the same need not be the same.
#[rustfmt::skip]
pub fn is_invisible(character: char) -> bool {
    matches!(character,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
        | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}')
}

/// An error and everything below it, in one line.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(below) = source {
        let _ = write!(text, ": {below}");
        source = below.source();
    }
    text
}

/// Escapes, as JSON does, what JSON lets pass but a terminal obeys. Such characters stand only inside strings.
pub fn escape_invisible(json: &str) -> String {
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn foreign_text_cannot_draw_on_a_terminal() {
        assert_eq!(sanitized("a\u{1b}[31mb\nc\u{202e}d"), "a\\u{1b}[31mb\\u{a}c\\u{202e}d");
    }

    #[test]
    fn what_shows_nothing_is_escaped() {
        for hidden in ['\u{ad}', '\u{34f}', '\u{180e}', '\u{200b}', '\u{2063}', '\u{3164}', '\u{fe0f}', '\u{feff}'] {
            assert_eq!(sanitized(&format!("a{hidden}b")), format!("a{}b", hidden.escape_unicode()));
        }
        assert_eq!(sanitized("a\u{e0041}\u{e0100}é漢"), "a\\u{e0041}\\u{e0100}é漢");
    }

    #[test]
    fn foreign_text_is_cut_by_characters() {
        let shown = sanitized(&"é".repeat(300));
        assert_eq!(shown.chars().count(), LIMIT + 1);
        assert!(shown.ends_with('…'));
    }

    #[test]
    fn a_line_of_the_log_stays_json_and_cannot_draw_on_a_terminal() {
        let value = json!({"a\u{202e}": "\u{9b}31m\n\u{e0041}"});
        let line = escape_invisible(&value.to_string());
        assert_eq!(line, r#"{"a\u202e":"\u009b31m\n\udb40\udc41"}"#);
        assert_eq!(serde_json::from_str::<Value>(&line).unwrap(), value);
    }
}
