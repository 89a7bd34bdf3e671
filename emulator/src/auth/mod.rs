//! Who is calling? Checks the signature with code of its own, so that a signing mistake of a client cannot agree with itself.

pub(crate) mod acs3;
mod claim;
pub(crate) mod rpc_v1;
#[cfg(test)]
mod vectors;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

pub(crate) use claim::Claim;
pub use claim::Scheme;
pub use rpc_v1::signed_form;

use crate::wire::{Failure, Request};
use crate::world::{Key, WorldState};

const CLOCK_WINDOW: SignedDuration = SignedDuration::from_mins(15);

impl Claim {
    pub(crate) fn read(request: &Request) -> Result<Self, Failure> {
        match request.header("authorization") {
            Some(authorization) => acs3::claim(request, authorization),
            None => rpc_v1::claim(request),
        }
    }

    fn is_signed_with(&self, secret: &str) -> bool {
        match self.scheme {
            Scheme::RpcV1 => rpc_v1::verify(secret, &self.string_to_sign, &self.signature),
            Scheme::Acs3 => acs3::verify(secret, &self.string_to_sign, &self.signature),
        }
    }
}

/// Nonces that were seen, with the key that used them.
#[derive(Debug, Default)]
pub(crate) struct Nonces(BTreeSet<(String, String)>);

/// The key that signed the request.
///
/// # Errors
/// The gateway codes; the first thing that is wrong decides.
pub(crate) fn check(claim: &Claim, world: &WorldState, nonces: &mut Nonces, now: Timestamp) -> Result<Key, Failure> {
    let key = known_key(claim, world)?;
    check_token(claim, key, world, now)?;
    check_time(&claim.timestamp, now)?;
    if !claim.is_signed_with(&key.secret) {
        return Err(signature_does_not_match(claim));
    }
    if !nonces.0.insert((claim.access_key_id.clone(), claim.nonce.clone())) {
        return Err(Failure::new(400, "SignatureNonceUsed", "Specified signature nonce was used already."));
    }
    Ok(key.clone())
}

fn known_key<'w>(claim: &Claim, world: &'w WorldState) -> Result<&'w Key, Failure> {
    let key = world.key(&claim.access_key_id);
    let key =
        key.ok_or_else(|| Failure::new(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found."))?;
    if key.active {
        Ok(key)
    } else {
        Err(Failure::new(400, "InvalidAccessKeyId.Inactive", "Specified access key is disabled."))
    }
}

fn check_token(claim: &Claim, key: &Key, world: &WorldState, now: Timestamp) -> Result<(), Failure> {
    match (claim.token.as_deref(), key.token.as_deref()) {
        (None, None) => Ok(()),
        (None, Some(_)) => {
            Err(Failure::new(400, "MissingSecurityToken", "SecurityToken is mandatory for this action."))
        }
        (Some(said), Some(own)) if said == own => check_expiry(key, now),
        (Some(said), _) => Err(wrong_token(said, key, world)),
    }
}

fn check_expiry(key: &Key, now: Timestamp) -> Result<(), Failure> {
    if key.expires.is_some_and(|expires| expires <= now) { Err(token_expired()) } else { Ok(()) }
}

pub(crate) fn token_expired() -> Failure {
    Failure::new(403, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")
}

/// A token that means something for another key is a mismatch; anything else is no token at all.
fn wrong_token(said: &str, key: &Key, world: &WorldState) -> Failure {
    if key.token.is_none() || world.keys().any(|other| other.token.as_deref() == Some(said)) {
        Failure::new(
            400,
            "InvalidSecurityToken.MismatchWithAccessKey",
            "Specified SecurityToken mismatch with the AccessKey.",
        )
    } else {
        Failure::new(400, "InvalidSecurityToken.Malformed", "Specified SecurityToken is malformed.")
    }
}

fn check_time(said: &str, now: Timestamp) -> Result<(), Failure> {
    let time: Timestamp = said.parse().map_err(|_| {
        Failure::new(400, "InvalidTimeStamp.Format", "Specified time stamp or date value is not well formatted.")
    })?;
    if time.duration_since(now).abs() <= CLOCK_WINDOW {
        return Ok(());
    }
    Err(Failure::new(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired."))
}

/// Quotes the string to sign, token and all, as the real gateway does: a client must never log this.
fn signature_does_not_match(claim: &Claim) -> Failure {
    let message = format!(
        "Specified signature is not matched with our calculation. server string to sign is:{}",
        claim.string_to_sign
    );
    Failure::new(400, "SignatureDoesNotMatch", message)
}
