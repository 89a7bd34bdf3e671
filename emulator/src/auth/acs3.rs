//! ACS3-HMAC-SHA256: a canonical request, hashed, signed with the plain secret.

use std::collections::BTreeMap;
use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::claim::{Claim, Scheme};
use crate::wire::encoding::canonical;
use crate::wire::{Failure, Request};

const ALGORITHM: &str = "ACS3-HMAC-SHA256";

pub(crate) fn claim(request: &Request, authorization: &str) -> Result<Claim, Failure> {
    let parts = parse_authorization(authorization).ok_or_else(|| Failure::missing_parameter("Authorization"))?;
    let signed_headers = parts.get("SignedHeaders").map(String::as_str).unwrap_or_default();
    let string_to_sign = string_to_sign(&canonical_request(request, signed_headers));
    Ok(Claim {
        scheme: Scheme::Acs3,
        access_key_id: parts.get("Credential").cloned().unwrap_or_default(),
        token: request.header("x-acs-security-token").filter(|token| !token.is_empty()).map(str::to_owned),
        nonce: required(request, "x-acs-signature-nonce")?,
        timestamp: required(request, "x-acs-date")?,
        // A header that was left unsigned could have been changed on the way.
        signature: if covers_all(request, signed_headers) {
            parts.get("Signature").cloned().unwrap_or_default()
        } else {
            String::new()
        },
        string_to_sign,
    })
}

fn required(request: &Request, name: &str) -> Result<String, Failure> {
    request.header(name).map(str::to_owned).ok_or_else(|| Failure::missing_parameter(name))
}

/// `ACS3-HMAC-SHA256 Credential=…,SignedHeaders=…,Signature=…`
fn parse_authorization(text: &str) -> Option<BTreeMap<String, String>> {
    let fields = text.strip_prefix(ALGORITHM)?.trim();
    let pair = |field: &str| field.trim().split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    fields.split(',').map(pair).collect()
}

fn covers_all(request: &Request, signed_headers: &str) -> bool {
    let signed: Vec<&str> = signed_headers.split(';').collect();
    let must = |name: &&String| name.starts_with("x-acs-") || name.as_str() == "host";
    request.headers.keys().filter(must).all(|name| signed.contains(&name.as_str()))
}

/// Verb, path, query, headers, names of the headers, hash of the body.
pub(crate) fn canonical_request(request: &Request, signed_headers: &str) -> String {
    let mut headers = String::new();
    for name in signed_headers.split(';') {
        let _ = writeln!(headers, "{name}:{}", request.header(name).unwrap_or_default());
    }
    let (method, path, query) = (&request.method, &request.path, canonical(&request.query));
    // The body itself is hashed: a client that states another hash has signed something else.
    format!("{method}\n{path}\n{query}\n{headers}\n{signed_headers}\n{}", hex(&Sha256::digest(&request.body)))
}

pub(crate) fn string_to_sign(canonical_request: &str) -> String {
    format!("{ALGORITHM}\n{}", hex(&Sha256::digest(canonical_request)))
}

pub(crate) fn verify(secret: &str, string_to_sign: &str, signature: &str) -> bool {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return false;
    };
    mac.update(string_to_sign.as_bytes());
    hex(&mac.finalize().into_bytes()).eq_ignore_ascii_case(signature)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
