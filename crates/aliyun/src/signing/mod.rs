//! Signatures of the cloud's RPC calls. Pure: no clock, no network; time and nonce are parameters.
//!
//! Each method has the same three stages, each a function that tests compare with a file: canonical form, string to
//! sign, signature.

pub mod acs3;
pub mod rpc_v1;

use authorization::settings::NamedVariants;
use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::credentials::Credentials;
use crate::secret::Zeroizing;

/// Everything that a signature covers.
#[derive(Debug)]
pub struct Call<'a> {
    /// The operation, e.g. `GetRole`.
    pub action: &'a str,
    /// The API's version, e.g. `2015-05-01`.
    pub version: &'a str,
    /// The host with its port, as it is sent.
    pub host: &'a str,
    /// The operation's own parameters.
    pub params: &'a [(&'a str, String)],
    /// When.
    pub time: Timestamp,
    /// Unique.
    pub nonce: &'a str,
}

/// Names and values.
pub type Headers = Vec<(&'static str, Zeroizing<String>)>;

/// A request that is ready to be sent as `POST /` with a form body.
#[derive(Debug, PartialEq, Eq)]
pub struct SignedForm {
    /// Headers beside `host` and `content-type`.
    pub headers: Headers,
    /// The form body. It holds the token and the signature, or (with ACS3) a header does; so both are wiped when dropped.
    pub body: Zeroizing<String>,
}

impl SignedForm {
    /// The signature as it is sent.
    pub fn signature(&self) -> &str {
        let header = self.headers.iter().find(|(name, _)| *name == "authorization");
        let holder = header.map_or(self.body.as_str(), |(_, value)| value.as_str());
        holder.rsplit_once("Signature=").map(|(_, signature)| signature).unwrap_or_default()
    }
}

/// The content type of every signed body.
pub const FORM: &str = "application/x-www-form-urlencoded";

/// How requests are signed (setting `DTS_GUARD_SIGNATURE`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Method {
    /// RPC signature 1.0.
    #[default]
    HmacSha1,
    /// ACS3-HMAC-SHA256, the vendor's successor.
    Acs3,
}

impl Method {
    /// Signs a call.
    pub fn sign(self, call: &Call<'_>, credentials: &Credentials) -> SignedForm {
        match self {
            Self::HmacSha1 => rpc_v1::sign(call, credentials),
            Self::Acs3 => acs3::sign(call, credentials),
        }
    }
}

/// RFC 3986: everything but `A–Z a–z 0–9 - _ . ~`.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// Into memory that is enough at once: a text that grows leaves copies behind that are not wiped.
fn percent_encode(text: &str) -> Zeroizing<String> {
    let mut encoded = Zeroizing::new(String::with_capacity(3 * text.len()));
    encoded.extend(utf8_percent_encode(text, RESERVED));
    encoded
}

/// `name=value` pairs, encoded, sorted by name in byte order and joined with `&`.
pub fn canonical_query<'a>(params: impl IntoIterator<Item = (&'a str, &'a str)>) -> Zeroizing<String> {
    let mut pairs: Vec<_> = params.into_iter().collect();
    pairs.sort_unstable();
    let length: usize = pairs.iter().map(|(name, value)| 3 * (name.len() + value.len()) + 2).sum();
    let mut query = Zeroizing::new(String::with_capacity(length));
    for (name, value) in pairs {
        if !query.is_empty() {
            query.push('&');
        }
        query.push_str(&percent_encode(name));
        query.push('=');
        query.push_str(&percent_encode(value));
    }
    query
}

#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
fn keyed<M: hmac::KeyInit>(key: &str) -> M {
    M::new_from_slice(key.as_bytes()).expect("any key length")
}

fn timestamp(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl NamedVariants for Method {
    const ALL: &'static [(&'static str, Self)] = &[("hmac-sha1", Self::HmacSha1), ("acs3", Self::Acs3)];
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn encoding_leaves_only_unreserved_characters_and_can_be_undone(text: String) {
            let encoded = percent_encode(&text);
            prop_assert!(encoded.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b)));
            prop_assert_eq!(percent_encoding::percent_decode_str(&encoded).decode_utf8().unwrap(), text);
        }
    }

    #[test]
    fn an_empty_value_takes_part() {
        assert_eq!(canonical_query([("b", ""), ("a", "x y*")]).as_str(), "a=x%20y%2A&b=");
    }
}
