//! Action patterns: `*` stands for any text, `?` for one character; letter case does not count.

/// Whether a pattern covers an action. Linear in their product: no pattern can make it run long.
pub(super) fn matches(pattern: &str, action: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut reached = vec![true];
    reached.extend(pattern.iter().scan(true, |all_stars, token| {
        *all_stars &= *token == '*';
        Some(*all_stars)
    }));
    for character in action.chars() {
        reached = step(&pattern, &reached, character);
    }
    reached.last().copied().unwrap_or(false)
}

/// Which prefixes of the pattern cover the text so far, after one more character.
fn step(pattern: &[char], reached: &[bool], character: char) -> Vec<bool> {
    let mut next = vec![false];
    for (token, pair) in pattern.iter().zip(reached.windows(2)) {
        let (before, here) = (pair.first() == Some(&true), pair.last() == Some(&true));
        let shorter = next.last() == Some(&true);
        next.push(match token {
            '*' => shorter || here || before,
            '?' => before,
            token => before && token.eq_ignore_ascii_case(&character),
        });
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_and_letter_case() {
        for pattern in
            ["sts:AssumeRole", "STS:assumerole", "sts:*", "*", "sts:Assume????", "*:*Role", "sts:AssumeRole*", "**"]
        {
            assert!(matches(pattern, "sts:AssumeRole"), "{pattern}");
        }
        for pattern in
            ["", "sts:", "sts:AssumeRol", "sts:AssumeRole?", "ram:*", "?", "sts:AssumeRoleWithSAML", "ts:AssumeRole"]
        {
            assert!(!matches(pattern, "sts:AssumeRole"), "{pattern}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends() {
        assert!(!matches(&"*a".repeat(500), &"a".repeat(499)));
        assert!(matches(&"*a".repeat(500), &"a".repeat(500)));
    }
}
