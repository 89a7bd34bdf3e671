//! Wild cards: `*` for any text, `?` for one character.

const REGION: usize = 2;
const ACCOUNT: usize = 3;

/// Actions are compared without case.
pub(crate) fn matches_action(pattern: &str, action: &str) -> bool {
    matches(&pattern.to_ascii_lowercase(), &action.to_ascii_lowercase())
}

/// `acs:<service>:<region>:<account>:<path>`: each part for itself, so that an empty region in a pattern is any region.
///
/// Whether `*` in the place of the account stands for `system` too is not documented. Here it does not (inferred), so that
/// a document that passes says what it needs, under either reading.
pub(crate) fn matches_resource(pattern: &str, resource: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    let (patterns, parts): (Vec<&str>, Vec<&str>) =
        (pattern.splitn(5, ':').collect(), resource.splitn(5, ':').collect());
    let fits = |(index, (pattern, part)): (usize, (&&str, &&str))| match (index, *part) {
        (REGION, _) => true,
        (ACCOUNT, "system") => *pattern == "system",
        _ => matches(pattern, part),
    };
    patterns.len() == parts.len() && patterns.iter().zip(&parts).enumerate().all(fits)
}

fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = pattern.chars();
    match rest.next() {
        None => text.is_empty(),
        Some('*') => tails(text).any(|tail| matches(rest.as_str(), tail)),
        Some(wanted) => {
            let mut text = text.chars();
            text.next().is_some_and(|first| (wanted == '?' || wanted == first) && matches(rest.as_str(), text.as_str()))
        }
    }
}

/// The text, the text without its first character, and so on to the empty text.
fn tails(text: &str) -> impl Iterator<Item = &str> {
    text.char_indices().filter_map(|(start, _)| text.get(start..)).chain(std::iter::once(""))
}

#[cfg(test)]
mod tests {
    use super::{matches_action, matches_resource};

    #[test]
    fn actions_ignore_case() {
        assert!(matches_action("ram:get*", "ram:GetRole"));
        assert!(matches_action("*", "ram:GetRole"));
        assert!(!matches_action("ram:Get", "ram:GetRole"));
    }

    #[test]
    fn resources_keep_case_and_accounts_apart() {
        let role = "acs:ram:*:1234567890123456:role/AliyunDTSDefaultRole";
        assert!(matches_resource("acs:ram:*:*:role/AliyunDTSDefaultRole", role));
        assert!(matches_resource("acs:ram::*:role/Aliyun???DefaultRole", role));
        assert!(!matches_resource("acs:ram:*:2234567890123456:role/*", role));
        assert!(!matches_resource("acs:ram:*:*:role/aliyundtsdefaultrole", role));
        assert!(!matches_resource("acs:ram:*:*:policy/*", role));
    }

    #[test]
    fn a_system_policy_is_no_policy_of_an_account() {
        for account in ["1234567890123456", "*"] {
            assert!(!matches_resource(&format!("acs:ram:*:{account}:policy/*"), "acs:ram:*:system:policy/X"));
        }
        assert!(matches_resource("acs:ram:*:system:policy/*", "acs:ram:*:system:policy/X"));
        assert!(matches_resource("*", "acs:ram:*:system:policy/X"));
    }
}
