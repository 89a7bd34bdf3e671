//! The text of a reply as it may be shown: without the secrets of its call.

use authorization::text::sanitized;
use percent_encoding::percent_decode_str;

use crate::credentials::Credentials;
use crate::secret::{ExposeSecret, Zeroizing};

/// Stands where a secret stood.
const WITHHELD: &str = "(withheld: it holds a secret)";
/// A shorter text is no secret, and would be found in any other.
const SHORTEST_SECRET: usize = 6;
const LONGEST: usize = 128;

/// The secrets of one call, which must not be shown of its reply: codes, request ids and names of callers are untrusted text.
///
/// In their documented form they are shown as they are, else cut and escaped; and never if they hold a secret of the call that
/// they answer. A gateway does that if it quotes the request in the wrong field.
pub(crate) struct CallSecrets(Vec<Zeroizing<String>>);

impl CallSecrets {
    pub(crate) fn of(credentials: &Credentials, signature: &str) -> Self {
        let token = credentials.security_token.as_ref().map(ExposeSecret::expose_secret);
        let plain = [credentials.access_key_secret.expose_secret(), signature, token.unwrap_or_default()];
        let decoded = percent_decode_str(signature).decode_utf8_lossy().into_owned();
        let all = plain.into_iter().map(ToOwned::to_owned).chain([decoded]).map(Zeroizing::new);
        Self(all.filter(|secret| secret.len() >= SHORTEST_SECRET).collect())
    }

    /// The text as it may be shown.
    pub(crate) fn redact(&self, text: String) -> String {
        let decoded = Zeroizing::new(percent_decode_str(&text).decode_utf8_lossy().into_owned());
        if self.0.iter().any(|secret| text.contains(secret.as_str()) || decoded.contains(secret.as_str())) {
            return WITHHELD.to_owned();
        }
        // A code as `EntityNotExist.Role`, an id as `0C0FFEE0-0000-4000-8000-000000000001`.
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_documented = (1..=LONGEST).contains(&text.len()) && text.bytes().all(is_plain);
        if is_documented { text } else { sanitized(&text) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Source;

    fn secrets() -> CallSecrets {
        let credentials = Credentials {
            access_key_id: "id".to_owned(),
            access_key_secret: "key-secret".into(),
            security_token: Some("CAIS+/token==".into()),
            source: Source::Environment,
        };
        CallSecrets::of(&credentials, "c2lnbmF0dXJl%2Bx%3D")
    }

    #[test]
    fn what_is_documented_is_shown_as_it_is() {
        for text in ["EntityNotExist.Role", "0C0FFEE0-0000-4000-8000-000000000001"] {
            assert_eq!(secrets().redact(text.to_owned()), text);
        }
    }

    #[test]
    fn anything_else_is_cut_and_escaped() {
        assert_eq!(secrets().redact("a\u{1b}[31mb".to_owned()), "a\\u{1b}[31mb");
        assert!(secrets().redact("x".repeat(10_000)).chars().count() <= 257);
    }

    #[test]
    fn no_secret_is_shown_in_any_form() {
        for secret in ["key-secret", "CAIS+/token==", "CAIS%2B%2Ftoken%3D%3D", "c2lnbmF0dXJl%2Bx%3D", "c2lnbmF0dXJl+x="]
        {
            assert_eq!(secrets().redact(format!("Code.{secret}.x")), WITHHELD, "{secret}");
        }
    }
}
