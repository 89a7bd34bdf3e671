//! How names are compared: actions by pattern, services exactly.
//!
//! A text that is what the service needs but for letter case, blanks, a final dot or characters that show nothing is a near
//! miss. How the cloud compares it is not documented, so it neither grants nor denies, and nothing is deleted because of it.

use std::iter;

use super::ASSUME_ROLE;
use super::document::{Fragment, PrincipalKind, Statement};
use crate::text::{is_invisible, sanitized};

/// Whether a pattern covers an action: `*` stands for any text, `?` for one character, and letter case does not count. Linear
/// in their product: no pattern can make it run long.
pub(super) fn covers(pattern: &str, action: &str) -> bool {
    let action: Vec<char> = action.chars().collect();
    // For each place of the action: whether the pattern read so far may end there.
    let mut ends: Vec<bool> = iter::once(true).chain(action.iter().map(|_| false)).collect();
    for token in pattern.chars() {
        let fits = |letter: &char| token == '?' || token.eq_ignore_ascii_case(letter);
        ends = if token == '*' {
            let first = ends.iter().position(|end| *end).unwrap_or(ends.len());
            (0..ends.len()).map(|place| place >= first).collect()
        } else {
            iter::once(false).chain(ends.iter().zip(&action).map(|(end, letter)| *end && fits(letter))).collect()
        };
    }
    ends.last() == Some(&true)
}

/// Takes the names out of a statement that may or may not be the service.
pub(super) fn take_near_misses(statement: &mut Statement, service: &str) -> Vec<Fragment> {
    let effect = statement.effect;
    let near = |name: &str| name != service && folded(name) == folded(service);
    let taken = statement
        .principals
        .extract_if(.., |principal| principal.kind == PrincipalKind::Service && near(&principal.name));
    let fragment = |name: String| {
        let why =
            format!("`{}` is `{service}` but for case, blanks, a final dot or invisible characters", sanitized(&name));
        Fragment { effect: Some(effect), ..Fragment::new("Principal", why) }
    };
    taken.map(|principal| fragment(principal.name)).collect()
}

/// An action that covers `sts:AssumeRole` only if blanks and invisible characters do not count.
pub(super) fn near_miss_of_action(actions: &[String]) -> Option<Fragment> {
    let fits = |text: &str| covers(text, ASSUME_ROLE);
    let near = actions.iter().find(|action| !fits(action) && fits(&folded(action)))?;
    let why = format!("`{}` covers `{ASSUME_ROLE}` but for blanks or invisible characters", sanitized(near));
    Some(Fragment::new("Action", why))
}

/// Upper case after lower case folds more letters than either, such as the long s.
fn folded(text: &str) -> String {
    let shown = text.chars().filter(|letter| !letter.is_whitespace() && !letter.is_control() && !is_invisible(*letter));
    let shown: String = shown.collect();
    shown.trim_end_matches('.').to_lowercase().to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::super::document::Effect;
    use super::super::{Access, PolicyDocument, Principal, evaluate, other_principals};
    use super::*;

    const DTS_SERVICE: &str = "dts.aliyuncs.com";

    fn document(effect: &str, names: &[&str]) -> PolicyDocument {
        let statement = serde_json::json!({"Effect": effect, "Action": ASSUME_ROLE, "Principal": {"Service": names}});
        PolicyDocument::parse(&serde_json::json!({"Version": "1", "Statement": [statement]}).to_string(), DTS_SERVICE)
    }

    fn access(document: &PolicyDocument) -> Access {
        evaluate(document, ASSUME_ROLE, &Principal::service(DTS_SERVICE)).access
    }

    const NEAR: [&str; 11] = [
        "DTS.aliyuncs.com",
        "dts.Aliyuncs.COM",
        "dts.aliyuncs.com.",
        "dts.aliyuncs.com. ",
        " dts.aliyuncs.com",
        "dts.aliyuncs.com\n",
        "\u{a0}dts.aliyuncs.com",
        "d\u{ad}ts.aliyuncs.com",
        "dts.aliyuncs.com\u{200b}",
        "dts.aliyuncs.com\u{fe0f}\u{e0041}",
        "dt\u{17f}.aliyuncs.com",
    ];

    #[test]
    fn a_near_miss_is_unreadable_and_neither_grants_nor_denies() {
        for name in NEAR {
            let found = document("Allow", &[name]);
            assert_eq!((access(&found), found.unreadable.len()), (Access::NotAllowed, 1), "{name:?}");
            assert_eq!(found.unreadable[0].path, "Statement[0].Principal");
            assert_eq!(found.unreadable[0].effect, Some(Effect::Allow));
            assert!(other_principals(&found, &Principal::service(DTS_SERVICE)).is_empty(), "nobody knows who that is");
            let both = document("Allow", &[name, DTS_SERVICE]);
            assert_eq!((access(&both), both.unreadable.len()), (Access::Allowed, 1), "{name:?}");
        }
    }

    #[test]
    fn another_service_is_another_service() {
        let others = [
            "ecs.aliyuncs.com",
            "1234567890123456@dts.aliyuncs.com",
            "dts.aliyuncs.com.example",
            "dts.aliyuncs.co",
            "",
        ];
        for name in others {
            assert_eq!(document("Allow", &[name]).unreadable, [], "{name}");
        }
    }

    #[test]
    fn an_action_that_only_looks_right_is_unreadable() {
        let of =
            |actions: &[&str]| near_miss_of_action(&actions.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        for near in ["sts:AssumeRole ", "\tsts:*", "sts:Assume\u{200b}Role", "sts:AssumeRole."] {
            assert!(of(&["ram:*", near]).is_some(), "{near:?}");
        }
        for other in ["sts:AssumeRole", "STS:assumerole", "*", "sts:AssumeRoleWithSAML", "ram:*", ""] {
            assert!(of(&[other]).is_none(), "{other:?}");
        }
    }

    #[test]
    fn wildcards_and_letter_case() {
        for pattern in
            ["sts:AssumeRole", "STS:assumerole", "sts:*", "*", "sts:Assume????", "*:*Role", "sts:AssumeRole*", "**"]
        {
            assert!(covers(pattern, "sts:AssumeRole"), "{pattern}");
        }
        for pattern in
            ["", "sts:", "sts:AssumeRol", "sts:AssumeRole?", "ram:*", "?", "sts:AssumeRoleWithSAML", "ts:AssumeRole"]
        {
            assert!(!covers(pattern, "sts:AssumeRole"), "{pattern}");
        }
    }

    #[test]
    fn a_hostile_pattern_ends() {
        assert!(!covers(&"*a".repeat(500), &"a".repeat(499)));
        assert!(covers(&"*a".repeat(500), &"a".repeat(500)));
    }
}
