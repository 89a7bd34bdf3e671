//! Ids of requests that are safe to print in a marker line.

use std::fmt;

use uuid::Uuid;

const LONGEST: usize = 64;

/// The id of a request: the platform's, or one generated here.
///
/// It holds 1 to 64 letters, digits and hyphens, so that it can stand in a log line or a file name as it is.
///
/// ```
/// use fc_runtime::RequestId;
///
/// assert_eq!(RequestId::parse("1-692414ee-10000001").unwrap().as_str(), "1-692414ee-10000001");
/// assert!(RequestId::parse("two\nlines").is_none());
/// assert!(RequestId::generate().is_generated());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestId {
    text: String,
    is_generated: bool,
}

impl RequestId {
    /// An id that someone else gave, or none if it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let valid = (1..=LONGEST).contains(&text.len()) && text.bytes().all(plain);
        valid.then(|| Self { text: text.to_owned(), is_generated: false })
    }

    /// A new id that says of itself that the platform does not know it: `generated-<uuid>`.
    #[must_use]
    pub fn generate() -> Self {
        Self { text: format!("generated-{}", Uuid::new_v4()), is_generated: true }
    }

    /// Whether the platform gave no usable id.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        self.is_generated
    }

    /// The id as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_the_platform_is_kept() {
        let id = RequestId::parse("1-692414ee-10000001-000000000003").unwrap();
        assert_eq!(id.to_string(), "1-692414ee-10000001-000000000003");
        assert!(!id.is_generated());
    }

    #[test]
    fn sixty_four_characters_are_the_most() {
        assert!(RequestId::parse(&"a".repeat(64)).is_some());
        assert!(RequestId::parse(&"a".repeat(65)).is_none());
        assert!(RequestId::parse("").is_none());
    }

    #[test]
    fn nothing_that_could_forge_a_log_line_is_an_id() {
        for text in ["a b", "a\nFC Invoke End", "a_b", "../a", "ä", "a\u{1b}[31m", "a,b"] {
            assert!(RequestId::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_generated_id_says_so_is_unique_and_would_parse() {
        let (one, other) = (RequestId::generate(), RequestId::generate());
        assert!(one.is_generated() && one.as_str().starts_with("generated-"));
        assert_ne!(one, other);
        assert!(RequestId::parse(one.as_str()).is_some());
    }
}
