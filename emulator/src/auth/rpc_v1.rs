//! RPC signature 1.0: every parameter but `Signature`, HMAC-SHA1 with the secret and `&`.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

use super::claim::{Claim, Scheme};
use crate::wire::encoding::{canonical, encode};
use crate::wire::{Failure, Request};

pub(crate) fn claim(request: &Request) -> Result<Claim, Failure> {
    let params = request.all_parameters();
    let access_key_id = required(&params, "AccessKeyId")?;
    let signature = required(&params, "Signature")?;
    let nonce = required(&params, "SignatureNonce")?;
    let timestamp = required(&params, "Timestamp")?;
    check_method(&params)?;
    Ok(Claim {
        scheme: Scheme::RpcV1,
        access_key_id,
        token: params.get("SecurityToken").filter(|token| !token.is_empty()).cloned(),
        nonce,
        timestamp,
        string_to_sign: string_to_sign(&request.method, &params),
        signature,
    })
}

fn required(params: &BTreeMap<String, String>, name: &str) -> Result<String, Failure> {
    params.get(name).filter(|value| !value.is_empty()).cloned().ok_or_else(|| Failure::missing_parameter(name))
}

fn check_method(params: &BTreeMap<String, String>) -> Result<(), Failure> {
    for (name, only) in [("SignatureMethod", "HMAC-SHA1"), ("SignatureVersion", "1.0")] {
        if required(params, name)? != only {
            return Err(Failure::new(
                400,
                format!("InvalidParameter.{name}"),
                format!("The specified {name} is not supported."),
            ));
        }
    }
    Ok(())
}

/// `VERB&%2F&` and the encoded canonical query.
pub(crate) fn string_to_sign(method: &str, params: &BTreeMap<String, String>) -> String {
    let mut signed = params.clone();
    signed.remove("Signature");
    format!("{method}&%2F&{}", encode(&canonical(&signed)))
}

/// The form of a call with its signature, for whoever calls an emulator by hand. The parameters are all but `Signature`.
///
/// It is what the emulator checks, so it proves nothing about a client.
#[must_use]
pub fn signed_form(secret: &str, params: &BTreeMap<String, String>) -> String {
    let signature = keyed(secret).map(|mut mac| {
        mac.update(string_to_sign("POST", params).as_bytes());
        STANDARD.encode(mac.finalize().into_bytes())
    });
    format!("{}&Signature={}", canonical(params), encode(&signature.unwrap_or_default()))
}

pub(crate) fn verify(secret: &str, string_to_sign: &str, signature: &str) -> bool {
    let Some(mut mac) = keyed(secret) else {
        return false;
    };
    mac.update(string_to_sign.as_bytes());
    STANDARD.decode(signature).is_ok_and(|signature| mac.verify_slice(&signature).is_ok())
}

/// A key of any length will do, so there always is one.
fn keyed(secret: &str) -> Option<Hmac<Sha1>> {
    Hmac::new_from_slice(format!("{secret}&").as_bytes()).ok()
}
