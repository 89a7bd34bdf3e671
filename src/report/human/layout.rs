//! Lines that fit. Commands and links are never broken: they are there to be pasted.

use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Where the width is not known.
pub(super) const WIDTH: usize = 80;

/// Text in lines of this width; the first begins with one indent, the others with another. A word that is longer stays
/// whole.
pub(super) fn wrapped(text: &str, width: usize, first: &str, others: &str) -> String {
    let mut lines = String::new();
    let mut line = first.to_owned();
    let mut is_empty = true;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        if !is_empty && line.width() + 1 + word.width() > width {
            lines.push_str(&line);
            lines.push('\n');
            others.clone_into(&mut line);
            is_empty = true;
        }
        if !is_empty {
            line.push(' ');
        }
        line.push_str(word);
        is_empty = false;
    }
    lines.push_str(line.trim_end());
    lines.push('\n');
    lines
}

/// The start of a text, in this many columns.
pub(super) fn clipped(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut columns = 0;
    let fits = |character: &char| {
        columns += character.width().unwrap_or(0);
        columns < width
    };
    text.chars().take_while(fits).collect::<String>() + "…"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_wrapped_and_loses_nothing() {
        let text = "the role 的角色 holds more than the guard may take away";
        let lines = wrapped(text, 20, "- ", "  ");
        assert!(lines.lines().all(|line| line.width() <= 20), "{lines}");
        assert_eq!(lines.replace("\n  ", " "), format!("- {text}\n"));
    }

    #[test]
    fn a_long_word_stays_whole() {
        let word = "x".repeat(100);
        assert_eq!(wrapped(&format!("a {word}"), 20, "", ""), format!("a\n{word}\n"));
    }

    #[test]
    fn wide_characters_count_twice() {
        assert_eq!(clipped("角色角色角色", 7), "角色角…");
        assert_eq!(clipped("role", 4), "role");
    }
}
