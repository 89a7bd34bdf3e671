//! Foreign text in a chat: it can neither mention anybody nor make a link, in none of the services.

use authorization::text::escaped;

/// Without what a service could take for more than text: what stands for it looks alike. Cut at so many characters as they
/// are shown, since an escape is longer than what it stands for.
pub(super) fn harmless(text: &str, limit: usize) -> String {
    let start = text.char_indices().nth(limit).map_or(text, |(end, _)| text.get(..end).unwrap_or_default());
    let characters: Vec<char> = escaped(start).chars().collect();
    let at = |index: usize| characters.get(index).copied().unwrap_or(' ');
    let tamed = |index: usize| tame(at(index), if index == 0 { ' ' } else { at(index - 1) }, at(index + 1));
    let mut shown: String = (0..characters.len().min(limit)).map(tamed).collect();
    if characters.len() > limit || start.len() < text.len() {
        shown.push('…');
    }
    shown
}

fn tame(character: char, before: char, behind: char) -> char {
    match character {
        '@' => '＠',
        '<' => '‹',
        '>' => '›',
        '[' => '［',
        ']' => '］',
        '&' => '＆',
        '#' => '＃',
        '`' | '"' => '\'',
        '\\' => '＼',
        // Of an address, with or without its scheme.
        '/' if before == '/' || behind == '/' => '／',
        '.' if before.is_alphanumeric() && behind.is_alphanumeric() => '․',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_it_is_a_mention_or_a_link() {
        for (text, shown) in [
            ("@all <!channel> <at id=all>", "＠all ‹!channel› ‹at id=all›"),
            ("[x](https://evil.example)", "［x］(https:／／evil․example)"),
            ("www.evil.example/a", "www․evil․example/a"),
            ("acs:ram::1:role/x. Next", "acs:ram::1:role/x. Next"),
            ("&lt;!here&gt;", "＆lt;!here＆gt;"),
            ("a\nb\u{202e}c", "a＼u{a}b＼u{202e}c"),
        ] {
            assert_eq!(harmless(text, 100), shown);
        }
    }

    #[test]
    fn it_is_cut_by_characters() {
        assert_eq!(harmless("漢漢漢", 2), "漢漢…");
    }
}
