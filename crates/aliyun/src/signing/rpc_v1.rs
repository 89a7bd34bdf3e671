//! RPC signature 1.0 (the vendor's pages call it "V2, RPC style"): HMAC-SHA1 over the sorted form.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use hmac::{Hmac, Mac};
use secrecy::ExposeSecret;
use sha1::Sha1;

use super::{Call, SignedForm, canonical_query, keyed, percent_encode, timestamp};
use crate::credentials::Credentials;
use crate::secret::Zeroizing;

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
    let mut body = Zeroizing::new(String::with_capacity(form.len() + 3 * signature.len() + "&Signature=".len()));
    body.extend([form.as_str(), "&Signature=", &percent_encode(&signature)]);
    SignedForm { headers: Vec::new(), body }
}

/// `VERB & encode("/") & encode(canonical query)`
pub fn string_to_sign(verb: &str, canonical_query: &str) -> Zeroizing<String> {
    let encoded = percent_encode(canonical_query);
    let mut text = Zeroizing::new(String::with_capacity(verb.len() + "&%2F&".len() + encoded.len()));
    text.extend([verb, "&%2F&", &encoded]);
    text
}

/// `base64(HMAC-SHA1(secret + "&", string to sign))`
pub fn signature(string_to_sign: &str, access_key_secret: &str) -> Zeroizing<String> {
    let mut key = Zeroizing::new(String::with_capacity(access_key_secret.len() + 1));
    key.extend([access_key_secret, "&"]);
    let mut mac: Hmac<Sha1> = keyed(&key);
    mac.update(string_to_sign.as_bytes());
    Zeroizing::new(BASE64_STANDARD.encode(mac.finalize().into_bytes()))
}
