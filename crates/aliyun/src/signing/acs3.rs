//! ACS3-HMAC-SHA256 (the vendor's pages call it "V3"): HMAC-SHA256 over a canonical request.

use hmac::{Hmac, Mac};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};

use super::{Call, FORM, Headers, SignedForm, canonical_query, keyed, timestamp};
use crate::credentials::Credentials;
use crate::secret::Zeroizing;

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

pub(super) fn sign(call: &Call<'_>, credentials: &Credentials) -> SignedForm {
    let body = canonical_query(call.params.iter().map(|(name, value)| (*name, value.as_str())));
    let body_sha256 = sha256_hex(body.as_bytes());
    let mut headers: Headers = vec![
        ("x-acs-accesskey-id", credentials.access_key_id.clone().into()),
        ("x-acs-action", call.action.to_owned().into()),
        ("x-acs-content-sha256", body_sha256.clone().into()),
        ("x-acs-date", timestamp(call.time).into()),
        ("x-acs-signature-nonce", call.nonce.to_owned().into()),
        ("x-acs-version", call.version.to_owned().into()),
    ];
    if let Some(token) = &credentials.security_token {
        headers.push(("x-acs-security-token", token.expose_secret().to_owned().into()));
    }
    let mut signed = vec![("content-type", FORM), ("host", call.host)];
    signed.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
    let request = canonical_request("POST", "", &signed, &body_sha256);
    let authorization = authorization(&request, &signed, credentials);
    headers.push(("authorization", authorization.into()));
    SignedForm { headers, body }
}

/// Verb, path, query, `name:value` of each signed header, a blank line, their names, and the body's hash: a line each.
pub fn canonical_request(verb: &str, query: &str, headers: &[(&str, &str)], body_sha256: &str) -> Zeroizing<String> {
    let mut sorted = headers.to_vec();
    sorted.sort_unstable();
    let names = signed_names(headers);
    let lines = sorted.iter().flat_map(|(name, value)| [*name, ":", value.trim(), "\n"]);
    let parts = [verb, "\n/\n", query, "\n"].into_iter().chain(lines).chain(["\n", names.as_str(), "\n", body_sha256]);
    let parts: Vec<&str> = parts.collect();
    let mut request = Zeroizing::new(String::with_capacity(parts.iter().map(|part| part.len()).sum()));
    request.extend(parts);
    request
}

/// The algorithm and the hex SHA-256 of the canonical request.
pub fn string_to_sign(canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}", sha256_hex(canonical_request.as_bytes()))
}

/// `hex(HMAC-SHA256(secret, string to sign))`
pub fn signature(string_to_sign: &str, access_key_secret: &str) -> String {
    let mut mac: Hmac<Sha256> = keyed(access_key_secret);
    mac.update(string_to_sign.as_bytes());
    hex::encode(mac.finalize().into_bytes())
}

/// The value of the header `Authorization`.
pub fn authorization(canonical_request: &str, headers: &[(&str, &str)], credentials: &Credentials) -> String {
    let signature = signature(&string_to_sign(canonical_request), credentials.access_key_secret.expose_secret());
    let names = signed_names(headers);
    format!("{ALGORITHM} Credential={},SignedHeaders={names},Signature={signature}", credentials.access_key_id)
}

fn signed_names(headers: &[(&str, &str)]) -> String {
    let mut names: Vec<_> = headers.iter().map(|(name, _)| *name).collect();
    names.sort_unstable();
    names.join(";")
}

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
