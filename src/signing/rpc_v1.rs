//! RPC signature 1.0 (the vendor's pages call it "V2, RPC style"): HMAC-SHA1 over the sorted form.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, Mac};
use secrecy::ExposeSecret;
use sha1::Sha1;

use super::{Call, SignedForm, canonical_query, keyed, percent_encode, timestamp};
use crate::credentials::Credentials;

pub(super) fn sign(call: &Call<'_>, credentials: &Credentials) -> SignedForm {
    let time = timestamp(call.time);
    let mut params: Vec<(&str, &str)> = vec![
        ("AccessKeyId", &credentials.access_key_id),
        ("Action", call.action),
        ("Format", "JSON"),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", call.nonce),
        ("SignatureVersion", "1.0"),
        ("Timestamp", &time),
        ("Version", call.version),
    ];
    if let Some(token) = &credentials.security_token {
        params.push(("SecurityToken", token.expose_secret()));
    }
    params.extend(call.params.iter().map(|(name, value)| (*name, value.as_str())));
    let form = canonical_query(params);
    let signature = signature(&string_to_sign("POST", &form), credentials.access_key_secret.expose_secret());
    SignedForm { headers: Vec::new(), body: format!("{form}&Signature={}", percent_encode(&signature)) }
}

/// `VERB & encode("/") & encode(canonical query)`
#[must_use]
pub fn string_to_sign(verb: &str, canonical_query: &str) -> String {
    format!("{verb}&%2F&{}", percent_encode(canonical_query))
}

/// `base64(HMAC-SHA1(secret + "&", string to sign))`
#[must_use]
pub fn signature(string_to_sign: &str, access_key_secret: &str) -> String {
    let mut mac: Hmac<Sha1> = keyed(&format!("{access_key_secret}&"));
    mac.update(string_to_sign.as_bytes());
    BASE64_STANDARD.encode(mac.finalize().into_bytes())
}
